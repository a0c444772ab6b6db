"""What the voice encoder sees of speech: silence cut out, the level set, power in 40 mel bands each 10 ms.

The settings are those that the encoder was trained with (Resemblyzer 0.1.4, `hparams.py`, Apache-2.0); mel bands after
Slaney's Auditory Toolbox, each of unit area. Pure functions on samples at 16 kHz.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np

from ..engines import Float32

RATE: Final = 16_000
WINDOW: Final = 400
HOP: Final = 160
BANDS: Final = 40

_LEVEL: Final = 10 ** (-30 / 20)  # RMS that quiet speech is brought to
_BLOCK: Final = 480
_DEPTH: Final = 10 ** (-35 / 20)  # below the loud blocks of an utterance by this much: silence
_SPREAD: Final = 3  # blocks around voice that stay: soft beginnings and ends of words
_LEAST: Final = 1e-4  # nothing softer than this counts as voice: digital silence has no loud blocks


def voiced(pcm: Float32) -> Float32:
    """The utterance without the silence in it; empty if there is nothing else."""
    blocks = pcm[: len(pcm) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    if not len(blocks):
        return pcm[:0]
    level = np.sqrt(np.square(blocks).mean(axis=1))
    loud = level >= max(_LEAST, float(np.percentile(level, 95)) * _DEPTH)
    near = np.convolve(loud, np.ones(2 * _SPREAD + 1))[_SPREAD : _SPREAD + len(loud)] > 0
    kept: Float32 = blocks[near].reshape(-1)
    return kept


def levelled(pcm: Float32) -> Float32:
    """Quiet speech is raised to the level that the encoder knows; loud speech stays as it is."""
    rms = float(np.sqrt(np.square(pcm).mean())) if len(pcm) else 0.0
    return pcm * np.float32(max(1.0, _LEVEL / rms)) if rms else pcm


def mel(pcm: Float32) -> Float32:
    """Power by mel band.

    Returns:
        float32 of shape (frames, 40), a frame each 160 samples, its middle at the sample where it is counted.
    """
    padded = np.pad(pcm, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    spectrum = np.fft.rfft(frames * _hann(), axis=1)
    power = np.square(np.abs(spectrum)).astype(np.float32)
    bands: Float32 = power @ _filters().T
    return bands


@functools.cache
def _hann() -> Float32:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)


@functools.cache
def _filters() -> Float32:
    """Triangles over the spectrum: shape (40, 201)."""
    edges = _hertz(np.linspace(0.0, float(_mel(RATE / 2)), BANDS + 2))
    bins = np.linspace(0.0, RATE / 2, WINDOW // 2 + 1)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = np.maximum(0.0, np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)))
    return (triangles * 2.0 / (high - low)).astype(np.float32)


# Slaney's scale: even up to 1 kHz, which is 15 mel; above, 27 mel for each factor of 6.4.
_STEP: Final = 200.0 / 3.0
_RATIO: Final = float(np.log(6.4)) / 27.0


def _mel(hertz: float) -> float:
    return 15.0 + float(np.log(hertz / 1000.0)) / _RATIO if hertz >= 1000.0 else hertz / _STEP


def _hertz(mels: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.where(mels >= 15.0, 1000.0 * np.exp(_RATIO * (mels - 15.0)), mels * _STEP)
