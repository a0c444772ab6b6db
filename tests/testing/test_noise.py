"""Made sounds have the levels and spectra that they are said to have."""

from __future__ import annotations

import numpy as np
import pytest

from offhook.audio.ulaw import RATE
from offhook.testing import noise


def band(sound: noise.Float32, low: float, high: float) -> float:
    """Power between two frequencies, dB."""
    spectrum = np.abs(np.fft.rfft(sound)) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    return float(10 * np.log10(spectrum[(hertz >= low) & (hertz < high)].sum()))


def test_noise_has_its_colour() -> None:
    rng = np.random.default_rng(1)
    pink, car = noise.pink(80_000, rng), noise.car(80_000, rng)
    assert np.sqrt(np.square(pink).mean()) == pytest.approx(1, rel=0.01)
    assert band(pink, 200, 400) == pytest.approx(band(pink, 1600, 3200), abs=1.5)
    assert band(car, 100, 200) > band(car, 800, 1600) + 15


def test_a_telephone_leaves_its_band() -> None:
    white = np.random.default_rng(1).standard_normal(80_000).astype(np.float32)
    left = noise.telephone(white)
    assert band(left, 0, 90) < band(white, 0, 90) - 40
    assert band(left, 300, 3400) == pytest.approx(band(white, 300, 3400), abs=0.1)


def test_coughs_and_clicks_are_short_and_of_one_level() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        cough, click = noise.cough(rng), noise.click(rng)
        assert 0.15 < len(cough) / RATE < 1.3
        assert 0.004 < len(click) / RATE < 0.016
        assert np.abs(cough).max() == pytest.approx(1)
        assert np.abs(click).max() == pytest.approx(1)


def test_the_level_of_speech_leaves_its_pauses_out() -> None:
    voice = np.full(8000, 0.1, np.float32)
    assert noise.speech_level(np.concatenate((voice, voice * 0))) == pytest.approx(0.1)
