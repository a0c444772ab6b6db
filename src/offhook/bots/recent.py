"""The last audio of one channel, to be looked at once it is known what it was: whose voice it is, for one."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from ..audio.ulaw import RATE

if TYPE_CHECKING:
    from .line import Line

#: Seconds that are kept unless told otherwise: the longest turn and what recognition takes.
SECONDS: Final = 45.0


class Recent:
    """Remembers the last seconds of a channel, from the moment it is made; 8 kB for each second.

    Args:
        line: Whose audio.
        channel: "external" (the caller) or "internal".
        seconds: How much.
    """

    def __init__(self, line: Line, channel: str = "external", seconds: float = SECONDS) -> None:
        self._line = line
        self._lane = line.channels.index(channel) if channel in line.channels else None
        self._room = int(seconds * RATE)
        self._kept: deque[tuple[int, bytes]] = deque()
        self._size = 0
        if self._lane is not None:
            line.stream.add(self._take, hold_on=True)

    def audio(self, start: int, end: int) -> bytes:
        """What was heard from `start` to `end`, samples on the stream; mu-law. What is missing is left out."""
        parts = (
            data[max(0, start - position) : max(0, end - position)]
            for position, data in self._kept
            if position < end and position + len(data) > start
        )
        return b"".join(parts)

    def close(self) -> None:
        """Forget everything, and remember nothing more."""
        self._line.stream.remove(self._take)
        self._kept.clear()
        self._size = 0

    def _take(self, data: bytes, position: int) -> None:
        lane = self._line.stream.lanes(data)[self._lane or 0]
        self._kept.append((position, lane))
        self._size += len(lane)
        while self._size > self._room:
            self._size -= len(self._kept.popleft()[1])
