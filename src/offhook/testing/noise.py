"""Sounds of the places that people call from: noise of several colours, coughs, clicks. Made, not recorded.

Arrays of float at 8 kHz, values in -1..1. Knows levels and spectra; nothing of calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from ..audio.ulaw import RATE
from ..speech.engines import Float32

Hertz = np.ndarray[Any, np.dtype[np.float64]]

_BLOCK: Final = RATE // 50
_GATE: Final = 10 ** (-30.0 / 10)


def speech_level(pcm: Float32) -> float:
    """Root mean square of the 20 ms blocks that hold speech: those within 30 dB of the loudest; 0 for silence."""
    if len(pcm) < _BLOCK:
        return float(np.sqrt(np.square(pcm).mean())) if len(pcm) else 0.0
    power = np.square(pcm[: len(pcm) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)).mean(axis=1)
    return float(np.sqrt(power[power >= power.max() * _GATE].mean()))


def telephone(pcm: Float32) -> Float32:
    """What a telephone's microphone and line leave of a sound: 200 to 3500 Hz, with soft edges."""
    hertz = np.fft.rfftfreq(len(pcm), 1 / RATE)
    edges = np.clip((hertz - 100) / 100, 0, 1) * np.clip((3800 - hertz) / 300, 0, 1)
    return np.fft.irfft(np.fft.rfft(pcm) * edges, len(pcm)).astype(np.float32)


def pink(samples: int, rng: np.random.Generator) -> Float32:
    """Noise that falls by 3 dB an octave, as of a room or a street; root mean square 1."""
    return _coloured(samples, rng, lambda hertz: np.asarray(np.maximum(hertz, 50.0) ** -0.5, np.float64))


def car(samples: int, rng: np.random.Generator) -> Float32:
    """Noise that falls by 12 dB an octave above 150 Hz, as in a car; root mean square 1."""
    return _coloured(samples, rng, lambda hertz: 1.0 / (1.0 + (hertz / 150.0) ** 2))


def cough(rng: np.random.Generator) -> Float32:
    """A cough: a burst of some 60 ms, a hiss of 150 to 300 ms that falls off, sometimes twice; peak 1.

    The phases and their lengths are those that the medical literature on cough sounds describes.
    """
    parts: list[Float32] = []
    for _ in range(int(rng.integers(1, 3))):
        burst = _coloured(
            int(rng.uniform(0.04, 0.08) * RATE),
            rng,
            lambda f: np.asarray(np.exp(-(((f - 900) / 900) ** 2)), np.float64),
        )
        hiss = _coloured(
            int(rng.uniform(0.15, 0.30) * RATE),
            rng,
            lambda f: np.asarray(np.exp(-(((f - 1500) / 1300) ** 2)), np.float64),
        )
        falling = np.exp(-np.linspace(0.0, 5.0, len(hiss), dtype=np.float32))
        parts += [burst, hiss * falling * np.float32(0.5), np.zeros(int(rng.uniform(0.05, 0.2) * RATE), np.float32)]
    sound = np.concatenate(parts)
    return np.asarray(sound / np.abs(sound).max(), np.float32)


def click(rng: np.random.Generator) -> Float32:
    """A knock or a switch: 5 to 15 ms that ring off; peak 1."""
    samples = int(rng.uniform(0.005, 0.015) * RATE)
    time = np.arange(samples) / RATE
    sound = np.sin(2 * np.pi * rng.uniform(300, 2500) * time + rng.uniform(0, 6)) * np.exp(-time * 400)
    return np.asarray(sound / np.abs(sound).max(), np.float32)


def _coloured(samples: int, rng: np.random.Generator, shape: Callable[[Hertz], Hertz]) -> Float32:
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    hertz: Hertz = np.asarray(np.fft.rfftfreq(samples, 1 / RATE), np.float64)
    sound = np.fft.irfft(spectrum * shape(hertz), samples)
    return np.asarray(sound / np.sqrt(np.square(sound).mean()), np.float32)
