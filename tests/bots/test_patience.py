"""A caller who gets no answer: a filler first, then the call goes back to the platform."""

from __future__ import annotations

import asyncio

import pytest
from tests.bots.fakes import Platform, Scripted, VirtualPool, engines, kept, make_bot, of, voice

from offhook import Call, UsageError
from offhook.bots import Bot
from offhook.bots.patience import Patience
from offhook.errors import EngineError
from offhook.records import events as happenings

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]
PATIENCE = Patience(after=2.0, give_up=5.0, filler="one two three")


async def start(handler: object, **options: object) -> tuple[Bot, Platform]:
    bot = make_bot(handler, patience=PATIENCE, **options)  # type: ignore[arg-type]
    await bot.load()
    return bot, await Platform(bot).open()


async def test_a_slow_answer_gets_a_filler_and_one_that_never_comes_ends_the_call() -> None:
    async def handler(call: Call) -> None:
        call.output["step"] = "asked"
        async for _ in call.turns():
            await asyncio.sleep(60)

    bot, platform = await start(handler)
    events = kept(bot)
    await platform.live(1.5, voice(1.0))
    await platform.live(1.0)
    assert platform.audio == b""
    await platform.live(1.5)
    assert len(platform.audio) == pytest.approx(2400, abs=400), "the filler: three words of 0.1 s"
    await platform.live(4.0)
    assert platform.disconnected is not None
    assert platform.disconnected.reason == "completed"
    assert platform.disconnected.output == {"step": "asked", "offhook_reason": "no answer in time"}
    (started,), (ended,) = of(events, happenings.SayStarted), of(events, happenings.SayEnded)
    assert started.id == ended.id
    assert (ended.heard, ended.interrupted) == ("one two three", False)
    assert ended.sent == ended.played == 2400
    assert any("given back" in event.text for event in of(events, happenings.Note))
    await platform.over()


async def test_an_answer_in_time_gets_no_filler() -> None:
    async def handler(call: Call) -> None:
        async for _ in call.turns():
            await asyncio.sleep(1.0)
            await call.say("four five six seven")

    _, platform = await start(handler)
    await platform.live(1.5, voice(1.0))
    await platform.live(12.0)
    assert len(platform.audio) == pytest.approx(3200, abs=400)
    assert platform.disconnected is None
    await platform.hang_up()


async def test_a_handler_that_has_nothing_to_say_is_left_alone() -> None:
    async def handler(call: Call) -> None:
        while await call.listen() is not None:
            pass

    _, platform = await start(handler)
    await platform.live(1.5, voice(1.0))
    await platform.live(12.0)
    assert platform.audio == b""
    assert platform.disconnected is None
    await platform.hang_up()


async def test_a_caller_who_goes_on_talking_is_not_waited_for() -> None:
    async def handler(call: Call) -> None:
        async for _ in call.turns():
            await asyncio.sleep(60)

    _, platform = await start(handler)
    for _ in range(5):
        await platform.live(1.8, voice(1.0))
    assert platform.audio == b""
    await platform.hang_up()
    await platform.host.quiet()


async def test_a_cough_meanwhile_does_not_end_the_wait() -> None:
    async def handler(call: Call) -> None:
        async for _ in call.turns():
            await asyncio.sleep(60)

    _, platform = await start(handler)
    await platform.live(2.5, voice(1.0))
    await platform.live(1.0, voice(0.13))
    await platform.live(5.0)
    assert len(platform.audio) == pytest.approx(2400, abs=400), "the filler, once"
    assert platform.disconnected is not None
    await platform.over()


async def test_who_asks_for_keys_has_nothing_to_say() -> None:
    keyed: list[str] = []

    async def handler(call: Call) -> None:
        await call.listen()
        keyed.append(await call.dtmf(4, first=20.0))

    _, platform = await start(handler)
    await platform.live(1.5, voice(1.0))
    await platform.live(10.0)
    assert platform.audio == b""
    assert platform.disconnected is None
    await platform.hang_up()


async def test_a_question_after_its_answer_is_waited_for() -> None:
    async def handler(call: Call) -> None:
        await call.ask("What is it?", attempts=1)
        await asyncio.sleep(60)

    _, platform = await start(handler)
    await platform.live(4.0)
    before = len(platform.audio)
    await platform.live(1.5, voice(1.0))
    await platform.live(3.0)
    assert len(platform.audio) - before == pytest.approx(2400, abs=400)
    await platform.live(4.0)
    assert platform.disconnected is not None
    await platform.over()


async def test_what_was_not_understood_is_not_waited_for() -> None:
    async def handler(call: Call) -> None:
        async for _ in call.turns():
            pass

    _, platform = await start(handler, engines=engines(Scripted(error=EngineError("no"))))
    await platform.live(1.5, voice(1.0))
    await platform.live(8.0)
    assert platform.disconnected is None
    await platform.hang_up()


async def test_a_slow_recogniser_counts(pool: VirtualPool) -> None:
    async def handler(call: Call) -> None:
        async for turn in call.turns():
            await call.say(turn.text)

    _, platform = await start(handler)
    await platform.live(0.2)
    pool.seconds = 60.0
    await platform.live(1.5, voice(1.0))
    await platform.live(8.0)
    assert platform.disconnected is not None
    assert platform.disconnected.output == {"offhook_reason": "no answer in time"}
    await platform.over()


def test_times_that_make_no_sense_are_refused() -> None:
    for after, give_up in ((0.0, 1.0), (2.0, 1.0)):
        with pytest.raises(UsageError):
            Patience(after=after, give_up=give_up)
