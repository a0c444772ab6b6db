"""espeak-ng keeps the contract, in a process of its own. It comes by scripts/install_test_packages.sh."""

from __future__ import annotations

import shutil

import pytest
from tests.speech import contract

from offhook.errors import EngineError
from offhook.speech import registry
from offhook.speech.adapters.espeak import Espeak


def test_it_keeps_the_contract() -> None:
    contract.check_synthesiser(registry.synthesiser("espeak"), foreign="xx")


def test_a_hundred_languages_and_what_is_none() -> None:
    engine = Espeak("cy", 1.2)
    assert len(engine.languages) > 100
    assert list(engine.synthesise("Bore da.", language="pt-BR"))
    with pytest.raises(EngineError, match="no voice 'martian'"):
        Espeak("martian")


def test_without_the_program_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(EngineError, match="apt-get install espeak-ng"):
        Espeak()
