"""Chapter 8, continued: stereo and L16, and audio that catches up (P6.1, P6.2)."""

from __future__ import annotations

import asyncio
import math
import struct
from typing import Final

from ..caller import Caller
from ..case import Failure, Skip, Source
from ..line import Line
from ..suites import SERVER

_L16: Final = {"type": "audio", "format": "L16", "channels": ["external"], "rate": 8000}
_STEREO: Final = frozenset({"monitor", "transcription"})
_BOT: Final = frozenset({"bot-transcription"})
_ADVICE: Final = "Take every whole number of samples of the media that you have chosen."


def tone(order: str, seconds: float = 1.0) -> bytes:
    """440 Hz in L16 of an order: "<" little-endian, ">" big-endian."""
    count = int(seconds * 8000)
    samples = [round(8000 * math.sin(2 * math.pi * 440 * n / 8000)) for n in range(count)]
    return struct.pack(f"{order}{count}h", *samples)


async def linear(caller: Caller) -> Line:
    """A session in L16.

    Raises:
        Skip: The server does not take it.
    """
    line = await caller.line()
    await line.send("open", caller.opening(media=[_L16]))
    answer = await line.expect("opened", "disconnect", within=5.0)
    if answer["type"] == "disconnect" or not answer.get("parameters", {}).get("media"):
        await caller.finish_politely(line, "end" if answer["type"] == "opened" else "disconnect")
        raise Skip("this server does not take L16")
    return line


def _order(number: str, name: str, order: str, source: Source) -> None:
    @SERVER.case(number, f"L16, {name}", does=f"Sends a second of 440 Hz in L16, {name}.", expects="A session that goes on.",
                 rule="P6.1, P15 row 2: sources disagree about the order", source=source, disputed=True, profiles=_BOT,
                 advice="Make the byte order a setting; little-endian is what the vendor's code does.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await linear(caller)
        data = tone(order)
        for at in range(0, len(data), 3200):
            await line.send_audio(data[at : at + 3200], 2)
        await caller.alive(line)
        await caller.finish(line)


_order("8.16", "little-endian", "<", Source.REFERENCE)
_order("8.17", "big-endian", ">", Source.OBSERVED)


@SERVER.case(
    "8.18", "Half a sample of L16 is refused",
    does="Sends 1601 bytes of L16.", expects="`disconnect` reason error.", rule="P3.4, P6.1", source=Source.REFERENCE,
    profiles=_BOT, disputed=True, advice="Check that a message holds whole samples.",
)  # fmt: skip
async def half_sample(caller: Caller) -> None:
    line = await linear(caller)
    await line.send_audio(tone("<")[:1601], 2)
    await caller.refused(line, "error")


@SERVER.case(
    "8.19", "One sample of L16",
    does="Sends a hundred messages of two bytes.", expects="A session that goes on.", rule="P6.2", source=Source.REFERENCE,
    profiles=_BOT, advice=_ADVICE,
)  # fmt: skip
async def one_sample(caller: Caller) -> None:
    line = await linear(caller)
    for at in range(0, 200, 2):
        await line.send_audio(tone("<", 0.1)[at : at + 2], 2)
    await caller.alive(line)
    await caller.finish(line)


def _stereo(number: str, title: str, does: str, external: int, internal: int) -> None:
    @SERVER.case(number, title, does=does, expects="A session that goes on, and transcripts of channels 0 and 1 alone.",
                 rule="P6.1: samples interleaved in the order of `channels`", source=Source.REFERENCE, profiles=_STEREO,
                 advice="Part the channels sample by sample.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        if len(line.received[-1]["parameters"]["media"][0]["channels"]) != 2:
            raise Skip("this server did not choose stereo")
        for _ in range(10):
            await line.send_audio(bytes([external, internal]) * 1600, 2)
        await caller.alive(line)
        await caller.finish(line)
        for message in line.received:
            for entity in message.get("parameters", {}).get("entities", []):
                if entity.get("type") == "transcript" and entity["data"].get("channelId") not in (0, 1):
                    raise Failure(f"a transcript has channelId {entity['data'].get('channelId')!r}")


_stereo("8.20", "Stereo with one side silent", "Sends 2 s of a loud caller and a silent agent.", 0x30, 0xFF)
_stereo("8.21", "Stereo with the other side silent", "Sends 2 s of a silent caller and a loud agent.", 0xFF, 0x30)


@SERVER.case(
    "8.22", "Audio that catches up",
    does="Sends nothing for a second, then three times 4 s at once, with pings between.", expects="Prompt pongs.",
    rule="P6.2: throttled clients catch up faster than real time", source=Source.VENDOR,
    advice="Do not wait for the clock where audio comes faster than it.",
)  # fmt: skip
async def catches_up(caller: Caller) -> None:
    line = await caller.open()
    for _ in range(3):
        await asyncio.sleep(0.35)
        for _ in range(20):
            line.socket.send(caller.audio())
            line.position += 1600
        await caller.alive(line)
    await caller.finish(line)


@SERVER.case(
    "8.23", "Three messages of the largest size",
    does="Sends 64,000 bytes three times at once.", expects="A session that goes on.", rule="P3.3, P6.2", source=Source.VENDOR,
    advice=_ADVICE,
)  # fmt: skip
async def largest(caller: Caller) -> None:
    line = await caller.open()
    for _ in range(3):
        await line.send_audio(b"\xff" * (64_000 // caller.width * caller.width), caller.width)
    await caller.alive(line)
    await caller.finish(line)
