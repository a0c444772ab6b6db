"""Chapter 4, continued: sizes about the limits, and frames that break RFC 6455."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ....session.frames import BINARY, CLOSE, CONTINUATION, PING, TEXT
from ..case import SPOKEN, Failure, Source
from ..line import SOON, Line
from ..partner import Partner
from ..socket import Closed, frame
from ..suites import CLIENT
from .misplaced import STREAM
from .opening import opening
from .sizes import padded


def _between(number: str, size: int) -> None:
    @CLIENT.case(number, f"A text message of {size:,} bytes is read or refused", does=f"Sends an event of {size:,} bytes.",
                 expects="A session that goes on, or `error` 413 and `close`.", rule="P3.3, P15 row 1", source=Source.VENDOR,
                 advice="Refuse what is too large in order.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        line.socket.send(padded(line, size))
        await line.send("pause")
        got = await line.expect("paused", "error", passing=STREAM)
        if got["type"] == "error":
            await partner.closing(line, "error")
        else:
            await partner.goodbye(line)


_between("4.13", 64_001)
_between("4.14", 65_535)


def _audio(number: str, size: int, *, refused: bool = False) -> None:
    expected = "is refused" if refused else "is played or refused"

    @CLIENT.case(number, f"An audio message of {size:,} bytes {expected}", does=f"Sends {size:,} bytes of audio.",
                 expects=("" if refused else "A session that goes on, or ") + "`error` and `close`, or a WebSocket close with code 1009.",
                 rule="P3.3, P6.3: at most 64,000 bytes", source=Source.VENDOR, profiles=SPOKEN,
                 advice="Refuse what is too large in order.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        line.socket.send(b"\xff" * size)
        line.socket.send(line.message("pause"))
        while not isinstance(got := await line.next(SOON), Closed):
            if got is None:
                raise Failure("nothing happened")
            if isinstance(got, dict) and got.get("type") == "error":
                await partner.closing(line, "error")
                return
            if isinstance(got, dict) and got.get("type") == "paused":
                if refused:
                    raise Failure("took it")
                await partner.goodbye(line)
                return
        if got.code != 1009:
            raise Failure(f"closed the connection ({got.code})")


_audio("4.15", 64_001)
_audio("4.16", 65_536)
_audio("4.17", 200_000, refused=True)


@CLIENT.case(
    "4.18", "Audio may come in fragments",
    does="Sends audio in three WebSocket frames.", expects="`playback_started`.", rule="RFC 6455 section 5.4",
    source=Source.VENDOR, profiles=SPOKEN, advice="Read messages, not frames.",
)  # fmt: skip
async def audio_fragments(partner: Partner) -> None:
    line = await partner.opened()
    line.socket.send(b"\x55" * 1600, pieces=[1, 801])
    await line.expect("playback_started", passing=("ping", "dtmf", "update"))
    await partner.goodbye(line)


def _pieces(number: str, title: str, does: str, cut: Callable[[bytes], list[int]]) -> None:
    @CLIENT.case(number, title, does=does, expects="`paused`.", rule="RFC 6455 sections 5.4 and 5.6", source=Source.VENDOR,
                 advice="Read messages, not frames: leave it to a WebSocket library.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        text = line.message("pause", {"x": "@"}).replace("@", "ü")
        line.socket.send(text, pieces=cut(text.encode()))
        await line.expect("paused", passing=("ping", "dtmf", "update"))
        await partner.goodbye(line)


_pieces("4.19", "The first fragment may be empty", "Begins `pause` with an empty frame.", lambda _: [0])
_pieces("4.20", "The last fragment may be empty", "Ends `pause` with an empty frame.", lambda text: [len(text)])
_pieces("4.21", "A character may be cut by fragments", "Cuts a letter of two bytes in the middle.",
        lambda text: [text.index("ü".encode()) + 1])  # fmt: skip


@CLIENT.case(
    "4.22", "`opened` may come in fragments",
    does="Sends `opened` in three WebSocket frames.", expects="A session that is open.", rule="RFC 6455 section 5.4",
    source=Source.VENDOR, advice="Read messages, not frames, from the first one on.",
)  # fmt: skip
async def opened_fragments(partner: Partner) -> None:
    line, message = await opening(partner)
    media = message["parameters"]["media"][:1]
    line.socket.send(line.message("opened", {"startPaused": False, "media": media}), pieces=[1, 30])
    await partner.alive(line)
    await partner.goodbye(line)


@CLIENT.case(
    "4.23", "A WebSocket ping before `opened` is answered",
    does="Sends a WebSocket ping, then `opened`.", expects="The WebSocket pong, and a session that is open.",
    rule="RFC 6455 section 5.5.2", source=Source.VENDOR, advice="Leave control frames to a WebSocket library.",
)  # fmt: skip
async def early_ping(partner: Partner) -> None:
    line = await partner.accept()
    line.socket.send_frame(PING, b"early")
    await partner.opened(line)
    await partner.alive(line)
    if line.socket.pongs.empty() or line.socket.pongs.get_nowait() != b"early":
        raise Failure("no WebSocket pong with the payload of the ping")
    await partner.goodbye(line)


@CLIENT.case(
    "4.24", "A WebSocket close without a code is answered",
    does="Sends an empty close frame.", expects="A close frame back, or the end of the connection.",
    rule="RFC 6455 section 5.5.1", source=Source.VENDOR, advice="Leave the closing handshake to a WebSocket library.",
)  # fmt: skip
async def bare_close(partner: Partner) -> None:
    line = await partner.opened()
    line.socket.send_frame(CLOSE)
    await line.gone()


@CLIENT.case(
    "4.25", "Many messages may come in one segment",
    does="Writes three `pause` and audio or an event between them at once.", expects="`paused` three times.", rule="TCP is a stream",
    source=Source.VENDOR, advice="Read all messages that have come, not one for each read.",
)  # fmt: skip
async def crowd(partner: Partner) -> None:
    line = await partner.opened()
    parts = []
    for _ in range(3):
        parts.append(frame(TEXT, line.message("pause").encode(), mask=False))
        parts.append(frame(TEXT, line.message("event", {"entities": []}).encode(), mask=False))
    line.socket.write(b"".join(parts))
    for _ in range(3):
        await line.expect("paused", passing=("ping", "dtmf", "update"))
    await partner.goodbye(line)


def _breach(
    number: str, title: str, does: str, rule: str, act: Callable[[Line], None], source: Source = Source.VENDOR
) -> None:
    @CLIENT.case(number, title, does=does, expects="The connection is closed.", rule=rule, source=source,
                 advice="Leave frames to a WebSocket library that checks them.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        act(line)
        code = await line.gone()
        if code not in (1002, 1003, 1006, 1007, 1009):
            partner.notes.non_strict.append(f"closed with code {code}")


def _event(line: Line) -> bytes:
    return line.message("event", {"entities": []}).encode()


def _interrupts(line: Line) -> None:
    line.socket.send_frame(TEXT, b'{"version"', fin=False)
    line.socket.send_frame(BINARY, b"\xff" * 160)


_5 = "RFC 6455 section 5"
_breach("4.26", "Frames of a server must not be masked", "Sends an event with a mask.", f"{_5}.1: the client must close",
        lambda line: line.socket.send_frame(TEXT, _event(line), mask=True))  # fmt: skip
_breach("4.27", "Reserved bits fail the connection", "Sets a reserved bit.", f"{_5}.2",
        lambda line: line.socket.send_frame(TEXT, _event(line), reserved=4))  # fmt: skip
_breach("4.28", "A reserved opcode fails the connection", "Sends a frame of opcode 3.", f"{_5}.2",
        lambda line: line.socket.send_frame(3, b"x"))  # fmt: skip
_breach("4.29", "A reserved control opcode fails the connection", "Sends a frame of opcode 11.", f"{_5}.2",
        lambda line: line.socket.send_frame(11, b"x"))  # fmt: skip
_breach("4.30", "A control frame in fragments fails the connection", "Sends a WebSocket ping without FIN.", f"{_5}.5",
        lambda line: line.socket.send_frame(PING, b"x", fin=False))  # fmt: skip
_breach("4.31", "A control frame of 126 bytes fails the connection", "Sends a WebSocket ping that is too long.", f"{_5}.5",
        lambda line: line.socket.send_frame(PING, bytes(126)))  # fmt: skip
_breach("4.32", "A continuation of nothing fails the connection", "Sends a continuation frame first.", f"{_5}.4",
        lambda line: line.socket.send_frame(CONTINUATION, b"x"))  # fmt: skip
_breach(
    "4.33",
    "A message within a message fails the connection",
    "Begins a message inside another one.",
    f"{_5}.4",
    _interrupts,
)
_breach("4.34", "A length that is not the shortest fails the connection", "Writes a length of 5 in eight bytes.", f"{_5}.2",
        lambda line: line.socket.write(bytes([0x81, 0x7F]) + (5).to_bytes(8, "big") + bytes(5)), Source.INFERRED)  # fmt: skip
_breach("4.35", "A frame that announces too much is not waited for", "Begins a frame of 2**62 bytes.", "P3.3",
        lambda line: line.socket.write(b"\x82\x7f" + (1 << 62).to_bytes(8, "big")), Source.INFERRED)  # fmt: skip


@CLIENT.case(
    "4.36", "Text that is no UTF-8 ends the session",
    does="Sends a text frame with invalid UTF-8.", expects="The connection is closed, or `error` and `close`.",
    rule="RFC 6455 section 8.1", source=Source.VENDOR, advice="Leave it to a WebSocket library.",
)  # fmt: skip
async def no_utf8(partner: Partner) -> None:
    line = await partner.opened()
    line.socket.send_frame(TEXT, b'{"version":"2\xff\xfe"}')
    loop = asyncio.get_running_loop()
    end = loop.time() + SOON
    while not isinstance(got := await line.next(max(0.0, end - loop.time())), Closed):
        if got is None:
            raise Failure("nothing happened")
        if isinstance(got, dict) and got.get("type") == "error":
            await partner.closing(line, "error")
            return


@CLIENT.case(
    "4.37", "Audio of just below 64,000 bytes is played",
    does="Sends 63,999 bytes of audio.", expects="`playback_started`.", rule="P3.3, P6.3", source=Source.VENDOR,
    profiles=SPOKEN, advice="Take audio messages of up to 64,000 bytes.",
)  # fmt: skip
async def large_audio(partner: Partner) -> None:
    line = await partner.opened()
    line.socket.send(b"\x55" * 63_999)
    await line.expect("playback_started", passing=("ping", "dtmf", "update"))
    await partner.goodbye(line)


@CLIENT.case(
    "4.38", "Control frames may stand between fragments of audio",
    does="Sends a WebSocket ping between the fragments of an audio message.", expects="A WebSocket pong, and `playback_started`.",
    rule="RFC 6455 section 5.5", source=Source.VENDOR, profiles=SPOKEN, advice="Leave frames to a WebSocket library.",
)  # fmt: skip
async def between_audio(partner: Partner) -> None:
    line = await partner.opened()
    line.socket.write_frame(BINARY, b"\x55" * 800, fin=False)
    line.socket.send_frame(PING, b"now")
    line.socket.write_frame(CONTINUATION, b"\x55" * 800, fin=True)
    await line.expect("playback_started", passing=("ping", "dtmf", "update"))
    if line.socket.pongs.empty() or line.socket.pongs.get_nowait() != b"now":
        raise Failure("no WebSocket pong with the payload of the ping")
    await partner.goodbye(line)
