"""The gate before the WebSockets of a listener: reads the request, asks `accept`, answers or hands the socket on.

It bounds what strangers cost before they are let in: time, bytes and number. It must not know AudioHook, nor what
decides who comes in.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from .closing import Linger
from .head import Head, HeadReader, response, upgrade_head
from .wire import Accept, Receiver, Refusal, UpgradeRequest, WireLimits

logger = logging.getLogger("offhook.session")

Upgrade = Callable[[asyncio.Transport, bytes, Receiver, WireLimits, Callable[[], None]], None]

_EARLY = 0.002  # seconds: loops fire up to a millisecond before the time, and count in milliseconds
_READ_BUFFER = 2_048  # bytes; a signed request has about 1,100


class Lobby:
    """All connections of one listener: those in the gate one by one, the others only as a number.

    Args:
        accept: Decides on each request.
        upgrade: The engine's way to take over a connection.
        limits: For the gate, and for the engine.
    """

    def __init__(self, accept: Accept, upgrade: Upgrade, limits: WireLimits) -> None:
        self.accept = accept
        self.upgrade = upgrade
        self.limits = limits
        self.connections = 0
        self.loop = asyncio.get_running_loop()
        self._waiting: dict[Gate, None] = {}  # in order of arrival
        self._unheard: dict[Gate, float] = {}  # those whose request has not come, with its time; in the same order
        self._timer: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        self._empty.set()

    def enter(self, gate: Gate) -> None:
        """A connection has come. Above `max_waiting` the one that waits longest is dropped."""
        self.connections += 1
        self._empty.clear()
        self._waiting[gate] = None
        self._unheard[gate] = self.loop.time() + self.limits.head_timeout
        if self._timer is None:  # one for all of them: a connection is seldom there long enough to need its own
            self._timer = self.loop.call_later(self.limits.head_timeout, self._look)
        if len(self._waiting) > self.limits.max_waiting:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            oldest.drop()

    def heard(self, gate: Gate) -> None:
        """The request of a connection has come, or nobody waits for it any more."""
        self._unheard.pop(gate, None)

    def _look(self) -> None:
        self._timer = None
        now = self.loop.time() + _EARLY
        for gate, due in [*self._unheard.items()]:
            if due > now:
                self._timer = self.loop.call_at(due, self._look)
                break
            del self._unheard[gate]
            gate.late()

    def let_in(self, gate: Gate) -> None:
        """A connection in the gate became a WebSocket."""
        self._waiting.pop(gate, None)

    def left(self) -> None:
        """A connection is gone."""
        self.connections -= 1
        if not self.connections:
            self._empty.set()

    def clear(self) -> None:
        """Drop the connections in the gate."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._unheard.clear()
        for gate in self._waiting:
            gate.drop()

    async def wait_empty(self) -> None:
        """Return when there is no connection."""
        await self._empty.wait()


class Gate(asyncio.BufferedProtocol):
    """One accepted connection until it becomes a WebSocket or is refused.

    A `BufferedProtocol` because the next one may be: transports ask for the kind of protocol once per read.
    """

    def __init__(self, lobby: Lobby) -> None:
        self._lobby = lobby
        self._loop = lobby.loop
        self._timer: asyncio.TimerHandle | None = None  # of an answer that is put off
        self._reader = HeadReader(lobby.limits)
        self._buffer = bytearray(_READ_BUFFER)
        self._refusing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The peer is connected, and TLS is done."""
        self._socket = cast("asyncio.Transport", transport)  # uvloop's does not inherit from it
        self._lobby.enter(self)

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the next bytes of the head go."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes have come."""
        if self._refusing:
            return
        head = self._reader.feed(memoryview(self._buffer)[:nbytes])
        if head is None:
            return
        self._lobby.heard(self)
        arrival = self._loop.time()
        if isinstance(head, Refusal):
            self._refuse(head, arrival)
            return
        answer = self._ask(head)
        if isinstance(answer, Refusal):
            self._refuse(answer, arrival)
            return
        lobby = self._lobby
        lobby.let_in(self)
        data = upgrade_head(head.headers["sec-websocket-key"]) + head.rest
        lobby.upgrade(self._socket, data, answer, lobby.limits, lobby.left)

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer is gone before it was let in, or after its answer."""
        if self._timer is not None:
            self._timer.cancel()
        self._lobby.heard(self)
        self._lobby.let_in(self)
        self._lobby.left()

    def drop(self) -> None:
        """End the connection without an answer."""
        self._socket.abort()

    def _ask(self, head: Head) -> Receiver | Refusal:
        secure = self._socket.get_extra_info("ssl_object") is not None
        request = UpgradeRequest(head.target, head.headers, _address(self._socket), secure)
        try:
            answer = self._lobby.accept(request)
        except Exception:
            logger.exception("a request could not be judged: it is answered with 500")
            return Refusal(500)
        if not isinstance(answer, Refusal) and not request.websocket:
            return Refusal(426, headers=(("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")))
        return answer

    def late(self) -> None:
        """The time for the request is over."""
        if self._reader.started:
            self._refuse(Refusal(408), self._loop.time())
        else:
            self.drop()

    def _refuse(self, refusal: Refusal, arrival: float) -> None:
        self._refusing = True
        wait = arrival + refusal.delay - self._loop.time()
        if wait > 0:
            self._timer = self._loop.call_later(wait, self._answer, refusal)
        else:
            self._answer(refusal)

    def _answer(self, refusal: Refusal) -> None:
        self._socket.write(response(refusal))
        Linger(self._socket, self._lobby.limits.close_timeout, lambda: self.connection_lost(None))


def _address(socket: asyncio.Transport) -> str:
    peer = socket.get_extra_info("peername")
    if not isinstance(peer, tuple):
        return ""
    host, port = peer[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
