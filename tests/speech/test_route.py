"""Engines by language."""

from __future__ import annotations

import numpy as np
import pytest
from tests.speech.doubles import Scripted, Tones

from offhook.errors import EngineError, UsageError
from offhook.speech import registry
from offhook.speech.route import RouteRecogniser, route

PCM = np.zeros(1600, np.float32)


def test_the_most_exact_tag_is_taken() -> None:
    engines = {"en": Scripted("en"), "en-GB": Scripted("gb"), "*": Scripted("any", languages=("en", "fr", "de"))}
    table = route(engines)
    said = {tag: table.transcribe(PCM, tag).text for tag in ("en", "en-US", "en_gb", "fr-FR", "de")}
    assert said == {"en": "en", "en-US": "en", "en_gb": "gb", "fr-FR": "any", "de": "any"}
    assert table.transcribe(PCM, None).text == "en", "without a language the first one serves"
    assert table.languages == ("en", "en-GB", "fr", "de")


def test_sound_comes_at_the_engines_rate() -> None:
    narrow = Scripted()
    route({"en": narrow}).transcribe(PCM, "en")
    assert len(narrow.heard[0][0]) == 800


def test_a_language_without_an_engine_is_refused() -> None:
    with pytest.raises(EngineError, match="no engine is set for fr: the languages are en"):
        route({"en": Scripted()}).transcribe(PCM, "fr")
    for wrong in ({}, {"en": Scripted(), "fr": Tones()}):
        with pytest.raises(UsageError):
            route(wrong)  # type: ignore[call-overload]


def test_voices_lead_to_their_engine_and_rates_are_made_one() -> None:
    english = Tones(24000, voices=("ann",))
    german = Tones(8000, voices=("eva",), name="tones-de", languages=("de",))
    table = route({"en": english, "de": german})
    assert table.voices == ("ann", "eva")
    assert sum(map(len, table.synthesise("eins zwei", language="de-AT"))) == pytest.approx(2 * 2400, abs=4)
    list(table.synthesise("drei", voice="eva"))
    assert german.made == ["eins", "zwei", "drei"]
    for arguments in ({"voice": "bob"}, {"voice": "eva", "language": "en"}, {"language": "fr"}):
        with pytest.raises(EngineError):
            table.synthesise("x", **arguments)  # type: ignore[arg-type]


def test_it_is_named_by_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_slots", {})
    real = registry._shared
    monkeypatch.setattr(
        registry, "_shared", lambda kind, uri: real(kind, uri) if uri.startswith("route") else Scripted(uri)
    )
    table = registry.recogniser("route?en=moonshine&*=whisper?reject=-2")
    assert isinstance(table, RouteRecogniser)
    assert [table.transcribe(PCM, tag).text for tag in ("en", "fr")] == ["moonshine", "whisper?reject=-2"]
    with pytest.raises(UsageError, match="at least one"):
        registry.recogniser("route")
