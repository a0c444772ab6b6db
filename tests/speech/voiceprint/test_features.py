"""What the encoder sees: silence cut out, levels set, energy in the right bands."""

from __future__ import annotations

import numpy as np
import pytest

from offhook.speech.voiceprint import features
from offhook.speech.voiceprint.features import HOP, RATE


def tone(hertz: float, seconds: float = 1.0, level: float = 0.2) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def test_silence_is_cut_out_around_and_between() -> None:
    still = np.zeros(RATE, np.float32)
    spoken = np.concatenate([still, tone(300), still, tone(300), still])
    assert len(features.voiced(spoken)) / RATE == pytest.approx(2.0, abs=0.4)
    assert len(features.voiced(still)) == len(features.voiced(still[:100])) == 0


def test_soft_speech_is_raised_and_loud_speech_left() -> None:
    soft = features.levelled(tone(300, level=0.001))
    assert np.sqrt(np.square(soft).mean()) == pytest.approx(10 ** (-30 / 20), rel=0.01)
    loud = tone(300, level=0.5)
    np.testing.assert_array_equal(features.levelled(loud), loud)


@pytest.mark.parametrize("hertz", [200, 500, 900, 1500, 3000])
def test_a_tone_lies_in_the_band_around_it(hertz: float) -> None:
    power = features.mel(tone(hertz))
    assert power.shape == (RATE // HOP + 1, 40)
    assert power.dtype == np.float32
    # Slaney's scale by its definition: 200/3 Hz to a mel up to 1 kHz, then 27 mels for a factor of 6.4.
    top = 15 + 27 * np.log(8) / np.log(6.4)
    mels = hertz / (200 / 3) if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4)
    assert power[50].argmax() == pytest.approx(mels / top * 41 - 1, abs=0.75)
