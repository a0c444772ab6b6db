"""Parts that are made when they are asked for, none of which begins in a call that is over or keeps it in memory."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest
from tests.bots.fakes import Platform, make_bot

from offhook import Call
from offhook.errors import CallEnded

pytestmark = pytest.mark.virtual_time

PARTS = ("_mouth", "_ears", "_filling", "_waiting", "_going_on", "_barge_in", "_turns", "_marks", "keys")


def made(call: Call) -> set[str]:
    return {part for part in PARTS if call._has(part)}


async def test_a_call_that_only_listens_has_none() -> None:
    calls: list[Call] = []

    async def handler(call: Call) -> None:
        calls.append(call)
        async for _ in call.audio():
            pass

    platform = await Platform(make_bot(handler)).open()
    await platform.live(1)
    assert made(calls[0]) == set()
    platform.do("dtmf", "5")
    await platform.live(1)
    assert made(calls[0]) == {"keys"}
    await platform.hang_up()


async def test_what_is_asked_for_in_a_call_that_is_over_is_over_too() -> None:
    ends: list[str] = []

    async def handler(call: Call) -> None:
        try:
            async for _ in call.audio():
                pass
        finally:
            assert made(call) == set()
            ends.extend([mark.name async for mark in call.marks()])
            ends.extend([turn.text async for turn in call.turns()])
            for asked in (call.dtmf(), call.listen(), call.say("Hello?")):
                with pytest.raises(CallEnded):
                    await asked
            ends.append("all")

    platform = await Platform(make_bot(handler)).open()
    await platform.live(1)
    await platform.hang_up()
    assert ends == ["all"]


async def listens(call: Call) -> None:
    async for _ in call.audio():
        pass


async def echoes(call: Call) -> None:
    async for audio in call.audio():
        call.send(audio)


async def speaks(call: Call) -> None:
    while True:
        await call.play(bytes([0xFF]) * 8000)


async def hears(call: Call) -> None:
    async for _ in call.turns():
        pass


@pytest.mark.parametrize(("does", "looks"), [(listens, 0), (echoes, 0), (speaks, 1), (hears, 1)])
async def test_a_call_that_is_over_is_freed(does: Callable[[Call], Awaitable[None]], looks: int) -> None:
    """Of those that come by thousands the collector has none to find; the others go at its first look.

    What needs two looks stays for minutes, and makes all others wait while thousands are freed at once.
    """

    async def handler(call: Call) -> None:
        call.output["test"] = "freed"
        await does(call)

    def there() -> bool:  # a weak reference is gone also to what a finaliser brings back
        return any(isinstance(each, Call) and each.output.get("test") == "freed" for each in gc.get_objects())

    gc.disable()
    try:
        platform = await Platform(make_bot(handler)).open()
        await platform.live(1)
        assert there()
        await platform.hang_up()
        del platform
        await asyncio.sleep(10)
        for _ in range(looks):
            gc.collect()
        assert not there()
    finally:
        gc.enable()
