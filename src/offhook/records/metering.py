"""How long a session was connected, and paused by whom, told from its messages alone: the same live as from a trace.

Charged is the time from `opened` to `close` without pauses of the client (P14). Times become samples at 8 kHz, so that
sums are exact. Sans-IO: it knows messages and their times.

On the wire nothing tells that a pause of the client has ended while the server still holds one (P4.6): such a pause
lasts until `resumed` here, which is the caller's advantage.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

RATE: Final = 8000
Span = tuple[int, int]
"""From one sample to another, counted from the call's start; the second is not in it."""


class _Parameters(msgspec.Struct, rename="camel"):
    start_paused: bool = False


class _Message(msgspec.Struct):
    type: str = ""
    parameters: msgspec.Raw = msgspec.Raw()


_messages: Final = msgspec.json.Decoder(_Message)
_opened: Final = msgspec.json.Decoder(_Parameters)


class Measured(msgspec.Struct, frozen=True):
    """What is known of one session so far.

    Attributes:
        opened: Sample at which it was connected, from the call's start; None if it never was.
        last: Sample up to which it is known to have been connected.
        client, server: Pauses of each side, in order, within that time.
    """

    opened: int | None = None
    last: int = 0
    client: tuple[Span, ...] = ()
    server: tuple[Span, ...] = ()

    @property
    def connected(self) -> int:
        """Samples from `opened` to the end."""
        return 0 if self.opened is None else max(self.last - self.opened, 0)

    def charged(self, *, server_pauses: bool = True, free: Iterable[Span] = ()) -> int:
        """Samples that are charged.

        Args:
            server_pauses: Charge pauses of the server as well.
            free: Time that costs nothing, on the same axis.
        """
        if self.opened is None:
            return 0
        without = [*self.client, *free, *(() if server_pauses else self.server)]
        return self.connected - covered(without, (self.opened, self.last))


def covered(spans: Iterable[Span], within: Span) -> int:
    """Samples of a span that others cover, each counted once."""
    total, at = 0, within[0]
    for start, end in sorted(spans):
        start, end = max(start, at), min(end, within[1])
        if end > start:
            total += end - start
            at = end
    return total


def total(spans: Iterable[Span]) -> int:
    """Samples of spans that do not overlap."""
    return sum(end - start for start, end in spans)


class Gauge:
    """Measures one session while its messages pass."""

    def __init__(self) -> None:
        self._opened: int | None = None
        self._ended: int | None = None
        self._owed = 0  # answers of the client to `pause` and `resume` of the server
        self._pauses: dict[str, list[Span]] = {"client": [], "server": []}
        self._since: dict[str, int] = {}

    @property
    def open(self) -> bool:
        """Whether the session is connected."""
        return self._opened is not None and self._ended is None

    def message(self, t: float, sender: Literal["client", "server"], data: str | bytes) -> None:
        """Take one message, `t` seconds since the call's start."""
        if isinstance(data, bytes) or self._ended is not None:
            return
        try:
            message = _messages.decode(data)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return
        at = round(t * RATE)
        if sender == "server":
            self._from_server(message, at)
        elif self._opened is not None:
            self._from_client(message.type, at)

    def _from_server(self, message: _Message, at: int) -> None:
        if message.type == "opened" and self._opened is None:
            self._opened = at
            try:
                paused = _opened.decode(message.parameters).start_paused
            except msgspec.DecodeError:
                paused = False
            if paused:
                self._pause("server", at)
                self._owed += 1
        elif self._opened is None:
            return
        elif message.type == "pause":
            self._pause("server", at)
            self._owed += 1
        elif message.type == "resume":
            self._resume("server", at)
            self._owed += 1

    def _from_client(self, type: str, at: int) -> None:
        if type == "close":
            self.end(at / RATE)
        elif type == "paused":
            if self._owed:
                self._owed -= 1
            else:
                self._pause("client", at)
        elif type == "resumed":
            self._owed = max(self._owed - 1, 0)
            self._resume("client", at)

    def _pause(self, side: str, at: int) -> None:
        self._since.setdefault(side, at)

    def _resume(self, side: str, at: int) -> None:
        since = self._since.pop(side, None)
        if since is not None and at > since:
            self._pauses[side].append((since, at))

    def end(self, t: float) -> None:
        """The session is over; only the first time counts."""
        if self._ended is None:
            self._ended = round(t * RATE)

    def measured(self, t: float) -> Measured:
        """What is known at this time."""
        last = round(t * RATE) if self._ended is None else self._ended
        spans: dict[str, tuple[Span, ...]] = {}
        for side, known in self._pauses.items():
            since = self._since.get(side)
            spans[side] = (*known, (since, last)) if since is not None and last > since else tuple(known)
        return Measured(self._opened, last if self._opened is not None else 0, spans["client"], spans["server"])
