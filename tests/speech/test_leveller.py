"""Speech comes out at one level, without clicks and without overload."""

from __future__ import annotations

import numpy as np
import pytest

from offhook.speech.leveller import Leveller


def tone(amplitude: float, seconds: float = 1.0) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * 500 * np.arange(int(8000 * seconds)) / 8000)).astype(np.float32)


def test_pauses_do_not_count_for_the_level() -> None:
    speech = np.concatenate([tone(0.05), np.zeros(16000, np.float32), tone(0.05)])
    out = Leveller(-20.0).push(speech)
    assert np.abs(out[:8000]).max() == pytest.approx(0.1, rel=0.03)


def test_silence_stays_silence() -> None:
    leveller = Leveller(-20.0)
    assert not leveller.push(np.zeros(800, np.float32)).any()
    assert len(leveller.push(np.zeros(0, np.float32))) == 0


def test_a_change_of_gain_makes_no_click() -> None:
    """The sound goes on at a peak while the gain changes; it gets softer later, where it crosses zero."""
    wave = np.cos(2 * np.pi * 500 * np.arange(16000) / 8000).astype(np.float32)
    wave[:8084] *= 0.1
    wave[8084:] *= 0.03
    leveller = Leveller(-20.0)
    out = np.concatenate([leveller.push(wave[:8000]), leveller.push(wave[8000:])])
    gains = out[[7984, 7999, 8000, 8016, 15984]] / wave[[7984, 7999, 8000, 8016, 15984]]
    assert gains[:3] == pytest.approx(gains[0], rel=0.001)
    assert gains[3] == pytest.approx(gains[0], rel=0.1)
    assert gains[4] > 1.3 * gains[0]


def test_peaks_are_rounded_and_do_not_exceed_full_scale() -> None:
    crackling = tone(0.05)
    crackling[::800] = 0.9
    out = Leveller(-14.0).push(crackling)
    assert 0.8 < np.abs(out).max() <= 1.0
    assert np.abs(out[1:799]).max() == pytest.approx(np.abs(out[801:1599]).max(), rel=0.01)
