"""pocketsphinx keeps the contract within its grammar."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from tests.speech import contract

from offhook.audio.resample import resample
from offhook.errors import EngineMissing, UsageError
from offhook.speech import registry
from offhook.speech.adapters.sphinx import Sphinx
from offhook.speech.engines import Float32, Synthesiser
from offhook.speech.grammar import named


def spoken(voice: Synthesiser, text: str) -> Float32:
    sound = np.concatenate(list(voice.synthesise(text)))
    return resample(resample(sound, voice.rate, 8000), 8000, 16000)


def test_it_keeps_the_contract(hibari: Synthesiser) -> None:
    engine = registry.recogniser("sphinx?choices=goodbye, good morning")
    contract.check_recogniser(engine, spoken(hibari, "Good morning."), ["good morning"], foreign="es")


def test_yes_and_no_are_told_apart_and_written(hibari: Synthesiser) -> None:
    engine = registry.recogniser("sphinx:yesno")
    yes, no = (engine.transcribe(spoken(hibari, text), "en").text for text in ("Yes.", "No."))
    assert yes in ("Yes.", "Yeah.")
    assert no == "No."
    plain = registry.recogniser("sphinx:yesno?bare=1")
    assert plain.transcribe(spoken(hibari, "Yes please."), None).text == "yes please"


def test_digits_come_as_digits(hibari: Synthesiser) -> None:
    engine = registry.recogniser("sphinx:digit")
    assert engine.transcribe(spoken(hibari, "Nine."), None).text == "9"


def test_hints_make_a_grammar(hibari: Synthesiser) -> None:
    engine = Sphinx(named("digit")).hinted(["repairs", "sales"])
    assert engine.transcribe(spoken(hibari, "Repairs."), None).text == "Repairs."


def test_nothing_is_carried_from_one_utterance_to_the_next(hibari: Synthesiser) -> None:
    engine = registry.recogniser("sphinx:yesno")
    first = engine.transcribe(spoken(hibari, "No."), None)
    engine.transcribe(contract.noise(2.0, 16000, 0.3), None)
    again = engine.transcribe(spoken(hibari, "No."), None)
    assert (again.text, again.confidence) == (first.text, pytest.approx(first.confidence, abs=0.02))


def test_grammars_that_cannot_be_used_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="cannot use this grammar"):
        registry.recogniser("sphinx?choices=zxqvbn")
    with pytest.raises(UsageError, match="no grammar 'colours'"):
        registry.recogniser("sphinx:colours")
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(EngineMissing, match=r"offhook\[grammar\]"):
        Sphinx(named("digits"))
