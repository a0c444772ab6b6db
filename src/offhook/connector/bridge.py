"""Joining a caller to somebody else: a second call is placed, and the two hear each other until one hangs up.

Unlike a transfer by REFER the caller stays ours: monitors and recordings go on, and hear both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from .legs import PhoneLeg
from .line import Line
from .policy import Fallback
from .prompts import sound_of
from .sounds import hold_sound

Dialler = Callable[[str, float], Awaitable[PhoneLeg]]
"""Places a call to a target that is allowed and waits for so many seconds until it is answered; raises
`TransferFailed`."""


async def join(line: Line, policy: Fallback, dial: Dialler, target: str, seconds: float) -> str:
    """Join a caller to a target, who hears the comfort sound of the policy while it rings; see `Bridge.run`."""
    comfort = hold_sound() if policy.comfort is None else await sound_of(policy.comfort)
    return await Bridge(line, comfort).run(dial, target, seconds)


class Bridge:
    """A caller, and a leg that is joined to it. It is the `LegListener` of that leg.

    Args:
        line: The caller's.
        comfort: What the caller hears while it rings.
    """

    def __init__(self, line: Line, comfort: bytes) -> None:
        self._line = line
        self._comfort = comfort
        self._parted: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(self, dial: Dialler, target: str, seconds: float) -> str:
        """Place the call, join the two, and return why it ended when the other side has hung up.

        Being cancelled (the caller has hung up) ends the other call, also while it rings.

        Raises:
            TransferFailed: It was not answered; the caller is still there.
        """
        line = self._line
        line.comfort(self._comfort)
        try:
            leg = await dial(target, seconds)
        finally:
            line.end_comfort()
        try:
            leg.attach(self)
            line.on_parted = lambda: self.hung_up("the leg failed")
            line.partner = leg
            return await self._parted
        finally:
            line.partner = None
            leg.hang_up("normal")

    def key(self, digit: str) -> None:
        """See `LegListener`: keys of the other side concern nobody."""

    def held(self, on: bool) -> None:
        """See `LegListener`: whoever holds sends its own music, or nothing."""

    def hung_up(self, reason: str) -> None:
        """See `LegListener`."""
        if not self._parted.done():
            self._parted.set_result(reason)
