"""Resampling: what passes, what is kept out, how much is held back, and that pieces make no difference."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from offhook.audio.resample import Quality, Resampler, resample

PAIRS = [(8000, 16000), (16000, 8000), (24000, 8000), (48000, 8000), (8000, 48000), (16000, 24000), (22050, 8000)]
QUALITIES: list[Quality] = ["live", "file"]


def sine(hz: float, rate: int, seconds: float = 0.5) -> NDArray[np.float32]:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate).astype(np.float32)


def inner(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without the ends, where the sound begins and stops."""
    return samples[len(samples) // 5 : -len(samples) // 5]


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize(("source", "target"), PAIRS)
@pytest.mark.parametrize("hz", [300, 1000, 3300])
def test_speech_passes_unchanged_and_in_place(quality: Quality, source: int, target: int, hz: int) -> None:
    out = Resampler(source, target, quality).push(sine(hz, source), last=True)
    assert out.dtype == np.float32
    length = target // 2
    assert abs(len(out) - length) <= 1
    error = inner(out[:length]) - inner(sine(hz, target)[:length])
    assert np.abs(error).max() < 0.003  # -50 dB


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("source", [16000, 22050, 24000, 48000])
@pytest.mark.parametrize("hz", [4100, 5000, 7500])
def test_nothing_above_the_new_band_folds_into_it(quality: Quality, source: int, hz: int) -> None:
    out = Resampler(source, 8000, quality).push(sine(hz, source), last=True)
    assert np.abs(inner(out)).max() < 0.003


def test_no_images_appear_above_the_old_band() -> None:
    out = Resampler(8000, 16000).push(sine(3000, 8000), last=True)
    spectrum = np.abs(np.fft.rfft(inner(out) * np.hanning(len(inner(out)))))
    hz = np.fft.rfftfreq(len(inner(out)), 1 / 16000)
    assert spectrum[hz > 4000].max() < spectrum.max() / 1000


@pytest.mark.parametrize(("source", "target"), [*PAIRS, (44100, 8000), (8000, 44100)])
def test_live_holds_back_three_milliseconds(source: int, target: int) -> None:
    resampler = Resampler(source, target)
    pushed = given_back = 0
    for _ in range(25):
        pushed += source // 50
        given_back += len(resampler.push(np.zeros(source // 50, np.float32)))
        held = pushed / source - given_back / target
        assert 0 <= held <= 24 / min(source, target) + 1 / target + 1 / source


@settings(deadline=None)
@given(
    pair=st.sampled_from(PAIRS),
    quality=st.sampled_from(QUALITIES),
    cuts=st.lists(st.integers(0, 2000), max_size=8),
    seed=st.integers(0, 1000),
)
def test_pieces_make_no_difference(pair: tuple[int, int], quality: Quality, cuts: list[int], seed: int) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, 2000).astype(np.float32)
    whole = Resampler(*pair, quality).push(samples, last=True)
    resampler = Resampler(*pair, quality)
    pieces = np.split(samples, sorted(cuts))
    out = [resampler.push(piece) for piece in pieces] + [resampler.push(samples[:0], last=True)]
    assert np.concatenate(out) == pytest.approx(whole, abs=1e-5)


@pytest.mark.parametrize("quality", QUALITIES)
def test_after_the_last_piece_a_new_sound_starts(quality: Quality) -> None:
    resampler = Resampler(24000, 8000, quality)
    first = resampler.push(sine(500, 24000), last=True)
    assert resampler.push(sine(500, 24000), last=True) == pytest.approx(first)


@pytest.mark.parametrize("quality", QUALITIES)
def test_clear_forgets(quality: Quality) -> None:
    resampler = Resampler(8000, 16000, quality)
    resampler.push(sine(500, 8000))
    resampler.clear()
    assert not resampler.push(np.zeros(800, np.float32), last=True).any()


def test_equal_rates_change_nothing() -> None:
    samples = sine(500, 8000)
    assert Resampler(8000, 8000).push(samples, last=True) is samples


def test_a_constant_stays_what_it_is() -> None:
    for pair in PAIRS:
        out = Resampler(*pair).push(np.full(4000, 0.5, np.float32), last=True)
        assert inner(out) == pytest.approx(0.5, abs=1e-5)


def test_an_odd_ratio_works_too() -> None:
    out = Resampler(8000, 44056).push(sine(1000, 8000), last=True)
    assert abs(len(out) - 22028) <= 1


def test_one_shot() -> None:
    assert np.abs(inner(resample(sine(1000, 44100), 44100, 8000)) - inner(sine(1000, 8000))).max() < 0.001
    assert len(resample(np.zeros(0, np.float32), 16000, 8000)) == 0


@pytest.mark.parametrize("quality", QUALITIES)
def test_every_other_sample_of_a_stereo_array(quality: Quality) -> None:
    stereo = np.stack((sine(500, 16000), sine(900, 16000)), axis=1)
    expected = Resampler(16000, 8000, quality).push(sine(900, 16000), last=True)
    assert Resampler(16000, 8000, quality).push(stereo[:, 1], last=True) == pytest.approx(expected, abs=1e-6)


def test_rates_are_positive() -> None:
    with pytest.raises(ValueError, match="from 0 Hz to 8000 Hz"):
        Resampler(0, 8000)


def test_libsoxr_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, offhook.audio as a; a.Resampler(8000, 16000); assert 'soxr' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
