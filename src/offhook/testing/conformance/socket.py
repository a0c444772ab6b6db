"""A WebSocket of which every byte is ours to choose: frames may be split, masked wrongly, cut off, or left half-way.

It is used in place of a library in conformance cases alone, since libraries forbid most of what is tested here. What
passes is noted in the trace of its case.
"""

from __future__ import annotations

import asyncio
import base64
import os
import ssl as tls
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, Self

from ...session.dial import parse_uri
from ...session.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Assembler, FrameError
from .case import Failure, TraceLine

#: More than any rule of AudioHook allows, so that a peer's own excess is seen and not cut off here.
_MAX_MESSAGE: Final = 16 * 1024 * 1024


@dataclass(frozen=True)
class Closed:
    """The peer closed: a WebSocket close code, or 1006 where the connection simply ended."""

    code: int


Incoming = str | bytes | Closed


class RawSocket:
    """One connection after or before its upgrade.

    Args:
        reader: Of the connection.
        writer: Of the connection.
        role: Ours: a client masks its frames.
        trace: Where to note what passes.
        began: What its times are counted from, by `time.monotonic`.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        role: Literal["client", "server"],
        trace: list[TraceLine],
        began: float,
    ) -> None:
        self.role: Literal["client", "server"] = role
        self.trace = trace
        self.answered_pings = True
        self.pongs: asyncio.Queue[bytes] = asyncio.Queue()
        self.began = began
        self._reader = reader
        self._writer = writer
        self._incoming: asyncio.Queue[Incoming] = asyncio.Queue()
        self._peeked: Incoming | None = None
        self._reading: asyncio.Task[None] | None = None
        self._assembler = Assembler(_MAX_MESSAGE)
        self._may_read = asyncio.Event()
        self._may_read.set()

    @classmethod
    async def connect(
        cls, uri: str, trace: list[TraceLine], began: float, *, context: tls.SSLContext | None = None
    ) -> Self:
        """Open the TCP (and TLS) connection; no byte of HTTP is sent yet.

        Raises:
            Failure: Nobody is there.
        """
        address = parse_uri(uri)
        secure = (context or tls.create_default_context()) if address.secure else None
        try:
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection(address.host, address.port, ssl=secure)
        except (OSError, TimeoutError) as error:
            raise Failure(f"cannot connect: {error or 'time-out'}") from None
        return cls(reader, writer, "client", trace, began)

    # HTTP.

    async def request(self, target: str, headers: Mapping[str, str] | Sequence[tuple[str, str]]) -> tuple[int, str]:
        """Send a GET with these fields as they are and read the head of the answer: status and everything of it.

        With 101 the WebSocket is open and incoming frames are read from then on.
        """
        fields = headers.items() if isinstance(headers, Mapping) else headers
        head = f"GET {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
        return await self.send_head(head.encode("latin-1"))

    async def send_head(self, head: bytes) -> tuple[int, str]:
        """The same with the bytes of the request given."""
        self._note("client", "http", len(head), head.decode("latin-1").partition("\r\n")[0])
        self._writer.write(head)
        try:
            answer = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (asyncio.IncompleteReadError, OSError):
            return 0, ""
        self._note("server", "http", len(answer), answer.partition("\r\n")[0])
        status = int(answer.split(" ", 2)[1][:3])
        if status == 101:
            self.begin()
        return status, answer

    def begin(self) -> None:
        """The upgrade is done: read frames from here on."""
        self._reading = asyncio.create_task(self._read())

    # Frames out.

    def send(self, data: str | bytes, *, pieces: Sequence[int] = ()) -> None:
        """Send a message, in fragments that end at the offsets `pieces` if any are given."""
        text = isinstance(data, str)
        payload = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        self._note(self.role, "text" if text else "audio", len(payload), data if isinstance(data, str) else None)
        cuts = [0, *pieces, len(payload)]
        for number, (start, end) in enumerate(pairwise(cuts)):
            opcode = (TEXT if text else BINARY) if number == 0 else CONTINUATION
            self.write_frame(opcode, payload[start:end], fin=number == len(cuts) - 2)

    def send_frame(self, opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0,
                   mask: bool | None = None) -> None:  # fmt: skip
        """Send one frame with exactly these bits, and note it."""
        self._note(self.role, "frame", len(payload), f"opcode {opcode}{'' if fin else ', more to come'}")
        self.write_frame(opcode, payload, fin=fin, reserved=reserved, mask=mask)

    def write_frame(
        self, opcode: int, payload: bytes, *, fin: bool, reserved: int = 0, mask: bool | None = None
    ) -> None:
        hidden = self.role == "client" if mask is None else mask
        self.write(frame(opcode, payload, fin=fin, reserved=reserved, mask=hidden))

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        if not self._writer.is_closing():
            self._writer.write(data)

    async def drain(self) -> None:
        """Wait until the kernel has taken what was sent."""
        try:
            await self._writer.drain()
        except OSError:
            pass  # the peer has gone; what it sent before tells more

    def close(self, code: int = 1000) -> None:
        """Send a close frame."""
        self.send_frame(CLOSE, code.to_bytes(2, "big"))

    def half_close(self) -> None:
        """Send nothing more, but go on reading."""
        self._note(self.role, "socket", 0, "half-closed")
        if self._writer.can_write_eof():
            self._writer.write_eof()

    def cut(self) -> None:
        """Drop the connection at once."""
        self._note(self.role, "socket", 0, "cut")
        transport = self._writer.transport
        transport.abort()

    def stop_reading(self) -> None:
        """Take nothing more from the peer until `go_on_reading`."""
        self._may_read.clear()

    def go_on_reading(self) -> None:
        self._may_read.set()

    async def leave(self) -> None:
        """Let go of the connection and of the task that reads it."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.close()
        try:
            async with asyncio.timeout(1):
                await self._writer.wait_closed()
        except (OSError, TimeoutError, tls.SSLError):
            self._writer.transport.abort()

    # Messages in.

    async def receive(self, within: float) -> Incoming | None:
        """The next message; None if none comes in so many seconds."""
        if self._peeked is not None:
            peeked, self._peeked = self._peeked, None
            return peeked
        try:
            async with asyncio.timeout(within):
                return await self._incoming.get()
        except TimeoutError:
            return None

    async def peek(self, within: float) -> Incoming | None:
        """The same, and `receive` will return it again."""
        self._peeked = await self.receive(within)
        return self._peeked

    async def _read(self) -> None:
        peer: Literal["client", "server"] = "server" if self.role == "client" else "client"
        code = 1006
        try:
            while True:
                await self._may_read.wait()
                opcode, fin, reserved, payload = await self._read_frame()
                if opcode >= CLOSE:
                    self._note(peer, "frame", len(payload), f"opcode {opcode}")
                if opcode == CLOSE:
                    code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
                    break
                if opcode == PING and self.answered_pings:
                    self.write_frame(PONG, payload, fin=True)
                elif opcode == PONG:
                    self.pongs.put_nowait(payload)
                message = self._assembler.feed(opcode, fin, reserved, payload)
                if message is not None:
                    self._arrived(peer, message)
        except FrameError as error:
            code = error.code
            self._note(peer, "socket", 0, f"broke RFC 6455: {error.reason}")
        except (asyncio.IncompleteReadError, OSError):
            self._note(peer, "socket", 0, "gone")
        self._incoming.put_nowait(Closed(code))

    def _arrived(self, peer: Literal["client", "server"], message: str | bytes) -> None:
        text = message if isinstance(message, str) else None
        self._note(peer, "audio" if text is None else "text", len(message), text)
        self._incoming.put_nowait(message)

    async def _read_frame(self) -> tuple[int, bool, bool, bytes]:
        first, second = await self._reader.readexactly(2)
        length = second & 0x7F
        if length == 126:
            length = int.from_bytes(await self._reader.readexactly(2), "big")
        elif length == 127:
            length = int.from_bytes(await self._reader.readexactly(8), "big")
        mask = await self._reader.readexactly(4) if second & 0x80 else b""
        payload = await self._reader.readexactly(length)
        return first & 0x0F, bool(first & 0x80), bool(first & 0x70), masked(payload, mask) if mask else payload

    def _note(self, sender: Literal["client", "server"], kind: Literal["text", "audio", "http", "frame", "socket"],
              size: int, text: str | None) -> None:  # fmt: skip
        self.trace.append(TraceLine(round(time.monotonic() - self.began, 6), sender, kind, size, text))


def frame(opcode: int, payload: bytes, *, fin: bool = True, reserved: int = 0, mask: bool = True) -> bytes:
    """The bytes of one frame (RFC 6455 section 5.2)."""
    size = len(payload)
    head = bytes([(0x80 if fin else 0) | (reserved << 4) | opcode])
    bit = 0x80 if mask else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 65_536:
        head += bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + size.to_bytes(8, "big")
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + masked(payload, key)


def masked(payload: bytes, key: bytes) -> bytes:
    """Mask or unmask a payload."""
    size = len(payload)
    pattern = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")).to_bytes(size, "big")


def upgrade_fields(authority: str, more: Mapping[str, str]) -> list[tuple[str, str]]:
    """The fields of a plain WebSocket upgrade, and further ones behind them."""
    key = base64.b64encode(os.urandom(16)).decode()
    plain: Iterable[tuple[str, str]] = (
        ("Host", authority),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", key),
    )
    return [*plain, *more.items()]
