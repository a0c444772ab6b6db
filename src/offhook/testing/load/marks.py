"""Marks in the sound, by which audio that comes back is known again: where in the stream it was, to the sample.

The lowest bit of each mu-law sample carries one bit of a maximum-length sequence (Golomb, "Shift Register Sequences",
1967): any `order` of its bits in a row occur once in a period, so a piece of audio tells its own position, however a
server has cut or joined messages, and whatever else it sends between. The mark is 36 dB below speech, and 72 dB below
full scale in silence. It survives decoding to linear and back, not another gain, rate or codec.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError

#: Order and second lag of the recurrences s[i] = s[i - lag] ^ s[i - order]: primitive trinomials.
_LAGS: Final = {17: 3, 20: 3, 22: 1}
#: Windows in a row that must agree before a piece counts as found: by chance, one in 2**48.
_AGREE: Final = 48
#: The position of a window that is not in the loop: no row of these looks like a piece.
_NOWHERE: Final = -(1 << 30)
_NEGATIVE_ZERO, _ZERO = b"\x7f", b"\xff"

LONGEST: Final = (1 << max(_LAGS)) - 1
"""Samples of the longest loop that can be marked."""
SHORTEST: Final = (1 << min(_LAGS)) - 1
"""Samples up to which all loops cost the same."""


class Piece(NamedTuple):
    """A piece of audio that was found: from `at` in the data, `length` samples that stand at `position` in the loop."""

    at: int
    position: int
    length: int


def sequence(order: int) -> NDArray[np.uint8]:
    """The bits of one period, 2**order - 1 of them."""
    lag, length = _LAGS[order], (1 << order) - 1
    bits = np.zeros(length, np.uint8)
    bits[order - 1] = 1
    at, scale = order, 1
    while at < length:
        # Squaring over GF(2): the recurrence holds for its lags times any power of two, so the steps double.
        while at >= 2 * scale * order:
            scale *= 2
        step = min(lag * scale, length - at)
        bits[at : at + step] = bits[at - lag * scale :][:step] ^ bits[at - order * scale :][:step]
        at += step
    return bits


class Marks:
    """Marks a loop of mu-law audio and finds pieces of it again.

    Args:
        samples: Length of the loop.

    Raises:
        UsageError: It is longer than can be marked.
    """

    def __init__(self, samples: int) -> None:
        order = next((order for order in _LAGS if samples < 1 << order), None)
        if order is None:
            raise UsageError(f"a sound of {samples / 8000:.0f} s cannot be marked: give {LONGEST // 8000} s at most")
        self._order = order
        self._bits = sequence(order)[:samples]
        self._positions = np.full(1 << order, _NOWHERE, np.int32)
        windows = self._windows(self._bits)
        self._positions[windows] = np.arange(len(windows), dtype=np.int32)

    def mark(self, audio: bytes) -> bytes:
        """Audio of the loop's length, with its marks."""
        samples = np.frombuffer(audio, np.uint8) & 0xFE | self._bits
        # A server that decodes and encodes makes one zero of two.
        return samples.astype(np.uint8).tobytes().replace(_NEGATIVE_ZERO, _ZERO)

    def find(self, data: bytes) -> Iterator[Piece]:
        """The marked pieces in some audio, in order; those of less than 8 ms are not found."""
        bits = np.frombuffer(data, np.uint8) & np.uint8(1)
        if len(bits) < self._order + _AGREE:
            return
        shifts = self._positions[self._windows(bits)] - np.arange(len(bits) - self._order + 1)
        borders = np.flatnonzero(np.diff(shifts)) + 1
        starts = [0, *borders.tolist()]
        for start, end in zip(starts, [*starts[1:], len(shifts)], strict=True):
            position = int(shifts[start]) + start
            if end - start >= _AGREE and position >= 0:
                yield Piece(start, position, end - start + self._order - 1)

    def _windows(self, bits: NDArray[np.uint8]) -> NDArray[np.int32]:
        count = len(bits) - self._order + 1
        windows = np.zeros(max(count, 0), np.int32)
        for shift in range(self._order):
            windows |= bits[shift : shift + len(windows)].astype(np.int32) << shift
        return windows
