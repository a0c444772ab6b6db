"""Keys that the caller presses, held until somebody asks for them."""

from __future__ import annotations

import asyncio
from typing import Final

from .feed import Feed

#: Keys that are held for a handler that asks late.
_HELD: Final = 64


class Keys:
    """The keys of one call, in order."""

    def __init__(self) -> None:
        self._pressed: Feed[str] = Feed(_HELD)
        self.press = self._pressed.put
        self.clear = self._pressed.clear
        self.end = self._pressed.end

    async def collect(
        self, length: int | None, terminator: str, first: float | None, between: float, total: float | None
    ) -> str:
        """Gather keys until there are enough, the terminator comes, or a time is over. See `Call.dtmf`.

        Cancelled half way, it gives back what it has gathered.

        Raises:
            CallEnded: The call is over.
        """
        digits: list[str] = []
        loop = asyncio.get_running_loop()
        end = None if total is None else loop.time() + total
        try:
            while length is None or len(digits) < length:
                digit = await self._next(_sooner(between if digits else first, end, loop.time()))
                if digit is None or digit in terminator:
                    break
                digits.append(digit)
        except asyncio.CancelledError:
            self._pressed.put_back(digits)
            raise
        return "".join(digits)

    async def _next(self, wait: float | None) -> str | None:
        try:
            async with asyncio.timeout(wait):
                return await self._pressed.next()
        except TimeoutError:
            return None


def _sooner(wait: float | None, end: float | None, now: float) -> float | None:
    if end is None:
        return wait
    left = max(0.0, end - now)
    return left if wait is None else min(wait, left)
