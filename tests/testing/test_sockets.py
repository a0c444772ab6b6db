"""Thousands of calls over real sockets, many at once, some of them over bad lines: nothing is lost, nothing is left.

Bot, server, caller and sockets are the real ones; what each does is drawn from a seed. As many again
run in memory, where time is virtual: see test_soak.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from tests.bots.fakes import make_bot

from offhook import Bot, Call
from offhook.connector import Call as Caller
from offhook.connector import connect
from offhook.errors import CallEnded, OffhookError
from offhook.records import events as happenings
from offhook.session.reception import Reception
from offhook.session.server import Server
from offhook.testing.faults import FaultProxy

BATCHES = 20
CALLS = 500
AT_ONCE = 100
#: Of a hundred calls, those over a bad line.
SPOILED = 10


async def handler(call: Call) -> None:
    source = random.Random(call.input["seed"])
    step = source.choice(("end", "send", "fail", "wait", "keys"))
    if step == "send":
        call.send(b"\x55" * source.randrange(1, 3000))
    elif step == "fail":
        raise ValueError("a bug of the bot")
    elif step == "wait":
        await asyncio.sleep(source.random() * 0.2)
    elif step == "keys":
        await call.dtmf(1, first=0.2)
    await call.end(result=step)


async def act(call: Caller, source: random.Random) -> None:
    await asyncio.sleep(source.random() * 0.1)
    step = source.choice(("cut", "hang up", "key", "stay"))
    if step == "cut":
        call.link.connection.abort()
    elif step == "hang up":
        await call.hang_up()
    elif step == "key":
        with suppress(CallEnded):
            await call.dtmf("1")


class Run:
    """What both sides know of all calls."""

    def __init__(self, bot: Bot) -> None:
        self.outcomes: Counter[str] = Counter()
        self.entered: set[str] = set()
        self.started: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        bot.watch(self._watch)

    def _watch(self, line: object, event: happenings.AnyEvent) -> None:
        if isinstance(event, happenings.CallStarted | happenings.CallEnded):
            kept = self.started if isinstance(event, happenings.CallStarted) else self.ended
            kept[line.session_id] += 1  # type: ignore[attr-defined]

    async def one(self, server: int, proxy: int, seed: int) -> str:
        source = random.Random(seed)
        via = ("127.0.0.1", proxy) if source.randrange(100) < SPOILED else None
        # The machine may be busy: how long it takes is nothing to this test.
        call = connect(f"ws://127.0.0.1:{server}/bot", via=via, input={"seed": str(seed)}, timeout=30.0)
        try:
            async with call:
                self.entered.add(call.session.id)
                await act(call, source)
                return (await call.result()).outcome
        except OffhookError as error:
            return type(error).__name__

    async def batch(self, server: int, proxy: int, seeds: range) -> None:
        waiting = iter(seeds)

        async def caller() -> None:
            for seed in waiting:
                self.outcomes[await self.one(server, proxy, seed)] += 1

        await asyncio.gather(*(caller() for _ in range(AT_ONCE)))


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="sockets are counted in /proc")
@pytest.mark.timeout(400)
async def test_ten_thousand_calls(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")
    bot = make_bot(handler)
    run = Run(bot)
    objects: list[int] = []
    async with Server(Reception(bot)) as server:  # the first call opens what stays open: engines, selectors
        await run.batch(server.port, server.port, range(-AT_ONCE, 0))
        await bot.quiet()
    before = open_files()
    async with Server(Reception(bot)) as server, FaultProxy("127.0.0.1", server.port, seed=5) as proxy:
        for number in range(BATCHES):
            await run.batch(server.port, proxy.port, range(number * CALLS, (number + 1) * CALLS))
            await bot.quiet()
            if number in (1, BATCHES - 1):
                gc.collect()
                objects.append(len(gc.get_objects()))
    assert sum(run.outcomes.values()) == BATCHES * CALLS + AT_ONCE
    assert {"completed", "hangup", "error", "lost"} <= set(run.outcomes), "every way to end was seen"
    assert run.started == run.ended, "each call that began has ended, once"
    assert set(run.started.values()) == {1}
    assert run.entered <= set(run.ended), "no record of a call is lost"
    assert not bot.lines
    assert not bot.handlings
    assert open_files() <= before, "no socket is left"
    calls = (BATCHES - 2) * CALLS
    assert objects[1] - objects[0] < calls // 4, "memory is flat: no call leaves anything behind"
