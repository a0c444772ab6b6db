"""Chapter 13: sessions that go on in another one (P8.6): an experiment of the platform, off by default."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from ....protocol import position
from ..caller import Caller
from ..case import Failure, Source
from ..line import Line, Message
from ..suites import SERVER

_PRODUCTS: Final = frozenset({"monitor", "transcription"})
_STRANGER: Final = "11111111-2222-4333-8444-555555555555"
_ADVICE: Final = (
    "Take a session with `continuedSessions` like any other, and what is known of its predecessors if it is."
)
Steps = Callable[[Caller], Awaitable[None]]


def _case(number: str, title: str, does: str, expects: str, *, source: Source = Source.VENDOR, advice: str = _ADVICE,
          rule: str = "P8.6") -> Callable[[Steps], Steps]:  # fmt: skip
    return SERVER.case(number, title, does=does, expects=expects, rule=rule, source=source, advice=advice,
                       profiles=_PRODUCTS)  # fmt: skip


def predecessor(line: Line | None = None, **changes: Any) -> Message:
    """How a session is named in the one that goes on; a session that nobody knows if there is none."""
    entry = {"id": line.id, "clientseq": line.seq, "serverseq": line.peer_seq} if line else {
        "id": _STRANGER, "clientseq": 17, "serverseq": 12}  # fmt: skip
    return entry | changes


async def takes_over(caller: Caller, *named: Message, at: str = "PT0S") -> Line:
    """A session that goes on where others were.

    Raises:
        Failure: It does not open.
    """
    line = await caller.line()
    await line.send("open", caller.opening(continuedSessions=list(named)), position=at)
    await line.expect("opened", within=5.0)
    line.position = position.parse(at)
    return line


async def works(caller: Caller, line: Line) -> None:
    """Expect that it takes audio and answers, and ends in order."""
    await line.send_audio(caller.audio(), caller.width)
    await caller.alive(line)
    await caller.finish(line)


@_case("13.1", "A session is taken over while the old one is up", "Opens a new session that names the old one, then closes the old one.",
       "`opened` for the new, `closed` for the old, and a new one that goes on.")  # fmt: skip
async def planned(caller: Caller) -> None:
    old = await caller.open()
    await old.send_audio(caller.audio(1.0), caller.width)
    new = await takes_over(caller, predecessor(old))
    await caller.finish(old, "reconnect")
    await works(caller, new)


@_case("13.2", "A session is taken over whose connection was lost", "Drops the connection and opens a new session that names the old one.",
       "A session that goes on.")  # fmt: skip
async def unplanned(caller: Caller) -> None:
    old = await caller.open()
    await old.send_audio(caller.audio(1.0), caller.width)
    old.socket.cut()
    await works(caller, await takes_over(caller, predecessor(old)))


@_case("13.3", "A predecessor that nobody knows is no fault", "Names a session that this server has never seen.",
       "A session that goes on.", advice="The predecessor may have run on another machine: start anew.")  # fmt: skip
async def stranger(caller: Caller) -> None:
    await works(caller, await takes_over(caller, predecessor()))


@_case("13.4", "Several predecessors", "Names three sessions.", "A session that goes on.")
async def several(caller: Caller) -> None:
    named = [predecessor(id=_STRANGER[:-1] + letter) for letter in "abc"]
    await works(caller, await takes_over(caller, *named))


@_case("13.5", "A session that takes over begins at its window", "Opens at 37.4 s, 20 s of which are offered.",
       "A session that takes 20 s of audio at once, and goes on.")  # fmt: skip
async def window(caller: Caller) -> None:
    line = await takes_over(caller, predecessor(), at="PT37.4S")
    for _ in range(100):
        await line.send_audio(caller.audio(), caller.width)
    await works(caller, line)


@_case("13.6", "What was in the window is replayed", "Replays a pause, a gap and a change of language before live audio.",
       "A session that goes on.", source=Source.VENDOR)  # fmt: skip
async def replayed(caller: Caller) -> None:
    line = await takes_over(caller, predecessor(), at="PT10S")
    await line.send_audio(caller.audio(1.0), caller.width)
    await line.send("paused")
    line.position += 2 * 8000
    await line.send("resumed", {"start": "PT11S", "discarded": "PT2S"})
    await line.send_audio(caller.audio(1.0), caller.width)
    line.position += 8000
    await line.send("discarded", {"start": "PT14S", "discarded": "PT1S"})
    await line.send("update", {"language": "es-US"})
    await line.send_audio(caller.audio(), caller.width)
    await line.send("ping")
    await line.expect("pong", passing=("event", "updated", "pause", "resume"))
    await caller.finish_politely(line)


@_case("13.7", "`discardTo` can be read", "Opens at 10 s with a predecessor, and answers `discardTo` if it comes.",
       "No `discardTo`, or a duration; and a session that goes on.", rule="P4.3, P8.6",
       advice="Write `discardTo` as a duration such as PT12.5S.")  # fmt: skip
async def trimmed(caller: Caller) -> None:
    line = await takes_over(caller, predecessor(), at="PT10S")
    stated = line.received[-1].get("parameters", {}).get("discardTo")
    if stated is not None:
        try:
            to = position.parse(str(stated))
        except ValueError:
            raise Failure(f"`discardTo` is {stated!r}") from None
        if to > line.position:
            start, line.position = line.position, to
            gap = {"start": position.format(start), "discarded": position.format(to - start)}
            await line.send("discarded", gap)
    await works(caller, line)


@_case("13.8", "The old session keeps its own numbers", "Pings both sessions in turn while both are up.",
       "Each pong with the id and numbers of its own session.", source=Source.REFERENCE, rule="P3.1, P3.2, P8.6",
       advice="Count in each session for itself.")  # fmt: skip
async def apart(caller: Caller) -> None:
    old = await caller.open()
    new = await takes_over(caller, predecessor(old))
    for _ in range(3):
        for line in (old, new):
            await line.send("ping")
            pong = await line.expect("pong")
            if (pong.get("id"), pong.get("clientseq")) != (line.id, line.seq):
                raise Failure("a pong belongs to the other session")
    await caller.finish(old, "reconnect")
    await caller.finish(new)


def _bad(number: str, what: str, value: Any) -> None:
    @_case(number, f"{what[0].upper()}{what[1:]} as `continuedSessions` ends the session in order", f"Sends {what} as `continuedSessions`.",
           "`disconnect` reason error, and `closed` on `close`.", source=Source.REFERENCE, rule="P3.4, P4.2",
           advice="Check the parameters of `open`, and answer `disconnect`.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.line()
        await line.send("open", caller.opening(continuedSessions=value))
        await caller.refused(line, "error")


_bad("13.9", "text", "yes")
_bad("13.10", "a list of text", [_STRANGER])
_bad("13.11", "an entry without id", [{"clientseq": 1, "serverseq": 1}])
_bad("13.12", "an entry whose numbers are text", [{"id": _STRANGER, "clientseq": "1", "serverseq": "1"}])
