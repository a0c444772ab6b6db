"""A recording is known again through coding, noise and shifts; another take of the same words is not taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from tests.spoken import says

from offhook.audio import ulaw
from offhook.speech.voiceprint import replay
from offhook.speech.voiceprint.replay import SAME, difference, fingerprint

TAKES = [f"confbridge-begin-glorious-{take}" for take in "abc"]


def chirps(seed: int, seconds: float = 3.0) -> bytes:
    """Something with the shape of speech: tones that come and go."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(8000 * seconds)) / 8000
    pcm = np.zeros(len(time))
    for _ in range(25):
        start, length = rng.uniform(0, seconds - 0.2), rng.uniform(0.05, 0.3)
        inside = (time >= start) & (time < start + length)
        sweep = rng.uniform(300, 3000) + rng.uniform(-1500, 1500) * (time - start)
        pcm += inside * np.sin(2 * np.pi * sweep * (time - start)) * rng.uniform(0.05, 0.3)
    return ulaw.from_float(np.clip(pcm + 0.002 * rng.standard_normal(len(pcm)), -1, 1).astype(np.float32))


def changed(audio: bytes, how: str) -> bytes:
    pcm = ulaw.to_float(audio)
    match how:
        case "coded twice":
            pcm = ulaw.to_float(ulaw.from_float(pcm * 0.97))
        case "softer":
            pcm = pcm * 0.3
        case "later":
            pcm = np.concatenate([np.zeros(1037, np.float32), pcm])
        case "cut":
            pcm = pcm[len(pcm) // 4 :]
        case "noisy":
            level = float(np.sqrt(np.square(pcm).mean())) * 10 ** (-20 / 20)
            pcm = pcm + level * np.random.default_rng(2).standard_normal(len(pcm)).astype(np.float32)
        case "in a room":
            dry = pcm
            pcm = dry.copy()
            for delay, gain in ((160, 0.5), (410, 0.35), (900, 0.25)):
                pcm[delay:] += np.float32(gain) * dry[:-delay]
    return ulaw.from_float(np.clip(pcm, -1, 1).astype(np.float32))


HOW = ["coded twice", "softer", "later", "cut", "noisy", "in a room"]


@pytest.mark.parametrize("how", HOW)
def test_the_same_sound_is_known_again(how: str) -> None:
    assert difference(fingerprint(chirps(1)), fingerprint(changed(chirps(1), how))) < SAME


@pytest.mark.parametrize("how", HOW)
def test_the_same_recording_of_speech_is_known_again(how: str) -> None:
    audio = says(TAKES[0])
    assert difference(fingerprint(audio), fingerprint(changed(audio, how))) < SAME


def test_other_sounds_are_others() -> None:
    prints = [fingerprint(chirps(seed)) for seed in range(6)]
    assert min(difference(one, other) for at, one in enumerate(prints) for other in prints[:at]) > SAME + 0.05


def test_another_take_of_the_same_words_is_another_recording() -> None:
    prints = [fingerprint(says(take)) for take in TAKES]
    assert min(difference(prints[a], prints[b]) for a, b in ((0, 1), (0, 2), (1, 2))) > SAME + 0.05


def test_too_little_in_common_says_nothing() -> None:
    whole = fingerprint(chirps(1))
    assert difference(whole, whole[:30]) == 1.0
    assert len(fingerprint(b"")) == 0 or difference(whole, fingerprint(b"")) == 1.0


def test_prints_are_kept_as_bytes() -> None:
    bits = fingerprint(chirps(3))
    np.testing.assert_array_equal(replay.unpack(replay.pack(bits)), bits)
