"""Two ends for tests over real sockets: receivers that remember, and a client made of bytes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
import ssl as tls
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from offhook.session.dial import dial
from offhook.session.listen import Listening
from offhook.session.wire import Receiver, UpgradeRequest, Wire, WireLimits

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT_OF_KEY = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 section 1.3
BRISK = WireLimits(close_timeout=0.2)


class Ear:
    """A receiver that keeps what it hears, echoes if told to, and can be waited for."""

    def __init__(self, *, echo: bool = False, on_message: Callable[[Wire, str | bytes], None] | None = None) -> None:
        self.wire: Wire | None = None
        self.messages: list[str | bytes] = []
        self.end: tuple[int, str] | None = None
        self.calls: list[str] = []
        self.writable_calls: list[bool] = []
        self._on_message = on_message or ((lambda wire, data: wire.send(data)) if echo else None)
        self._changed = asyncio.Event()

    def connected(self, wire: Wire) -> None:
        self.wire = wire
        self._note("connected")

    def received(self, data: str | bytes) -> None:
        assert self.wire is not None
        self.messages.append(data)
        self._note("received")
        if self._on_message is not None:
            self._on_message(self.wire, data)

    def lost(self, code: int, reason: str) -> None:
        self.end = (code, reason)
        self._note("lost")

    def writable(self, ready: bool) -> None:
        self.writable_calls.append(ready)
        self._changed.set()

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self._changed.set()

    async def until(self, condition: Callable[[Ear], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    async def until_messages(self, count: int) -> list[str | bytes]:
        await self.until(lambda ear: len(ear.messages) >= count)
        return self.messages

    async def until_lost(self) -> tuple[int, str]:
        await self.until(lambda ear: ear.end is not None)
        assert self.calls.count("connected") == 1
        assert self.calls.count("lost") == 1
        assert self.end is not None
        return self.end


class Raw:
    """A TCP or TLS client that says exactly the bytes it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    def head(self, target: str = "/", *, upgrade: bool = True, extra: str = "") -> bytes:
        lines = f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{extra}"
        if upgrade:
            lines += "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            lines += f"Sec-WebSocket-Key: {KEY}\r\n"
        return lines.encode("latin-1") + b"\r\n"

    async def answer(self) -> tuple[int, dict[str, str]]:
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *fields = head.rstrip().split("\r\n")
        return int(status.split(" ")[1]), {n.lower(): v.strip() for n, _, v in (f.partition(":") for f in fields)}

    async def upgrade(self) -> None:
        self.say(self.head())
        status, headers = await self.answer()
        assert status == 101
        assert headers["sec-websocket-accept"] == ACCEPT_OF_KEY
        assert "sec-websocket-extensions" not in headers

    async def read_frame(self) -> tuple[int, bytes]:
        async with asyncio.timeout(10):
            first, second = await self.reader.readexactly(2)
            assert not second & 0x80, "a server must not mask"
            length = second & 0x7F
            if length > 125:
                length = int.from_bytes(await self.reader.readexactly(2 if length == 126 else 8), "big")
            return first, await self.reader.readexactly(length)

    async def close_code(self) -> int:
        """Read up to the close frame and give its code."""
        while True:
            first, payload = await self.read_frame()
            if first & 0xF == 8:
                return int.from_bytes(payload[:2], "big")

    async def to_end(self, *, reset_will_do: bool = False) -> bytes:
        try:
            async with asyncio.timeout(10):
                return await self.reader.read()
        except ConnectionResetError:
            if not reset_will_do:
                raise
            return b""

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError, tls.SSLError):  # it was reset, which some tests want
            await self.writer.wait_closed()


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bool = True, reserved: int = 0, length: int = -1
) -> bytes:
    """A frame as a client sends it; `length` lies about the payload's."""
    size = len(payload) if length < 0 else length
    head = bytes([fin << 7 | reserved << 4 | opcode])
    flag = 0x80 if mask else 0
    if size < 126:
        head += bytes([flag | size])
    elif size < 65_536:
        head += bytes([flag | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([flag | 127]) + size.to_bytes(8, "big")
    if not mask:
        return head + payload
    key = b"\x01\x80\xff\x10"
    return head + key + bytes(byte ^ key[i & 3] for i, byte in enumerate(payload))


@asynccontextmanager
async def rude_server(then: Callable[[asyncio.StreamWriter], None], answer: bytes | None = None) -> AsyncIterator[str]:
    """A server that upgrades (or gives another answer, with the key's digest in place of {accept}), does one thing, and
    never hangs up. Yields its URI."""
    connections: set[asyncio.StreamWriter] = set()
    troubles: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)
        request = await reader.readuntil(b"\r\n\r\n")
        key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        given = upgrade + b"Sec-WebSocket-Accept: {accept}\r\n\r\n" if answer is None else answer
        writer.write(given.replace(b"{accept}", accept))
        then(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in connections:
            writer.transport.abort()
        await asyncio.sleep(0)
    assert not troubles


class Site:
    """A listener and everybody connected to it."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.listening: Listening
        self.ears: list[Ear] = []
        self.requests: list[UpgradeRequest] = []
        self.troubles: list[dict[str, object]] = []
        self._came = asyncio.Event()

    @property
    def port(self) -> int:
        return self.listening.port

    def welcome(self, ear: Ear) -> Ear:
        self.ears.append(ear)
        self._came.set()
        return ear

    async def ear(self, index: int = 0) -> Ear:
        """The receiver of the n-th WebSocket, once it is connected."""
        async with asyncio.timeout(10):
            while len(self.ears) <= index:
                self._came.clear()
                await self._came.wait()
        await self.ears[index].until(lambda ear: ear.wire is not None)
        return self.ears[index]

    @asynccontextmanager
    async def raw(self, ssl: tls.SSLContext | None = None, *, receive_buffer: int = 0) -> AsyncIterator[Raw]:
        hostname = "localhost" if ssl else None
        sock = socket.socket()
        sock.setblocking(False)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        client = Raw(*await asyncio.open_connection(sock=sock, ssl=ssl, server_hostname=hostname))
        try:
            yield client
        finally:
            await client.close()

    async def dial(self, ear: Receiver, **options: object) -> Wire:
        options = {"headers": {}, "engine": self.engine, "limits": BRISK} | options
        return await dial(f"ws://127.0.0.1:{self.port}/", ear, **options)  # type: ignore[arg-type]

    async def gone(self) -> None:
        """Return when no connection is left, while the listener stays open."""
        await self.listening.wait_idle()


class FakeSocket:
    """A transport that only remembers what was asked of it."""

    def __init__(self, *, half_close: bool = True, closing: bool = False) -> None:
        self.asked: list[str] = []
        self._half_close = half_close
        self._closing = closing

    def set_protocol(self, protocol: object) -> None:
        self.asked.append("set_protocol")

    def is_closing(self) -> bool:
        return self._closing

    def can_write_eof(self) -> bool:
        return self._half_close

    def write_eof(self) -> None:
        self.asked.append("write_eof")

    def close(self) -> None:
        self.asked.append("close")

    def abort(self) -> None:
        self.asked.append("abort")

    def write(self, data: bytes) -> None:
        self.asked.append(data.decode().split("\r\n")[0])

    def get_extra_info(self, name: str) -> object:
        return None
