"""The caller's ear without its audio: when what the server sends would be heard, by arithmetic alone.

A caller hears from 20 ms behind the first message on (a tick of the platform's own playback), without a pause as long
as more comes in time. What comes later leaves a gap.
"""

from __future__ import annotations

from typing import Final

CUSHION: Final = 0.02
"""Seconds between the arrival of the first audio and the caller hearing it."""
STARVED: Final = 0.25
"""Seconds: a longer silence is a pause between two utterances, not a gap in one (P4.13)."""


class Playout:
    """One call's; times are in seconds of any clock.

    Attributes:
        playing: Whether something is heard, or was at last look.
        gaps: How many there were.
        longest: The longest, seconds.
        jitter: How far the last arrival was off, seconds; below zero if there is nothing to compare it with.
    """

    __slots__ = ("_last", "_length", "_steady", "_until", "gaps", "jitter", "longest", "playing")

    def __init__(self, *, steady: bool = False) -> None:
        self._steady = steady  # audio is expected without a pause: every silence is a gap
        self._until = float("-inf")
        self._last: float | None = None
        self._length = 0.0
        self.playing = False
        self.gaps = 0
        self.longest = 0.0
        self.jitter = -1.0

    def hear(self, seconds: float, now: float) -> float:
        """Audio has come.

        Args:
            seconds: Its length.
            now: The time.

        Returns:
            Seconds of the gap before it; 0.0 if there was none.
        """
        gap = 0.0
        last = self._last
        if now <= self._until:
            self._until += seconds
        else:
            silence = now - self._until  # endless before the first audio
            if last is not None and (self._steady or silence < STARVED):
                gap = silence
                self.gaps += 1
                self.longest = max(self.longest, gap)
            else:
                last = None
            self._until = now + CUSHION + seconds
        self.jitter = -1.0 if last is None else abs(now - last - self._length)
        self._last, self._length = now, seconds
        return gap

    def ends(self, now: float) -> bool:
        """Whether all has been heard that came, and that was not so at the last look."""
        if self.playing and now >= self._until:
            self.playing = False
            return True
        return False

    def flush(self, now: float) -> None:
        """What is queued is thrown away: a barge-in."""
        self._until = min(self._until, now)
        self._last = None
