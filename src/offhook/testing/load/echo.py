"""Matches what comes back with what was sent, to the sample, whatever the server has cut, joined, lost or added."""

from __future__ import annotations

from array import array
from typing import Final

from .marks import Marks, Piece
from .sound import Sound
from .tally import Spread, Tally

#: Samples of other audio that may pass for the sequence: by chance, one time in 2**32 that many.
_BY_CHANCE: Final = 32


class Echo:
    """One call's.

    The common case costs one comparison of memory: what comes is what is expected next. Else the marks in it tell
    where it belongs.

    Args:
        sound: What the call says, marked.
        first: Frame of the loop that it begins with.

    Attributes:
        sent: Samples that have left.
        heard: Samples of these that have come back, and those before them: all up to here came or were lost.
        latency: Of this call's frames.
    """

    __slots__ = (
        "_first",
        "_length",
        "_loop",
        "_marks",
        "_rounds",
        "_size",
        "_skipped",
        "_times",
        "heard",
        "latency",
        "sent",
    )

    def __init__(self, sound: Sound, first: int = 0) -> None:
        assert sound.marks is not None
        self._marks: Marks = sound.marks
        self._rounds = sound.rounds
        self._size = sound.frame
        self._length = sound.frames
        self._loop = len(sound.external)
        self._first = first * sound.frame
        self._times = array("d", bytes(8 * sound.frames))
        self.sent = 0
        self.heard = 0
        self._skipped = 0
        self.latency = Spread()

    @property
    def missing(self) -> int:
        """Samples that have left and not come back."""
        return self.sent - self.heard + self._skipped

    def left(self, now: float) -> None:
        """The next frame leaves."""
        self._times[self.sent // self._size % self._length] = now
        self.sent += self._size

    def came(self, data: bytes, now: float, tally: Tally) -> None:
        """Audio has come; what is found of it is counted."""
        start = self.heard
        end = start + len(data)
        if end <= self.sent and self._rounds.startswith(data, (self._first + start) % self._loop):
            self._advance(start, end, now, tally)
        else:
            self._find(data, now, tally)

    def _advance(self, start: int, end: int, now: float, tally: Tally) -> None:
        self.heard = end
        for frame in range(start // self._size, end // self._size):
            seconds = now - self._times[frame % self._length]
            tally.echo.record(seconds)
            tally.echoed += 1
            self.latency.record(seconds)

    def _find(self, data: bytes, now: float, tally: Tally) -> None:
        known = 0
        for piece in self._marks.find(data):
            place = self._place(piece)
            if place is None:
                continue
            start, end = place
            known += end - start
            if start > self.heard:
                self._skipped += start - self.heard
            else:
                tally.repeated += min(end, self.heard) - start
            if end > self.heard:
                self._advance(max(start, self.heard), end, now, tally)
        tally.foreign += len(data) - known

    def _place(self, piece: Piece) -> tuple[int, int] | None:
        """Where in the stream a piece of the loop stands: the latest place at which it can have been sent.

        Its middle is looked at: at its ends, other audio may have gone on like the sequence for some samples.
        """
        half = piece.length // 2
        middle = self.sent - (self._first + self.sent - piece.position - half) % self._loop
        start, end = middle - half, middle - half + piece.length
        if start < -_BY_CHANCE or end > self.sent + _BY_CHANCE:
            return None
        return max(start, 0), min(end, self.sent)
