"""Pace and pitch of speech that is there already. Knows samples only.

`stretch` changes the pace and keeps the pitch: waveform similarity overlap-add (W. Verhelst and M. Roelands, "An
overlap-add technique based on waveform similarity (WSOLA) for high quality time-scale modification of speech", 1993).
`warp` changes the pitch and the pace with it; behind one another they change the pitch alone. Both take a factor for
each region of the sound, and pass from one to the next without a seam.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Region = tuple[int, float]
"""Index behind the last sample of a region, and its factor; the first region begins at 0."""

#: Seconds of a piece that is laid over the next by half, and by how much it may move: two periods of a low voice.
_FRAME: Final = 0.030
_SEEK: Final = 0.010
#: The seek is done on every so many samples that about this rate is left.
_SEEK_RATE: Final = 8000


class Timeline:
    """Where samples have gone: between its points, an index grows in proportion."""

    def __init__(self, before: Sequence[float], after: Sequence[float]) -> None:
        self._before, self._after = before, after

    def __call__(self, index: float) -> int:
        return round(float(np.interp(index, self._before, self._after)))


def stretch(sound: Samples, rate: int, regions: Sequence[Region]) -> tuple[Samples, Timeline]:
    """A sound at another pace and the same pitch.

    Args:
        sound: One channel.
        rate: Its rate, Hz.
        regions: Factors: 2 is twice as fast.

    Returns:
        The sound, and where each of its samples has gone.
    """
    before, after = _points(regions, len(sound))
    timeline = Timeline(before, after)
    hop = round(rate * _FRAME / 2)
    length = round(after[-1])
    if length <= 0 or len(sound) < 4 * hop:
        return sound[:length] if length < len(sound) else sound, timeline
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2 * hop) / (2 * hop))).astype(np.float32)
    seek = round(rate * _SEEK)
    margin = seek + 2 * hop
    padded = np.concatenate((np.zeros(margin, np.float32), sound, np.zeros(margin + 2 * hop, np.float32)))
    frames = length // hop + 2
    wanted = np.interp(np.arange(frames) * hop - hop, after, before)  # where the middle of each frame comes from
    out = np.zeros((frames + 1) * hop, np.float32)
    step = max(1, rate // _SEEK_RATE)
    place = -hop  # half of the first frame lies before the sound
    for frame in range(frames):
        if frame:
            place = _best(padded, place + hop, round(wanted[frame]), margin, hop, seek, step)
        start = place + margin
        out[frame * hop : (frame + 2) * hop] += padded[start : start + 2 * hop] * window
    return out[hop : hop + length], timeline


def _best(padded: Samples, natural: int, wanted: int, margin: int, hop: int, seek: int, step: int) -> int:
    """Near `wanted`, the place that sounds most like the natural continuation of what was laid down last."""
    last = len(padded) - margin - 2 * hop
    wanted, natural = min(max(wanted, 0), last - seek), min(max(natural, 0), last)
    if wanted == natural:
        return wanted
    template = padded[natural + margin : natural + margin + 2 * hop : step]
    around = padded[wanted + margin - seek : wanted + margin + seek + 2 * hop : step]
    likeness = np.correlate(around, template, "valid")
    energy = np.cumsum(np.concatenate(((0.0,), np.square(around, dtype=np.float64))))
    norm = np.sqrt(energy[len(template) :] - energy[: -len(template)] + 1e-9)
    return wanted - seek + int(np.argmax(likeness / norm[: len(likeness)])) * step


def warp(sound: Samples, regions: Sequence[Region]) -> tuple[Samples, Timeline]:
    """A sound read faster or slower, as a tape is: 2 is an octave higher and half as long.

    What is read slower than it was made is not filtered, so give it at a rate with room above the voice.
    """
    before, after = _points(regions, len(sound))
    length = round(after[-1])
    at = np.interp(np.arange(length), after, before)
    # Cubic (Catmull and Rom): four samples around each place.
    whole = np.floor(at).astype(np.int64)
    t = (at - whole).astype(np.float32)
    padded = np.concatenate((np.zeros(1, np.float32), sound, np.zeros(3, np.float32)))
    a, b, c, d = (padded[whole + shift] for shift in range(4))
    out = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return out.astype(np.float32), Timeline(before, after)


def _points(regions: Sequence[Region], length: int) -> tuple[list[float], list[float]]:
    before, after = [0.0], [0.0]
    for end, factor in regions:
        end = min(end, length)
        after.append(after[-1] + (end - before[-1]) / factor)
        before.append(float(end))
    if before[-1] < length:
        after.append(after[-1] + length - before[-1])
        before.append(float(length))
    return before, after


def fundamental(sound: Samples, rate: int, low: float = 60.0, high: float = 500.0) -> float | None:
    """The median pitch of the voiced parts, Hz, by autocorrelation of 40 ms at a time; None if nothing is voiced.

    Args:
        sound: One channel.
        rate: Its rate, Hz.
        low: Lowest pitch looked for.
        high: Highest.
    """
    size, hop = round(0.040 * rate), round(0.020 * rate)
    if len(sound) < size:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(sound, size)[::hop].astype(np.float64)
    frames = frames - frames.mean(axis=1, keepdims=True)
    power = np.square(frames).mean(axis=1)
    frames = frames[power > power.max() * 0.03]
    if not len(frames) or not power.max():
        return None
    width = 1 << (2 * size - 1).bit_length()
    spectra = np.fft.rfft(frames, width)
    likeness = np.fft.irfft(np.square(np.abs(spectra)), width)[:, :size]
    # Fewer samples overlap at longer lags.
    likeness /= np.maximum(likeness[:, :1], 1e-12) * (1 - np.arange(size) / size)
    first, last = int(rate / high), min(int(rate / low) + 1, size * 3 // 4)
    pitches = []
    for row in likeness[:, first - 1 : last + 1]:
        best = row[1:-1].max()
        # Multiples of the period are as good: the shortest lag that is nearly so is the period itself.
        peaks = np.flatnonzero((row[1:-1] >= row[:-2]) & (row[1:-1] >= row[2:]) & (row[1:-1] > 0.88 * best))
        if best > 0.5 and len(peaks):
            pitches.append(rate / (first + int(peaks[0])))
    return float(np.median(pitches)) if pitches else None
