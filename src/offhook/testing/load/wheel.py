"""One clock for the audio of all calls of a process: a wheel of slots, each with the calls that are due then.

The schedule is absolute: a late message does not shift those behind it. After a lag slots are made up for a few
milliseconds at a time, so that what has arrived meanwhile is read between them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

#: Seconds between two slots: uvloop's timers are no finer.
_STEP: Final = 0.001
#: Seconds of making up before the event loop has another turn.
_BUDGET: Final = 0.004
_GOLDEN: Final = 0.6180339887498949


class Speaker(Protocol):
    """What a wheel turns: a call."""

    def speak(self, due: float) -> None:
        """Send what was due at this time of the clock. It must not raise."""


class Wheel:
    """Calls each speaker once in a period, at its own phase.

    Args:
        period: Seconds; a multiple of a millisecond.
        clock: The time; the loop's timers must run by it.
    """

    def __init__(self, period: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._count = round(period / _STEP)
        self._slots: list[dict[Speaker, None]] = [{} for _ in range(self._count)]
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._start = clock()
        self._turn = 0  # the next slot, counted from the start
        self._speakers = 0

    def __len__(self) -> int:
        return self._speakers

    def add(self, speaker: Speaker, number: int) -> Callable[[], None]:
        """Turn a speaker from now on; returns what takes it off again, at any time.

        Args:
            speaker: The call.
            number: Its number: multiples of the golden section spread any set of calls in a row evenly.
        """
        slot = self._slots[int(number * _GOLDEN % 1.0 * self._count)]
        slot[speaker] = None
        self._speakers += 1
        if self._timer is None:
            self._turn = self._elapsed() + 1
            self._arm()

        def remove() -> None:
            if speaker in slot:
                del slot[speaker]
                self._speakers -= 1

        return remove

    def stop(self) -> None:
        """Turn no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _elapsed(self) -> int:
        return int((self._clock() - self._start) / _STEP)

    def _arm(self) -> None:
        at = self._start + self._turn * _STEP
        delay = at - self._clock()
        # Loops count milliseconds and round: half of one is as good as now.
        if delay <= _STEP / 2:
            self._timer = self._loop.call_soon(self._fire)
        else:
            self._timer = self._loop.call_later(delay, self._fire)

    def _fire(self) -> None:
        self._timer = None
        until = self._clock() + _BUDGET
        while self._speakers:
            slot = self._slots[self._turn % self._count]
            due = self._start + self._turn * _STEP
            for speaker in tuple(slot):
                if speaker in slot:
                    speaker.speak(due)
            self._turn = self._next()
            now = self._clock()
            if now > until or self._start + self._turn * _STEP > now:
                break
        if self._speakers:
            self._arm()

    def _next(self) -> int:
        """The next turn whose slot has anybody in it."""
        for ahead in range(1, self._count + 1):
            if self._slots[(self._turn + ahead) % self._count]:
                return self._turn + ahead
        return self._turn + 1
