"""Speech at one level, whatever the engine gives. Knows samples only."""

from __future__ import annotations

import math

import numpy as np

from ..audio import ulaw
from .engines import Float32

LEVEL = -20.0
"""Level of prompts while there is voice, in dBFS as of `offhook.audio.ulaw.level_dbfs`."""

_BLOCK = ulaw.RATE // 50
_GATE = 10 ** (-20.0 / 10)  # blocks with less of the loudest block's power are pauses and do not count
_LEAST_GAIN, _MOST_GAIN = 0.1, 8.0
_RAMP = ulaw.RATE // 20  # samples that a change of gain takes, so that nobody hears it
_KNEE = 0.8  # beyond this peaks are rounded, so that none exceeds full scale


class Leveller:
    """Brings speech to one level and keeps its peaks within full scale.

    The gain follows all voice heard so far, so it is right from the first chunk on and hardly moves later.

    Args:
        level: dBFS of the voiced parts.
    """

    def __init__(self, level: float) -> None:
        self._target = 10 ** (level / 10) / 2  # power: a sine of full scale (0 dBFS) has 1/2
        self._loudest = 0.0
        self._power = 0.0  # summed over voiced blocks
        self._blocks = 0
        self._gain: float | None = None

    def push(self, pcm: Float32) -> Float32:
        """Returns as many samples as it is given, at 8 kHz."""
        self._measure(pcm)
        gain = self._wanted()
        before, self._gain = (gain if self._gain is None else self._gain), gain
        gains = np.full(len(pcm), gain, np.float32)
        ramp = min(_RAMP, len(pcm))
        gains[:ramp] = np.linspace(before, gain, ramp, dtype=np.float32)
        return rounded(pcm * gains)

    def _measure(self, pcm: Float32) -> None:
        block = min(_BLOCK, len(pcm))
        if block == 0:
            return
        powers = np.square(pcm[: len(pcm) // block * block].reshape(-1, block)).mean(axis=1)
        self._loudest = max(self._loudest, float(powers.max()))
        voiced = powers[powers > self._loudest * _GATE]
        self._power += float(voiced.sum())
        self._blocks += len(voiced)

    def _wanted(self) -> float:
        if self._power == 0.0:
            return 1.0
        gain = math.sqrt(self._target * self._blocks / self._power)
        return min(max(gain, _LEAST_GAIN), _MOST_GAIN)


def rounded(pcm: Float32) -> Float32:
    """Peaks are bent, so that none exceeds full scale and none is cut off."""
    size = np.abs(pcm)
    if size.max(initial=0.0) <= _KNEE:
        return pcm
    room = 1.0 - _KNEE
    bent = np.copysign(_KNEE + room * np.tanh((size - _KNEE) / room), pcm)
    return np.where(size > _KNEE, bent, pcm).astype(np.float32)
