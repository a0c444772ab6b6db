"""Where engines run: a few daemon threads beside the event loop, one pool for the whole process.

`run` is for one blocking call, `stream` for a blocking iterator. A thread is held only while the engine computes, never
while a consumer is slow, so two prompts that are being played do not keep two threads. When the interpreter exits, work
under way gets a moment to end (native code that is cut off aborts the process), and no more than that: unlike those of
`concurrent.futures` the threads are daemons, so an engine that hangs cannot hang the exit. It knows nothing of speech.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from itertools import islice
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

EXIT_PATIENCE = 2.0
"""Seconds that engines get to finish what they do when the interpreter exits."""

P = ParamSpec("P")
T = TypeVar("T")


_alive: weakref.WeakSet[Pool] = weakref.WeakSet()


class Pool:
    """Runs blocking work, first come first served.

    Args:
        threads: How many; by default as many as there are cores that this process may use. They start when needed.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.process = os.getpid()
        self._limit = threads or available_cores()
        self._work: deque[Callable[[], None]] = deque()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False
        self._changed = threading.Condition()
        _alive.add(self)

    @property
    def busy(self) -> bool:
        """Whether a piece of work handed in now would have to wait for a thread."""
        return len(self._work) >= self._idle and len(self._threads) >= self._limit

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Hands in work from the event loop; its result arrives in the future.

        Cancelling the future takes work back that has not begun; work that has begun goes on and its result is lost.

        Raises:
            RuntimeError: The pool is closed.
        """
        return asyncio.wrap_future(self.hand_in(function, *args, **kwargs))

    def hand_in(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """`submit` for other threads: the result arrives in a future that can be waited for without an event loop."""
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(function(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)

        self._hand_in(work)
        return future

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `function` in a thread of the pool and returns its result. May be cancelled at any time."""
        return await self.submit(function, *args, **kwargs)

    def stream(self, factory: Callable[[], Iterator[T]], ahead: int = 2) -> Stream[T]:
        """Advances the iterator that `factory` makes in the pool, up to `ahead` items before they are asked for."""
        return Stream(self, factory, ahead)

    def close(self, *, abandon: bool = False) -> None:
        """Lets the threads end once the work handed in is done, or with `abandon` only the work that has begun."""
        with self._changed:
            self._closed = True
            if abandon:
                self._work.clear()
            self._changed.notify_all()

    def join(self, seconds: float) -> bool:
        """Blocks until the threads of a closed pool have ended, or for so long; returns whether they have."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _hand_in(self, work: Callable[[], None]) -> None:
        with self._changed:
            if self._closed:
                raise RuntimeError("the pool is closed")
            self._work.append(work)
            if len(self._work) > self._idle and len(self._threads) < self._limit:
                name = f"offhook-speech-{len(self._threads)}"
                self._threads.append(threading.Thread(target=self._serve, name=name, daemon=True))
                self._threads[-1].start()
            else:
                self._changed.notify()

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not self._work:
                    if self._closed:
                        return
                    self._idle += 1
                    self._changed.wait()
                    self._idle -= 1
                work = self._work.popleft()
            work()
            del work  # what it refers to must not live on until the next piece arrives


class Stream(AsyncIterator[T], Generic[T]):
    """A blocking iterator, read from the event loop; made by `Pool.stream`.

    An exception of the iterator is raised after the items before it. `aclose` (or just dropping the stream) ends it: at
    once on this side; in the pool after the step under way, when the iterator's own `close` is called if it has one.
    """

    def __init__(self, pool: Pool, factory: Callable[[], Iterator[T]], ahead: int) -> None:
        self._pool = pool
        self._source = _Source(factory)
        self._ahead = max(1, ahead)
        self._items: deque[T] = deque()
        self._step: asyncio.Future[list[T]] | None = None
        self._done = False
        self._error: BaseException | None = None

    def __aiter__(self) -> Stream[T]:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if self._done:
                raise StopAsyncIteration
            self._advance()
            if self._step is not None:
                await asyncio.wait([self._step])
        item = self._items.popleft()
        self._advance()
        return item

    async def aclose(self) -> None:
        """Ends the stream and frees what the iterator holds; does not wait for the step under way."""
        self._done = True
        self._items.clear()
        self._error = None
        if self._step is not None:
            self._step.cancel()
        with contextlib.suppress(RuntimeError):  # the pool is closed: the iterator goes when it is collected
            self._pool.submit(self._source.close)

    def _advance(self) -> None:
        if self._step is None and not self._done and len(self._items) < self._ahead:
            self._step = self._pool.submit(self._source.read)
            self._step.add_done_callback(self._stepped)

    def _stepped(self, step: asyncio.Future[list[T]]) -> None:
        self._step = None
        if step.cancelled() or self._done:
            return
        error = step.exception()
        if error is not None:
            self._error, self._done = error, True
        elif step.result():
            self._items.extend(step.result())
            self._advance()
        else:
            self._done = True


class _Source(Generic[T]):
    """The thread side of a stream. Steps and `close` may come from any thread; no two touch the iterator at once."""

    def __init__(self, factory: Callable[[], Iterator[T]]) -> None:
        self._factory: Callable[[], Iterator[T]] | None = factory
        self._iterator: Iterator[T] | None = None
        self._closing = False
        self._lock = threading.Lock()

    def read(self) -> list[T]:
        """The next item, or nothing at the end (a list, because a future cannot carry StopIteration)."""
        try:
            with self._lock:
                if self._factory is not None:
                    factory, self._factory = self._factory, None
                    self._iterator = iter(factory())
                return list(islice(self._iterator or (), 1))
        finally:
            if self._closing:
                self.close()

    def close(self) -> None:
        """Closes the iterator, or leaves that to the step under way: no thread waits for an engine that hangs."""
        self._closing = True
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._factory = None
            iterator, self._iterator = self._iterator, None
            close: Any = getattr(iterator, "close", None)
            if close is not None:
                with contextlib.suppress(Exception):  # nobody is left to tell
                    close()
        finally:
            self._lock.release()


def available_cores() -> int:
    """Cores that this process may use: by affinity, and by the quota of its container, rounded up."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def _quota(root: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Cores' worth of time that the control group allows (version 2, then 1); None without a limit."""
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            allowed, period = " ".join((root / name).read_text() for name in names).split()
            return int(allowed) / int(period) if int(allowed) > 0 else None
        except (OSError, ValueError):  # not there, or "max"
            continue
    return None


def _leave() -> None:
    own = [pool for pool in _alive if pool.process == os.getpid()]  # of a parent's threads a fork has none
    for pool in own:
        pool.close(abandon=True)
    deadline = time.monotonic() + EXIT_PATIENCE
    for pool in own:
        pool.join(deadline - time.monotonic())


atexit.register(_leave)
_pools: dict[int, Pool] = {}
_waiting: dict[int, Pool] = {}

WAITERS = 256
"""Threads for engines that wait for another machine: they cost memory, and no processor time."""


def shared() -> Pool:
    """The pool of this process. A forked child gets its own: threads do not survive a fork."""
    pool = _pools.get(os.getpid())
    return pool if pool is not None else _pools.setdefault(os.getpid(), Pool())


def share(threads: int) -> None:
    """Give the pool of this process another number of threads, before its first work."""
    _pools[os.getpid()] = Pool(threads)


def of(engine: object) -> Pool:
    """The pool that an engine runs in: that of the cores, or a large one for engines with a true attribute `waits`."""
    if not getattr(engine, "waits", False):
        return shared()
    pool = _waiting.get(os.getpid())
    return pool if pool is not None else _waiting.setdefault(os.getpid(), Pool(WAITERS))
