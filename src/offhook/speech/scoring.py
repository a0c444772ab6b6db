"""The audio of one channel, scored by a voice detector, and without the echo of what was played.

Knows streams of mu-law with positions; what the scores mean is for `offhook.speech.turns`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ..audio import ulaw
from ..audio.echo import AHEAD, BLOCK, EchoGuard
from ..audio.resample import Resampler
from .engines import Float32, VoiceActivity


class Score(NamedTuple):
    """The score of one frame, and where on the stream that begins and ends."""

    score: float
    start: int
    end: int


class Scorer:
    """Scores a stream frame by frame.

    Args:
        vad: The detector of this channel alone.
        played: Gives the audio that the other end was playing at a position, so that its echo is not taken for speech.
    """

    def __init__(self, vad: VoiceActivity, played: Callable[[int, int], bytes] | None = None) -> None:
        self._vad = vad
        self._played = played
        self._guard = EchoGuard() if played is not None else None
        self._doubtful = bytearray()  # for each of the last samples up to `_next`, whether it may be echo
        self._resampler = Resampler(ulaw.RATE, vad.rate)
        self._origin = 0  # position of the first sample since the last jump
        self._scored = 0  # samples scored since then, at the detector's rate
        self._unscored = np.zeros(0, np.float32)
        self._next = 0

    def jump(self, position: int) -> None:
        """What comes next begins there and does not follow the last."""
        self._vad.reset()
        self._resampler.clear()
        self._doubtful.clear()
        if self._guard is not None:
            self._guard.reset()
        self._unscored = self._unscored[:0]
        self._origin = self._next = position
        self._scored = 0

    def push(self, data: bytes) -> Iterator[Score]:
        """Takes the next mu-law, any length, and scores all whole frames."""
        self._next += len(data)
        frame, rate = self._vad.frame, self._vad.rate
        fresh = self._resampler.push(self._without_echo(data))
        pcm = np.concatenate((self._unscored, np.clip(fresh, -1.0, 1.0)))
        whole = len(pcm) - len(pcm) % frame
        self._unscored = pcm[whole:]
        for at in range(0, whole, frame):
            start = self._origin + self._scored * ulaw.RATE // rate
            self._scored += frame
            end = self._origin + self._scored * ulaw.RATE // rate
            score = self._vad.score(pcm[at : at + frame])
            yield Score(0.0 if self._is_echo(start, end) else score, start, end)

    def _without_echo(self, data: bytes) -> Float32:
        pcm = ulaw.to_float(data)
        if self._guard is None or self._played is None:
            return pcm
        played = self._played(self._next - len(data), len(data) + AHEAD)
        cleaned = self._guard.clean(pcm, ulaw.to_float(played))
        blocks = np.zeros(len(cleaned.doubt) * BLOCK, np.float32)
        blocks[: len(data)] = np.square(cleaned.audio)
        doubtful = blocks.reshape(-1, BLOCK).mean(axis=1) < cleaned.doubt
        self._doubtful += np.repeat(doubtful, BLOCK)[: len(data)].tobytes()
        del self._doubtful[: -len(data) - ulaw.RATE]
        return cleaned.audio

    def _is_echo(self, start: int, end: int) -> bool:
        """Whether most of that is no louder than what may be left of an echo."""
        first = self._next - len(self._doubtful)
        return 2 * self._doubtful[max(0, start - first) : max(0, end - first)].count(1) > end - start
