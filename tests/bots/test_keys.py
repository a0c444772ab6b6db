"""Keys are gathered until there are enough, a terminator, or a time is over; none is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from offhook.bots.keys import Keys
from offhook.errors import CallEnded

pytestmark = pytest.mark.virtual_time


def collecting(keys: Keys, **given: Any) -> asyncio.Task[str]:
    usual = {"length": None, "terminator": "#", "first": 10.0, "between": 3.0, "total": None}
    return asyncio.create_task(keys.collect(**(usual | given)))


def press(keys: Keys, digits: str) -> None:
    for digit in digits:
        keys.press(digit)


@pytest.mark.parametrize(
    ("pressed", "options", "gathered", "left"),
    [
        ("123#4", {}, "123", "4"),
        ("1234", {"length": 3}, "123", "4"),
        ("12*", {"terminator": "*#"}, "12", ""),
        ("12#", {"terminator": "", "length": 3}, "12#", ""),
        ("#1", {}, "", "1"),
        ("12", {"length": 0}, "", "12"),
    ],
)
async def test_keys_that_are_there(pressed: str, options: dict[str, Any], gathered: str, left: str) -> None:
    keys = Keys()
    press(keys, pressed)
    assert await collecting(keys, **options) == gathered
    assert await collecting(keys, first=0.0, between=0.0, terminator="") == left


@pytest.mark.parametrize(
    ("options", "at", "gathered"),
    [
        ({}, [], 10.0),
        ({"first": 2.0}, [], 2.0),
        ({}, [1.0, 3.0], 6.0),
        ({"first": None, "between": 1.0}, [60.0], 61.0),
        ({"total": 5.0}, [1.0, 3.5, 4.5], 5.0),
        ({"first": None, "total": 4.0}, [], 4.0),
    ],
)
async def test_times(options: dict[str, Any], at: list[float], gathered: float) -> None:
    keys, loop = Keys(), asyncio.get_running_loop()
    began = loop.time()
    for seconds in at:
        loop.call_later(seconds, keys.press, "5")
    assert await collecting(keys, **options) == "5" * len(at)
    assert loop.time() - began == pytest.approx(gathered)


async def test_what_a_cancelled_gathering_held_is_there_for_the_next() -> None:
    keys = Keys()
    press(keys, "12")
    task = collecting(keys)
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    press(keys, "3#")
    assert await collecting(keys) == "123"


async def test_the_end_of_the_call_ends_the_gathering() -> None:
    keys = Keys()
    press(keys, "12")
    task = collecting(keys)
    await asyncio.sleep(1)
    keys.end()
    with pytest.raises(CallEnded):
        await task
