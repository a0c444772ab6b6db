"""A filler goes past an answer that was begun and has no sound yet; of each of them it is told what was heard of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.bots.fakes import calling, kept, make_bot, of, voice

from offhook import Call
from offhook.audio import ulaw
from offhook.bots import Playback
from offhook.bots.patience import Patience
from offhook.records import events as happenings

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]
PATIENCE = Patience(after=2.0, give_up=5.0, filler="one two three")


@pytest.mark.parametrize("cut", [False, True])
async def test_an_answer_that_was_waited_for_begins_behind_the_filler(cut: bool) -> None:
    """It was begun before the filler was sent, so what is told of it must not count the filler's samples as its own."""
    said: list[Playback] = []

    async def slow() -> AsyncIterator[str]:
        await asyncio.sleep(3.0)
        yield "four five six seven eight"

    async def handler(call: Call) -> None:
        await call.listen()
        said.append(await call.say(slow()))

    bot = make_bot(handler, patience=PATIENCE)
    await bot.load()
    events = kept(bot)
    async with calling(bot) as caller:
        await caller.play(voice(1.0))
        async with asyncio.timeout(20):
            while len(of(events, happenings.PlaybackStarted)) < 2:
                await caller.wait(0.02)
        if cut:
            await caller.wait(0.2)
            await caller.dtmf("1")
        result = await caller.result()
    filler, answer = of(events, happenings.SayEnded)
    first, second = result.playbacks
    assert (filler.heard, filler.interrupted, filler.played) == ("one two three", False, first.heard)
    assert (filler.start, answer.start) == (first.start, second.start)
    assert (answer.played, answer.interrupted) == (second.heard, cut)
    assert answer.heard == said[0].heard == ("four five" if cut else "four five six seven eight")
    assert said[0].seconds == second.heard / ulaw.RATE
    assert 1600 <= second.heard < 2400 if cut else second.heard == 4000
