"""How one WebSocket ends, the same for every engine: why, how long the peer has, who is told, and TCP's last moments.

It must not know frames or HTTP: engines write their close frames themselves.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from .frames import ABNORMAL, INTERNAL_ERROR
from .wire import Receiver, WireLimits

logger = logging.getLogger("offhook.session")


class Closing:
    """The end of one WebSocket, from the first sign of it to `Receiver.lost`.

    Args:
        socket: The TCP or TLS transport below the WebSocket.
        receiver: Told once that the connection is gone.
        limits: For `close_timeout`.
        ended: Called behind `Receiver.lost`.

    Attributes:
        lingering: The WebSocket is over, and the connection is left to `Linger`.
    """

    __slots__ = ("_cause", "_ended", "_lost", "_receiver", "_socket", "_timeout", "_timer", "lingering")

    def __init__(
        self, socket: asyncio.Transport, receiver: Receiver, limits: WireLimits, ended: Callable[[], None]
    ) -> None:
        self._socket = socket
        self._receiver = receiver
        self._timeout = limits.close_timeout
        self._ended = ended
        self._cause: tuple[int, str] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._lost = False
        self.lingering = False

    def because(self, code: int, reason: str) -> None:
        """Keep the cause that `lost` will report. The first one stays."""
        if self._cause is None:
            self._cause = (code, reason)

    def crashed(self) -> tuple[int, str]:
        """Log the exception that the receiver has just raised, and give the close code and reason for it."""
        logger.exception("a session failed inside its WebSocket callback: the WebSocket is closed")
        return INTERNAL_ERROR, ""

    def expect(self) -> None:
        """From now on the peer has `close_timeout` seconds to let the connection end."""
        if self._timer is None and not self._lost and not self.lingering:
            self._timer = asyncio.get_running_loop().call_later(self._timeout, self._socket.abort)

    def linger(self) -> None:
        """Give the connection to `Linger`; nothing more comes from it."""
        if not self._lost and not self.lingering:
            self.lingering = True
            self._stop_timer()
            Linger(self._socket, self._timeout, self.lost)

    def writable(self, ready: bool) -> None:
        """Pass on that the backlog has passed its limit, or has left, to a receiver that wants to know."""
        tell: Callable[[bool], None] | None = getattr(self._receiver, "writable", None)
        if tell is not None:
            tell(ready)

    def lost(self) -> None:
        """The connection is gone: tell the receiver, once."""
        if self._lost:
            return
        self._lost = True
        self._stop_timer()
        try:
            self._receiver.lost(*(self._cause or (ABNORMAL, "")))
        except Exception:
            self.crashed()
        finally:
            self._ended()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Linger(asyncio.BufferedProtocol):
    """Last protocol of a connection whose final bytes are written: reads and throws away until the peer hangs up.

    A socket closed while bytes wait unread sends a reset, which may overtake the answer that the peer was to read
    (RFC 9112 section 9.6). TLS cannot be half closed: there the transport's own shutdown does the same.

    Args:
        socket: Its protocol becomes this one.
        seconds: After which the connection is dropped.
        ended: Called when it is gone.
    """

    def __init__(self, socket: asyncio.Transport, seconds: float, ended: Callable[[], None]) -> None:
        self._ended = ended
        self._waste = bytearray(16_384)
        self._timer = asyncio.get_running_loop().call_later(seconds, socket.abort)
        socket.set_protocol(self)
        if not socket.is_closing():
            half_close(socket)

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where to put what nobody will read."""
        return self._waste

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer hung up, or its time is over."""
        self._timer.cancel()
        self._ended()


def half_close(socket: asyncio.Transport) -> None:
    """Say that nothing more is sent; where that cannot be said, close."""
    if not socket.can_write_eof():
        socket.close()
        return
    try:
        socket.write_eof()
    except OSError:
        socket.abort()  # the peer has reset the connection, and asyncio's own loop has not seen it yet
