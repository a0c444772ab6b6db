"""Answers of callers who pause and go on: joined within a question, mended behind it while nothing was heard."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tests.bots.fakes import Platform, Tones, calling, engines, make_bot, silence, voice

from offhook import Call
from offhook.audio import ulaw
from offhook.bots import YES_NO, Answer
from offhook.connector import Call as Caller
from offhook.connector.result import Result
from offhook.speech.engines import Float32, Transcription
from offhook.speech.turns import TurnPolicy

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]

SIZES = ["small", "large"]
QUICK = TurnPolicy(silence=0.3, finished=0.2, settle=0.35)

HASTY = dataclasses.replace(QUICK, settle=0.0)


@dataclass
class Spoken:
    """A recogniser that tells what was said by how long it took, in tenths of a second."""

    texts: dict[int, str]
    rate: int = ulaw.RATE
    languages: tuple[str, ...] = ("en",)

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        tenths = round(float((np.abs(pcm) > 0.01).sum()) / self.rate * 10)
        text = self.texts.get(tenths, "")
        return Transcription(text, 0.9 if text else 0.0, (), "en")


async def held(
    handler: Callable[[Call], Awaitable[None]],
    texts: dict[int, str],
    caller_does: Callable[[Caller], Awaitable[None]],
    policy: TurnPolicy = QUICK,
) -> tuple[Result, list[Any], list[str]]:
    """A call: its result, the dispositions told, and all that was synthesised."""
    tones = Tones()
    bot = make_bot(handler, engines=engines(Spoken(texts), tones), turns=policy)
    async with calling(bot) as caller:
        await caller_does(caller)
        result = await caller.result()
        told = [entity.data for entity in caller.entities if entity.type == "bot_turn_response"]
    return result, told, [text for text, *_ in tones.asked]


def says(*parts: float) -> Callable[[Caller], Awaitable[None]]:
    """Speaks, pauses, speaks ..., for so many seconds each, once the first question is over."""

    async def does(caller: Caller) -> None:
        await caller.wait(1)
        sound = b"".join(silence(length) if at % 2 else voice(length) for at, length in enumerate(parts))
        await caller.play(sound)

    return does


async def test_whatever_is_said_is_held_until_it_has_settled() -> None:
    """The turn is over after 0.3 s of silence, the answer 0.35 s later: a pause of 0.4 s is within it."""
    answers: list[Answer] = []

    async def handler(call: Call) -> None:
        answers.append(await call.ask("What happened?"))

    _, told, _ = await held(handler, {6: "a car", 8: "hit a tree"}, says(0.6, 0.4, 0.8))
    assert [(answer.text, answer.value) for answer in answers] == [("a car hit a tree", "a car hit a tree")]
    assert [entity["text"] for entity in told] == ["a car hit a tree"]


async def test_a_noise_within_that_time_changes_nothing() -> None:
    answers: list[Answer] = []

    async def handler(call: Call) -> None:
        answers.append(await call.ask("What happened?"))

    await held(handler, {6: "a car"}, says(0.6, 0.4, 0.14, 0.5, 0.3))
    assert [answer.text for answer in answers] == ["a car"]


async def test_digits_go_on_and_a_whole_number_does_not_wait() -> None:
    answers: list[tuple[str, float]] = []

    async def handler(call: Call) -> None:
        for _ in range(2):
            answer = await call.ask("Number?", keys=4)
            assert answer.turn is not None
            answers.append((answer.value, call.position - answer.turn.end))

    async def does(caller: Caller) -> None:
        await says(0.6, 1.0, 0.8)(caller)
        await caller.wait(1.5)
        await caller.play(voice(1.2))

    await held(handler, {6: "four seven", 8: "one one", 12: "one two three four"}, does)
    assert [value for value, _ in answers] == ["4711", "1234"]
    assert max(after for _, after in answers) <= 0.4 * ulaw.RATE, "0.2 s and the rest of a frame, not 0.9 s"


async def test_another_question_that_was_not_heard_is_taken_back() -> None:
    """What was no answer goes on as the bot is about to ask again: it is one attempt, and one answer."""
    answers: list[Answer] = []

    async def handler(call: Call) -> None:
        answers.append(await call.ask("Which size?", SIZES, attempts=2))

    _, told, _ = await held(handler, {6: "well now", 8: "a large one"}, says(0.6, 0.36, 0.8), HASTY)
    assert [(answer.value, answer.text) for answer in answers] == [("large", "well now a large one")]
    assert [entity["disposition"] for entity in told] == ["no_match", "match"], "the half was told before it went on"
    assert answers[0].turn is not None
    assert answers[0].turn.continues


async def test_who_corrects_himself_before_the_next_question_is_heard_has_given_that_answer() -> None:
    found: list[str] = []

    async def handler(call: Call) -> None:
        size = await call.ask("Which size?", SIZES)
        found.append(size.value)
        sure = await call.ask(f"A {size.value} one. Is that all?", YES_NO["en"])
        found.extend((size.value, sure.value))

    async def does(caller: Caller) -> None:
        await says(0.5, 0.36, 0.8)(caller)
        await caller.wait(3)
        await caller.play(voice(0.7))

    _, told, said = await held(handler, {5: "small", 8: "no, large", 7: "yes"}, does)
    assert found == ["small", "large", "yes"]
    assert [entity["text"] for entity in told] == ["small", "small no, large", "yes"]
    assert any("Is that all" in text for text in said)


@pytest.mark.parametrize("adds", ["please", ""])
async def test_who_only_adds_a_word_is_told_what_was_to_be_said(adds: str) -> None:
    found: list[Any] = []

    async def handler(call: Call) -> None:
        size = await call.ask("Which size?", SIZES)
        playback = await call.say(f"One {size.value} pizza is on its way to you.")
        found.extend((size.value, playback.interrupted, playback.heard, await call.listen(2)))

    await held(handler, {5: "small", 6: adds}, says(0.5, 0.36, 0.6))
    assert found == ["small", False, "One small pizza is on its way to you.", None]


async def test_who_knows_what_comes_may_answer_that() -> None:
    found: list[str] = []

    async def handler(call: Call) -> None:
        size = await call.ask("Which size?", SIZES)
        top = await call.ask("Which topping?", ["ham", "cheese"])
        found.extend((size.value, top.value, top.text))

    await held(handler, {5: "small", 6: "with ham"}, says(0.5, 0.36, 0.6))
    assert found == ["small", "ham", "with ham"]


async def test_an_answer_behind_what_was_heard_is_an_answer_to_that() -> None:
    found: list[str] = []

    async def handler(call: Call) -> None:
        one = await call.ask("Is it red?", YES_NO["en"])
        await asyncio.sleep(0.1)
        two = await call.ask("Is it blue?", YES_NO["en"])
        found.extend((one.value, two.value))

    await held(handler, {5: "yes", 6: "no"}, says(0.5, 1.6, 0.6))
    assert found == ["yes", "no"]


async def test_what_was_said_to_a_secret_question_is_not_told_with_the_next_answer() -> None:
    answers: list[Answer] = []

    async def handler(call: Call) -> None:
        answers.append(await call.ask("PIN please", keys=4, secret=True, attempts=1, timeout=20))
        answers.append(await call.ask("one two three four five six seven", timeout=20, attempts=1))

    spoken = Spoken({10: "whisper", 12: "hello"})
    platform = await Platform(make_bot(handler, engines=engines(spoken))).open()
    await platform.live(9, silence(1.5) + voice(1.0) + silence(1.1) + voice(1.2) + silence(1))
    assert [(answer.disposition, answer.value) for answer in answers] == [("no_match", ""), ("match", "hello")]
    assert not any("whisper" in message for message in platform.messages)
