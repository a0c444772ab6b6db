"""Chapter 4: sizes of messages, and how WebSocket frames may carry them (P3.3, RFC 6455)."""

from __future__ import annotations

import asyncio
import os

from ....session.frames import CLOSE, CONTINUATION, PING, PONG, TEXT
from ..case import SPOKEN, Failure, Source
from ..line import SOON, Line
from ..partner import Partner
from ..socket import Closed, frame
from ..suites import CLIENT


def padded(line: Line, size: int) -> str:
    """An event of exactly so many bytes."""
    bare = len(line.message("event", {"entities": [], "x": ""}).encode())
    line.seq -= 1
    return line.message("event", {"entities": [], "x": "y" * (size - bare)})


def _text(number: str, size: int) -> None:
    @CLIENT.case(number, f"A text message of {size:,} bytes is read", does=f"Sends an event of {size:,} bytes.",
                 expects="A session that goes on.", rule="P3.3: up to 64,000 bytes", source=Source.VENDOR,
                 advice="Let your WebSocket library take messages of 64,000 bytes.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        line.socket.send(padded(line, size))
        await partner.alive(line)
        await partner.goodbye(line)


_text("4.1", 63_999)
_text("4.2", 64_000)


def _over(number: str, size: int) -> None:
    @CLIENT.case(number, f"A text message of {size:,} bytes is refused", does=f"Sends an event of {size:,} bytes.",
                 expects="`error` 413 and `close`, or a WebSocket close with code 1009.", rule="P3.3, P3.4",
                 source=Source.REFERENCE, advice="Limit what your WebSocket library takes.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        line.socket.send(padded(line, size))
        loop = asyncio.get_running_loop()
        end = loop.time() + SOON
        while not isinstance(got := await line.next(max(0.0, end - loop.time())), Closed):
            if got is None:
                raise Failure("nothing happened")
            if isinstance(got, dict) and got.get("type") == "error":
                await partner.closing(line, "error")
                return
        if got.code not in (1009, 1006):
            partner.notes.non_strict.append(f"closed with code {got.code}, not 1009")


_over("4.3", 65_536)
_over("4.4", 300_000)


@CLIENT.case(
    "4.5", "Audio of 64,000 bytes is played",
    does="Sends 8 s of audio in one message.", expects="`playback_started`.", rule="P3.3, P6.3", source=Source.VENDOR,
    profiles=SPOKEN, advice="Take audio messages of up to 64,000 bytes.",
)  # fmt: skip
async def audio(partner: Partner) -> None:
    line = await partner.opened()
    await line.send_audio(b"\xff" * 64_000)
    await line.expect("playback_started", passing=("ping", "dtmf", "update"))
    await partner.goodbye(line)


@CLIENT.case(
    "4.6", "A text message may come in three fragments",
    does="Sends `pause` in three WebSocket frames.", expects="`paused`.", rule="RFC 6455 section 5.4",
    source=Source.VENDOR, advice="Read messages, not frames.",
)  # fmt: skip
async def fragments(partner: Partner) -> None:
    line = await partner.opened()
    line.socket.send(line.message("pause"), pieces=[10, 40])
    await line.expect("paused", passing=("ping", "dtmf", "update"))
    await partner.goodbye(line)


@CLIENT.case(
    "4.7", "A text message may come in crumbs",
    does="Sends `pause` in frames of one byte, with empty ones between.", expects="`paused`.",
    rule="RFC 6455 section 5.4", source=Source.VENDOR, advice="Read messages, not frames.",
)  # fmt: skip
async def crumbs(partner: Partner) -> None:
    line = await partner.opened()
    text = line.message("pause")
    line.socket.send(text, pieces=sorted([*range(1, len(text)), 4, 8]))
    await line.expect("paused", passing=("ping", "dtmf", "update"))
    await partner.goodbye(line)


@CLIENT.case(
    "4.8", "Control frames may stand between fragments",
    does="Sends a WebSocket ping between the fragments of `pause`.", expects="A WebSocket pong, and `paused`.",
    rule="RFC 6455 section 5.5", source=Source.VENDOR, advice="Leave frames to a WebSocket library.",
)  # fmt: skip
async def between(partner: Partner) -> None:
    line = await partner.opened()
    text = line.message("pause").encode()
    line.socket.write_frame(TEXT, text[:20], fin=False)
    line.socket.send_frame(PING, b"now")
    line.socket.write_frame(CONTINUATION, text[20:], fin=True)
    await line.expect("paused", passing=("ping", "dtmf", "update"))
    if line.socket.pongs.empty() or line.socket.pongs.get_nowait() != b"now":
        raise Failure("no WebSocket pong with the payload of the ping")
    await partner.goodbye(line)


@CLIENT.case(
    "4.9", "A WebSocket ping is answered with its payload",
    does="Sends a WebSocket ping of 125 bytes.", expects="A WebSocket pong with the same bytes.",
    rule="RFC 6455 section 5.5.2", source=Source.VENDOR, advice="Leave control frames to a WebSocket library.",
)  # fmt: skip
async def control_ping(partner: Partner) -> None:
    line = await partner.opened()
    payload = os.urandom(125)
    line.socket.send_frame(PING, payload)
    await partner.alive(line)
    if line.socket.pongs.empty() or line.socket.pongs.get_nowait() != payload:
        raise Failure("no WebSocket pong with the payload of the ping")
    await partner.goodbye(line)


@CLIENT.case(
    "4.10", "A WebSocket pong that nobody asked for is passed over",
    does="Sends a WebSocket pong.", expects="A session that goes on.", rule="RFC 6455 section 5.5.3",
    source=Source.VENDOR, advice="Leave control frames to a WebSocket library.",
)  # fmt: skip
async def control_pong(partner: Partner) -> None:
    line = await partner.opened()
    line.socket.send_frame(PONG, b"here")
    await partner.alive(line)
    await partner.goodbye(line)


@CLIENT.case(
    "4.11", "A WebSocket close is answered with a close",
    does="Closes the WebSocket in mid-session.", expects="A close frame back, or the end of the connection.",
    rule="RFC 6455 section 5.5.1", source=Source.VENDOR, advice="Leave the closing handshake to a WebSocket library.",
)  # fmt: skip
async def control_close(partner: Partner) -> None:
    line = await partner.opened()
    line.socket.send_frame(CLOSE, (1000).to_bytes(2, "big"))
    await line.gone()


@CLIENT.case(
    "4.12", "Bytes may come one at a time",
    does="Writes `pause` to the socket byte by byte.", expects="`paused`.", rule="TCP is a stream",
    source=Source.VENDOR, advice="Leave frames to a WebSocket library.",
)  # fmt: skip
async def trickle(partner: Partner) -> None:
    line = await partner.opened()
    await line.trickle(frame(TEXT, line.message("pause").encode(), mask=False))
    await line.expect("paused", passing=("ping", "dtmf", "update"))
    await partner.goodbye(line)
