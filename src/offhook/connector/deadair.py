"""Dead air: the caller has spoken and nobody answers. Measured on what is really said and heard, tick by tick."""

from __future__ import annotations

from typing import Final

from ..audio import ulaw
from .player import TICK
from .sounds import SPOKEN, is_audible, loudness

#: Ticks out of the last so many that have to be loud for the caller to be speaking: 100 ms of 240.
_LOUD, _OF = 5, 12
#: Samples of quiet after which what the caller said is over.
_OVER: Final = ulaw.RATE // 2


class DeadAir:
    """Watches one bot.

    Args:
        seconds: How long the caller may hear nothing after speaking, or pressing a key.

    Attributes:
        silent: Samples for which the caller has been waiting; 0 while nobody owes an answer.
    """

    def __init__(self, seconds: float) -> None:
        self._limit = round(seconds * ulaw.RATE)
        self._recent: list[bool] = []
        self._spoke = False
        self._quiet = 0
        self.silent = 0

    @property
    def over(self) -> bool:
        """Whether the limit has passed."""
        return self.silent > self._limit

    def tick(self, said: bytes, heard: bytes) -> None:
        """Take 20 ms of what the caller said and heard."""
        self._recent = [*self._recent[1 - _OF :], loudness(said) >= SPOKEN]
        if is_audible(heard):
            # What was said before an answer, or beneath it, has been answered.
            self._spoke, self.silent = False, 0
            self._recent.clear()
            return
        if sum(self._recent) >= _LOUD:
            self._spoke, self._quiet, self.silent = True, 0, 0
            return
        if self._spoke:
            self._quiet += TICK
            if self._quiet >= _OVER:
                self.silent = self._quiet

    def key(self) -> None:
        """The caller pressed a key: that wants an answer as well."""
        self._spoke, self._quiet, self.silent = True, 0, 0
