"""What legs on a WebSocket have in common: the caller's short queue, an end that is told once, a watch on the silent.

A kind of leg brings its own words for audio, flush and hang-up. It knows nothing of flows or sessions.
"""

from __future__ import annotations

import asyncio
import ipaddress
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from ...errors import CallEnded
from ...session.wire import Wire
from . import Caller, Cause, PhoneLeg, TransferFailed
from .inlet import Inlet
from .news import News

#: Bytes that may wait for a caller who does not read: audio behind them is left out, as it would come too late.
_STUCK: Final = 16_000
#: Seconds within which a connection has to become a call.
BEGIN_WITHIN: Final = 10.0
#: Seconds without a message after which a caller is gone: who is there sends audio, or answers what is asked.
SILENT_FOR: Final = 30.0

#: All keys of a telephone.
KEYS: Final = frozenset("0123456789*#ABCD")

Arrival = Callable[[PhoneLeg], object]
"""Takes a call that has arrived: `Connector.take`, say."""


def is_here(host: str | None) -> bool:
    """Whether only this machine can reach an address that is listened on."""
    try:
        return host == "localhost" or (host is not None and ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


class SocketLeg(News, ABC):
    """A `PhoneLeg`, and the `wire.Receiver` of its WebSocket.

    Args:
        caller: Who calls, as far as is known before the caller has said so.
        arrival: Takes the call, once it is one.

    Attributes:
        caller: Who calls; filled when the caller has said so.
        answered: Whether audio flows.
        ended: Why it is over; empty while it is not.
        skipped: Samples that were not sent because the caller does not read.
        left: Called when the connection is gone.
    """

    def __init__(self, caller: Caller, arrival: Arrival) -> None:
        super().__init__()
        self.caller = caller
        self.inlet = Inlet()
        self.answered = False
        self.ended = ""
        self.skipped = 0
        self.left: Callable[[SocketLeg], object] = lambda leg: None
        self._arrival = arrival
        self._begun = False
        self._came = False  # anything, since it was last looked
        self._holds = False  # the caller, who may be silent then
        self._wire: Wire | None = None
        self._watch: asyncio.TimerHandle | None = None

    # What a kind of leg brings.

    @abstractmethod
    def _send_audio(self, heard: bytes) -> None:
        """Send the caller what it is to hear."""

    @abstractmethod
    def _say_flush(self) -> None:
        """Tell the caller's end to throw away what it has not played."""

    @abstractmethod
    def _on_message(self, data: str | bytes) -> None:
        """The caller's end says something. What makes no sense is passed over."""

    def _say_answered(self) -> None:
        """Tell the caller's end that the call is taken."""

    def _say_ended(self, cause: str) -> None:
        """Tell the caller's end that the call is over; the WebSocket is closed behind it."""

    @property
    @abstractmethod
    def ahead(self) -> int:
        """See `PhoneLeg`."""

    def _begin(self, caller: Caller) -> None:
        """It is a call from now on."""
        self._begun, self.caller = True, caller
        self._arrival(self)

    # wire.Receiver

    def connected(self, wire: Wire) -> None:
        self._wire = wire
        self._watch = asyncio.get_running_loop().call_later(BEGIN_WITHIN, self._look)

    def received(self, data: str | bytes) -> None:
        self._came = True
        if not self.ended:
            self._on_message(data)

    def lost(self, code: int, reason: str) -> None:
        self._wire = None
        if self._watch is not None:
            self._watch.cancel()
        self._over("the connection was closed")
        self.left(self)

    def _look(self) -> None:
        """Ends a connection of which nothing comes: its line is wanted by others, its bot costs money."""
        if self._wire is None:
            return
        gone = self.answered and not self._came and not self._holds
        if self._begun and not self.ended and not gone:
            self._came = False
            self._watch = asyncio.get_running_loop().call_later(SILENT_FOR, self._look)
            return
        self._over("nothing comes from the caller any more")
        self._wire.abort()

    # PhoneLeg

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

    def drop(self) -> None:
        """End it from our side, whatever it is at."""
        self.hang_up()
        if self._wire is not None:
            self._wire.close()
