"""The silence at both ends of a sentence, which engines make as they like. Knows samples only.

Neural engines lead in with a quarter of a second that a caller would only wait for. With that cut off, speech is heard
at once, and a pause between two sentences is as long as whoever wrote them wants it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ..audio.ulaw import RATE
from .engines import Float32

#: Samples that stay before the first sound and behind the last: hissing sounds begin and end below what is measured.
LEAD: Final = RATE * 40 // 1000
TAIL: Final = RATE * 80 // 1000
_BLOCK: Final = RATE // 100
#: Power of a block against the loudest one so far, and against full scale, from which on it belongs to the voice.
_VOICE: Final = 10 ** (-42 / 10)
_FLOOR: Final = 10 ** (-66 / 10)


class Edges:
    """Cuts the silence off one sentence at 8 kHz, in pieces of any length.

    Args:
        before: Samples that stay before the first sound.
        behind: Samples that stay behind the last.

    Attributes:
        lead: Samples that were cut off its beginning.
    """

    def __init__(self, before: int = LEAD, behind: int = TAIL) -> None:
        self.lead = 0
        self._before, self._behind = before, behind
        self._begun = False
        self._loudest = 0.0
        self._held = np.zeros(0, np.float32)

    def push(self, pcm: Float32, last: bool = False) -> Float32:
        """What can be given after these samples. Silence is held back until voice follows; with `last`, it is cut."""
        held = np.concatenate((self._held, pcm))
        first, behind = self._voice(held)
        start = 0
        if not self._begun:
            start = max(0, (len(held) if first is None else first) - self._before)
            self.lead += start
            self._begun = first is not None
        if not self._begun:
            end = start
        elif behind is None:  # silence behind what was given, which has no margin yet
            end = min(self._behind, len(held)) if last else 0
        else:
            end = min(behind + self._behind, len(held)) if last else behind
        self._held = held[end:end] if last else held[end:]
        return held[start:end]

    def _voice(self, pcm: Float32) -> tuple[int | None, int | None]:
        """Where the voice begins in these samples, and where it ends."""
        if not len(pcm):
            return None, None
        padded = np.pad(pcm, (0, -len(pcm) % _BLOCK))
        powers = np.square(padded.reshape(-1, _BLOCK)).mean(axis=1)
        self._loudest = max(self._loudest, float(powers.max()))
        voiced = np.flatnonzero(powers > max(self._loudest * _VOICE, _FLOOR))
        if not len(voiced):
            return None, None
        return int(voiced[0]) * _BLOCK, min((int(voiced[-1]) + 1) * _BLOCK, len(pcm))
