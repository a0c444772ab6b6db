"""The caller's keys on their way into a flow that gathers them. Knows keys and time; nothing of calls."""

from __future__ import annotations

import asyncio


class Keypad:
    """Open while a flow gathers keys."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._news = asyncio.Event()
        self.is_open = False

    def open(self) -> None:
        """Take keys from now on."""
        self._keys.clear()
        self._news.clear()
        self.is_open = True

    def close(self) -> None:
        """Take no more."""
        self.is_open = False

    def press(self, digit: str) -> None:
        """A key was pressed."""
        self._keys.append(digit)
        self._news.set()

    async def pressed(self) -> None:
        """Return when there is a key."""
        while not self._keys:
            self._news.clear()
            await self._news.wait()

    async def gather(self, digits: int, terminator: str, first: float, between: float) -> str:
        """Keys as `PhoneCall.collect` wants them."""
        gathered = ""
        while len(gathered) < digits:
            try:
                async with asyncio.timeout(between if gathered else first):
                    await self.pressed()
            except TimeoutError:
                break
            digit = self._keys.pop(0)
            if digit == terminator:
                break
            gathered += digit
        return gathered
