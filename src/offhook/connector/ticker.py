"""The clocks of 20 ms of all calls of an event loop. They know nothing of what is done in a tick.

Ticks follow an absolute schedule: a late one is not made up for by a shift of those behind it, so there is no drift.
Calls are spread over four clocks, 5 ms apart, so that not all of them have to be served at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

logger = logging.getLogger("offhook.connector")

PERIOD: Final = 0.02
"""Seconds from tick to tick."""

#: Clocks that calls are spread over.
_PHASES: Final = 4

Tick = Callable[[float], None]
"""Called in each tick with the seconds by which it is late."""


class Ticker:
    """Calls its subscribers every 20 ms; runs while it has any.

    After a lag it catches up, one tick in each turn of the event loop, so that audio which has arrived in the meantime
    is read between the ticks that play it.

    Args:
        phase: Seconds by which it ticks behind the first of the loop's phases; None: it is none of them.

    Attributes:
        lag: Seconds by which the last tick was late.
    """

    def __init__(self, phase: float | None = None) -> None:
        self._phase = phase
        self._ticks: dict[Tick, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._start = 0.0
        self._count = 0
        self.lag = 0.0

    @staticmethod
    def of_loop() -> Ticker:
        """The ticker of those in the running loop who do not care which one they have."""
        return _of_loop()[0]

    @staticmethod
    def soon() -> Ticker:
        """Of the running loop's two phases that tick next, the one with fewer subscribers: 10 ms away at most."""
        now = asyncio.get_running_loop().time()
        phases = sorted(_of_loop()[1:], key=lambda ticker: ticker._next(now))
        return min(phases[:2], key=lambda ticker: len(ticker._ticks))

    @property
    def running(self) -> bool:
        """Whether anybody is subscribed."""
        return self._timer is not None

    def add(self, tick: Tick) -> None:
        """Subscribe; the first call comes with the next tick. Adding again does nothing."""
        self._ticks[tick] = None
        if self._timer is None:
            now = asyncio.get_running_loop().time()
            self._start = now if self._phase is None else self._anchored(now, self._phase)
            self._count = 0
            self._arm()

    def _next(self, now: float) -> float:
        """When it ticks next, or would if somebody subscribed now."""
        start = self._start if self.running else self._anchored(now, self._phase or 0.0)
        return now + PERIOD - (now - start) % PERIOD

    @staticmethod
    def _anchored(now: float, phase: float) -> float:
        """The last moment of this phase; the phases are those of whoever began while nobody else was there."""
        others = [each for each in _of_loop()[1:] if each.running and each._phase is not None]
        if not others:
            return now
        behind = phase - (others[0]._phase or 0.0)
        return now - (now - others[0]._start - behind) % PERIOD

    def remove(self, tick: Tick) -> None:
        """Unsubscribe, at any time, even from within a tick. Nothing happens if it is not subscribed."""
        self._ticks.pop(tick, None)
        if not self._ticks and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._count += 1
        at = self._start + self._count * PERIOD
        self._timer = asyncio.get_running_loop().call_at(at, self._fire, at)

    def _fire(self, at: float) -> None:
        self.lag = max(0.0, asyncio.get_running_loop().time() - at)
        self._arm()
        for tick in tuple(self._ticks):
            if tick not in self._ticks:
                continue
            try:
                tick(self.lag)
            except Exception:
                logger.exception("a call failed in its tick: it gets no more")
                self.remove(tick)


_tickers: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[Ticker, ...]] = WeakKeyDictionary()


def _of_loop() -> tuple[Ticker, ...]:
    """One that begins when it is needed, and one of each phase."""
    loop = asyncio.get_running_loop()
    found = _tickers.get(loop)
    if found is None:
        phases = (Ticker(PERIOD * number / _PHASES) for number in range(_PHASES))
        found = _tickers[loop] = (Ticker(), *phases)
    return found
