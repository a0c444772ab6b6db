"""A server that reads WebSocket frames by itself, as laxly or as wrongly as a mutant wants; behind it all is right."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from offhook.protocol import Profile, State
from offhook.session.frames import BINARY, CLOSE, PING, PONG, TEXT
from offhook.session.head import Head, HeadReader
from offhook.session.keys import KeyStore
from offhook.session.wire import Receiver, Refusal, UpgradeRequest, WireLimits
from offhook.testing.conformance.socket import frame, masked
from offhook.testing.misbehaving.flaw import Flaw, FlawedReception

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class _Wire:
    def __init__(self, writer: asyncio.StreamWriter, *, mask: bool = False) -> None:
        self.writer = writer
        self.mask = mask
        self.backlog = 0

    def send(self, data: str | bytes) -> None:
        payload = data.encode() if isinstance(data, str) else data
        self.frame(TEXT if isinstance(data, str) else BINARY, payload)

    def frame(self, opcode: int, payload: bytes) -> None:
        if not self.writer.is_closing():
            self.writer.write(frame(opcode, payload, mask=self.mask))

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.frame(CLOSE, code.to_bytes(2, "big"))
        self.writer.close()

    def abort(self) -> None:
        self.writer.transport.abort()


class RawServer:
    """Serves one flaw; `how` names what is done otherwise than RFC 6455 says: see the code that asks for it."""

    masked = True

    def __init__(self, profile: Profile, how: str, flaw: Flaw, keys: KeyStore | None) -> None:
        self.how = how
        self.reception = FlawedReception(profile, flaw, keys)
        self.tasks: set[asyncio.Task[None]] = set()
        self.writers: list[asyncio.StreamWriter] = []
        self.poisoned = False
        self.lock = asyncio.Lock()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        self.writers.append(writer)
        try:
            await self._serve(reader, writer)
        except (asyncio.IncompleteReadError, OSError, UnicodeDecodeError):
            pass
        finally:
            if self.how == "half":
                await asyncio.sleep(60)  # goes on as if nothing had happened
            self.tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = await self._request(reader)
        head = Refusal(503) if self.poisoned else HeadReader(WireLimits()).feed(raw)
        self.poisoned |= self.how == "grudge garbage" and not isinstance(head, Head)
        if self.how == "case" and b"\r\naudiohook-session-id:" in raw:
            head = Refusal(400)
        needed = {"any upgrade": b"\r\nUpgrade:", "any key": b"-Key:", "any version": b"-Version: 13"}.get(self.how)
        if needed is not None and needed not in raw:
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            return
        if isinstance(head, Head):
            decided = self.reception.accept(UpgradeRequest(head.target, head.headers))
        else:
            decided = Refusal(400)
        if isinstance(decided, Refusal):
            writer.write(f"HTTP/1.1 {decided.status} No\r\nContent-Length: 0\r\n\r\n".encode())
            return
        assert isinstance(head, Head)
        writer.write(self._upgrade(head.headers["sec-websocket-key"]))
        wire = _Wire(writer)
        decided.connected(wire)
        try:
            await self._read(reader, wire, decided)
        finally:
            decided.lost(1006, "")

    async def _request(self, reader: asyncio.StreamReader) -> bytes:
        if self.how == "few" and len(self.tasks) > 40:
            raise OSError("too many")
        if self.how == "one read":
            return await reader.read(65_536)
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            self.poisoned |= self.how == ("grudge head" if error.partial else "grudge connect")
            raise

    def _upgrade(self, key: str) -> bytes:
        accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()
        if self.how == "digest":
            accept = accept[::-1]
        more = "Sec-WebSocket-Extensions: permessage-deflate\r\n" if self.how == "extension" else ""
        return (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
        ).encode()

    async def _read(self, reader: asyncio.StreamReader, wire: _Wire, receiver: Receiver) -> None:
        parts: list[bytes] = []
        kind = 0
        while True:
            self.poisoned |= self.how == "grudge message" and bool(parts)
            opcode, fin, payload = await self._frame(reader)
            if (opcode == 0 and not parts and self.how != "lax start") or (
                opcode in (TEXT, BINARY) and parts and self.how != "lax message"
            ):
                raise OSError("fragments")
            if opcode == CLOSE:
                if self.how != "close" and not (self.how == "bare close" and not payload):
                    return wire.close()
            elif opcode == PING:
                early = self.how == "early ping" and receiver.session.state in (State.IDLE, State.OPENING)  # type: ignore[attr-defined]
                between = {"between": True, "between audio": kind == BINARY}.get(self.how, False)
                if early or (between and parts):
                    return wire.close(1002)
                wire.frame(PONG, b"" if self.how == "pong payload" else payload[:125])
            elif opcode == PONG:
                if self.how == "pong":
                    return wire.close(1002)
            elif opcode in (0, TEXT, BINARY):
                if opcode:
                    parts, kind = [], opcode
                if self.refuses_fragment(fin, kind, payload, parts):
                    return wire.close(1003)
                parts.append(payload)
                if fin:
                    whole, parts = b"".join(parts), []
                    if self.how == "large" and len(whole) > 100_000:
                        whole = json.dumps(json.loads(whole) | {"parameters": {"entities": []}}).encode()
                    self._deliver(receiver, kind, whole)

    def _deliver(self, receiver: Receiver, kind: int, whole: bytes) -> None:
        if kind == TEXT:
            receiver.received(whole.decode(errors="ignore" if self.how == "lax utf-8" else "strict"))
        else:
            receiver.received(whole[:64_000] if self.how == "large audio" else whole)

    def refuses_fragment(self, fin: bool, kind: int, payload: bytes, before: list[bytes]) -> bool:
        if self.how == "split character" and kind == TEXT:
            payload.decode()
        return (
            (self.how == "text fragments" and kind == TEXT and not fin and len(payload) > 1)
            or (self.how == "audio fragments" and kind == BINARY and not fin)
            or (self.how == "crumbs" and kind == TEXT and not payload)
            or (self.how == "empty first" and not (fin or payload or before))
            or (self.how == "empty last" and fin and bool(before) and not payload)
        )

    async def _frame(self, reader: asyncio.StreamReader) -> tuple[int, bool, bytes]:
        first, second = await reader.readexactly(2)
        async with self.lock if self.how == "jam" else nullcontext():
            return await self._rest(reader, first, second)

    async def _rest(self, reader: asyncio.StreamReader, first: int, second: int) -> tuple[int, bool, bytes]:
        self.poisoned |= self.how == "grudge frame" and second & 0x7F == 126 and len(reader._buffer) < 2  # type: ignore[attr-defined]
        if self.how == "trickle" and len(reader._buffer) < second & 0x7F:  # type: ignore[attr-defined]
            raise OSError("a frame in pieces")
        length = second & 0x7F
        short = length < 126
        if length == 126:
            length = int.from_bytes(await reader.readexactly(2), "big")
        elif length == 127:
            length = int.from_bytes(await reader.readexactly(8), "big")
        key = await reader.readexactly(4) if second & 0x80 else b""
        payload = await reader.readexactly(length)
        if self.how == "crowd":
            reader._buffer.clear()  # type: ignore[attr-defined]
        if not short and length < 126 and self.how != "lax length":
            raise OSError("length")
        self._check(first, second, length)
        return first & 0x0F, bool(first & 0x80), masked(payload, key) if key else payload

    def _check(self, first: int, second: int, length: int) -> None:
        opcode = first & 0x0F
        faults = {
            "mask": self.masked != bool(second & 0x80),
            "reserved": first & 0x70,
            "opcode": opcode in (3, 4, 5, 6, 7) or opcode > 10,
            "control fragments": opcode >= 8 and not first & 0x80,
            "control size": opcode >= 8 and length > 125,
        }
        for name, wrong in faults.items():
            if wrong and self.how != f"lax {name}":
                self.poisoned |= self.how == "grudge frames"
                raise OSError(name)


class RawClient(RawServer):
    """The same for the other end."""

    masked = False

    def __init__(self, how: str) -> None:
        self.how = how
        self.poisoned = False

    async def run(self, port: int, target: str, fields: dict[str, str], receiver: Receiver) -> None:
        """Connect and serve the receiver until the connection is gone."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            key = base64.b64encode(b"offhook-offhook-").decode()
            own = {"Host": f"127.0.0.1:{port}", "Connection": "Upgrade", "Upgrade": "websocket",
                   "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}  # fmt: skip
            head = "".join(f"{name}: {value}\r\n" for name, value in (own | fields).items())
            writer.write(f"GET {target} HTTP/1.1\r\n{head}\r\n".encode())
            answer = await (reader.read(1 << 16) if self.how == "one read" else reader.readuntil(b"\r\n\r\n"))
            if self.how == "follows" and b" 302 " in answer:
                writer.close()
                await self.run(port, "/offhook-elsewhere", fields, receiver)
                return
            if (self.how != "stubborn" and b" 101 " not in answer) or not answer.endswith(b"\r\n\r\n"):
                return
            if self.how == "known fields" and b"\r\nvia:" in answer:
                return
            receiver.connected(_Wire(writer, mask=True))
            await self._read(reader, receiver.wire, receiver)  # type: ignore[attr-defined]
        except (asyncio.IncompleteReadError, OSError, UnicodeDecodeError):
            if self.how == "half":
                await asyncio.sleep(60)  # goes on as if nothing had happened
        finally:
            receiver.lost(1006, "")
            writer.transport.abort()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)


@asynccontextmanager
async def raw_server(
    profile: Profile, how: str, flaw: Flaw | None = None, keys: KeyStore | None = None
) -> AsyncIterator[str]:
    """Serve on loopback; gives the URI."""
    server = RawServer(profile, how, flaw or Flaw(), keys)
    listening = await asyncio.start_server(server.connected, "127.0.0.1", 0, limit=1 << 23)
    try:
        yield f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}/api/v1/audiohook/ws"
    finally:
        listening.close()
        server.reception.abort_all()
        for task in tuple(server.tasks):
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)
        for writer in server.writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in server.writers), return_exceptions=True)
