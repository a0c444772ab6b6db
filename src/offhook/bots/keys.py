"""Keys that the caller presses, held until somebody asks for them."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Final, Literal

from ..errors import UsageError
from .feed import Feed

KEYPAD: Final = "0123456789*#ABCD"
#: Keys that are held for a handler that asks late.
_HELD: Final = 64

Ended = Literal["length", "terminator", "first", "between", "total", "speech", "refused"]
"""What ended an entry: enough keys, the terminator; no first key, no further one, or not all in time; the caller spoke
instead; a key that was not asked for."""


class Keyed(str):
    """What was keyed, without the terminator.

    Attributes:
        ended: Why no more is waited for.
    """

    __slots__ = ("ended",)
    ended: Ended

    def __new__(cls, keys: str, ended: Ended) -> Keyed:
        keyed = super().__new__(cls, keys)
        keyed.ended = ended
        return keyed


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """What is to be keyed. Times are seconds.

    Attributes:
        length: So many keys are enough; None: as many as come.
        terminator: Keys that end the entry, and do not belong to it.
        allowed: Keys that may come; another one ends the entry.
        first: Time for the first key; None waits for ever.
        between: Time for each further one.
        total: Time for all of them.
    """

    length: int | None = None
    terminator: str = "#"
    allowed: str = KEYPAD
    first: float | None = 10.0
    between: float = 3.0
    total: float | None = None

    def __post_init__(self) -> None:
        if self.length is not None and self.length < 1:
            raise UsageError(f"a key entry has one key at least, not {self.length}")
        if strange := set(self.terminator + self.allowed) - set(KEYPAD):
            raise UsageError(f"there is no key {min(strange)!r}: keys are {KEYPAD}")

    @classmethod
    def of(cls, keys: str | int | KeyEntry) -> KeyEntry:
        """An entry written short: `"1-3"` or `"1-3*"` is one of these keys, `4` is four digits.

        Raises:
            UsageError: It is neither.
        """
        if isinstance(keys, KeyEntry):
            return keys
        if isinstance(keys, int):
            return cls(length=keys)
        spelled = re.sub(r"(\d)-(\d)", lambda m: "".join(map(str, range(int(m[1]), int(m[2]) + 1))), keys)
        if not spelled or set(spelled) - set(KEYPAD):
            raise UsageError(f"keys are written like '1-3', '12#' or 4, not {keys!r}")
        return cls(length=1, terminator="", allowed=spelled)


class Keys:
    """The keys of one call, in order.

    Args:
        over: The call is over already.

    Attributes:
        gathered: Keys of the entry under way.
    """

    def __init__(self, *, over: bool = False) -> None:
        self._pressed: Feed[str] = Feed(_HELD, over=over)
        self._cut = False
        self._collecting = False
        self.gathered: list[str] = []
        self.press = self._pressed.put
        self.clear = self._pressed.clear
        self.end = self._pressed.end

    def cut(self) -> None:
        """End the entry under way, if one is: the caller speaks instead."""
        if self._collecting:
            self._cut = True
            self._pressed.put("")

    async def collect(self, entry: KeyEntry) -> Keyed:
        """Gather keys until there are enough, the terminator comes, or a time is over.

        Cancelled half way, it gives back what it has gathered.

        Raises:
            CallEnded: The call is over.
        """
        digits: list[str] = []
        self.gathered = digits
        self._cut, self._collecting = False, True
        loop = asyncio.get_running_loop()
        end = None if entry.total is None else loop.time() + entry.total
        ended: Ended = "length"
        try:
            while entry.length is None or len(digits) < entry.length:
                wait = _sooner(entry.between if digits else entry.first, end, loop.time())
                digit = await self._next(wait)
                if digit is None:
                    late = end is not None and loop.time() >= end
                    ended = "total" if late else "between" if digits else "first"
                    break
                if not digit:
                    ended = "speech"
                    break
                if digit in entry.terminator:
                    ended = "terminator"
                    break
                digits.append(digit)
                if digit not in entry.allowed:
                    ended = "refused"
                    break
        except asyncio.CancelledError:
            self._pressed.put_back(digits)
            self.gathered = []
            raise
        finally:
            self._collecting = False
        return Keyed("".join(digits), ended)

    async def _next(self, wait: float | None) -> str | None:
        try:
            async with asyncio.timeout(wait):
                while True:
                    digit = await self._pressed.next()
                    if digit or self._cut:
                        return digit
        except TimeoutError:
            return None


def _sooner(wait: float | None, end: float | None, now: float) -> float | None:
    if end is None:
        return wait
    left = max(0.0, end - now)
    return left if wait is None else min(wait, left)
