"""What a bot's handler works with: turns, waiting for one, keys, and what is missing."""

from __future__ import annotations

import asyncio

import pytest
from tests.bots.fakes import (
    LoudIsVoice,
    Platform,
    Scripted,
    VirtualPool,
    calling,
    engines,
    kept,
    make_bot,
    of,
    voice,
)

from offhook import Call, Turn
from offhook.errors import CallEnded, EngineError, EngineMissing
from offhook.protocol import STEREO
from offhook.records import events as happenings
from offhook.speech import registry

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]


async def test_turns_are_what_the_caller_said_to_the_sample() -> None:
    turns: list[Turn] = []

    async def handler(call: Call) -> None:
        async for turn in call.turns():
            turns.append(turn)  # noqa: PERF401 (a handler is cancelled by a hang-up)

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot).open()
    await platform.live(1.0)
    await platform.live(2.0, voice(1.0))
    await platform.live(2.0, voice(0.6))
    await platform.hang_up()
    assert [(turn.text, turn.confidence) for turn in turns] == [("yes", 0.9)] * 2
    times = [time for turn in turns for time in (turn.start, turn.end)]
    assert times == pytest.approx([8000, 16_000, 24_000, 28_800], abs=480)
    assert [event.text for event in of(events, happenings.TurnEnded)] == ["yes", "yes"]


async def test_what_was_said_before_the_handler_listens_is_heard_too() -> None:
    heard: list[Turn | None] = []

    async def handler(call: Call) -> None:
        await asyncio.sleep(5)
        heard.append(await call.listen(timeout=1))
        heard.append(await call.listen(timeout=1))

    platform = await Platform(make_bot(handler)).open()
    await platform.live(2.0, voice(1.0))
    await platform.live(6.0)
    assert heard[0] is not None
    assert heard[0].start == pytest.approx(0, abs=480)
    assert heard[1] is None


async def test_the_time_to_listen_begins_when_the_engines_are_there(pool: VirtualPool) -> None:
    times: list[float] = []

    async def handler(call: Call) -> None:
        began = asyncio.get_running_loop().time()
        assert await call.listen(timeout=2) is None
        times.append(asyncio.get_running_loop().time() - began)

    pool.seconds = 3.0
    async with calling(make_bot(handler)) as caller:
        await caller.result()
    assert times == [pytest.approx(5.0, abs=0.1)]


async def test_listening_ends_with_the_call() -> None:
    raised: list[str] = []

    async def handler(call: Call) -> None:
        try:
            await call.listen()
        except asyncio.CancelledError:
            with pytest.raises(CallEnded):
                await call.listen()
            assert [turn async for turn in call.turns()] == []
            raised.append("ended")
            raise

    platform = await Platform(make_bot(handler)).open()
    await platform.live(0.4)
    await platform.hang_up()
    await platform.host.quiet()
    assert raised == ["ended"]


async def test_without_a_recogniser_a_bot_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise EngineMissing("moonshine", "speech")

    monkeypatch.setattr(registry, "recogniser", missing)
    raised: list[Exception] = []

    async def handler(call: Call) -> None:
        for listen in (call.listen, anext(call.turns()).__await__):
            try:
                await (listen() if listen is call.listen else anext(call.turns()))
            except EngineError as error:
                raised.append(error)
        assert (await call.say("one two", interruptible=True)).heard == "one two"
        await call.end(keys=await call.dtmf(1))

    set_of = engines()
    set_of._recogniser = "moonshine"
    async with calling(make_bot(handler, engines=set_of)) as caller:
        await caller.wait(2)
        await caller.dtmf("7")
        result = await caller.result()
    assert [str(error) for error in raised] == ["moonshine is not installed: pip install 'offhook[speech]'"] * 2
    assert (result.outcome, result.output) == ("completed", {"keys": "7"})


async def test_a_recogniser_that_fails_costs_one_turn() -> None:
    recogniser = Scripted(error=ValueError("secret words"))
    texts: list[str] = []

    async def handler(call: Call) -> None:
        async for turn in call.turns():
            texts.append(turn.text)  # noqa: PERF401

    bot = make_bot(handler, engines=engines(recogniser))
    events = kept(bot)
    platform = await Platform(bot).open()
    await platform.live(2.0, voice(1.0))
    recogniser.error = None
    await platform.live(2.0, voice(1.0))
    await platform.hang_up()
    assert texts == ["yes"]
    notes = [event.text for event in of(events, happenings.Note)]
    assert notes == ["recogniser: ValueError"], "nothing of what was said"


async def test_keys_pressed_before_they_are_wanted_are_there() -> None:
    gathered: list[str] = []

    async def handler(call: Call) -> None:
        await asyncio.sleep(3)
        gathered.append(await call.dtmf())
        gathered.append(await call.dtmf(2, first=1.0))

    platform = await Platform(make_bot(handler)).open()
    for digit in "12#3":
        platform.do("dtmf", digit)
    await platform.live(8)
    assert gathered == ["12", "3"]


async def test_our_own_voice_on_the_internal_channel_is_no_turn_of_the_caller() -> None:
    turns: list[Turn] = []

    async def handler(call: Call) -> None:
        async for turn in call.turns():
            turns.append(turn)  # noqa: PERF401

    bot = make_bot(handler, media=(STEREO,))
    platform = await Platform(bot, media=(STEREO,)).open()
    silent = bytes([0xFF]) * 1600
    loud = voice(0.2)
    for _ in range(8):
        platform.do("send_audio", silent, loud)
    for _ in range(8):
        platform.do("send_audio", silent, silent)
    await platform.live(1)
    assert turns == []
    await platform.hang_up()


async def test_a_change_of_language_ends_the_utterance_and_reaches_the_recogniser() -> None:
    recogniser = Scripted()
    languages: list[str | None] = []

    async def handler(call: Call) -> None:
        async for _ in call.turns():
            languages.append(call.language)  # noqa: PERF401

    platform = await Platform(make_bot(handler, engines=engines(recogniser, vad=LoudIsVoice))).open()
    await platform.live(1.0, voice(1.0))
    platform.do("update", "de-DE")
    await platform.live(2.0, voice(0.5))
    await platform.hang_up()
    assert [language for _, language in recogniser.heard] == ["en-US", "de-DE"]
    assert languages == ["de-DE", "de-DE"]
