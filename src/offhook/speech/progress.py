"""How far a phrase has got that several engines say one after the other: what was given out, and what is left.

Arithmetic on samples and text; knows no engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from .engines import Float32
from .halfway import Halfway, Pace, unsaid
from .phrases import Phrase, Spoken


class Progress:
    """A phrase on its way.

    Args:
        rate: Of the audio, Hz.
        phrase: All that is to be said.

    Attributes:
        phrase: What the engine that speaks now was given.
    """

    def __init__(self, rate: int, phrase: Phrase) -> None:
        self.phrase = phrase
        self._rate = rate
        self._halfway = Halfway(rate)
        self._scale = 1.0
        self._before = 0  # characters said by engines that spoke before this one
        self._given = 0  # samples given out by all of them
        self._base = 0  # and by those before this one
        self._coming: list[tuple[int, int]] = []  # times whose samples have not been given out
        self._told = 0  # characters that are told to be said
        self._timed = False

    @property
    def voiced(self) -> float:
        """Seconds of voice that this engine has said."""
        return self._halfway.voiced

    def begin(self, scale: float) -> None:
        """An engine begins with `phrase`; its times become ours by that factor."""
        self._halfway = Halfway(self._rate)
        self._scale, self._base, self._coming, self._timed = scale, self._given, [], False

    def push(self, spoken: Spoken) -> Iterator[Spoken]:
        """Takes what it has said, at our rate; its times are still at its own."""
        for count, at in spoken.times:
            self._coming.append((self._before + count, self._base + round(at * self._scale)))
            self._timed = True
        for pcm in self._halfway.push(spoken.pcm):
            yield self._out(pcm)

    def rest(self, *, timed: bool) -> Iterator[Spoken]:
        """It has finished. An engine that told no times gets one for the end, if `timed`."""
        for pcm in self._halfway.rest():
            yield self._out(pcm)
        end = self._before + len(self.phrase.text.rstrip())
        # Rounding, and silence cut off by a resampler, must not lose the last words.
        last = tuple((count, min(at, self._given)) for count, at in self._coming)
        if not self._timed and timed:
            last = ((end, self._given),)
        if last:
            yield self._told_of(last)

    def cut(self, pace: Pace, *, timed: bool) -> Iterator[Spoken]:
        """It has failed: what it left half said is cut, and `phrase` becomes what is still to be said."""
        for pcm in self._halfway.cut():
            yield self._out(pcm)
        text = self.phrase.text
        if self._timed:
            count = max(0, self._told - self._before)
        else:
            left = len(unsaid(text, self.voiced, pace).split())
            starts = [match.start() for match in re.finditer(r"\S+", text)]
            count = starts[-left] if left else len(text)
        if timed and not self._timed and count:
            yield self._told_of(((self._before + len(text[:count].rstrip()), self._given),))
        rest = text[count:]
        count += len(rest) - len(rest.lstrip())
        self._before += count
        self.phrase = self.phrase.after(count)

    def _out(self, pcm: Float32) -> Spoken:
        self._given += len(pcm)
        due = tuple(time for time in self._coming if time[1] <= self._given)
        self._coming = [time for time in self._coming if time[1] > self._given]
        self._told = max([self._told, *(count for count, _ in due)])
        return Spoken(pcm, due)

    def _told_of(self, times: tuple[tuple[int, int], ...]) -> Spoken:
        self._told = max([self._told, *(count for count, _ in times)])
        return Spoken(np.zeros(0, np.float32), times)
