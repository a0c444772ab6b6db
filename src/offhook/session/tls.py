"""Accepting TLS with aiofastnet's transports, which halve what it costs in this process.

aiofastnet's own server is not used: out of file descriptors it spins, and it neither bounds the handshakes under way
nor stays quiet about peers that leave during one. It must not know WebSockets.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable
from typing import cast

from .wire import WireLimits

logger = logging.getLogger("offhook.session")

_AT_ONCE = 64  # connections accepted before others have their turn
_RETRY = 1.0  # seconds without accepting when the system has no room for another connection


class TlsServer:
    """Accepts connections, and hands each to a fresh protocol once its TLS handshake is done.

    Args:
        listeners: Bound and listening.
        protocol: Makes the protocol of a connection.
        context: Certificate and key.
        limits: For time and number of handshakes; above `max_waiting` the oldest is dropped.
    """

    def __init__(
        self,
        listeners: list[socket.socket],
        protocol: Callable[[], asyncio.BaseProtocol],
        context: ssl.SSLContext,
        limits: WireLimits,
    ) -> None:
        from aiofastnet import connect_accepted_socket

        self._shake_hands = connect_accepted_socket
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._context = context
        self._limits = limits
        self._handshakes: dict[asyncio.Task[object], socket.socket] = {}
        self._retries: dict[socket.socket, asyncio.TimerHandle] = {}
        self.sockets = listeners
        for listener in listeners:
            listener.setblocking(False)
            self._listen(listener)

    def close(self) -> None:
        """Accept no more, and drop the handshakes under way."""
        for listener in self.sockets:
            self._loop.remove_reader(listener)
            listener.close()
        for timer in self._retries.values():
            timer.cancel()
        self.sockets = []
        for handshake in self._handshakes:
            handshake.cancel()

    async def wait_closed(self) -> None:
        """Return when no handshake is left."""
        if self._handshakes:
            await asyncio.wait(self._handshakes)

    def _listen(self, listener: socket.socket) -> None:
        self._retries.pop(listener, None)
        self._loop.add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                sock, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                logger.error("no room for another connection (%s): see ulimit -n", error.strerror)
                self._loop.remove_reader(listener)
                self._retries[listener] = self._loop.call_later(_RETRY, self._listen, listener)
                return
            self._start_handshake(sock)

    def _start_handshake(self, sock: socket.socket) -> None:
        handshake = self._loop.create_task(
            self._shake_hands(
                quiet(self._loop),
                self._protocol,
                sock,
                ssl=self._context,
                ssl_handshake_timeout=self._limits.head_timeout,
                ssl_shutdown_timeout=self._limits.close_timeout,
            )
        )
        self._handshakes[handshake] = sock
        handshake.add_done_callback(self._end_handshake)
        if len(self._handshakes) > self._limits.max_waiting:
            next(iter(self._handshakes)).cancel()

    def _end_handshake(self, handshake: asyncio.Task[object]) -> None:
        sock = self._handshakes.pop(handshake)
        if handshake.cancelled() or handshake.exception() is not None:
            sock.close()


async def start_tls_server(
    protocol: Callable[[], asyncio.BaseProtocol],
    host: str | None,
    port: int,
    context: ssl.SSLContext,
    limits: WireLimits,
    *,
    reuse_port: bool,
    backlog: int,
) -> TlsServer:
    """Listen on every address of `host`; other arguments as in `TlsServer` and `offhook.session.listen.listen`.

    Raises:
        OSError: No address can be had, or one is taken.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listeners: list[socket.socket] = []
    trouble: OSError | None = None
    for family, address in dict.fromkeys((entry[0], entry[4]) for entry in found):
        try:
            listener = socket.create_server(
                cast("tuple[str, int]", address), family=family, backlog=backlog, reuse_port=reuse_port
            )
        except OSError as error:
            trouble = error
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):  # a family that this machine does not have
                break
        else:
            listeners.append(listener)
            trouble = None
    if trouble is not None:
        for listener in listeners:
            listener.close()
        raise trouble
    return TlsServer(listeners, protocol, context, limits)


def quiet(loop: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
    """The loop for aiofastnet's transports, without the one complaint that is none."""
    return cast("asyncio.AbstractEventLoop", _QuietLoop(loop))


class _QuietLoop:
    """aiofastnet reports a peer that leaves during the handshake, and as a class, which logging cannot print."""

    __slots__ = ("_loop",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __getattr__(self, name: str) -> object:
        return getattr(self._loop, name)

    def call_exception_handler(self, context: dict[str, object]) -> None:
        if context.get("exception") is not ConnectionResetError:
            self._loop.call_exception_handler(context)
