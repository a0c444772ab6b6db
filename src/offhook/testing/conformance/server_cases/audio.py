"""Chapter 8: audio of the caller (P6.1, P6.2)."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

from ..caller import Caller
from ..case import Source
from ..line import Line
from ..suites import SERVER

Steps = Callable[[Caller, Line], Awaitable[None]]


def _takes(number: str, title: str, does: str, rule: str, steps: Steps, *, source: Source = Source.REFERENCE,
           advice: str = "Accept audio messages of any whole number of samples, at any pace.") -> None:  # fmt: skip
    @SERVER.case(number, title, does=does, expects="A session that goes on.", rule=rule, source=source, advice=advice)
    async def run(caller: Caller) -> None:
        line = await caller.open()
        await steps(caller, line)
        await caller.alive(line)
        await caller.finish(line)


def frames(*samples: int, byte: int = 0xFF) -> Steps:
    """Audio messages of so many samples."""

    async def steps(caller: Caller, line: Line) -> None:
        for count in samples:
            await line.send_audio(bytes([byte]) * (count * caller.width), caller.width)

    return steps


async def _noise(caller: Caller, line: Line) -> None:
    source = random.Random(8)
    for _ in range(20):
        await line.send_audio(source.randbytes(800 * caller.width), caller.width)


async def _mixed(caller: Caller, line: Line) -> None:
    source = random.Random(9)
    for _ in range(40):
        count = source.randrange(1, 2000)
        await line.send_audio(b"\xff" * (count * caller.width), caller.width)


async def _among(caller: Caller, line: Line) -> None:
    for _ in range(10):
        await line.send_audio(caller.audio(0.1), caller.width)
        await line.send("ping")
        await line.expect("pong")


async def _empty(caller: Caller, line: Line) -> None:
    await line.send_audio(b"", caller.width)


_takes(
    "8.1", "Messages of 20 ms", "Sends a second of audio in messages of 20 ms.", "P6.2, P15 row 3", frames(*[160] * 50)
)
_takes("8.2", "Messages of 100 ms", "Sends a second of audio in messages of 100 ms.", "P6.2", frames(*[800] * 10))
_takes("8.3", "Messages of 200 ms", "Sends a second of audio in messages of 200 ms, as production does.", "P6.2",
       frames(*[1600] * 5))  # fmt: skip
_takes("8.4", "Messages of 4 s", "Sends 8 s of audio in two messages.", "P6.2", frames(32_000, 32_000))
_takes("8.5", "Messages of one sample", "Sends a hundred messages of one sample.", "P6.2", frames(*[1] * 100))
_takes("8.6", "Messages of changing length", "Sends forty messages of random lengths.", "P6.2: may vary", _mixed)
_takes("8.7", "30 s at once", "Sends 30 s of audio as fast as the line takes it.", "P6.2: a full history", frames(*[1600] * 150),
       advice="Take audio faster than real time: it was kept while the session opened.")  # fmt: skip
_takes("8.8", "A last message that is short", "Ends the audio with a short message.", "P6.2", frames(1600, 1600, 37))
_takes("8.9", "Loud audio", "Sends a second of full scale.", "P6.1", frames(*[1600] * 5, byte=0x00))
_takes("8.10", "Noise", "Sends 2 s of random bytes.", "P6.1: every byte is a sample", _noise)
_takes("8.11", "Pings among audio", "Sends pings between audio messages.", "P4.5", _among)
_takes("8.12", "An audio message of nothing", "Sends an empty binary message.", "P6.2: whole samples", _empty,
       source=Source.INFERRED)  # fmt: skip


@SERVER.case(
    "8.13", "Audio may follow `opened` at once",
    does="Sends 3 s of audio in the moment in which `opened` comes.", expects="A session that goes on.",
    rule="P6.2: history is flushed behind `opened`", source=Source.VENDOR,
    advice="Be ready for audio before you send `opened`.",
)  # fmt: skip
async def at_once(caller: Caller) -> None:
    line = await caller.line()
    await line.send("open", caller.opening())
    await line.expect("opened", within=5.0)
    line.socket.send(caller.audio(3.0))
    await caller.alive(line)
    await caller.finish(line)


@SERVER.case(
    "8.14", "Half a sample is refused",
    does="Sends an audio message with a byte too many.", expects="`disconnect` reason error.",
    rule="P3.4, P6.1: a multiple of channels and bytes per sample", source=Source.REFERENCE,
    profiles=frozenset({"monitor", "transcription"}), disputed=True,
    advice="Check that a message holds whole samples of all channels.",
)  # fmt: skip
async def half(caller: Caller) -> None:
    line = await caller.open()
    await line.send_audio(caller.audio() + b"\xff", caller.width)
    await caller.refused(line, "error")


@SERVER.case(
    "8.15", "Audio where none was chosen is refused",
    does="Opens a session without media and sends audio.", expects="`disconnect` reason error, or silence.",
    rule="P3.4: binary with no media selected", source=Source.REFERENCE, disputed=True,
    advice="Answer audio of a session without media with `disconnect`.",
)  # fmt: skip
async def unchosen(caller: Caller) -> None:
    line = await caller.open(caller.opening(media=[]))
    await line.send_audio(caller.audio(), caller.width)
    await line.send("ping")
    got = await line.expect("disconnect", "pong")
    if got["type"] == "pong":
        caller.notes.info.append("audio without media is passed over")
    await caller.finish_politely(line, "end" if got["type"] == "pong" else "disconnect")


async def _both_zeros(caller: Caller, line: Line) -> None:
    for byte in (0xFF, 0x7F):
        await line.send_audio(caller.audio(1.0, byte=byte), caller.width)


_takes("8.24", "Silence in both of its forms", "Sends a second of 0xFF and a second of 0x7F.", "P6.1: plus and minus zero",
       _both_zeros, advice="Take both zeros of mu-law for silence.")  # fmt: skip
