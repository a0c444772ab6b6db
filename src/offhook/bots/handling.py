"""The life of a handler: one coroutine that runs until it returns, raises, or is stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol

logger = logging.getLogger("offhook.bots")

#: Seconds that a handler has to clean up after it was cancelled, and to come to its end after the session's.
GRACE: Final = 10.0


class Handler(Protocol):
    """What a user writes."""

    def __call__(self, call: Any, /) -> Awaitable[None]: ...


class Handling:
    """Runs one handler.

    Args:
        name: Of the task, and for the log.
        on_done: Called once when it has ended: with what it raised, with `CancelledError` if it was cancelled, or None.
    """

    def __init__(self, name: str, on_done: Callable[[BaseException | None], None]) -> None:
        self._name = name
        self._on_done = on_done
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._cancelled = False
        self._over = False

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._over or (self._task is not None and self._task.done())

    def start(self, handler: Coroutine[object, object, None]) -> None:
        """Let it run from the next turn of the event loop on."""
        self._task = asyncio.get_running_loop().create_task(handler, name=self._name)
        self._task.add_done_callback(self._ended)

    def stop(self, *, after: float = 0.0) -> None:
        """Cancel it, now or in some seconds, and once more if it goes on for `GRACE` after that."""
        if self._task is None or self._task.done() or self._cancelled:
            return
        self._disarm()
        if after > 0.0:
            self._timer = self._task.get_loop().call_later(after, self.stop)
            return
        self._cancelled = True
        self._timer = self._task.get_loop().call_later(GRACE, self._insist)
        self._task.cancel()

    async def wait(self, seconds: float) -> None:
        """Wait for its end, not longer than so many seconds."""
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=seconds)

    def _insist(self) -> None:
        assert self._task is not None
        logger.warning("%s: the handler goes on %g s after it was cancelled: it is cancelled again", self._name, GRACE)
        self._task.cancel()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._disarm()
        # What it was cancelled with knows its frames, and they know the call, and so does whoever is told: circles that
        # the collector would have to find.
        on_done, self._on_done = self._on_done, _nobody
        self._over, self._task = True, None
        on_done(asyncio.CancelledError() if task.cancelled() else task.exception())


def _nobody(error: BaseException | None) -> None:
    """Is told nothing."""
