"""The wheel keeps an absolute schedule, spreads the calls, and makes up for lags."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from offhook.testing.load.wheel import Wheel

pytestmark = pytest.mark.virtual_time


class Speaker:
    def __init__(self, clock: object = None) -> None:
        self.due: list[float] = []
        self.at: list[float] = []

    def speak(self, due: float) -> None:
        self.due.append(due)
        self.at.append(asyncio.get_running_loop().time())


def wheel(period: float = 0.2) -> Wheel:
    return Wheel(period, asyncio.get_running_loop().time)


async def test_each_speaks_once_in_a_period_without_drift() -> None:
    turning, speaker = wheel(), Speaker()
    turning.add(speaker, 7)
    await asyncio.sleep(60.0)
    assert len(speaker.due) == pytest.approx(300, abs=1)
    steps = [later - earlier for earlier, later in zip(speaker.due, speaker.due[1:], strict=False)]
    assert max(steps) - min(steps) < 1e-9
    assert max(abs(at - due) for at, due in zip(speaker.at, speaker.due, strict=True)) <= 0.001
    turning.stop()


async def test_phases_are_spread() -> None:
    turning, speakers = wheel(0.02), [Speaker() for _ in range(1000)]
    for number, speaker in enumerate(speakers):
        turning.add(speaker, number)
    await asyncio.sleep(0.05)
    slots = Counter(round(speaker.due[0] * 1000) % 20 for speaker in speakers)
    assert len(slots) == 20
    assert max(slots.values()) - min(slots.values()) <= 4
    turning.stop()


async def test_a_lag_is_made_up_for() -> None:
    loop = asyncio.get_running_loop()
    turning, speaker = wheel(), Speaker()
    turning.add(speaker, 0)
    await asyncio.sleep(1.0)
    before = len(speaker.due)
    loop.jump(3.0)  # type: ignore[attr-defined]  # the loop of these tests: everything stood still
    await asyncio.sleep(0.0)
    await asyncio.sleep(0.01)
    assert len(speaker.due) == pytest.approx(before + 15, abs=1)
    assert all(later > earlier for earlier, later in zip(speaker.due, speaker.due[1:], strict=False))
    turning.stop()


async def test_taken_off_it_speaks_no_more() -> None:
    turning, speaker = wheel(), Speaker()
    remove = turning.add(speaker, 3)
    await asyncio.sleep(1.0)
    count = len(speaker.due)
    remove()
    remove()
    assert len(turning) == 0
    await asyncio.sleep(1.0)
    assert len(speaker.due) == count


async def test_one_may_be_taken_off_in_its_own_turn() -> None:
    turning = wheel(0.02)

    class Once(Speaker):
        def speak(self, due: float) -> None:
            super().speak(due)
            remove()

    once, other = Once(), Speaker()
    remove = turning.add(once, 0)
    turning.add(other, 0)
    await asyncio.sleep(1.0)
    assert len(once.due) == 1
    assert len(other.due) == pytest.approx(50, abs=1)
    turning.stop()
