"""The embedded engines, loaded once, and speech as a caller's line carries it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from offhook.audio import ulaw, wav
from offhook.audio.resample import resample
from offhook.speech import registry
from offhook.speech.engines import Float32, Recogniser, Synthesiser
from offhook.speech.speaking import telephone

PHRASE = "I would like to book a table for tomorrow evening."


@pytest.fixture(scope="session")
def hibari() -> Synthesiser:
    pytest.importorskip("hibari")
    return registry.synthesiser("hibari")


@pytest.fixture(scope="session")
def moonshine() -> Recogniser:
    pytest.importorskip("onnxruntime")
    if importlib.util.find_spec("moonshine_voice") is None:  # it is looked for, never imported
        pytest.skip("moonshine-voice is not installed")
    return registry.recogniser("moonshine")


@pytest.fixture(scope="session")
def phrase(hibari: Synthesiser) -> bytes:
    """`PHRASE` as mu-law."""
    return b"".join(telephone(hibari, PHRASE, voice=None, language=None))


@pytest.fixture(scope="session")
def human() -> bytes:
    """The first seconds of a recording of a person reading, as mu-law: "It was the best of times, ..."."""
    spec = importlib.util.find_spec("moonshine_voice")
    if spec is None or spec.origin is None:
        pytest.skip("moonshine-voice is not installed")
    sound = wav.read(Path(spec.origin).parent / "assets" / "two_cities.wav")
    return ulaw.from_float(resample(sound.lanes[0][: sound.rate * 13], sound.rate, ulaw.RATE))


@pytest.fixture(scope="session")
def human_phrase(human: bytes) -> Float32:
    """3.6 seconds of it with short pauses only, at 8 kHz: "It was the best of times, it was the worst of times"."""
    return np.ascontiguousarray(ulaw.to_float(human)[int(1.2 * ulaw.RATE) : int(4.8 * ulaw.RATE)])
