"""The audio of one saying: kept until it was heard, so that it can go on from there after it was held."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

import numpy as np

from ..audio import ulaw
from .ledger import Ledger

_BLOCK: Final = ulaw.RATE // 50
#: Samples that a saying goes back at most to find the beginning of a word.
_BACK: Final = ulaw.RATE * 3 // 5


class _Stretch(NamedTuple):
    """From `offset` of the saying on, samples have gone to index `at` of the ledger and what follows it."""

    at: int
    offset: int


class Track:
    """Offsets count samples of the saying, indices those of the ledger: they differ once something was said again.

    Attributes:
        made: Samples that there are so far.
        handed: Offset up to which they were handed on.
    """

    def __init__(self) -> None:
        self.made = 0
        self.handed = 0
        self._pieces: deque[bytes] = deque()  # as they were made: whoever is handed one whole has no copy of it
        self._kept = 0  # offset of the first sample that is still here
        self._stretches: list[_Stretch] = []

    @property
    def waiting(self) -> int:
        """Samples that were not handed on."""
        return self.made - self.handed

    @property
    def end(self) -> int:
        """Index behind the last sample made so far, as things stand."""
        last = self._stretches[-1]
        return last.at + self.made - last.offset

    def begin(self, index: int) -> None:
        """What is handed on from now on goes to `index` of the ledger and what follows it."""
        self._stretches.append(_Stretch(index, self.handed))

    def add(self, audio: bytes) -> None:
        """More was made."""
        if audio:
            self._pieces.append(audio)
            self.made += len(audio)

    def take(self, gain: float = 1.0) -> bytes:
        """All that was not handed on."""
        audio = self._between(self.handed, self.made)
        self.handed = self.made
        return audio if gain == 1.0 else ulaw.from_float(ulaw.to_float(audio) * np.float32(gain))

    def heard(self, ledger: Ledger, now: float | None = None) -> int:
        """Offset up to which the caller has heard it; see `Ledger.heard` for `now`."""
        furthest = 0
        ends = [stretch.at for stretch in self._stretches[1:]] + ([self.end] if self._stretches else [])
        for stretch, end in zip(self._stretches, ends, strict=True):
            count = ledger.heard(stretch.at, end, now)
            if count:
                furthest = max(furthest, stretch.offset + count)
        return min(furthest, self.made)

    def place(self, offset: int, ledger: Ledger) -> int:
        """Index at which the caller hears an offset: in the first stretch in which all before it was heard."""
        for stretch, following in zip(self._stretches, self._stretches[1:], strict=False):
            before = offset - stretch.offset
            if 0 <= before <= following.at - stretch.at and ledger.heard(stretch.at, stretch.at + before) == before:
                return stretch.at + before
        last = self._stretches[-1]
        return last.at + max(0, offset - last.offset)

    def sent(self, index: int) -> int:
        """Offset that stands at an index of the ledger."""
        last = self._stretches[-1]
        return min(self.handed, max(last.offset, last.offset + index - last.at))

    def rewind(self, offset: int, index: int) -> None:
        """Hand it on once more from an offset; the ledger has that at `index`."""
        self.handed = max(self._kept, min(offset, self.made))
        self.begin(index)

    def word_before(self, offset: int) -> int:
        """The quietest place shortly before an offset, where most likely a word begins; the offset if all is loud."""
        first = max(self._kept, offset - _BACK)
        audio = self._between(first, offset)
        blocks = len(audio) // _BLOCK
        if blocks < 2:
            return offset
        pcm = ulaw.to_float(audio[len(audio) - blocks * _BLOCK :])
        power = np.square(pcm.reshape(blocks, _BLOCK)).mean(axis=1)
        quietest = blocks - 1 - int(power[::-1].argmin())  # the latest of equals
        if power[quietest] > power.max() / 10:
            return offset
        return offset - (blocks - quietest) * _BLOCK + _BLOCK // 2

    def forget(self, offset: int) -> None:
        """What lies before the word that holds this offset is not said again."""
        surplus = min(offset, self.handed) - 2 * _BACK - self._kept
        while self._pieces and surplus >= (size := len(self._pieces[0])):
            self._pieces.popleft()
            self._kept += size
            surplus -= size

    def _between(self, first: int, last: int) -> bytes:
        """The samples from one offset to another, of those that are still here."""
        parts, at = [], self.made
        for piece in reversed(self._pieces):  # what is asked for is near the end
            at -= len(piece)
            if at < last:
                parts.append(piece[max(0, first - at) : last - at])
            if at <= first:
                break
        return parts[0] if len(parts) == 1 else b"".join(reversed(parts))
