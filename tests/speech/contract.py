"""What every speech engine must do, as checks to run on any of them: give an engine, and speech that it must handle.

They speak of behaviour that callers rely on, not of quality; recognition rates are measured elsewhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from offhook.audio.resample import resample
from offhook.errors import EngineError
from offhook.speech.engines import Float32, Recogniser, Synthesiser, VoiceActivity

THREADS = 4


def noise(seconds: float, rate: int, level: float = 0.01) -> Float32:
    return (np.random.default_rng(5).standard_normal(int(seconds * rate)) * level).astype(np.float32)


def check_voice_activity(make: Callable[[], VoiceActivity], speech: Float32) -> None:
    """`speech` is one phrase without longer pauses, at 8 kHz."""
    detector = make()
    assert detector.frame * 8000 % detector.rate == 0, "frames must begin on whole samples of the 8 kHz stream"
    assert 0.005 <= detector.frame / detector.rate <= 0.1

    pcm = np.clip(resample(speech, 8000, detector.rate), -1, 1)
    voiced = _scores(detector, pcm)
    assert all(0.0 <= score <= 1.0 for score in voiced)
    assert np.mean(np.array(voiced) > 0.5) > 0.6

    assert max(_scores(make(), np.zeros(detector.rate, np.float32))[10:]) < 0.4
    assert np.mean(_scores(make(), noise(2.0, detector.rate, 0.002))[10:]) < 0.4

    detector.reset()
    assert _scores(detector, pcm) == pytest.approx(voiced), "reset must forget what came before"

    first, second = make(), make()
    side_by_side = [first.score(frame) for frame in _frames(pcm, first.frame) if second.score(frame * 0) >= 0]
    assert side_by_side == pytest.approx(voiced), "streams must not touch each other"


def check_recogniser(recogniser: Recogniser, speech: Float32, expected: Sequence[str], foreign: str) -> None:
    """`speech` is an utterance at the recogniser's rate in which it must find the `expected` words (lower case)."""
    assert recogniser.languages
    result = recogniser.transcribe(speech, None)
    assert all(word in result.text.lower() for word in expected), result.text
    assert 0.0 < result.confidence <= 1.0
    assert result.language

    if result.words:
        assert " ".join(word.text for word in result.words) == result.text
        times = [(word.start, word.end) for word in result.words]
        assert all(start <= end for start, end in times)
        assert all(before[1] <= after[0] and before[0] < after[0] for before, after in itertools.pairwise(times))
        assert times[0][0] >= 0
        assert times[-1][1] <= len(speech) / recogniser.rate
        assert all(0.0 < word.confidence <= 1.0 for word in result.words)

    for nothing in (np.zeros(0, np.float32), np.zeros(300, np.float32), np.zeros(recogniser.rate, np.float32)):
        assert recogniser.transcribe(nothing, None).text == ""
    assert recogniser.transcribe(noise(1.5, recogniser.rate), None).words == ()

    assert recogniser.transcribe(speech, recogniser.languages[0]) == result
    with pytest.raises(EngineError) as raised:
        recogniser.transcribe(speech, foreign)
    assert not any(word in str(raised.value).lower() for word in expected)

    with ThreadPoolExecutor(THREADS) as threads:
        assert set(threads.map(lambda _: recogniser.transcribe(speech, None).text, range(THREADS))) == {result.text}


def check_synthesiser(synthesiser: Synthesiser, foreign: str) -> None:
    text = "Good morning. Your parcel has arrived at the station. Goodbye."
    assert synthesiser.name
    assert synthesiser.languages
    assert synthesiser.voices

    chunks = list(synthesiser.synthesise(text))
    assert len(chunks) > 1, "the first piece must not wait for the last"
    assert all(chunk.dtype == np.float32 and chunk.ndim == 1 and len(chunk) for chunk in chunks)
    sound = np.concatenate(chunks)
    assert 2.0 < len(sound) / synthesiser.rate < 12.0
    assert np.sqrt(np.mean(np.square(sound))) > 0.01
    assert np.abs(sound).max() <= 1.0

    assert list(synthesiser.synthesise("")) == []
    named = list(synthesiser.synthesise("Goodbye.", voice=synthesiser.voices[0], language=synthesiser.languages[0]))
    assert named

    unwanted = iter(synthesiser.synthesise(text))
    next(unwanted)
    del unwanted  # may be dropped half way

    for arguments in ({"voice": "nobody"}, {"language": foreign}):
        with pytest.raises(EngineError) as raised:
            list(synthesiser.synthesise(text, **arguments))
        assert "parcel" not in str(raised.value)

    def samples(_: int) -> int:
        return sum(len(chunk) for chunk in synthesiser.synthesise(text))

    with ThreadPoolExecutor(THREADS) as threads:
        assert list(threads.map(samples, range(THREADS))) == pytest.approx([len(sound)] * THREADS, rel=0.1)


def _frames(pcm: Float32, frame: int) -> list[Float32]:
    return [pcm[at : at + frame] for at in range(0, len(pcm) - frame + 1, frame)]


def _scores(detector: VoiceActivity, pcm: Float32) -> list[float]:
    return [detector.score(frame) for frame in _frames(pcm, detector.frame)]
