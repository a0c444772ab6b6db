"""Moonshine keeps the contract, and does not fall into the traps of its weights."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.speech import contract
from tests.speech.conftest import PHRASE

from offhook.audio import ulaw
from offhook.audio.resample import resample
from offhook.errors import EngineError, EngineMissing, UsageError
from offhook.speech import registry
from offhook.speech.adapters.moonshine import Moonshine
from offhook.speech.engines import Float32, Recogniser
from offhook.speech.weights import package_folder

pytest.importorskip("onnxruntime")
pytest.importorskip("hibari")
if importlib.util.find_spec("moonshine_voice") is None:  # it is looked for, never imported
    pytest.skip("moonshine-voice is not installed", allow_module_level=True)


def hear(recogniser: Recogniser, line: bytes | Float32) -> Float32:
    pcm = ulaw.to_float(line) if isinstance(line, bytes) else line
    return resample(pcm, ulaw.RATE, recogniser.rate)


def test_it_keeps_the_contract(moonshine: Recogniser, human_phrase: Float32) -> None:
    expected = ["best of times", "worst of times"]
    contract.check_recogniser(moonshine, hear(moonshine, human_phrase), expected, foreign="es-MX")


def test_it_understands_a_synthetic_voice_over_the_telephone(moonshine: Recogniser, phrase: bytes) -> None:
    result = moonshine.transcribe(hear(moonshine, phrase), "en-GB")
    assert result.text == PHRASE
    assert result.confidence > 0.8


def test_it_understands_more_than_nine_seconds_at_once(moonshine: Recogniser, human: bytes) -> None:
    """A full attention mask makes the decoder fail beyond 9.2 s."""
    text = moonshine.transcribe(hear(moonshine, human[: 12 * ulaw.RATE]), None).text.lower()
    assert text.count("it was the") == 6
    assert "foolishness" in text


@pytest.mark.parametrize("hz", [440, 1004])
def test_tones_and_noise_are_not_words(moonshine: Recogniser, hz: float) -> None:
    tone = (0.1 * np.sin(2 * np.pi * hz * np.arange(24000) / 16000)).astype(np.float32)
    assert moonshine.transcribe(tone, None).text == ""
    assert moonshine.transcribe(contract.noise(1.0, 16000, 0.05), None).text == ""


def test_the_threshold_and_the_length_are_settings(phrase: bytes) -> None:
    given = registry.recogniser("moonshine:tiny-en?tokens_per_second=1&reject=-100")
    assert isinstance(given, Moonshine)
    assert 0 < len(given.transcribe(hear(given, phrase), None).text) < len(PHRASE)
    assert given.transcribe(np.zeros(8000, np.float32), None).text != "", (
        "what silence decodes to is no longer rejected"
    )
    with pytest.raises(UsageError, match="from -100 to 0"):
        registry.recogniser("moonshine?reject=0.5")


def test_another_model_is_refused() -> None:
    with pytest.raises(UsageError, match="tiny-en"):
        registry.recogniser("moonshine:base")


def test_other_weights_are_refused(tmp_path: Path) -> None:
    folder = package_folder("moonshine_voice", engine="moonshine", extra="speech") / "assets" / "tiny-en"
    for file in folder.iterdir():
        shutil.copy(file, tmp_path)
    with (tmp_path / "encoder_model.ort").open("r+b") as weights:
        weights.seek(1000)
        weights.write(b"x")
    with pytest.raises(EngineError, match="encoder_model"):
        Moonshine(tmp_path)
    (tmp_path / "tokenizer.bin").unlink()
    (tmp_path / "encoder_model.ort").unlink()
    with pytest.raises(EngineError, match="cannot be read"):
        Moonshine(tmp_path)


def test_without_onnxruntime_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineMissing, match=r"pip install 'offhook\[speech\]'"):
        Moonshine()


def test_the_package_that_carries_the_weights_is_never_imported(moonshine: Recogniser) -> None:
    assert "moonshine_voice" not in sys.modules
