"""An event loop whose time is virtual: when nothing is left to do now, the clock jumps to the next timer.

Hours of a call pass in milliseconds and every run is the same. Work in threads and on real sockets still takes real
time: while a thread of the loop's executor is busy, the clock stands still and the loop waits for it.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Stalled(RuntimeError):
    """Nothing is left that could ever wake the loop: the code under test waits for ever."""


class _Selector(selectors.DefaultSelector):
    """Instead of sleeping until the next timer, moves the clock there."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.loop.busy_threads:
            return super().select(timeout=1.0)
        if timeout is None:
            raise Stalled("the event loop has nothing to wait for: no timer, no thread")
        self.loop.jump(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Use it through `run`, or as `loop_factory` of `asyncio.Runner`."""

    def __init__(self) -> None:
        self._virtual_now = 0.0
        self.busy_threads = 0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self._virtual_now

    def jump(self, seconds: float) -> None:
        self._virtual_now += seconds

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        future: asyncio.Future[T] = super().run_in_executor(executor, func, *args)
        self.busy_threads += 1
        future.add_done_callback(self._thread_done)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 (asyncio's own)
        # A thread waits for the others, unseen by `run_in_executor`.
        self.busy_threads += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self.busy_threads -= 1

    def _thread_done(self, future: asyncio.Future[T]) -> None:
        self.busy_threads -= 1


class VirtualClock:
    """Virtual time for a test; see the fixture `virtual_clock`."""

    def __init__(self) -> None:
        self._loop: VirtualLoop | None = None

    @property
    def now(self) -> float:
        """Seconds of virtual time so far, in the loop that was made last."""
        return self._loop.time() if self._loop else 0.0

    def new_loop(self) -> VirtualLoop:
        """An event loop whose time begins at 0: for an `asyncio.Runner`, or a plugin that takes a loop factory."""
        self._loop = VirtualLoop()
        return self._loop

    def run(self, main: Coroutine[object, object, T]) -> T:
        """Run a coroutine to its end in virtual time."""
        with asyncio.Runner(loop_factory=self.new_loop) as runner:
            return runner.run(main)


def run(main: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
