"""What stands for audio that has not come: the last pitch period goes on and fades, and what comes next fades in.

A gap of one packet is hardly heard, a longer one falls silent within 60 ms; neither clicks. The idea is that of ITU-T
G.711 Appendix I: what was last heard is the best guess at what was to follow. It knows samples only.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from . import ulaw

#: Periods that voices have: 66 to 400 Hz.
_SHORTEST, _LONGEST = 20, 120
#: Samples that are compared to find the period.
_COMPARED: Final = 80
_MEMORY: Final = _LONGEST + _COMPARED
#: Samples that are as loud as before, and after which nothing is left.
_FULL, _FADED = 80, 480
#: Samples over which what comes takes over from what was made up: 5 ms.
_CROSS: Final = 40
#: A step between two packets is a seam if it is above this, and above so many times any step beside it.
_STEP, _TIMES = 800, 1.5
#: By code: a table is quicker than an array for one sample.
_LINEAR: Final = tuple(ulaw.decode(bytes(range(256))).tolist())


class Concealer:
    """One caller's audio on its way, piece by piece: give it what came, or ask it for what did not.

    Attributes:
        made_up: Samples since audio last came; 0 while it does.
    """

    __slots__ = ("_broken", "_loop", "_past", "made_up")

    def __init__(self) -> None:
        self.made_up = 0
        self._past = b""
        self._broken = False  # what comes next does not follow what was heard last
        self._loop: NDArray[np.float64] | None = None

    def heard(self, audio: bytes) -> bytes:
        """Audio that came, mu-law; its beginning is changed if it follows something that was made up."""
        if not audio:
            return audio
        if self._broken:
            samples = min(_CROSS, len(audio))
            ramp = (np.arange(samples) + 1) / (samples + 1)
            mixed = ulaw.decode(audio[:samples]) * ramp + self._guess(samples) * (1 - ramp)
            audio = ulaw.encode(np.rint(mixed).astype(np.int16)) + audio[samples:]
            self.made_up, self._loop, self._broken = 0, None, False
        self._past = (self._past + audio)[-_MEMORY:]
        return audio

    def missing(self, samples: int) -> bytes:
        """What is heard in place of so many samples that have not come, mu-law."""
        self._broken = True
        if self.made_up >= _FADED or not self._past:
            self.made_up += samples
            return ulaw.silence(samples)
        guess = self._guess(samples)
        self.made_up += samples
        return ulaw.encode(np.rint(guess).astype(np.int16))

    def cut(self) -> None:
        """Something is left out before what comes next: let it fade in."""
        self._broken = True

    def _guess(self, samples: int) -> NDArray[np.float64]:
        """How it would go on from where it is."""
        if self._loop is None:
            self._loop = _period(ulaw.decode(self._past).astype(np.float64))
        if not len(self._loop):
            return np.zeros(samples)
        at = np.arange(self.made_up, self.made_up + samples)
        level = np.clip((_FADED - at) / (_FADED - _FULL), 0.0, 1.0)
        return self._loop[at % len(self._loop)] * level


def _period(past: NDArray[np.float64]) -> NDArray[np.float64]:
    """The last period of it, by its likeness to the one before."""
    if len(past) < _MEMORY:
        return past[:0]
    last, earlier = past[-_COMPARED:], past[:-_SHORTEST]
    alike = np.correlate(earlier, last, "valid")  # the last one is _SHORTEST ago
    sums = np.concatenate(((0.0,), np.cumsum(earlier**2)))
    best = int(np.argmax(alike / (np.sqrt(sums[_COMPARED:] - sums[:-_COMPARED]) + 1.0)))
    return past[-(_SHORTEST + len(alike) - 1 - best) :]


def joined(before: bytes, audio: bytes) -> bytes:
    """A packet whose beginning does not click where one is missing before it.

    Args:
        before: What stands before it, mu-law: some 40 samples.
        audio: The packet.

    Returns:
        The packet, its first 5 ms bent to meet what is before it if there is a seam: a step that is far above those
        around it. Other packets come back as they are.
    """
    if len(before) < 2 or len(audio) < _CROSS:
        return audio
    step = _LINEAR[audio[0]] - _LINEAR[before[-1]]
    if abs(step) < _STEP:
        return audio
    around = ulaw.decode(before[-_CROSS:] + audio[:_CROSS]).astype(np.int32)
    steps = np.abs(around[1:] - around[:-1])
    steps[-_CROSS] = 0  # the seam itself
    if abs(step) <= _TIMES * steps.max():
        return audio
    head = ulaw.decode(audio[:_CROSS]) - step * (1 - np.arange(_CROSS) / _CROSS)
    return ulaw.encode(np.rint(np.clip(head, -32768, 32767)).astype(np.int16)) + audio[_CROSS:]
