"""Who goes on before the answer is heard has not been cut off: the turn comes again as a whole."""

from __future__ import annotations

import asyncio

import pytest
from tests.bots.fakes import Scripted, calling, engines, make_bot, silence, voice

from offhook import Call, Turn
from offhook.bots.going_on import GoingOn
from offhook.bots.ledger import Ledger
from offhook.speech.turns import TurnPolicy

TEN = "one two three four five six seven eight nine ten"
FIRST = Turn("My number is one two.", 8000, 16_000, 0.9)
SECOND = Turn("Three four.", 20_000, 24_000, 0.8)


class Clock:
    now = 0.0


def going_on() -> tuple[GoingOn, Ledger, Clock]:
    ledger, clock = Ledger(), Clock()
    return GoingOn(ledger, lambda: clock.now), ledger, clock


def test_both_halves_are_one_turn() -> None:
    made, ledger, clock = going_on()
    made.delivered(FIRST)
    ledger.left(bytes(1600), 16_000, 2.0)
    clock.now = 2.1
    made.voice(800)
    whole = made.whole(SECOND)
    assert whole == Turn("My number is one two Three four.", 8000, 24_000, 0.8, continues=True, added="Three four.")
    made.delivered(whole)
    made.voice(0)
    assert made.so_far("Three") == "My number is one two Three four Three"
    assert made.whole(SECOND).text == "My number is one two Three four Three four.", "and so on"


def test_an_answer_that_was_heard_ends_the_turn() -> None:
    made, ledger, clock = going_on()
    made.delivered(FIRST)
    ledger.left(bytes(8000), 16_000, 2.0)
    ledger.started(16_000, 2.0)
    clock.now = 2.5
    made.voice(1600)
    assert made.whole(SECOND) == SECOND


def test_what_was_heard_once_the_voice_had_begun_does_not_count() -> None:
    made, ledger, clock = going_on()
    made.delivered(FIRST)
    ledger.left(bytes(8000), 16_000, 2.0)
    ledger.started(16_000, 2.0)
    clock.now = 2.15
    made.voice(1600)
    assert made.whole(SECOND).continues


def test_what_was_said_before_the_turn_is_no_answer_to_it() -> None:
    made, ledger, clock = going_on()
    ledger.left(bytes(8000), 0, 0.0)
    ledger.started(0, 0.0)
    clock.now = 0.5
    made.delivered(FIRST)
    clock.now = 0.9
    made.voice(0)
    assert made.whole(SECOND).continues


def test_a_noise_takes_nothing_back() -> None:
    made, _, _ = going_on()
    made.delivered(FIRST)
    made.voice(0)
    made.nothing()
    assert made.whole(SECOND) == SECOND


def test_a_sound_without_words_adds_nothing() -> None:
    made, _, _ = going_on()
    made.delivered(FIRST)
    made.voice(0)
    whole = made.whole(Turn("", 20_000, 24_000, 0.0))
    assert whole == Turn(FIRST.text, 8000, 24_000, 0.9, continues=True)


def test_whoever_does_not_answer_gets_each_turn_once() -> None:
    made, _, _ = going_on()
    made.delivered(FIRST)
    made.asked()
    made.voice(0)
    assert made.whole(SECOND) == SECOND


@pytest.mark.virtual_time
@pytest.mark.usefixtures("pool")
@pytest.mark.parametrize(("thinks", "continues"), [(0.5, [False, True]), (0.0, [False, False])])
async def test_in_a_call(thinks: float, continues: list[bool]) -> None:
    """The caller pauses for 0.6 s. A bot that answers behind that has the whole; one that was heard before, a half."""
    turns: list[Turn] = []

    async def handler(call: Call) -> None:
        async for turn in call.turns():
            turns.append(turn)
            await asyncio.sleep(thinks)
            await call.say(TEN)

    async with calling(make_bot(handler)) as caller:
        await caller.wait(0.5)
        await caller.play(voice(1.0) + silence(0.6) + voice(0.6))
        await caller.wait(3.0)
        await caller.hang_up()
    assert [turn.continues for turn in turns] == continues
    assert [turn.text for turn in turns] == ["yes", "yes yes" if continues[1] else "yes"]
    assert (turns[1].start == turns[0].start) == continues[1]


@pytest.mark.virtual_time
@pytest.mark.usefixtures("pool")
@pytest.mark.parametrize(
    ("said", "decided", "settle", "continues"),
    [
        ("one two three four", 0.55, 0.6, [False, True]),
        ("one two three four", 0.55, 0.1, [False, False]),
        ("my number is", 0.9, 0.4, [False, True]),
    ],
)
async def test_an_answer_to_half_a_turn_is_not_heard_before_that_has_settled(
    said: str, decided: float, settle: float, continues: list[bool]
) -> None:
    """The caller pauses for 1.0 s in a number, or before it, and the bot answers as soon as it has the turn."""
    turns: list[Turn] = []

    async def handler(call: Call) -> None:
        async for turn in call.turns():
            turns.append(turn)
            await call.say(TEN)

    bot = make_bot(handler, engines=engines(Scripted(said)), turns=TurnPolicy(settle=settle))
    async with calling(bot) as caller:
        await caller.wait(0.5)
        await caller.play(voice(1.0) + silence(1.0) + voice(0.6))
        ended = caller.link.position
        await caller.wait(4.0)
        await caller.hang_up()
        answers = [run.start for run in caller.snapshot().playbacks]
    assert [turn.continues for turn in turns] == continues
    assert answers[-1] - ended == pytest.approx((decided + settle) * 8000, abs=1600)
