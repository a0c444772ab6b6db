"""Kokoro keeps the contract and speaks both kinds of English; where it is not installed that is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.speech import contract

from offhook.audio.resample import resample
from offhook.errors import EngineError, EngineMissing, UsageError
from offhook.speech import registry
from offhook.speech.adapters import kokoro_install
from offhook.speech.adapters.kokoro import Kokoro
from offhook.speech.engines import Recogniser, Synthesiser
from offhook.speech.phrases import Part, Phrase, express

pytest.importorskip("hibari")


@pytest.fixture(scope="module")
def kokoro() -> Synthesiser:
    if not (kokoro_install.folder() / kokoro_install.VOICES_FILE).is_file():
        pytest.skip("there is no Kokoro: offhook engines install kokoro")
    return registry.synthesiser("kokoro?threads=2")


@pytest.mark.timeout(300)
def test_it_keeps_the_contract(kokoro: Synthesiser) -> None:
    contract.check_synthesiser(kokoro, foreign="de-DE")


def sounds(engine: Synthesiser, phrase: str, **options: str) -> np.ndarray:
    return np.concatenate(list(engine.synthesise(phrase, **options)))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("options", [{}, {"voice": "bm_george"}, {"language": "en-GB"}])
def test_it_can_be_understood(kokoro: Synthesiser, moonshine: Recogniser, options: dict[str, str]) -> None:
    sound = sounds(kokoro, "Your table is booked for tomorrow evening.", **options)
    text = moonshine.transcribe(resample(resample(sound, 24000, 8000), 8000, 16000), None).text
    assert text.lower().strip(".") == "your table is booked for tomorrow evening"


@pytest.mark.timeout(300)
def test_a_language_chooses_a_voice_and_its_pronunciation(kokoro: Synthesiser) -> None:
    text = "Tomato."
    british = next(voice for voice in kokoro.voices if voice.startswith("b"))
    assert np.array_equal(sounds(kokoro, text, language="en-GB"), sounds(kokoro, text, voice=british))
    assert np.array_equal(sounds(kokoro, text, language="en"), sounds(kokoro, text, voice="af_heart"))
    (spoken,) = express(kokoro, Phrase((Part(text, phonemes="təˈmɑːtoʊ"),), rate=0.7))
    assert len(spoken.pcm) > 1.2 * len(sounds(kokoro, text))


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OFFHOOK_MODELS", str(tmp_path))
    with pytest.raises(EngineMissing, match="offhook engines install kokoro"):
        Kokoro()
    with pytest.raises(EngineError, match=r"no voice 'nobody'; it has: af_alloy"):
        Kokoro("nobody")
    with pytest.raises(UsageError, match=r"from 0.7 to 1.3"):
        registry.synthesiser("kokoro?speed=2")
    (tmp_path / "kokoro-1.0").mkdir()
    for name in (kokoro_install.MODEL_FILE, kokoro_install.VOICES_FILE):
        (tmp_path / "kokoro-1.0" / name).write_bytes(b"other")
    with pytest.raises(EngineError, match="not the file"):
        Kokoro()
