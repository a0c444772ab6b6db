"""What legs on a WebSocket have in common: the caller's short queue, early news, and an end that is told once.

A kind of leg brings its own words for audio, flush and hang-up. It knows nothing of flows or sessions.
"""

from __future__ import annotations

import ipaddress
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from ...errors import CallEnded
from ...session.wire import Wire
from . import Caller, Cause, LegListener, PhoneLeg, TransferFailed
from .inlet import Inlet

#: Bytes that may wait for a caller who does not read: audio behind them is left out, as it would come too late.
_STUCK: Final = 16_000

Arrival = Callable[[PhoneLeg], object]
"""Takes a call that has arrived: `Connector.take`, say."""


def is_here(host: str | None) -> bool:
    """Whether only this machine can reach an address that is listened on."""
    try:
        return host == "localhost" or (host is not None and ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


class SocketLeg(ABC):
    """A `PhoneLeg`, and the `wire.Receiver` of its WebSocket.

    Attributes:
        caller: Who calls; filled when the caller has said so.
        answered: Whether audio flows.
        ended: Why it is over; empty while it is not.
        skipped: Samples that were not sent because the caller does not read.
    """

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.inlet = Inlet()
        self.answered = False
        self.ended = ""
        self.skipped = 0
        self._wire: Wire | None = None
        self._listener: LegListener | None = None
        self._early: list[Callable[[LegListener], None]] = []

    # What a kind of leg brings.

    @abstractmethod
    def _send_audio(self, heard: bytes) -> None:
        """Send the caller what it is to hear."""

    @abstractmethod
    def _say_flush(self) -> None:
        """Tell the caller's end to throw away what it has not played."""

    def _say_answered(self) -> None:
        """Tell the caller's end that the call is taken."""

    def _say_ended(self, cause: str) -> None:
        """Tell the caller's end that the call is over; the WebSocket is closed behind it."""

    @property
    @abstractmethod
    def ahead(self) -> int:
        """See `PhoneLeg`."""

    # wire.Receiver

    def connected(self, wire: Wire) -> None:
        self._wire = wire

    @abstractmethod
    def received(self, data: str | bytes) -> None:
        """See `wire.Receiver`."""

    def lost(self, code: int, reason: str) -> None:
        self._wire = None
        self._over("the connection was closed")

    # PhoneLeg

    def attach(self, listener: LegListener) -> None:
        """See `PhoneLeg`."""
        self._listener = listener
        early, self._early = self._early, []
        for tell in early:
            tell(listener)

    def _tell(self, news: Callable[[LegListener], None]) -> None:
        if self._listener is not None:
            news(self._listener)
        elif len(self._early) < 100:
            self._early.append(news)

    def _over(self, reason: str) -> None:
        """The caller is gone; said once."""
        if not self.ended:
            self.ended = reason
            self._tell(lambda listener: listener.hung_up(reason))

    async def answer(self) -> None:
        """See `PhoneLeg`."""
        if self.ended:
            raise CallEnded("the caller is gone")
        self.answered = True
        self.inlet.clear()  # what came while nobody had answered was not said to anybody
        self._say_answered()

    def exchange(self, heard: bytes) -> tuple[bytes, bytes]:
        """See `Leg`."""
        if self._wire is not None and self.answered and not self.ended:
            if self._wire.backlog > _STUCK:
                self.skipped += len(heard)
            else:
                self._send_audio(heard)
        return self.inlet.take(len(heard)), heard

    def flush(self) -> int:
        """See `PhoneLeg`."""
        thrown = self.ahead
        if self._wire is not None and not self.ended:
            self._say_flush()
        return thrown

    async def transfer(self, target: str) -> None:
        """See `PhoneLeg`."""
        raise TransferFailed(f"a {self.caller.kind} leg cannot be transferred")

    def hang_up(self, cause: Cause = "normal") -> None:
        """See `PhoneLeg`."""
        if self.ended:
            return
        self.ended = f"ended: {cause}"
        if self._wire is not None:
            self._say_ended(cause)
            self._wire.close()
