"""Two receivers joined in memory: the wire of tests and of bots that live in the process of their platform.

Messages arrive in order, each in a turn of the event loop of its own, `delay` seconds after they were sent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from .wire import Receiver


class MemoryWire:
    """One end; see `wire.Wire`."""

    def __init__(self, receiver: Receiver, delay: float) -> None:
        self._receiver = receiver
        self._delay = delay
        self._loop = asyncio.get_running_loop()
        self._peer: MemoryWire
        self._under_way: deque[Callable[[], None]] = deque()
        self._open = True
        self._lost = False

    def send(self, data: str | bytes) -> None:
        if self._open:
            self._later(lambda: self._peer._receive(data))

    def close(self, code: int = 1000, reason: str = "") -> None:
        if self._open:
            self._open = False
            self._later(lambda: self._part(code, reason))

    def abort(self) -> None:
        self._open = False
        self._loop.call_soon(self._part, 1006, "")

    @property
    def backlog(self) -> int:
        return 0

    def _later(self, act: Callable[[], None]) -> None:
        # A loop does not promise to keep the order of timers that are due at one time: the queue does.
        self._under_way.append(act)
        if self._delay:
            self._loop.call_later(self._delay, self._arrive)
        else:
            self._loop.call_soon(self._arrive)

    def _arrive(self) -> None:
        self._under_way.popleft()()

    def _receive(self, data: str | bytes) -> None:
        if self._open:
            self._receiver.received(data)

    def _part(self, code: int, reason: str) -> None:
        for end in (self._peer, self):
            if not end._lost:
                end._lost, end._open = True, False
                end._receiver.lost(code, reason)


def join(first: Receiver, second: Receiver, *, delay: float = 0.0) -> tuple[MemoryWire, MemoryWire]:
    """Join two receivers; both are told that they are connected, the second one first."""
    one, other = MemoryWire(first, delay), MemoryWire(second, delay)
    one._peer, other._peer = other, one
    second.connected(other)
    first.connected(one)
    return one, other
