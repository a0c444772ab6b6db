"""Keys are gathered until there are enough, a terminator, or a time is over; none is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from offhook.bots.keys import Keyed, KeyEntry, Keys
from offhook.errors import CallEnded, UsageError

pytestmark = pytest.mark.virtual_time


def collecting(keys: Keys, **given: Any) -> asyncio.Task[Keyed]:
    usual = {"length": None, "terminator": "#", "first": 10.0, "between": 3.0, "total": None}
    return asyncio.create_task(keys.collect(KeyEntry(**(usual | given))))


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


@pytest.mark.parametrize(
    ("pressed", "options", "ended"),
    [
        ("123#", {}, "terminator"),
        ("12", {"length": 2}, "length"),
        ("", {}, "first"),
        ("1", {}, "between"),
        ("1", {"between": 9.0, "total": 2.0}, "total"),
        ("5", {"allowed": "12"}, "refused"),
    ],
)
async def test_why_no_more_is_waited_for(pressed: str, options: dict[str, Any], ended: str) -> None:
    keys = Keys()
    press(keys, pressed)
    assert (await collecting(keys, **options)).ended == ended


async def test_speech_ends_an_entry_and_nothing_else() -> None:
    keys = Keys()
    keys.cut()  # nobody is at it
    task = collecting(keys)
    press(keys, "12")
    await asyncio.sleep(1)
    keys.cut()
    keyed = await task
    assert (keyed, keyed.ended) == ("12", "speech")
    press(keys, "3#")
    assert await collecting(keys) == "3"


@pytest.mark.parametrize(
    ("written", "length", "allowed"), [("1-3", 1, "123"), ("0-9*", 1, "0123456789*"), ("2#", 1, "2#"), (4, 4, None)]
)
def test_entries_written_short(written: str | int, length: int, allowed: str | None) -> None:
    entry = KeyEntry.of(written)
    assert entry.length == length
    assert allowed is None or entry.allowed == allowed


@pytest.mark.parametrize("written", ["", "x", "1-", "yes"])
def test_entries_that_are_none(written: str) -> None:
    with pytest.raises(UsageError, match="keys are written like"):
        KeyEntry.of(written)


@pytest.mark.parametrize("options", [{"length": 0}, {"terminator": "E"}])
def test_entries_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="key"):
        KeyEntry(**options)
