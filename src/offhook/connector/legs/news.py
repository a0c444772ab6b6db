"""What a leg has to tell before anybody listens to it: it waits, and is told in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from . import LegListener

#: News that wait; a caller who presses more keys before the call is taken presses them for nobody.
_MOST: Final = 100


class News:
    """The telling half of a `PhoneLeg`."""

    def __init__(self) -> None:
        self._listener: LegListener | None = None
        self._early: list[Callable[[LegListener], None]] = []

    def attach(self, listener: LegListener) -> None:
        """See `PhoneLeg`."""
        self._listener = listener
        early, self._early = self._early, []
        for tell in early:
            tell(listener)

    def _tell(self, news: Callable[[LegListener], None]) -> None:
        if self._listener is not None:
            news(self._listener)
        elif len(self._early) < _MOST:
            self._early.append(news)
