"""Is this the very recording that was heard before? Nobody says a sentence twice in the same way; a recording does.

A fingerprint is 32 bits for each 16 ms: whether the energy between two neighbouring bands grew or shrank since the
frame before (after Haitsma and Kalker, "A highly robust audio fingerprinting system", ISMIR 2002; the bands are those
of a telephone). Coding, loudness, noise and where the recording begins hardly change it. It tells a recording played
again, not a synthetic voice that says something new. Pure functions on samples at 8 kHz.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import numpy.typing as npt

from ...audio import ulaw
from ..engines import Float32

Bits = npt.NDArray[np.uint32]

HOP: Final = 128
_WINDOW: Final = 2048  # so long that the place of a window in the recording matters little
_BANDS: Final = 33
_LOWEST, _HIGHEST = 250.0, 3300.0
_OVERLAP: Final = ulaw.RATE // HOP  # frames: less than a second in common says nothing
_FLOOR: Final = 10 ** (-45 / 10)  # of the loudest frame's energy: below it, bits are noise

SAME: Final = 0.29
"""Share of differing bits under which two recordings are one. `benchmarks/voiceprint.py` measures both sides of it."""


def fingerprint(speech: bytes) -> Bits:
    """Fingerprint of mu-law at 8 kHz: a number for each 16 ms from the first voice to the last; empty if too short."""
    energy = _energy(ulaw.to_float(speech))
    if len(energy) < 2:
        return np.zeros(0, np.uint32)
    loud = np.flatnonzero(energy.sum(axis=1) >= energy.sum(axis=1).max() * _FLOOR)
    energy = energy[loud[0] : loud[-1] + 1]
    slope = energy[:, 1:] - energy[:, :-1]
    bits = np.diff(slope, axis=0) > 0
    packed: Bits = (bits.astype(np.uint32) << np.arange(_BANDS - 1, dtype=np.uint32)).sum(axis=1, dtype=np.uint32)
    return packed


def difference(one: Bits, other: Bits) -> float:
    """Share of bits that differ where the two fit best over at least a second: 0 to 1; 1 if there is no such place.

    Chance gives about 0.5; the best of many places lies somewhat below.
    """
    if min(len(one), len(other)) < _OVERLAP:
        return 1.0
    # All pairs at once, then along the diagonals: each is one way to lay the two side by side.
    apart = _ones(one[:, None] ^ other[None, :])
    least = 1.0
    for offset in range(_OVERLAP - len(one), len(other) - _OVERLAP + 1):
        least = min(least, float(np.diagonal(apart, offset).mean()) / (_BANDS - 1))
    return least


def pack(bits: Bits) -> bytes:
    """As bytes, to be kept."""
    return bits.astype("<u4").tobytes()


def unpack(kept: bytes) -> Bits:
    """What `pack` made."""
    return np.frombuffer(kept, "<u4").astype(np.uint32)


def _energy(pcm: Float32) -> Float32:
    """Energy by band, shape (frames, 33)."""
    padded = np.pad(pcm, (_WINDOW - HOP, _WINDOW - HOP))
    if len(padded) < _WINDOW:
        return np.zeros((0, _BANDS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::HOP]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(_WINDOW).astype(np.float32), axis=1)))
    summed: Float32 = np.add.reduceat(power, _edges(), axis=1)[:, :_BANDS].astype(np.float32)
    return summed


@functools.cache
def _edges() -> npt.NDArray[np.int64]:
    """First bin of each band, and the one behind the last."""
    hertz = np.geomspace(_LOWEST, _HIGHEST, _BANDS + 1)
    return np.round(hertz / ulaw.RATE * _WINDOW).astype(np.int64)


def _ones(words: Bits) -> npt.NDArray[np.uint8]:
    """How many bits are set in each."""
    table = _table()
    counted: npt.NDArray[np.uint8] = table[words & 0xFFFF] + table[words >> 16]
    return counted


@functools.cache
def _table() -> npt.NDArray[np.uint8]:
    return np.array([number.bit_count() for number in range(65536)], np.uint8)
