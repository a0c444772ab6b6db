"""Who speaks: by name, by gender, by language."""

from __future__ import annotations

import logging

import pytest
from tests.bots.fakes import Tones, engines

from offhook.bots.actors import Actors
from offhook.errors import EngineError
from offhook.speech import registry, reports
from offhook.speech.phrases import Abilities
from offhook.speech.ssml.steps import Voice

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]

MAIN = Tones(voices=("anna", "tom"), languages=("en-US",))
SPANISH = Tones(languages=("es",), name="spanish-1")
POLISH = Tones(languages=("pl",), name="polish-1")


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    reports.forget()
    monkeypatch.setattr(registry, "names", lambda: ("hibari", "pico"))
    monkeypatch.setattr(registry, "synthesiser", lambda uri: SPANISH)


def actors() -> Actors:
    return Actors(engines(synthesiser=MAIN), {"pl": POLISH, "Narrator": POLISH, "es-MX": "pico:es"})


async def test_the_engine_of_the_bot_speaks_unless_something_else_is_wanted() -> None:
    actor = await actors().find(Voice(language="en-GB"), "tom")
    assert (actor.synthesiser, actor.voice, actor.language) == (MAIN, "tom", "en-GB")
    assert (await actors().find(Voice())).voice is None


async def test_names_are_voices_of_the_engine_names_of_the_bot_or_engines() -> None:
    find = actors().find
    assert (await find(Voice(("tom",)), "anna")).voice == "tom"
    assert (await find(Voice(("narrator",)))).synthesiser is POLISH
    assert (await find(Voice(("nobody", "pico:es-ES")))).synthesiser is SPANISH


async def test_a_voice_that_nobody_has_is_told_once_and_the_bots_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    found = actors()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert (await found.find(Voice(("nobody",)))).synthesiser is MAIN
    assert len(caplog.records) == 1


async def test_a_language_goes_to_whoever_speaks_it() -> None:
    find = actors().find
    assert (await find(Voice(language="pl-PL"), "tom")).synthesiser is POLISH
    assert (await find(Voice(language="es-MX"))).synthesiser is SPANISH
    assert (await find(Voice(language="es"))).synthesiser is SPANISH, "a local engine is found by itself"
    with pytest.raises(EngineError, match="nothing here speaks fr"):
        await find(Voice(language="fr"))


async def test_a_gender_is_a_voice_that_is_told_to_have_it(caplog: pytest.LogCaptureFixture) -> None:
    able = Tones(voices=("anna", "tom"))
    able.abilities = Abilities(genders={"anna": "female", "tom": "male"})  # type: ignore[attr-defined]
    found = Actors(engines(synthesiser=able))
    assert (await found.find(Voice(gender="male"))).voice == "tom"
    assert (await found.find(Voice(gender="neutral"), "anna")).voice == "anna"
    with caplog.at_level(logging.WARNING):
        assert (await actors().find(Voice(gender="male"))).voice is None
    assert "male" in caplog.text
