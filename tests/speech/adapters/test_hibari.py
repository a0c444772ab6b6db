"""hibari keeps the contract, always sounds the same, and downloads nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from tests.speech import contract

from offhook.audio.resample import resample
from offhook.errors import EngineError, EngineMissing, UsageError
from offhook.speech import registry
from offhook.speech.adapters.hibari import Hibari
from offhook.speech.engines import Recogniser, Synthesiser

pytest.importorskip("hibari")


def test_it_keeps_the_contract(hibari: Synthesiser) -> None:
    contract.check_synthesiser(hibari, foreign="de-DE")


def test_the_same_text_sounds_the_same(hibari: Synthesiser) -> None:
    first, second = (np.concatenate(list(hibari.synthesise("Good morning."))) for _ in range(2))
    assert np.array_equal(first, second)


def test_codes_and_phone_numbers_can_be_understood(hibari: Synthesiser, moonshine: Recogniser) -> None:
    sound = np.concatenate(list(hibari.synthesise("Call 1-800-555-0199 about order 48213.")))
    text = moonshine.transcribe(resample(resample(sound, 24000, 8000), 8000, 16000), None).text
    assert "".join(filter(str.isdigit, text)) == "1800555019948213"


def test_speed_is_a_setting_with_bounds_and_part_of_the_name(hibari: Synthesiser) -> None:
    slow = registry.synthesiser("hibari?speed=0.7")
    text = "How can I help you today?"
    assert sum(map(len, slow.synthesise(text))) > 1.2 * sum(map(len, hibari.synthesise(text)))
    assert slow.name != hibari.name
    with pytest.raises(UsageError, match=r"from 0.7 to 1.2"):
        registry.synthesiser("hibari?speed=1.4")


def test_a_voice_that_would_have_to_be_fetched_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hibari: Synthesiser
) -> None:
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path))
    with pytest.raises(EngineError, match=r"emma.*run once"):
        registry.synthesiser("hibari?voice=emma")
    with pytest.raises(EngineError, match=r"nobody.*heart"):
        registry.synthesiser("hibari:nobody")
    assert hibari.voices[0] == "heart"


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hibari.voices", None)
    with pytest.raises(EngineMissing, match=r"pip install 'offhook\[speech\]'"):
        Hibari()
