"""Engines whose work is really done, and whose results arrive on a virtual clock after the CPU time that it took.

So an hour of calls is measured in minutes, by the same code that serves real ones, and a busy machine changes little.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from offhook.speech.pool import Pool


class TimedPool(Pool):
    """A pool of one thread for one call: work follows work. What was asked before is not computed again."""

    def __init__(self) -> None:
        super().__init__(1)
        self.known: dict[object, tuple[Any, float]] = {}
        self.free_at = 0.0
        self.seconds = 0.0

    @property
    def busy(self) -> bool:
        return self.free_at > asyncio.get_running_loop().time()

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        starts = max(self.free_at, loop.time())
        key = (function, *(arg if isinstance(arg, bytes | str) else id(arg) for arg in args))
        if key not in self.known or not any(isinstance(arg, bytes) for arg in args):
            began = time.thread_time()
            result = function(*args, **kwargs)
            self.known[key] = result, time.thread_time() - began
        result, took = self.known[key]
        self.seconds += took
        self.free_at = starts + took
        loop.call_at(self.free_at, lambda: None if future.cancelled() else future.set_result(result))
        return future
