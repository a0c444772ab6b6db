"""The bounded queue between what a bot says and the wire: a cushion at once, then real time.

A bot makes speech much faster than it is heard. If all of it left at once, the platform would hold minutes that a
barge-in must reach and throw away. So only a cushion runs ahead of what is heard, and the residue after a barge-in is
never longer than that. It reads no clock: the time comes with each call.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from .ulaw import RATE

#: Seconds of audio that run ahead of the listener: enough for 0.3 s of jitter on the line and in our own loop.
CUSHION: Final = 0.6
#: Seconds of an audio message: 0.25 to 0.5 stays below the platform's five messages a second (P6.6).
FRAME: Final = 0.3
#: Below this many seconds a message waits for more, unless nothing more comes or the cushion is nearly gone.
LEAST: Final = 0.2
_NEARLY_GONE: Final = 0.1
#: A timer may fire so many seconds early; without the grace it would be set again and again.
_GRACE: Final = 0.001
#: Seconds that may wait here before `say()` is made to wait.
CAPACITY: Final = 2.0


class Playout:
    """Mono audio of one byte a sample at 8 kHz, paced. A `session.connection.Source`.

    Attributes:
        on_room: Called when the queue has fallen below half of its capacity.
    """

    def __init__(
        self,
        *,
        cushion: float = CUSHION,
        frame: float = FRAME,
        capacity: float = CAPACITY,
        on_room: Callable[[], None] | None = None,
    ) -> None:
        self._cushion = cushion
        self._frame = frame
        self._capacity = int(capacity * RATE)
        self.on_room = on_room
        self._chunks: deque[bytes] = deque()
        self._taken = 0  # of the first of them
        self._more = False
        self._epoch = 0.0
        self._run = 0
        self.queued = 0

    @property
    def full(self) -> bool:
        """Whether whoever produces should wait for `on_room`."""
        return self.queued >= self._capacity

    def push(self, data: bytes, *, more: bool = False) -> None:
        """Queue audio. `more`: further audio of the same saying is about to come, so small rests may wait for it."""
        if data:
            self._chunks.append(data)
            self.queued += len(data)
        self._more = more

    def clear(self) -> int:
        """Throw away what has not left; returns its samples. What follows starts with a cushion of its own."""
        dropped, self.queued = self.queued, 0
        self._chunks.clear()
        self._taken = 0
        self._more = False
        self._run = 0
        return dropped

    def _ahead(self, now: float) -> float:
        """Seconds by which what has left is ahead of the listener."""
        return self._epoch + self._run / RATE - now if self._run else 0.0

    def due(self, now: float) -> list[bytes]:
        """Audio that is to leave by now, in messages."""
        out: list[bytes] = []
        while self.queued:
            if self._run and self._ahead(now) <= 0.0:
                self._run = 0  # the listener has caught up: a new run, with a cushion of its own
            if self._run == 0:
                self._epoch = now
                size = int(self._cushion * RATE)
            else:
                if self._ahead(now) - _GRACE > self._cushion - self._frame:
                    break
                size = int(self._frame * RATE)
            if self._waits_for_more(now):
                break
            out.append(self._take(size))
        return out

    def _waits_for_more(self, now: float) -> bool:
        return self._more and self.queued < LEAST * RATE and self._run > 0 and self._ahead(now) - _GRACE > _NEARLY_GONE

    def next_due(self) -> float | None:
        """When `due` will have something; None if nothing waits."""
        if not self.queued:
            return None
        if not self._run:
            return 0.0
        end = self._epoch + self._run / RATE
        if self._more and self.queued < LEAST * RATE:
            return end - _NEARLY_GONE
        return end - (self._cushion - self._frame)

    def _take(self, size: int) -> bytes:
        parts, wanted = [], size
        while wanted > 0 and self._chunks:
            chunk, first = self._chunks[0], self._taken
            last = min(first + wanted, len(chunk))
            parts.append(chunk[first:last])
            wanted -= last - first
            if last == len(chunk):
                self._chunks.popleft()
                self._taken = 0
            else:
                self._taken = last
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        was = self.queued
        self.queued -= len(data)
        self._run += len(data)
        half = self._capacity // 2
        if self.on_room is not None and self.queued < half <= was:
            self.on_room()
        return data
