"""What a client keeps of the caller's audio until the session is open (P6.2)."""

from __future__ import annotations

from collections import deque

from .media import Lanes


class History:
    """Audio by channel, bounded: the oldest goes first.

    Args:
        limit: Samples to keep.
        start: Position of the first sample.
    """

    def __init__(self, limit: int, start: int = 0) -> None:
        self._limit = limit
        self._chunks: deque[Lanes] = deque()
        self.start = start
        self.samples = 0

    @property
    def end(self) -> int:
        """Position behind the last sample."""
        return self.start + self.samples

    def add(self, lanes: Lanes) -> None:
        if not lanes[0]:
            return
        self._chunks.append(lanes)
        self.samples += len(lanes[0])
        if self.samples > self._limit:
            self.drop_before(self.end - self._limit)

    def drop_before(self, position: int) -> None:
        """Drop what is older than a position, as far as it is kept here."""
        surplus = min(position - self.start, self.samples)
        while surplus > 0:
            head = self._chunks[0]
            length = len(head[0])
            if length <= surplus:
                self._chunks.popleft()
                cut = length
            else:
                self._chunks[0] = tuple(lane[surplus:] for lane in head)
                cut = surplus
            self.start += cut
            self.samples -= cut
            surplus -= cut

    def skip(self, samples: int) -> None:
        """Leave a gap behind what is kept; what lies before a gap is lost with it."""
        if not samples:
            return
        self.start, self.samples = self.end + samples, 0
        self._chunks.clear()

    def lanes(self) -> Lanes | None:
        """All that is kept, joined by channel; None if nothing is."""
        if not self._chunks:
            return None
        return tuple(b"".join(parts) for parts in zip(*self._chunks, strict=True))

    def take(self) -> Lanes | None:
        """The same; it is kept no longer."""
        lanes = self.lanes()
        if lanes is None:
            return None
        self._chunks.clear()
        self.start, self.samples = self.end, 0
        return lanes
