"""Mounts a reception in an existing ASGI application: Starlette, FastAPI, anything that routes WebSockets.

The framework's server owns the socket, so its limits on sizes and time-outs apply, and what it costs (performance
figures in the documentation). Messages out go through one queue and one task per session, since ASGI's `send` waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from ..protocol.signature import canonical_headers
from .reception import Reception
from .wire import Receiver, Refusal, UpgradeRequest

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_ABNORMAL: Final = 1006
_NO_STATUS: Final = 1005
#: Seconds that a peer has to finish a close handshake.
_CLOSE_TIMEOUT: Final = 5.0


class AsgiApp:
    """An ASGI application that answers WebSocket upgrades by a reception, and health checks over HTTP."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        if scope["type"] == "websocket" and (await receive())["type"] != "websocket.connect":
            return None
        answer = self._reception.accept(_request(scope))
        if isinstance(answer, Refusal):
            return await _refuse(scope, answer, send)
        await _Bridge(answer, receive, send).run()
        return None


class _Bridge:
    """One WebSocket: the `wire.Wire` of a session, and ASGI's two coroutines."""

    def __init__(self, receiver: Receiver, receive: Receive, send: Send) -> None:
        self._receiver = receiver
        self._receive = receive
        self._send = send
        self._queue: asyncio.Queue[str | bytes | Message] = asyncio.Queue()
        self._open = True
        self._reading: asyncio.Task[int] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.backlog = 0

    # wire.Wire

    def send(self, data: str | bytes) -> None:
        if self._open:
            self.backlog += len(data)
            self._queue.put_nowait(data)

    def close(self, code: int = 1000, reason: str = "") -> None:
        if self._open:
            self._open = False
            self._queue.put_nowait({"type": "websocket.close", "code": code, "reason": reason})
            self._timer = asyncio.get_running_loop().call_later(_CLOSE_TIMEOUT, self.abort)

    def abort(self) -> None:
        self._open = False
        if self._reading is not None:
            self._reading.cancel()  # the application returns, and the framework's server drops the socket

    # ASGI

    async def run(self) -> None:
        """Carry the session to its end."""
        # First of all, while nothing else can run: so the reception's limits hold however many come at once.
        self._receiver.connected(self)
        code = _ABNORMAL
        writing: asyncio.Task[None] | None = None
        try:
            await self._send({"type": "websocket.accept"})
            writing = asyncio.create_task(self._write())
            self._reading = asyncio.create_task(self._read())
            await asyncio.wait((self._reading,))
            if not self._reading.cancelled():
                code = self._reading.result()
        finally:
            self._open = False
            if self._timer is not None:
                self._timer.cancel()
            tasks = [task for task in (self._reading, writing) if task is not None]
            for task in tasks:
                task.cancel()
            self._receiver.lost(code, "")
            # The peer is gone: whatever the framework makes of a last message is no news.
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> int:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return message.get("code") or _NO_STATUS
            data = message.get("text")
            if data is None:
                data = message.get("bytes")
            if data is not None and self._open:
                self._receiver.received(data)

    async def _write(self) -> None:
        while True:
            item = await self._queue.get()
            if isinstance(item, str):
                await self._send({"type": "websocket.send", "text": item})
                self.backlog -= len(item)
            elif isinstance(item, bytes):
                await self._send({"type": "websocket.send", "bytes": item})
                self.backlog -= len(item)
            else:
                await self._send(item)


def _request(scope: Scope) -> UpgradeRequest:
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    headers = canonical_headers(fields)
    if scope["type"] == "websocket":
        headers.setdefault("upgrade", "websocket")
    else:
        headers.pop("upgrade", None)
    # What is signed is the target as it was sent: unescaped by nobody, and with the path that the mount stripped.
    path = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0]
    query = scope.get("query_string", b"")
    target = path.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
    client = scope.get("client") or ("", 0)
    return UpgradeRequest(target, headers, f"{client[0]}:{client[1]}", scope.get("scheme") in ("https", "wss"))


async def _refuse(scope: Scope, refusal: Refusal, send: Send) -> None:
    await asyncio.sleep(refusal.delay)
    prefix = "http.response"
    if scope["type"] == "websocket":
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            return await send({"type": "websocket.close"})  # the framework's server answers 403
        prefix = "websocket.http.response"
    headers = [(b"content-length", str(len(refusal.body)).encode())]
    headers += [(b"content-type", refusal.content_type.encode())] if refusal.body else []
    headers += [(name.lower().encode(), value.encode()) for name, value in refusal.headers]
    await send({"type": f"{prefix}.start", "status": refusal.status, "headers": headers})
    await send({"type": f"{prefix}.body", "body": refusal.body})
    return None


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
