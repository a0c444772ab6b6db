"""Engines are loaded once, off the loop, shared, and tried again after a failure."""

from __future__ import annotations

import asyncio
import logging

import numpy as np
import pytest
from tests.bots.fakes import LoudIsVoice, Platform, Scripted, Tones, VirtualPool, kept, make_bot, of, voice

from offhook.bots import Call, Engines
from offhook.errors import EngineError, EngineMissing
from offhook.records.events import EngineChanged
from offhook.speech import registry
from offhook.speech.fallback import fallback

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]


async def test_a_named_engine_is_loaded_once_for_all(pool: VirtualPool, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(registry, "recogniser", lambda name: loaded.append(name) or Scripted())
    pool.seconds = 3.0
    engines = Engines(recogniser="some?model=big")
    first, second = await asyncio.gather(engines.recogniser(), engines.recogniser())
    assert first is second is await engines.recogniser()
    assert loaded == ["some?model=big"]


async def test_an_object_is_used_as_it_is() -> None:
    recogniser, synthesiser = Scripted(), Tones()
    engines = Engines(LoudIsVoice, recogniser, synthesiser)
    assert await engines.recogniser() is recogniser
    assert await engines.synthesiser() is synthesiser
    assert await engines.detector() is not await engines.detector(), "one for each channel"


async def test_a_caller_who_hangs_up_takes_no_engine_away(pool: VirtualPool, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Tones()
    monkeypatch.setattr(registry, "synthesiser", lambda name: engine)
    pool.seconds = 3.0
    engines = Engines()
    leaving, staying = (asyncio.create_task(engines.synthesiser()) for _ in range(2))
    await asyncio.sleep(1)
    leaving.cancel()
    assert await staying is engine


async def test_after_a_failure_the_next_call_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes: list[object] = [EngineError("no memory"), Scripted()]

    def load(name: str) -> object:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(registry, "recogniser", load)
    engines = Engines()
    with pytest.raises(EngineError, match="no memory"):
        await engines.recogniser()
    assert isinstance(await engines.recogniser(), Scripted)


async def test_loading_ahead_reports_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(name: str) -> object:
        raise EngineMissing("hibari", "speech")

    def broken(name: str) -> object:
        raise RuntimeError("bug")

    monkeypatch.setattr(registry, "synthesiser", missing)
    monkeypatch.setattr(registry, "recogniser", broken)
    with caplog.at_level(logging.INFO):
        await Engines(LoudIsVoice).load()
    assert {record.levelname for record in caplog.records} == {"INFO", "ERROR"}
    assert "offhook[speech]" in caplog.text


async def test_engines_by_language_and_punctuation_are_put_together() -> None:
    english, other = Scripted("Yes, please."), Scripted("Oui.", languages=("fr",))
    engines = Engines(LoudIsVoice, {"en": english, "*": other}, {"en": Tones()}, punctuation=False)
    recogniser = await engines.recogniser()
    assert recogniser is await engines.recogniser()
    assert recogniser.languages == ("en", "fr")
    assert (await engines.synthesiser()).voices == ("tone",)
    plain = Engines(LoudIsVoice, english, punctuation=False)
    assert (await plain.recogniser()).transcribe(np.zeros(10, np.float32), None).text == "yes please"


async def test_every_call_is_told_when_an_engine_of_a_fallback_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    both = fallback(Scripted(error=EngineError("no power")), Scripted("second"), failures=1)

    async def handler(call: Call) -> None:
        async for turn in call.turns():
            heard.append(turn.text)  # noqa: PERF401 (a handler is cancelled by a hang-up)

    heard: list[str] = []
    bot = make_bot(handler, engines=Engines(LoudIsVoice, both, Tones()))
    events = kept(bot)
    platform = await Platform(bot).open()
    async with asyncio.timeout(20):
        await platform.live(1.8, voice(0.8))
        while not (heard and of(events, EngineChanged)):
            await platform.live(0.2)
    assert heard == ["second"]
    (changed,) = of(events, EngineChanged)
    assert (changed.well, changed.reason) == (False, "no power")
    assert changed.engine.startswith("Scripted")
    await platform.hang_up()
    await bot.quiet()


async def test_further_engines_take_over_their_language_and_answer_to_their_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(registry, "recogniser", lambda name: loaded.append(name) or Scripted("Tres, cuatro."))
    english, other = Scripted("Yes."), Scripted("Oui.", languages=("fr",))
    engines = Engines(
        LoudIsVoice, {"en": english, "*": other}, Tones(), recognisers={"es": "late:es", "digits": "late:digits"},
        punctuation=False,
    )  # fmt: skip
    default = await engines.recogniser()
    assert engines.recogniser_of("fr-FR") is engines.recogniser_of(None) is default
    spanish, digits = engines.recogniser_of("es-MX"), engines.recogniser_named("digits")
    assert spanish is not None
    assert spanish is not digits
    assert engines.recogniser_named("late:other") is engines.recogniser_named("late:other")
    assert loaded == []
    heard = await asyncio.to_thread(spanish.transcribe, np.zeros(10, np.float32), "es-MX")
    assert (heard.text, loaded) == ("tres cuatro", ["late:es"]), "loaded by its first utterance, written as the others"


async def test_fallbacks_by_language_and_those_that_load_late_tell_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = fallback(Scripted(error=EngineError("no power")), Scripted("one"), failures=1)
    late = fallback(Scripted(error=EngineError("no line")), Scripted("two"), failures=1)
    monkeypatch.setattr(registry, "recogniser", lambda name: late)
    engines = Engines(LoudIsVoice, {"en": first, "*": Scripted()}, Tones(), recognisers={"es": "late"})
    told: list[str] = []
    engines.watch(lambda state: told.append(state.reason))
    for _ in range(2):
        await engines.recogniser()
        spanish = engines.recogniser_of("es")
        assert spanish is not None
    for engine in (await engines.recogniser(), spanish):
        await asyncio.to_thread(engine.transcribe, np.zeros(10, np.float32), None)
    await asyncio.sleep(0)
    assert told == ["no power", "no line"]
