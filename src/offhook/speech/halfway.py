"""A sentence that an engine left half said: where to cut its sound, and which words are still to be said.

Pure arithmetic on samples and text.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Final

import numpy as np

from .engines import Float32

_HELD: Final = 0.4
"""Seconds at the end of what has come that are held back: long enough to hold the gap before most words."""
_BLOCK: Final = 0.02
_SILENT: Final = 10 ** (-30.0 / 20)
_GAP: Final = 0.25
"""How loud a gap between words is at most, compared with the loudest moment."""
_FADE: Final = 0.005
_LETTERS_A_SECOND: Final = 15.0
"""Of voiced speech, before a voice has been measured; 14 to 16 for the English voices here."""


class Pace:
    """How fast an engine speaks, learned from the sentences that it has finished. For several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._letters = 0
        self._seconds = 0.0

    @property
    def letters_a_second(self) -> float:
        """Letters and digits, per second of voice."""
        return self._letters / self._seconds if self._seconds else _LETTERS_A_SECOND

    def learn(self, text: str, voiced: float) -> None:
        """A sentence took so many seconds of voice."""
        if voiced > 0:
            with self._lock:
                self._letters += _letters(text)
                self._seconds += voiced


class Halfway:
    """The sound of a sentence on its way; its last moments are held back until more comes, in case nothing does.

    Attributes:
        voiced: Seconds of voice given out so far.
    """

    def __init__(self, rate: int) -> None:
        self.voiced = 0.0
        self._rate = rate
        self._held: Float32 = np.zeros(0, np.float32)
        self._loudest = 0.0

    def push(self, pcm: Float32) -> Iterator[Float32]:
        """Takes the next sound and gives out what need not be held."""
        self._held = np.concatenate((self._held, pcm))
        surplus = len(self._held) - round(_HELD * self._rate)
        if surplus > 0:
            out, self._held = self._held[:surplus], self._held[surplus:]
            yield self._given(out)

    def rest(self) -> Iterator[Float32]:
        """The end has come: gives out what was held."""
        if len(self._held):
            yield self._given(self._held)
        self._held = self._held[:0]

    def cut(self) -> Iterator[Float32]:
        """Nothing more comes: gives out what was held up to its softest place, which is most likely between words."""
        levels = _levels(self._held, self._rate)
        # All of it is still here and holds no gap: it is the beginning of a word, and is not said at all.
        first_word = self.voiced == 0.0 and len(levels) > 0 and levels.min() > levels.max() * _GAP
        if len(levels) and not first_word:
            block = round(_BLOCK * self._rate)
            # The last of the softest ones: as much as possible counts as said.
            softest = len(levels) - 1 - int(np.argmin(levels[::-1]))
            kept = self._held[: softest * block + block // 2].copy()
            fade = min(len(kept), round(_FADE * self._rate))
            if fade:
                kept[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
            if len(kept):
                yield self._given(kept)
        self._held = self._held[:0]

    def _given(self, pcm: Float32) -> Float32:
        levels = _levels(pcm, self._rate)
        if len(levels):
            self._loudest = max(self._loudest, float(levels.max()))
            self.voiced += float((levels > self._loudest * _SILENT).sum()) * _BLOCK
        return pcm


def unsaid(text: str, voiced: float, pace: Pace) -> str:
    """The words of `text` still to be said after so many seconds of voice: from the start of the nearest one on."""
    said = voiced * pace.letters_a_second
    words = text.split()
    best, nearest, count = 0, abs(said), 0
    for index, word in enumerate(words, 1):
        count += _letters(word)
        if abs(count - said) < nearest:
            best, nearest = index, abs(count - said)
    return " ".join(words[best:])


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def _levels(pcm: Float32, rate: int) -> Float32:
    block = round(_BLOCK * rate)
    whole = len(pcm) // block * block
    return np.sqrt(np.square(pcm[:whole].reshape(-1, block)).mean(axis=1)) if whole else np.zeros(0, np.float32)
