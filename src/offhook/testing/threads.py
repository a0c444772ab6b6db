"""An event loop in a thread of its own, for servers beside a test that may block its own loop, or has none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Final, TypeVar

T = TypeVar("T")

#: Seconds within which what runs in the thread must come to an end.
_PATIENCE: Final = 10.0


class LoopThread:
    """Runs until `close`; what was entered is left then, last first."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        self._thread = threading.Thread(target=self._run, name="offhook-testing", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the thread and wait for it."""
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(_PATIENCE)

    def enter(self, manager: AbstractAsyncContextManager[T]) -> T:
        """Enter a context manager in the thread; it is left at the end."""
        return self.run(self._stack.enter_async_context(manager))

    def close(self) -> None:
        """Leave what was entered, and end the thread."""
        try:
            self.run(self._end())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_PATIENCE)

    async def _end(self) -> None:
        await self._stack.aclose()
        for _ in range(5):  # connections that were just accepted, and just closed
            await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
