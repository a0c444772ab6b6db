"""Pace without pitch, pitch without pace."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.audio.stretch import fundamental, stretch, warp

RATE = 16000


def tone(hertz: float, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def voiced(hertz: float, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    """Harmonics that fall off as those of a voice do."""
    return sum(tone(hertz * n, seconds, rate) / n for n in range(1, 12))  # type: ignore[return-value]


def loudest(sound: np.ndarray, rate: int = RATE) -> float:
    return float(np.abs(np.fft.rfft(sound * np.hanning(len(sound)))).argmax()) * rate / len(sound)


def purity(sound: np.ndarray) -> float:
    """Power outside of the loudest line, dB."""
    power = np.square(np.abs(np.fft.rfft(sound * np.hanning(len(sound)))))
    peak = int(power.argmax())
    return float(10 * np.log10(power.sum() / power[max(0, peak - 4) : peak + 5].sum() - 1 + 1e-12))


@pytest.mark.parametrize("factor", [0.4, 0.5, 0.8, 1.25, 1.7, 3.0])
def test_a_stretched_tone_keeps_its_pitch_and_stays_clean(factor: float) -> None:
    sound, gone = stretch(tone(220, 2.0), RATE, [(2 * RATE, factor)])
    assert len(sound) == round(2 * RATE / factor)
    assert gone(RATE) == round(RATE / factor)
    inner = sound[RATE // 10 : -RATE // 10]
    assert loudest(inner) == pytest.approx(220, abs=2.5)
    assert purity(inner) < -30
    assert np.sqrt(np.mean(inner**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)


def test_nothing_changes_at_a_factor_of_one() -> None:
    sound = voiced(150)
    assert stretch(sound, RATE, [(len(sound), 1.0)])[0] == pytest.approx(sound, abs=1e-5)
    assert warp(sound, [(len(sound), 1.0)])[0] == pytest.approx(sound, abs=1e-6)


def test_regions_have_their_own_pace_and_join_without_a_seam() -> None:
    sound, gone = stretch(voiced(200, 3.0), RATE, [(RATE, 1.0), (2 * RATE, 0.5), (3 * RATE, 2.0)])
    assert len(sound) == pytest.approx(3.5 * RATE, abs=1)
    assert [gone(index * RATE) for index in range(4)] == [0, RATE, 3 * RATE, round(3.5 * RATE)]
    steps = np.abs(np.diff(sound[200:-400]))
    assert steps.max() < 1.3 * np.abs(np.diff(voiced(200))).max()


@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_warp_and_stretch_together_move_the_pitch_alone(factor: float) -> None:
    higher, _ = warp(voiced(200), [(RATE, factor)])
    sound, _ = stretch(higher, RATE, [(len(higher), 1 / factor)])
    assert abs(len(sound) - RATE) <= 2
    assert fundamental(sound, RATE) == pytest.approx(200 * factor, rel=0.02)


@pytest.mark.parametrize("hertz", [80, 120, 200, 330])
@pytest.mark.parametrize("rate", [8000, 24000])
def test_the_fundamental_is_found(hertz: float, rate: int) -> None:
    assert fundamental(voiced(hertz, rate=rate), rate) == pytest.approx(hertz, rel=0.03)


def test_noise_and_silence_have_none() -> None:
    assert fundamental(np.random.default_rng(1).standard_normal(RATE).astype(np.float32), RATE) is None
    assert fundamental(np.zeros(RATE, np.float32), RATE) is None
    assert fundamental(np.zeros(10, np.float32), RATE) is None


@given(st.integers(0, 3000), st.floats(0.3, 3.0))
def test_lengths_are_exact_whatever_the_length(length: int, factor: float) -> None:
    sound = np.ones(length, np.float32)
    assert abs(len(warp(sound, [(length, factor)])[0]) - length / factor) <= 0.5
    long = np.ones(length + 2000, np.float32)
    assert abs(len(stretch(long, RATE, [(len(long), factor)])[0]) - len(long) / factor) <= 0.5
