"""Questions: answered by voice or keys, asked again in other words, given up; and what the platform is told of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.bots.fakes import Scripted, Tones, calling, engines, kept, make_bot, of, voice

from offhook import Call
from offhook.bots import Answer, KeyEntry
from offhook.connector import Call as Caller
from offhook.errors import UsageError
from offhook.records import events as happenings

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]

PIZZA = {"thin": ["crispy"], "thick": ["deep pan"]}


async def asked(caller_does: Any, said: str = "thin please", **options: Any) -> tuple[Answer, list[Any], Tones]:
    """The answer to one question, the dispositions told, and the synthesiser."""
    answers: list[Answer] = []
    tones = Tones()

    async def handler(call: Call) -> None:
        given = {"choices": PIZZA} | options
        answers.append(await call.ask("Thin or thick?", **given))

    async with calling(make_bot(handler, engines=engines(Scripted(said), tones))) as caller:
        await caller_does(caller)
        await caller.result()
        told = [entity.data for entity in caller.entities if entity.type == "bot_turn_response"]
    return answers[0], told, tones


async def speaks(caller: Caller) -> None:
    await caller.wait(1)
    await caller.play(voice(0.5))


async def waits(caller: Caller) -> None:
    await caller.wait(1)


async def test_an_answer_by_voice() -> None:
    answer, told, _ = await asked(speaks)
    assert answer
    assert (answer.value, answer.by, answer.text, answer.attempts) == ("thin", "speech", "thin please", 1)
    assert told == [{"disposition": "match", "text": "thin please", "confidence": 0.9}]


async def test_silence_is_asked_again_in_other_words_up_to_the_limit() -> None:
    answer, told, tones = await asked(waits, attempts=3, timeout=4)
    assert not answer
    assert (answer.disposition, answer.attempts, answer.by) == ("no_input", 3, None)
    assert told == [{"disposition": "no_input"}] * 3
    said = [text for text, *_ in tones.asked]
    assert said == [
        "Thin or thick?",
        "I did not hear anything.", "Thin or thick?",
        "I still cannot hear you.", "Thin or thick?",
    ]  # fmt: skip


async def test_what_was_not_understood_is_told_with_its_text() -> None:
    answer, told, tones = await asked(speaks, "a bicycle", attempts=2, timeout=2, missed=["Say thin or thick."])
    assert (answer.disposition, answer.attempts) == ("no_input", 2)
    assert told[0] == {"disposition": "no_match", "text": "a bicycle", "confidence": 0.9}
    assert [text for text, *_ in tones.asked] == ["Thin or thick?", "Say thin or thick."]


async def test_a_sound_without_words_is_no_match() -> None:
    _, told, _ = await asked(speaks, "", attempts=1)
    assert told == [{"disposition": "no_match", "text": "", "confidence": 0.0}]


async def test_who_is_hardly_understood_is_asked_again() -> None:
    _, told, _ = await asked(speaks, attempts=1, confidence=0.95)
    assert told[0]["disposition"] == "no_match"


async def test_who_speaks_when_the_time_is_over_is_heard_out() -> None:
    async def late(caller: Caller) -> None:
        await caller.wait(0.3 + 2.5)
        await caller.play(voice(3))

    answer, _, _ = await asked(late, timeout=3, attempts=1)
    assert answer.value == "thin"


@pytest.mark.parametrize(("key", "value"), [("1", "thin"), ("2", "thick"), ("3", "")])
async def test_a_key_stands_for_the_choice_at_its_place(key: str, value: str) -> None:
    async def presses(caller: Caller) -> None:
        await caller.wait(1)
        await caller.dtmf(key)

    answer, told, _ = await asked(presses, keys="1-2", attempts=1)
    assert (answer.value, answer.by, answer.text) == (value, "keys", key)
    assert told == [{"disposition": "match" if value else "no_match", "text": key, "confidence": 1.0}]


async def test_keys_and_speech_are_both_open_and_keys_begun_win() -> None:
    async def both(caller: Caller) -> None:
        await caller.wait(1)
        await caller.dtmf("12")
        await caller.play(voice(0.5))
        await caller.wait(0.8)
        await caller.dtmf("34")

    answer, _, _ = await asked(both, keys=4, choices=None)
    assert (answer.value, answer.by) == ("1234", "keys")


async def test_digits_may_be_read_out_in_place_of_keys() -> None:
    answer, _, _ = await asked(speaks, "one two, 3 4", keys=4, choices=None)
    assert (answer.value, answer.by) == ("1234", "speech")
    answer, told, _ = await asked(speaks, "one two", keys=4, choices=None, attempts=1)
    assert (answer.value, told[0]["disposition"]) == ("", "no_match")


async def test_type_ahead_is_kept_or_dropped() -> None:
    async def ahead(caller: Caller) -> None:
        await caller.dtmf("1")

    async def question(call: Call, **options: Any) -> Answer:
        await asyncio.sleep(1)
        return await call.ask("Thin or thick?", PIZZA, keys="1-2", attempts=1, timeout=2, **options)

    for kept_or_not, value in ((True, "thin"), (False, "")):
        answers: list[Answer] = []

        async def handler(call: Call, keep: bool = kept_or_not, into: list[Answer] = answers) -> None:
            into.append(await question(call, type_ahead=keep))

        async with calling(make_bot(handler)) as caller:
            await ahead(caller)
            await caller.result()
        assert answers[0].value == value


@pytest.mark.parametrize(
    "options", [{"speech": False}, {"attempts": 0}, {"timeout": 0}, {"choices": []}, {"choices": "thin"}, {"keys": "x"}]
)
async def test_questions_that_make_no_sense(options: dict[str, Any]) -> None:
    async def handler(call: Call) -> None:
        with pytest.raises(UsageError):
            await call.ask("Thin or thick?", **options)

    async with calling(make_bot(handler)) as caller:
        assert (await caller.result()).outcome == "completed"


async def test_an_answer_that_sounds_like_a_sign_of_listening_cuts_in() -> None:
    answers: list[Answer] = []

    async def handler(call: Call) -> None:
        answers.append(await call.ask(" ".join(["word"] * 40), {"yes": ["okay"], "no": []}))

    bot = make_bot(handler, engines=engines(Scripted("okay")))
    events = kept(bot)
    async with calling(bot) as caller:
        await speaks(caller)
        await caller.result()
    assert answers[0].value == "yes"
    assert of(events, happenings.BargeIn)


async def test_another_recogniser_for_one_question_only() -> None:
    special, usual, texts = Scripted("four five please"), Scripted("hello"), []

    async def handler(call: Call) -> None:
        texts.append((await call.ask("Number?", recogniser=special)).text)
        turn = await call.listen(5)
        texts.append(turn.text if turn else "")

    async with calling(make_bot(handler, engines=engines(usual))) as caller:
        await speaks(caller)
        await speaks(caller)
        await caller.result()
    assert texts == ["four five please", "hello"]


async def test_a_secret_is_nowhere_but_in_the_handler() -> None:
    got: list[str] = []

    async def handler(call: Call) -> None:
        answer = await call.ask("PIN?", keys=KeyEntry(4), secret=True)
        got.append(answer.value)
        await call.listen(3)

    bot = make_bot(handler)
    events = kept(bot)
    async with calling(bot) as caller:
        await caller.wait(1)
        await caller.dtmf("71938")  # one too many
        await caller.result()
        assert [entity.data for entity in caller.entities] == [{"disposition": "match"}]
    assert got == ["7193"]
    assert {event.digit for event in of(events, happenings.Key)} == {happenings.REDACTED}
    assert len(of(events, happenings.Key)) == 5
