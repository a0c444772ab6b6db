"""Pico keeps the contract."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from tests.speech import contract

from offhook.errors import EngineMissing, UsageError
from offhook.speech import registry
from offhook.speech.adapters.pico import Pico


def test_it_keeps_the_contract() -> None:
    contract.check_synthesiser(registry.synthesiser("pico"), foreign="ja")


def test_the_language_chooses_the_voice() -> None:
    engine = registry.synthesiser("pico")
    german, spanish = (np.concatenate(list(engine.synthesise("Hola, uno, dos.", language=t))) for t in ("de", "es-MX"))
    assert len(german) != len(spanish)


def test_markup_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Pico()
    plain = sum(map(len, engine.synthesise("Hello there.")))
    assert sum(map(len, engine.synthesise('<break time="90000ms"/>Hello there.'))) < plain + 30 * 16000


def test_speed_and_voice_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, plain = registry.synthesiser("pico:en-GB?speed=0.6"), registry.synthesiser("pico:en-GB")
    lengths = [sum(map(len, engine.synthesise("How can I help you?"))) for engine in (slow, plain)]
    assert lengths[0] > 1.2 * lengths[1]
    assert slow.name != plain.name
    with pytest.raises(UsageError, match="no voice 'en-AU'"):
        registry.synthesiser("pico:en-AU")
    monkeypatch.setitem(sys.modules, "py_nanotts", None)
    with pytest.raises(EngineMissing, match=r"offhook\[pico\]"):
        Pico()
