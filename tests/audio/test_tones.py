from __future__ import annotations

import numpy as np
import pytest

from offhook.audio import tones
from offhook.audio.dtmf import HIGH, KEYS, LOW


def spectrum_peak(pcm: np.ndarray, rate: int = 8000) -> float:
    windowed = pcm * np.hanning(len(pcm))
    return float(np.fft.rfftfreq(len(pcm), 1 / rate)[np.abs(np.fft.rfft(windowed)).argmax()])


def test_a_tone_has_its_frequency_length_and_level() -> None:
    pcm = tones.tone(440, 1.0, dbfs=-6.0)
    assert pcm.dtype == np.int16
    assert len(pcm) == 8000
    assert spectrum_peak(pcm) == pytest.approx(440, abs=1)
    assert np.abs(pcm).max() == pytest.approx(32767 / 2, rel=0.01)
    assert spectrum_peak(tones.tone(6000, 0.5, rate=16000), 16000) == pytest.approx(6000, abs=2)


def test_a_tone_starts_and_ends_softly() -> None:
    pcm = tones.tone(1000, 0.1, dbfs=0).astype(int)
    assert abs(pcm[0]) < 100
    assert np.abs(pcm[:10]).max() < np.abs(pcm).max() / 3
    assert np.abs(pcm[-10:]).max() < np.abs(pcm).max() / 3


@pytest.mark.parametrize("seconds", [0.0, 0.0001, 0.001, 0.005])
def test_a_tone_may_be_as_short_as_one_likes(seconds: float) -> None:
    assert len(tones.tone(1000, seconds)) == round(seconds * 8000)


@pytest.mark.parametrize(("hz", "dbfs"), [(4000, -12), (0, -12), (-5, -12), (1000, 0.5)])
def test_refuses_tones_that_cannot_be(hz: float, dbfs: float) -> None:
    with pytest.raises(ValueError):
        tones.tone(hz, 1.0, dbfs)


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_two_tones(key: str) -> None:
    pcm = tones.dtmf(key, on=0.5, off=0.25)
    assert len(pcm) == 6000
    assert not pcm[4000:].any()
    spectrum = np.abs(np.fft.rfft(pcm[:4000] * np.hanning(4000)))
    row, column = divmod(KEYS.index(key), 4)
    low = 2.0 * spectrum[:530].argmax()
    high = 2.0 * (530 + spectrum[530:].argmax())
    assert low == pytest.approx(LOW[row], abs=2)
    assert high == pytest.approx(HIGH[column], abs=2)


def test_keys_follow_each_other() -> None:
    one, two = tones.dtmf("1"), tones.dtmf("2")
    assert tones.dtmf("12").tolist() == one.tolist() + two.tolist()
    assert len(tones.dtmf("")) == 0


@pytest.mark.parametrize("digits", ["E", "1a", "12 3", "+"])
def test_refuses_other_keys_and_names_those_that_are(digits: str) -> None:
    with pytest.raises(ValueError, match=r"0-9 \* # A-D"):
        tones.dtmf(digits)


def test_keys_are_never_clipped() -> None:
    assert np.abs(tones.dtmf("1", dbfs=-6.1).astype(int)).max() < 32767
    with pytest.raises(ValueError, match="clipped"):
        tones.dtmf("1", dbfs=-6.0)
