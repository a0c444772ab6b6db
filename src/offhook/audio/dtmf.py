"""In-band DTMF: keys heard in the sound itself, for lines that carry no key events.

Blocks of 205 samples, where the eight tones fall almost on bins of their own, every 10 ms. Knows samples at 8 kHz only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KEYS = "123A456B789C*0#D"
"""The keypad row by row: key `i` is tone `i // 4` of `LOW` with tone `i % 4` of `HIGH` (ITU-T Q.23)."""

LOW = (697, 770, 852, 941)
HIGH = (1209, 1336, 1477, 1633)

_RATE = 8000
_BLOCK = 205
_HOP = 80

# Each tone is looked for where it should be and 1.2 % beside that; if there is more 3.5 % beside it, it is some other
# tone. Q.24 wants keys within 1.5 % accepted and beyond 3.5 % refused: the border comes out midway, at 2.4 %.
_DETUNINGS = (-0.035, -0.012, 0.0, 0.012, 0.035)

_MIN_ENERGY = _BLOCK * 100.0**2 / 2  # a sine of amplitude 100, some -50 dB of full scale
_MIN_TONALITY = 0.70  # of the energy must lie in the two tones
_MAX_TWIST = 10 ** (8 / 10)  # between the two tones, as a ratio of powers
_SECOND_TONE = 6  # the other tones of the group must be so much weaker, in power
_AGREEING = 2  # blocks make a key
_DISAGREEING = 3  # end it: not a drop-out of 10 ms, but a pause of 30 ms
_NONE = -1


def _basis() -> NDArray[np.float64]:
    frequencies = np.outer(1 + np.array(_DETUNINGS), LOW + HIGH).ravel()
    angles = 2 * np.pi / _RATE * np.outer(np.arange(_BLOCK), frequencies)
    return np.hstack((np.cos(angles), np.sin(angles)))


_BASIS = _basis()


class DtmfDetector:
    """Finds keys in a stream of 16-bit samples at 8 kHz; how the stream is cut into pieces makes no difference.

    Keys of 40 ms and more with pauses of 40 ms are found; a key that is held is reported once.
    """

    def __init__(self) -> None:
        self._held = np.zeros(0)
        self._position = 0  # of the first sample held
        self._key = _NONE  # sounding now
        self._candidate = _NONE
        self._agreeing = 0
        self._disagreeing = 0

    @property
    def sounding(self) -> bool:
        """Whether a key that was reported is still held, as far as that is known: it is some 30 ms after its end."""
        return self._key != _NONE

    def push(self, pcm: NDArray[np.int16]) -> list[tuple[str, int]]:
        """The keys that these samples reveal.

        Returns:
            Each key with the sample, counted from the first one ever pushed, at which its tones start, to within 10 ms.
            It is known some 40 ms after that.
        """
        self._held = np.concatenate((self._held, pcm))
        blocks = max((len(self._held) - _BLOCK) // _HOP + 1, 0)
        if not blocks:
            return []
        windows = np.ndarray((blocks, _BLOCK), np.float64, self._held, 0, (_HOP * 8, 8)).copy()
        found = []
        for index, key in enumerate(_classify(windows)):
            if self._follow(key):
                start = self._position + (index - _AGREEING + 1) * _HOP
                found.append((KEYS[key], start))
        self._position += blocks * _HOP
        self._held = self._held[blocks * _HOP :].copy()
        return found

    def _follow(self, key: int) -> bool:
        """Whether this block makes `key` certain."""
        if key == self._key:
            self._disagreeing = 0
            return False
        if key != _NONE and key == self._candidate:
            self._agreeing += 1
            if self._agreeing < _AGREEING:
                return False
            self._key, self._disagreeing = key, 0
            return True
        self._candidate, self._agreeing = key, 1
        if self._key != _NONE:
            self._disagreeing += 1
            if self._disagreeing >= _DISAGREEING:
                self._key = _NONE
        return False


def _classify(windows: NDArray[np.float64]) -> list[int]:
    """The index into `KEYS` that each block (a row) sounds like, or -1."""
    keys = np.full(len(windows), _NONE)
    energy = np.einsum("ij,ij->i", windows, windows)
    loud = np.flatnonzero(energy >= _MIN_ENERGY)
    if len(loud):
        keys[loud] = _keys_of(windows[loud], energy[loud])
    result: list[int] = keys.tolist()
    return result


def _keys_of(windows: NDArray[np.float64], energy: NDArray[np.float64]) -> NDArray[np.int64]:
    parts = (windows @ _BASIS).reshape(len(windows), 2, len(_DETUNINGS), len(LOW + HIGH))
    powers = np.einsum("bptf,bptf->btf", parts, parts)
    near, far = powers[:, 1:4].max(1), powers[:, ::4].max(1)

    rows = np.arange(len(windows))
    low, high = near[:, :4].argmax(1), near[:, 4:].argmax(1) + 4
    low_power, high_power = near[rows, low], near[rows, high]
    weaker, stronger = np.minimum(low_power, high_power), np.maximum(low_power, high_power)
    in_tune = (far[rows, low] <= low_power) & (far[rows, high] <= high_power)
    near[rows, low] = near[rows, high] = 0

    is_key = (
        in_tune
        & ((low_power + high_power) * 2 / _BLOCK >= _MIN_TONALITY * energy)
        & (stronger <= _MAX_TWIST * weaker)
        & (near[:, :4].max(1) * _SECOND_TONE <= low_power)
        & (near[:, 4:].max(1) * _SECOND_TONE <= high_power)
    )
    return np.where(is_key, low * 4 + high - 4, _NONE)
