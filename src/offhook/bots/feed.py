"""What comes one by one and comes to an end with its call: turns, transcripts, keys, frames, events."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Generic, TypeVar

from ..errors import CallEnded

T = TypeVar("T")


class Feed(Generic[T]):
    """A queue that is filled by plain calls, may be read by several tasks, and ends.

    Args:
        limit: Items to keep; the oldest makes room for the next. None keeps all.
        over: Nothing comes: it has ended before it began.
    """

    def __init__(self, limit: int | None = None, *, over: bool = False) -> None:
        self._items: deque[T] = deque(maxlen=limit)
        self._waiters: list[asyncio.Future[None]] = []
        self._ended = over

    def put(self, item: T) -> bool:
        """Add an item; False if the oldest one was lost for it."""
        full = len(self._items) == self._items.maxlen
        self._items.append(item)
        if self._waiters:
            self._wake()
        return not full

    def put_back(self, items: Iterable[T]) -> None:
        """Return items that were taken and not used, before all others."""
        self._items.extendleft(reversed(list(items)))
        self._wake()

    def clear(self) -> None:
        """Forget what waits."""
        self._items.clear()

    def end(self) -> None:
        """Nothing more comes; what waits can still be read."""
        self._ended = True
        self._wake()

    async def next(self) -> T:
        """The next item.

        Raises:
            CallEnded: Nothing is left, and nothing more comes.
        """
        while not self._items:
            if self._ended:
                raise CallEnded("the call is over")
            # A bare future: one frame of audio costs half of what it does with an Event.
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
        return self._items.popleft()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def read(self) -> AsyncIterator[T]:
        """All items, to the end."""
        while True:
            try:
                item = await self.next()
            except CallEnded:
                return
            yield item
