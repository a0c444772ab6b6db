"""Chapter 6: pauses, gaps and the position of the stream (P4.6, P4.7, P6.5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ....protocol import position
from ..caller import Caller
from ..case import Source
from ..line import Line
from ..suites import SERVER

Steps = Callable[[Caller, Line], Awaitable[None]]


def _survives(number: str, title: str, does: str, rule: str, steps: Steps, *, source: Source = Source.REFERENCE,
              advice: str = "Follow the pauses of the client; they need no answer.") -> None:  # fmt: skip
    @SERVER.case(number, title, does=does, expects="A session that goes on.", rule=rule, source=source, advice=advice)
    async def run(caller: Caller) -> None:
        line = await caller.open()
        await steps(caller, line)
        await caller.alive(line)
        await caller.finish(line)


def at(samples: int) -> str:
    """Samples as a duration on the wire."""
    return position.format(samples)


async def talk(caller: Caller, line: Line, seconds: float = 0.4) -> None:
    await line.send_audio(caller.audio(seconds), caller.width)


async def pause(line: Line) -> None:
    await line.send("paused")


async def resume(line: Line, start: int, gap: int) -> None:
    """`resumed` after so many samples that were not sent."""
    line.position = start + gap
    await line.send("resumed", {"start": at(start), "discarded": at(gap)})


async def _own_pause(caller: Caller, line: Line) -> None:
    await talk(caller, line)
    start = line.position
    await pause(line)
    await resume(line, start, 8000)
    await talk(caller, line)


async def _at_once(caller: Caller, line: Line) -> None:
    await pause(line)
    await resume(line, 0, 4000)
    await talk(caller, line)


async def _twice(caller: Caller, line: Line) -> None:
    await pause(line)
    await pause(line)
    await resume(line, 0, 4800)
    await talk(caller, line)


async def _interrogated(caller: Caller, line: Line) -> None:
    await talk(caller, line)
    await resume(line, line.position, 0)
    await talk(caller, line)


async def _many(caller: Caller, line: Line) -> None:
    for _ in range(10):
        start = line.position
        await pause(line)
        await resume(line, start, 800)
        await talk(caller, line, 0.1)


async def _long(caller: Caller, line: Line) -> None:
    await pause(line)
    await resume(line, 0, 36_000 * 8000)
    await talk(caller, line)


async def _gap(caller: Caller, line: Line) -> None:
    await talk(caller, line)
    start = line.position
    line.position += 16_000
    await line.send("discarded", {"start": at(start), "discarded": at(16_000)})
    await talk(caller, line)


async def _first_gap(caller: Caller, line: Line) -> None:
    line.position = 24_000
    await line.send("discarded", {"start": "PT0S", "discarded": at(24_000)})
    await talk(caller, line)


async def _gaps(caller: Caller, line: Line) -> None:
    for _ in range(20):
        start = line.position
        line.position += 80
        await line.send("discarded", {"start": at(start), "discarded": at(80)})
        await talk(caller, line, 0.02)


async def _no_gap(caller: Caller, line: Line) -> None:
    await talk(caller, line)
    await line.send("discarded", {"start": at(line.position), "discarded": "PT0S"})
    await talk(caller, line)


async def _paused_gap(caller: Caller, line: Line) -> None:
    await pause(line)
    await line.send("discarded", {"start": "PT0S", "discarded": at(800)})
    await resume(line, 0, 1600)
    await talk(caller, line)


async def _keys(caller: Caller, line: Line) -> None:
    await pause(line)
    if caller.target.profile.name == "connector":
        await line.send("dtmf", {"digit": "5"})
    await line.send("update", {"language": "en-US"})
    await resume(line, 0, 800)


async def _idle_position(caller: Caller, line: Line) -> None:
    await pause(line)
    for _ in range(5):
        line.position += 8000
        await line.send("ping")
        await line.expect("pong")
    await resume(line, 0, line.position)


async def _fraction(caller: Caller, line: Line) -> None:
    await talk(caller, line)
    await line.send("ping", position="PT0.4000000001S")
    await line.expect("pong")


_survives("6.1", "A pause of the client is followed", "Sends audio, `paused`, `resumed`, audio.", "P4.6", _own_pause)
_survives("6.2", "A session may begin with a pause", "Sends `paused` right behind `opened`.", "P4.6", _at_once,
          source=Source.OBSERVED)  # fmt: skip
_survives("6.3", "`paused` may be repeated", "Sends `paused` twice.", "P4.6: again if already paused", _twice)
_survives("6.4", "`resumed` without a pause tells the position", "Sends `resumed` while nothing is paused.",
          "P4.6: resume while nothing is paused", _interrogated)  # fmt: skip
_survives("6.5", "Many short pauses", "Pauses and goes on ten times.", "P4.6", _many)
_survives("6.6", "A pause of ten hours", "Sends `resumed` after a gap of ten hours.", "P4.6", _long)
_survives("6.7", "A gap in the stream is taken", "Sends `discarded` of 2 s in mid-stream.", "P4.7", _gap,
          advice="Advance your position by what was discarded.")  # fmt: skip
_survives("6.8", "A stream may begin with a gap", "Sends `discarded` before the first audio.", "P4.7: history overflow",
          _first_gap, advice="Advance your position by what was discarded.")  # fmt: skip
_survives("6.9", "Many small gaps", "Sends twenty gaps of 10 ms.", "P4.7", _gaps)
_survives("6.10", "A gap of nothing", "Sends `discarded` of PT0S.", "P4.7", _no_gap, source=Source.INFERRED)
_survives(
    "6.11", "A gap announced in a pause", "Sends `discarded` while paused.", "P4.7", _paused_gap, source=Source.INFERRED
)
_survives("6.12", "Keys and language may change in a pause", "Sends `dtmf` and `update` while paused.", "P8.3", _keys)
_survives("6.13", "The position goes on in a pause", "Pings while paused, with a position that goes on.", "P6.5",
          _idle_position)  # fmt: skip
_survives("6.14", "A position between two samples", "Pings with a position that is no whole sample.", "P3.1", _fraction,
          source=Source.INFERRED)  # fmt: skip


@SERVER.case(
    "6.15", "Audio in a pause is refused",
    does="Sends `paused`, then audio.", expects="`disconnect` reason error, or silence.",
    rule="P8.3: PAUSED, binary: disconnect error", source=Source.REFERENCE, disputed=True,
    advice="Answer audio in a pause with `disconnect`: the two sides disagree about the position.",
)  # fmt: skip
async def audio_while_paused(caller: Caller) -> None:
    line = await caller.open()
    await pause(line)
    await talk(caller, line)
    await line.send("ping")
    got = await line.expect("disconnect", "pong")
    if got["type"] == "pong":
        caller.notes.info.append("audio in a pause is passed over")
    await caller.finish_politely(line, "end" if got["type"] == "pong" else "disconnect")
