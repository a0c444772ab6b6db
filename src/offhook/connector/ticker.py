"""One clock of 20 ms for all calls of an event loop. It knows nothing of what is done in a tick.

Ticks follow an absolute schedule: a late one is not made up for by a shift of those behind it, so there is no drift.
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

Tick = Callable[[float], None]
"""Called in each tick with the seconds by which it is late."""


class Ticker:
    """Calls its subscribers every 20 ms; runs while it has any.

    After a lag it catches up, one tick in each turn of the event loop, so that audio which has arrived in the meantime
    is read between the ticks that play it.

    Attributes:
        lag: Seconds by which the last tick was late.
    """

    def __init__(self) -> None:
        self._ticks: dict[Tick, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._start = 0.0
        self._count = 0
        self.lag = 0.0

    @staticmethod
    def of_loop() -> Ticker:
        """The ticker that all calls of the running loop share."""
        loop = asyncio.get_running_loop()
        ticker = _tickers.get(loop)
        if ticker is None:
            ticker = _tickers[loop] = Ticker()
        return ticker

    @property
    def running(self) -> bool:
        """Whether anybody is subscribed."""
        return self._timer is not None

    def add(self, tick: Tick) -> None:
        """Subscribe; the first call comes with the next tick. Adding again does nothing."""
        self._ticks[tick] = None
        if self._timer is None:
            self._start = asyncio.get_running_loop().time()
            self._count = 0
            self._arm()

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


_tickers: WeakKeyDictionary[asyncio.AbstractEventLoop, Ticker] = WeakKeyDictionary()
