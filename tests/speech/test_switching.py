"""Recognisers that load late, or find the language out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from tests.speech.doubles import Scripted
from tests.spoken import says, says_in_spanish

from offhook.errors import UsageError
from offhook.speech import pool as pools
from offhook.speech import registry
from offhook.speech.engines import Float32, Transcription
from offhook.speech.switching import Identifying, LateRecogniser
from offhook.speech.utterance import transcribe


@dataclass
class Fixed:
    """Says one thing with one confidence, in one language."""

    result: Transcription
    rate: int = 16_000
    languages: tuple[str, ...] = ("en", "es", "fr")
    asked: tuple[int, str | None] | None = None

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        self.asked = len(pcm), language
        return self.result


def identifying(confidence: float, found: str, language: str) -> tuple[Identifying, Fixed]:
    first = Fixed(Transcription("hello", confidence, (), "en"), 8000, ("en",))
    second = Fixed(Transcription(found, 0.9, (), language))
    return Identifying(first, second, ("es-ES", "fr-FR")), second


def test_what_is_understood_well_is_not_asked_again() -> None:
    engine, second = identifying(0.9, "hola", "es")
    assert engine.transcribe(np.zeros(8000, np.float32), "en-US").text == "hello"
    assert second.asked is None


def test_what_is_hardly_understood_is_understood_in_its_own_language() -> None:
    engine, second = identifying(0.3, "hola", "es")
    result = engine.transcribe(np.zeros(8000, np.float32), "en-US")
    assert (result.text, result.language) == ("hola", "es")
    assert second.asked == (16_000, None)


@dataclass
class Telling(Fixed):
    """Tells languages apart, and hears each in its own way."""

    language: str = "es-ES"
    among: tuple[str, ...] = ()

    def identify(self, pcm: Float32, among: Sequence[str]) -> tuple[str, float]:
        self.among = tuple(among)
        return self.language, 0.9


@pytest.mark.parametrize(("spoken", "text", "asked"), [("es-ES", "hola", "es-ES"), ("en", "hello", None)])
def test_an_engine_that_tells_languages_apart_is_asked_for_that_first(
    spoken: str, text: str, asked: str | None
) -> None:
    first = Fixed(Transcription("hello", 0.3, (), "en"), 8000, ("en",))
    second = Telling(Transcription("hola", 0.9, (), "es"), language=spoken)
    assert Identifying(first, second, ("es-ES", "fr-FR")).transcribe(np.zeros(8000, np.float32), None).text == text
    assert second.among == ("en", "es-ES", "fr-FR")
    assert (second.asked and second.asked[1]) == asked


@pytest.mark.timeout(180)
@pytest.mark.parametrize("late", [False, True])
def test_people_who_speak_spanish_by_the_real_engines(late: bool) -> None:
    pytest.importorskip("faster_whisper")
    spanish = [says_in_spanish(key) for key in ("conf-getpin", "vm-forward")]
    english = says("conf-getpin")
    whisper = LateRecogniser("whisper") if late else registry.recogniser("whisper")
    first = registry.recogniser("moonshine")
    engine = Identifying(first, whisper, ("es-ES", "fr-FR"))
    for audio, words in zip(spanish, (("ingrese", "conferencia"), ("marque", "directorio")), strict=True):
        result = transcribe(engine, audio, "en-US")
        assert result.language == "es"
        assert all(word in result.text.lower() for word in words), result.text
    result = transcribe(engine, english, "en-US")
    assert result.language.startswith("en")
    assert "conference" in result.text.lower()


def test_a_language_that_is_not_expected_is_none() -> None:
    engine, _ = identifying(0.3, "moi", "fi")
    assert engine.transcribe(np.zeros(8000, np.float32), None).text == "hello"


def test_once_the_language_is_known_the_second_is_asked_at_once() -> None:
    engine, second = identifying(0.9, "hola", "es")
    assert engine.transcribe(np.zeros(8000, np.float32), "es-ES").text == "hola"
    assert second.asked == (16_000, "es-ES")


def test_an_engine_is_loaded_by_its_first_utterance(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def load(uri: str) -> Scripted:
        loaded.append(uri)
        return Scripted("late")

    monkeypatch.setattr(registry, "recogniser", load)
    late = LateRecogniser("moonshine:tiny-en")
    assert loaded == []
    assert late.transcribe(np.zeros(10, np.float32), None).text == "late"
    assert (late.rate, late.languages) == (8000, ("en",))


def test_engines_that_wait_do_not_hold_the_threads_of_those_that_work(monkeypatch: pytest.MonkeyPatch) -> None:
    one = pools.Pool(1)
    monkeypatch.setattr(pools, "shared", lambda: one)
    monkeypatch.setattr(registry, "recogniser", lambda uri: Scripted("late"))
    late = LateRecogniser("moonshine:tiny-en")
    both = Identifying(late, late, ("es",))
    assert late.waits
    assert both.waits
    asked = [pools.of(both).hand_in(both.transcribe, np.zeros(10, np.float32), "en") for _ in range(3)]
    assert [future.result(10).text for future in asked] == ["late"] * 3


def test_a_name_that_is_none_is_told_at_once() -> None:
    with pytest.raises(UsageError):
        LateRecogniser("")
