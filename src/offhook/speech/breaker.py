"""A circuit breaker: an engine that fails is left alone for a while, then tried once by one caller.

Pure state with a clock that is given to it; may be used from several threads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from ..errors import UsageError

_LONGEST: Final = 8
"""How many times longer than at first an engine rests that fails each time it is tried again."""


class Breaker:
    """Says whether an engine may be used.

    Args:
        failures: So many in a row make it rest.
        rest: Seconds that it rests; twice as long after each trial that fails, up to eight times.
        now: The clock, in seconds.
    """

    def __init__(self, failures: int = 2, rest: float = 30.0, now: Callable[[], float] = time.monotonic) -> None:
        if failures < 1 or rest <= 0:
            raise UsageError("a circuit breaker needs at least one failure and a rest of more than no time")
        self._limit = failures
        self._rest = rest
        self._now = now
        self._lock = threading.Lock()
        self._failed = 0
        self._trials = 0  # that failed since it began to rest
        self._until: float | None = None  # rests until then
        self._trying = False

    @property
    def resting(self) -> bool:
        """Whether it is left alone, or being tried after that."""
        return self._until is not None

    def allows(self) -> bool:
        """Whether it may be used now. After its rest it allows one use, until that has succeeded or failed."""
        with self._lock:
            if self._until is None:
                return True
            if self._trying or self._now() < self._until:
                return False
            self._trying = True
            return True

    def succeeded(self) -> bool:
        """It has worked; returns whether it was resting until now."""
        with self._lock:
            was, self._until = self._until, None
            self._failed = self._trials = 0
            self._trying = False
            return was is not None

    def failed(self, rest: float | None = None) -> bool:
        """It has failed, or has said itself how long it wants to rest; returns whether it begins to rest."""
        with self._lock:
            self._failed += 1
            resting, self._trying = self._until is not None, False
            if rest is None and not resting and self._failed < self._limit:
                return False
            factor = min(2**self._trials, _LONGEST)
            self._trials += 1
            self._until = self._now() + (self._rest * factor if rest is None else rest)
            return not resting

    def undecided(self) -> None:
        """A use that was allowed came to nothing: it was not needed after all."""
        with self._lock:
            self._trying = False
