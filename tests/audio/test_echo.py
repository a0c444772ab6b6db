"""A bot's own voice is taken out of what comes back, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.audio.echo import AHEAD, BLOCK, EchoGuard

Sound = NDArray[np.float64]


def power(sound: NDArray[np.floating]) -> float:
    return float(10 * np.log10(np.square(sound).mean() + 1e-12))


def voice(samples: int, seed: int) -> Sound:
    """Noise in bursts, coloured as speech is."""
    rng = np.random.default_rng(seed)
    sound = np.convolve(rng.standard_normal(samples), [1, 1.2, 0.6, 0.2], "same")
    return 0.05 * sound * (np.sin(np.arange(samples) / 900 + seed) > -0.5)


def clean(heard: Sound, played: Sound, guard: EchoGuard, step: int = 1600) -> tuple[Sound, Sound]:
    audio, doubt = [], []
    for at in range(0, len(heard) - step - AHEAD, step):
        part = guard.clean(heard[at : at + step].astype(np.float32), played[at : at + step + AHEAD].astype(np.float32))
        audio.append(part.audio)
        doubt.append(np.repeat(part.doubt, BLOCK)[:step])
    return np.concatenate(audio), np.concatenate(doubt)


@pytest.mark.parametrize("delay", [0, 37, 800, 3000])
@pytest.mark.parametrize("gain", [-6, -15])
def test_delay_and_gain_are_found_and_the_echo_goes(delay: int, gain: int) -> None:
    played = voice(40_000, 1)
    room = np.zeros(delay + 60)
    room[[delay, delay + 13, delay + 40]] = 0.95, -0.3, 0.1
    echo = np.convolve(played, room)[:40_000] * 10 ** (gain / 20)
    noise = np.random.default_rng(2).standard_normal(40_000) * 0.001
    guard = EchoGuard()
    left, _ = clean(echo + noise, played, guard)
    assert guard.delay == pytest.approx(delay, abs=2)
    assert 20 * np.log10(guard.gain) == pytest.approx(gain, abs=1)
    assert power(left[16_000:]) < power(echo[16_000 : len(left)]) - 15


def test_the_callers_own_voice_stays_and_is_beyond_doubt() -> None:
    played, caller = voice(40_000, 1), voice(40_000, 5) * 1.5
    echo = np.concatenate((np.zeros(500), played))[:40_000] * 10 ** (-15 / 20)
    left, doubt = clean(echo + caller, played, EchoGuard())
    own = caller[16_000 : len(left)]
    assert power(left[16_000:] - own) < power(own) - 10
    blocks = np.square(left[16_000:]).reshape(-1, BLOCK).mean(axis=1)
    speaking = np.square(own).reshape(-1, BLOCK).mean(axis=1) > 1e-4
    assert (blocks > doubt[16_000::BLOCK])[speaking].mean() > 0.9


@pytest.mark.parametrize("level", [6, 0, -6, -10])
def test_while_both_speak_the_echo_falls_and_the_voice_survives(level: int) -> None:
    """A loud echo, 6 dB below the bot, and a caller from twice as loud as that echo down to a third of it, throughout.

    The bounds are what a least-squares fit of 80 taps over 4800 samples can do: it takes 80/4800 of the caller's power
    (-18 dB) for echo. A guard that takes nothing away, or that mutes while the bot speaks, meets none of them.
    """
    played = voice(40_000, 1)
    room = np.zeros(700)
    room[[600, 613, 640]] = 0.95, -0.3, 0.1
    echo = np.convolve(played, room)[:40_000] * 10 ** (-6 / 20)
    caller = voice(40_000, 5)
    caller *= 10 ** ((power(echo[16_000:]) - power(caller[16_000:]) + level) / 20)
    out, _ = clean(echo + caller, played, EchoGuard())
    kept, own, back = out[16_000:], caller[16_000 : len(out)], echo[16_000 : len(out)]
    gain = float(np.dot(kept, own) / np.dot(own, own))
    assert 20 * np.log10(gain) == pytest.approx(0, abs=0.5), "the caller is as loud as before"
    assert power(kept - gain * own) < power(own) - 12, "and nothing else is nearly as loud"
    of_echo = abs(float(np.dot(kept - gain * own, back) / np.dot(back, back)))
    assert 20 * np.log10(of_echo) < -25, "of the echo itself, no more than that is left"


def test_echo_alone_stays_in_doubt_from_its_first_sound_on() -> None:
    rng = np.random.default_rng(3)
    played = np.concatenate((np.zeros(8000), voice(40_000, 1)))
    room = np.concatenate((np.zeros(900), [1.0], rng.standard_normal(1200) * np.exp(-np.arange(1200) / 232) * 0.06))
    echo = np.convolve(played, room)[:48_000] * 10 ** (-15 / 20) + rng.standard_normal(48_000) * 0.002
    left, doubt = clean(echo, played, EchoGuard())
    blocks = np.square(left[8000:]).reshape(-1, BLOCK).mean(axis=1)
    loud = np.square(echo[8000 : len(left)]).reshape(-1, BLOCK).mean(axis=1) > 2e-5
    assert (blocks <= doubt[8000::BLOCK])[loud].mean() > 0.95


def test_without_anything_played_nothing_is_touched() -> None:
    caller = voice(16_000, 4)
    guard = EchoGuard()
    left, doubt = clean(caller, np.zeros(16_000), guard)
    assert np.allclose(left, caller[: len(left)], atol=1e-6)
    assert not doubt.any() or guard.delay is None


@pytest.mark.parametrize("step", [160, 200, 1000, 4800, 9000])
def test_pieces_of_any_length(step: int) -> None:
    played = voice(40_000, 1)
    left, _ = clean(np.roll(played, 400) * 0.2, played, EchoGuard(), step)
    assert len(left) % step == 0
    assert np.isfinite(left).all()
