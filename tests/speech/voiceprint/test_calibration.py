"""What likeness means."""

from __future__ import annotations

import numpy as np
import pytest

from offhook.speech.voiceprint.calibration import BY_UTTERANCES, equal_error, probability, threshold


def test_thresholds_stand_in_order() -> None:
    for limits in BY_UTTERANCES.values():
        assert 0 < limits.reject < limits.middle < limits.accept < 1
    assert threshold(1) is threshold(2) is BY_UTTERANCES[1]
    assert threshold(3) is threshold(9) is BY_UTTERANCES[3]


def test_probability_is_even_in_the_middle_and_grows() -> None:
    assert probability(threshold(3).middle, 3) == pytest.approx(0.5)
    rising = [probability(likeness, 3) for likeness in np.linspace(0, 1, 50)]
    assert rising == sorted(rising)
    assert probability(-1.0, 1) < 1e-6


def test_equal_error() -> None:
    genuine, others = np.array([0.9, 0.8, 0.7, 0.4]), np.array([0.1, 0.2, 0.3, 0.6])
    error, at = equal_error(genuine, others)
    assert error == pytest.approx(0.25)
    assert 0.4 <= at <= 0.7
    assert equal_error(np.array([0.9, 0.8]), np.array([0.1, 0.2]))[0] == 0.0
