"""Resampling of one channel, as a stream (`Resampler`) or in one go (`resample`).

Live audio must not wait in a filter. libsoxr works in blocks: fed with 20 ms at a time, 8 to 16 kHz, its LQ holds back
up to 61 ms and its HQ 115 ms, and its QQ, which does not wait, folds what lies above half the target rate into the
voice. So live audio goes through a filter of our own that holds back 3 ms, and files go through libsoxr.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Quality = Literal["live", "file"]

# Kaiser's design for 60 dB (mu-law itself gives some 38) between the 3400 Hz that a telephone carries and the 4000 Hz
# where folding starts: 24 zero crossings a side at 8 kHz, which is the delay of 3 ms. It scales with the lower rate.
_CROSSINGS = 24
_CUTOFF = 0.925
_KAISER_BETA = 5.65
_MOST_PHASES = 441  # from 8 to 44.1 kHz


class _Stream(Protocol):
    def resample_chunk(self, x: Samples, last: bool = False) -> Samples: ...

    def clear(self) -> None: ...


class Resampler:
    """One channel of float32 samples from one rate to another, in pieces of any length.

    Args:
        source: Rate of what comes in, Hz.
        target: Rate of what goes out, Hz.
        quality: `live` holds back 24 samples of the lower rate, 3 ms at 8 kHz; `file` is libsoxr's HQ with some 100 ms.
            (Rates in no ratio below 441 to anything, which no device has, always take the latter.)

    Raises:
        ValueError: a rate is less than 1.
    """

    def __init__(self, source: int, target: int, quality: Quality = "live") -> None:
        if source < 1 or target < 1:
            raise ValueError(f"cannot resample from {source} Hz to {target} Hz")
        self.source = source
        self.target = target
        self._stream = _stream(source, target, quality) if source != target else None

    def push(self, samples: Samples, last: bool = False) -> Samples:
        """What can be given after these samples; with `last` all the rest, and the next push starts a new sound."""
        if self._stream is None:
            return samples
        out = self._stream.resample_chunk(samples, last)
        if last:
            self._stream.clear()
        return out

    def clear(self) -> None:
        """Forget what is held back: the next push starts a new sound."""
        if self._stream is not None:
            self._stream.clear()


def resample(samples: Samples, source: int, target: int) -> Samples:
    """A whole sound from one rate to another, at libsoxr's HQ.

    Raises:
        ValueError: a rate is less than 1.
    """
    return Resampler(source, target, "file").push(samples, last=True)


def _stream(source: int, target: int, quality: Quality) -> _Stream:
    common = gcd(source, target)
    if quality == "live" and target // common <= _MOST_PHASES:
        return _Fir(target // common, source // common)
    import soxr

    stream: _Stream = soxr.ResampleStream(source, target, 1, dtype="float32", quality="HQ")
    return stream


class _Fir:
    """A polyphase filter: output n lies at n * down / up input samples, and has one of `up` sets of taps."""

    def __init__(self, up: int, down: int) -> None:
        self._up, self._down = up, down
        self._taps = _taps(up, down)
        self.clear()

    def clear(self) -> None:
        # The first output is centred on the first input: half of the taps less one lie before it.
        self._held = np.zeros(self._taps.shape[1] // 2 - 1, np.float32)
        self._phase = 0  # of the next output; `_held` starts where the taps of phase 0 do

    def resample_chunk(self, x: Samples, last: bool = False) -> Samples:
        up, down, (_, width) = self._up, self._down, self._taps.shape
        held = np.concatenate((self._held, x, np.zeros(width // 2 if last else 0, np.float32)), dtype=np.float32)
        end = -(-(len(held) - width + 1) * up // down)  # outputs from phase 0 on whose taps all lie within `held`
        out = np.empty(max(end - self._phase, 0), np.float32)
        if len(out) < 4 * up:
            starts, offsets = np.divmod((self._phase + np.arange(len(out))) * down, up)
            windows = held[starts[:, None] + np.arange(width)]
            np.einsum("ij,ij->i", windows, self._taps[offsets], out=out)
        else:  # one view of the samples for each phase: nothing is copied
            for first in range(up):
                start, offset = divmod((self._phase + first) * down, up)
                group = out[first::up]
                strided = np.ndarray((len(group), width), np.float32, held, start * 4, (down * 4, 4))
                np.einsum("ij,j->i", strided, self._taps[offset], out=group)
        groups, self._phase = divmod(self._phase + len(out), up)
        self._held = held[groups * down :].copy()
        return out


@lru_cache(maxsize=32)
def _taps(up: int, down: int) -> Samples:
    """A windowed sinc, read at `up` offsets between two input samples: shape (up, taps), each row with a sum of 1."""
    stretch = max(1.0, down / up)
    half = round(_CROSSINGS * stretch)
    offsets = np.arange(1 - half, half + 1) - np.arange(up)[:, None] / up
    window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (offsets / half) ** 2, 0, 1)))
    taps = np.sinc(offsets * _CUTOFF / stretch) * window
    scaled: Samples = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
    return scaled
