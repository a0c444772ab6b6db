"""Chapter 4, continued: how WebSocket frames may carry messages (RFC 6455)."""

from __future__ import annotations

import os
from collections.abc import Callable

from ....session.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from ..caller import Caller
from ..case import Failure, Source
from ..line import SOON, Line
from ..socket import Closed, frame
from ..suites import SERVER
from .sizes import ponged, worded


@SERVER.case(
    "4.11", "A text message may come in three fragments",
    does="Sends a ping in three WebSocket frames.", expects="A `pong`.", rule="RFC 6455 section 5.4",
    source=Source.VENDOR, advice="Read messages, not frames: leave it to a WebSocket library.",
)  # fmt: skip
async def fragments(caller: Caller) -> None:
    line = await caller.open()
    line.socket.send(line.message("ping"), pieces=[10, 40])
    await ponged(caller, line)


@SERVER.case(
    "4.12", "A text message may come byte by byte",
    does="Sends a ping in frames of one byte, with empty ones between.", expects="A `pong`.",
    rule="RFC 6455 section 5.4", source=Source.VENDOR, advice="Read messages, not frames.",
)  # fmt: skip
async def crumbs(caller: Caller) -> None:
    line = await caller.open()
    text = line.message("ping", {"x": "ü"})
    line.socket.send(text, pieces=sorted([*range(1, len(text.encode())), 5, 9]))
    await ponged(caller, line)


@SERVER.case(
    "4.13", "Audio may come in fragments",
    does="Sends 200 ms of audio in three WebSocket frames.", expects="A session that goes on.",
    rule="RFC 6455 section 5.4", source=Source.VENDOR, advice="Read messages, not frames.",
)  # fmt: skip
async def audio_fragments(caller: Caller) -> None:
    line = await caller.open()
    line.socket.send(caller.audio(), pieces=[1, 801])
    await caller.alive(line)
    await caller.finish(line)


@SERVER.case(
    "4.14", "Control frames may stand between fragments",
    does="Sends a WebSocket ping between the fragments of a message.", expects="The WebSocket pong and then the `pong`.",
    rule="RFC 6455 section 5.5", source=Source.VENDOR, advice="Leave frames to a WebSocket library.",
)  # fmt: skip
async def between(caller: Caller) -> None:
    line = await caller.open()
    text = line.message("ping").encode()
    line.socket.write_frame(TEXT, text[:20], fin=False)
    line.socket.send_frame(PING, b"now")
    line.socket.write_frame(CONTINUATION, text[20:], fin=True)
    pong = await line.expect("pong")
    if pong.get("clientseq") != line.seq:
        raise Failure(f"`pong` has clientseq {pong.get('clientseq')}, the ping was {line.seq}")
    await _pong_frame(caller, line, b"now")
    await caller.finish(line)


@SERVER.case(
    "4.15", "A WebSocket ping is answered with its payload",
    does="Sends a WebSocket ping of 125 bytes.", expects="A WebSocket pong with the same bytes.",
    rule="RFC 6455 section 5.5.2", source=Source.VENDOR, advice="Leave control frames to a WebSocket library.",
)  # fmt: skip
async def control_ping(caller: Caller) -> None:
    line = await caller.open()
    payload = os.urandom(125)
    line.socket.send_frame(PING, payload)
    await _pong_frame(caller, line, payload)
    await caller.finish(line)


async def _pong_frame(caller: Caller, line: Line, payload: bytes) -> None:
    await caller.alive(line)  # a pong that was sent before its answer has been read by then
    got = [] if line.socket.pongs.empty() else [line.socket.pongs.get_nowait()]
    if payload not in got:
        raise Failure("no WebSocket pong with the payload of the ping")


@SERVER.case(
    "4.16", "A WebSocket pong that nobody asked for is passed over",
    does="Sends a WebSocket pong.", expects="A session that goes on.", rule="RFC 6455 section 5.5.3",
    source=Source.VENDOR, advice="Leave control frames to a WebSocket library.",
)  # fmt: skip
async def control_pong(caller: Caller) -> None:
    line = await caller.open()
    line.socket.send_frame(PONG, b"here")
    await caller.alive(line)
    await caller.finish(line)


@SERVER.case(
    "4.17", "A WebSocket close is answered with a close",
    does="Closes the WebSocket in mid-session.", expects="A close frame back, or the end of the connection.",
    rule="RFC 6455 section 5.5.1", source=Source.VENDOR, advice="Leave the closing handshake to a WebSocket library.",
)  # fmt: skip
async def control_close(caller: Caller) -> None:
    line = await caller.open()
    line.socket.send_frame(CLOSE, (1000).to_bytes(2, "big"))
    await line.gone()


@SERVER.case(
    "4.18", "Bytes may come one at a time",
    does="Writes a ping to the socket byte by byte.", expects="A `pong`.", rule="TCP is a stream", source=Source.VENDOR,
    advice="Leave frames to a WebSocket library.",
)  # fmt: skip
async def trickle(caller: Caller) -> None:
    line = await caller.open()
    await line.trickle(frame(TEXT, line.message("ping").encode()))
    await ponged(caller, line)


@SERVER.case(
    "4.19", "Many messages may come in one segment",
    does="Writes twenty pings and audio at once.", expects="Twenty pongs.", rule="TCP is a stream",
    source=Source.VENDOR, advice="Read all messages that have come, not one for each read.",
)  # fmt: skip
async def crowd(caller: Caller) -> None:
    line = await caller.open()
    first = line.seq + 1
    pings = [frame(TEXT, line.message("ping").encode()) for _ in range(20)]
    line.socket.write(frame(BINARY, caller.audio()).join(pings))
    answered = [(await line.expect("pong", within=10.0)).get("clientseq") for _ in pings]
    if answered != list(range(first, first + 20)):
        raise Failure(f"pongs answer {answered}")
    await caller.finish(line)


def _breach(number: str, title: str, does: str, rule: str, act: Callable[[Line], None],
            source: Source = Source.VENDOR) -> None:  # fmt: skip
    @SERVER.case(number, title, does=does, expects="The connection is closed.", rule=rule, source=source,
                 advice="Leave frames to a WebSocket library that checks them.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        act(line)
        code = await line.gone()
        if code not in (1002, 1003, 1006, 1007, 1009):
            caller.notes.non_strict.append(f"closed with code {code}")


_5 = "RFC 6455 section 5"
_breach("4.20", "Frames of a client must be masked", "Sends a ping without a mask.", f"{_5}.1: the server must close",
        lambda line: line.socket.send_frame(TEXT, line.message("ping").encode(), mask=False))  # fmt: skip
_breach("4.21", "Reserved bits fail the connection", "Sets a reserved bit.", f"{_5}.2",
        lambda line: line.socket.send_frame(TEXT, line.message("ping").encode(), reserved=4))  # fmt: skip
_breach("4.22", "A reserved opcode fails the connection", "Sends a frame of opcode 3.", f"{_5}.2",
        lambda line: line.socket.send_frame(3, b"x"))  # fmt: skip
_breach("4.23", "A control frame in fragments fails the connection", "Sends a WebSocket ping without FIN.", f"{_5}.5",
        lambda line: line.socket.send_frame(PING, b"x", fin=False))  # fmt: skip
_breach("4.24", "A control frame of 126 bytes fails the connection", "Sends a WebSocket ping that is too long.", f"{_5}.5",
        lambda line: line.socket.send_frame(PING, bytes(126)))  # fmt: skip
_breach("4.25", "A continuation of nothing fails the connection", "Sends a continuation frame first.", f"{_5}.4",
        lambda line: line.socket.send_frame(CONTINUATION, b"x"))  # fmt: skip


def _interrupts(line: Line) -> None:
    line.socket.send_frame(TEXT, b'{"version"', fin=False)
    line.socket.send_frame(BINARY, b"\xff" * 160)


_breach(
    "4.26",
    "A message within a message fails the connection",
    "Begins a message inside another one.",
    f"{_5}.4",
    _interrupts,
)
_breach("4.27", "A length that is not the shortest fails the connection", "Writes a length of 5 in eight bytes.", f"{_5}.2",
        lambda line: line.socket.write(bytes([0x81, 0xFF]) + (5).to_bytes(8, "big") + bytes(9)), Source.INFERRED)  # fmt: skip


@SERVER.case(
    "4.28", "Text that is no UTF-8 ends the session",
    does="Sends a text frame with invalid UTF-8.", expects="The connection is closed, or `disconnect` reason error.",
    rule="RFC 6455 section 8.1", source=Source.VENDOR, advice="Leave it to a WebSocket library.",
)  # fmt: skip
async def no_utf8(caller: Caller) -> None:
    line = await caller.open()
    line.socket.send_frame(TEXT, b'{"version":"2\xff\xfe"}')
    while not isinstance(got := await line.next(SOON), Closed):
        if got is None:
            raise Failure("nothing happened")
        if isinstance(got, dict) and got.get("type") == "disconnect":
            return


def _pieces(number: str, title: str, does: str, cut: Callable[[bytes], list[int]]) -> None:
    @SERVER.case(number, title, does=does, expects="A `pong`.", rule="RFC 6455 sections 5.4 and 5.6",
                 source=Source.VENDOR, advice="Read messages, not frames: leave it to a WebSocket library.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        text = worded(line, 1)
        line.socket.send(text, pieces=cut(text.encode()))
        await ponged(caller, line)


_pieces("4.35", "The first fragment may be empty", "Begins a ping with an empty frame.", lambda _: [0])
_pieces("4.36", "The last fragment may be empty", "Ends a ping with an empty frame.", lambda text: [len(text)])
_pieces("4.37", "A character may be cut by fragments", "Cuts a letter of two bytes in the middle.",
        lambda text: [text.index("ü".encode()) + 1])  # fmt: skip


@SERVER.case(
    "4.38", "`open` may come in fragments",
    does="Sends `open` in three WebSocket frames.", expects="`opened`.", rule="RFC 6455 section 5.4",
    source=Source.VENDOR, advice="Read messages, not frames, from the first one on.",
)  # fmt: skip
async def open_fragments(caller: Caller) -> None:
    line = await caller.line()
    line.socket.send(line.message("open", caller.opening()), pieces=[1, 100])
    await line.expect("opened", within=5.0)
    await caller.finish(line)


@SERVER.case(
    "4.39", "A WebSocket ping before `open` is answered",
    does="Sends a WebSocket ping, then `open`.", expects="The WebSocket pong, and `opened`.",
    rule="RFC 6455 section 5.5.2", source=Source.VENDOR, advice="Leave control frames to a WebSocket library.",
)  # fmt: skip
async def early_ping(caller: Caller) -> None:
    line = await caller.line()
    line.socket.send_frame(PING, b"early")
    await caller.open(line=line)
    await _pong_frame(caller, line, b"early")
    await caller.finish(line)


@SERVER.case(
    "4.40", "A WebSocket close without a code is answered",
    does="Sends an empty close frame.", expects="A close frame back, or the end of the connection.",
    rule="RFC 6455 section 5.5.1", source=Source.VENDOR, advice="Leave the closing handshake to a WebSocket library.",
)  # fmt: skip
async def bare_close(caller: Caller) -> None:
    line = await caller.open()
    line.socket.send_frame(CLOSE)
    await line.gone()


_breach("4.41", "A reserved control opcode fails the connection", "Sends a frame of opcode 11.", f"{_5}.2",
        lambda line: line.socket.send_frame(11, b"x"))  # fmt: skip
_breach("4.42", "A frame that announces too much is not waited for", "Begins a frame of 2**62 bytes.", "P3.3",
        lambda line: line.socket.write(b"\x82\xff" + (1 << 62).to_bytes(8, "big") + bytes(4)), Source.INFERRED)  # fmt: skip


@SERVER.case(
    "4.43", "Control frames may stand between fragments of audio",
    does="Sends a WebSocket ping between the fragments of an audio message.", expects="The WebSocket pong, and a session that goes on.",
    rule="RFC 6455 section 5.5", source=Source.VENDOR, advice="Leave frames to a WebSocket library.",
)  # fmt: skip
async def between_audio(caller: Caller) -> None:
    line = await caller.open()
    data = caller.audio()
    line.socket.write_frame(BINARY, data[:100], fin=False)
    line.socket.send_frame(PING, b"now")
    line.socket.write_frame(CONTINUATION, data[100:], fin=True)
    line.position += len(data) // caller.width
    await caller.alive(line)
    await _pong_frame(caller, line, b"now")
    await caller.finish(line)
