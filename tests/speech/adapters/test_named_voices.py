"""Voices whose names begin with their language: which one speaks, and what is asked for at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from offhook.errors import EngineError
from offhook.speech.adapters.named_voices import NamedVoices, asked_for, elements
from offhook.speech.engines import Float32
from offhook.speech.phrases import Part, Phrase
from offhook.speech.registry import Options


class Voices(NamedVoices):
    def __init__(self, *voices: str) -> None:
        super().__init__("service", voices)
        self.asked: list[tuple[str, str]] = []

    def _speak(self, phrase: Phrase, voice: str) -> Iterator[Float32]:
        self.asked.append((phrase.text, voice))
        yield np.zeros(1, np.float32)


def test_the_voice_that_speaks_the_language_is_taken() -> None:
    voices = Voices("en-US-Joanna", "sr-Latn-RS-Nicholas", "en-US-Joanna")
    assert voices.voices == ("en-US-Joanna", "sr-Latn-RS-Nicholas")
    assert voices.languages == ("en-US", "sr-Latn-RS")
    list(voices.synthesise("One. Two.", language="en"))
    list(voices.synthesise("Tri.", language="sr"))
    assert [name for _, name in voices.asked] == ["en-US-Joanna"] * 2 + ["sr-Latn-RS-Nicholas"]
    with pytest.raises(EngineError, match="service: no voice set by voice= and voices= speaks ja"):
        voices.synthesise("Ichi.", language="ja")
    with pytest.raises(EngineError, match="service: 'Joey' is none of the voices"):
        voices.express(Phrase((Part("Hello."),)), voice="Joey")


def test_nothing_is_asked_for_nothing() -> None:
    voices = Voices("en-US-Joanna")
    assert list(voices.synthesise(" \n")) == list(voices.express(Phrase((Part(" "),)))) == voices.asked == []


def test_an_engine_names_its_voices() -> None:
    assert asked_for(Options("e", "", {}), "usual") == ("usual",)
    assert asked_for(Options("e", "", {"voices": "a,,b"}), "usual") == ("a", "b")
    assert asked_for(Options("e", "c", {"voices": "a,b"}), "usual") == ("c", "a", "b")


def test_elements() -> None:
    parts = (Part("a & ", pitch=0.8), Part("b", emphasis="strong"), Part('"c"', phonemes="k<"))
    assert elements(parts) == (
        '<prosody pitch="-20%">a &amp; </prosody><emphasis level="strong">b</emphasis>'
        '<phoneme alphabet="ipa" ph="k&lt;">"c"</phoneme>'
    )
