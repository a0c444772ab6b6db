"""Ten thousand calls in virtual time, each of its own seed: whatever happens in one, it ends and leaves nothing behind.

Bot and caller are the real ones; between them is memory instead of a socket, and the engines are fakes. Bad sockets
are in test_faults.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections import Counter
from contextlib import suppress

import pytest
from tests.bots.fakes import calling, make_bot, pool, voice

from offhook import Bot, Call
from offhook.connector import Call as Caller
from offhook.errors import CallEnded, OffhookError
from offhook.records import events as happenings

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]
__all__ = ["pool"]
CALLS = 10_000
AT_ONCE = 200


async def handler(call: Call) -> None:
    """What it does is drawn from the caller's seed."""
    source = random.Random(call.input["seed"])
    for _ in range(source.randrange(1, 5)):
        step = source.choice(("say", "play", "keys", "listen", "send", "wait", "fail", "end", "pause"))
        if step == "say":
            await call.say("one two three. four five", interruptible=source.random() < 0.8)
        elif step == "play":
            await call.play(bytes([0x55]) * source.randrange(1, 9000))
        elif step == "keys":
            await call.dtmf(source.randrange(1, 4), first=0.5, between=0.2)
        elif step == "listen":
            await call.listen(timeout=0.7)
        elif step == "send":
            call.send(bytes([0x55]) * source.randrange(1, 3000))
        elif step == "pause":
            call.pause()
            await asyncio.sleep(0.1)
            call.resume()
        elif step == "end":
            return await call.end(result=source.randrange(9))
        elif step == "fail" and source.random() < 0.2:
            raise ValueError("a bug of the bot")
        else:
            await asyncio.sleep(source.random())


async def act(caller: Caller, source: random.Random) -> None:
    """What the caller does, until somebody ends the call."""
    for _ in range(source.randrange(5)):
        step = source.choice(("wait", "key", "speech", "pause", "cut", "hang up"))
        if step == "key":
            await caller.dtmf(source.choice("0123456789*#"))
        elif step == "speech":
            await caller.play(voice(source.random()))
        elif step == "pause" and not caller.link.over:
            caller.pause()
            await asyncio.sleep(0.1)
            caller.resume()
        elif step == "cut" and source.random() < 0.3:
            return caller.link.connection.abort()
        elif step == "hang up" and source.random() < 0.5:
            return await caller.hang_up()
        else:
            await caller.wait(source.random())


async def one(bot: Bot, seed: int) -> str:
    source = random.Random(seed)
    try:
        async with calling(bot, delay=source.choice((0.0, 0.01, 0.1)), input={"seed": str(seed)}) as caller:
            with suppress(CallEnded):
                await act(caller, source)
            await caller.hang_up()
            return (await caller.result()).outcome
    except OffhookError as error:
        return type(error).__name__


@pytest.mark.timeout(300)
async def test_ten_thousand_calls(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")
    bot = make_bot(handler)
    told: Counter[str] = Counter()
    ended: Counter[str] = Counter()

    def watch(line: object, event: happenings.AnyEvent) -> None:
        told[type(event).__name__] += isinstance(event, happenings.CallStarted | happenings.CallEnded)
        if isinstance(event, happenings.CallEnded):
            ended[event.outcome] += 1

    bot.watch(watch)
    outcomes: Counter[str] = Counter()
    objects: list[int] = []
    for first in range(0, CALLS, AT_ONCE):
        outcomes.update(await asyncio.gather(*(one(bot, seed) for seed in range(first, first + AT_ONCE))))
        await bot.quiet()
        assert not bot.lines
        assert not bot.handlings
        if first in (CALLS // 5, CALLS - AT_ONCE):
            gc.collect()
            objects.append(len(gc.get_objects()))
    assert sum(outcomes.values()) == CALLS
    assert told["CallStarted"] == told["CallEnded"] == CALLS, "no record of a call is lost"
    assert {"completed", "hangup", "error", "lost"} <= set(ended), "every way to end was seen"
    assert objects[1] < objects[0] * 1.02, "memory is flat"
