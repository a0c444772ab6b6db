"""Waveforms: what is drawn of a lane's audio. Knows samples only."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offhook.audio import ulaw

# Nothing quieter than this fills its lane: the noise of a silent line stays a line.
FLOOR = 2500


@dataclass(frozen=True, slots=True)
class Waveform:
    """One lane in buckets of equal length: extremes and effective value, -127 to 127 of the lane's own loudness."""

    high: NDArray[np.int8]
    low: NDArray[np.int8]
    rms: NDArray[np.int8]

    def packed(self) -> str:
        """Base64 of all `high`, then all `low`, then all `rms`."""
        return base64.b64encode(self.high.tobytes() + self.low.tobytes() + self.rms.tobytes()).decode()


def measure(lane: bytes, samples: int) -> Waveform:
    """Measure mu-law audio in buckets of `samples`; the last one may be shorter."""
    pcm = ulaw.decode(lane)
    starts = np.arange(0, len(pcm), samples)
    if not len(starts):
        empty = np.zeros(0, np.int8)
        return Waveform(empty, empty, empty)
    high = np.maximum.reduceat(pcm, starts).astype(np.float32)
    low = np.minimum.reduceat(pcm, starts).astype(np.float32)
    lengths = np.diff(np.append(starts, len(pcm)))
    rms = np.sqrt(np.add.reduceat(np.square(pcm, dtype=np.float32), starts) / lengths)
    # A click may stand out; all the rest stays within the lane.
    scale = 124 / max(float(np.percentile(np.maximum(high, -low), 99.7)), FLOOR)
    return Waveform(_levels(high * scale), _levels(low * scale), _levels(rms * scale))


def outline(wave: Waveform, centre: float, half: float) -> str:
    """The lane as the path of an SVG: one unit of x to each bucket, around `centre`, `half` high on either side."""
    if not len(wave.high):
        return ""
    above = [f"{x} {centre - max(value, 1) * half / 127:.1f}" for x, value in enumerate(wave.high.tolist())]
    below = [f"{x} {centre - min(value, -1) * half / 127:.1f}" for x, value in enumerate(wave.low.tolist())]
    return "M" + "L".join(above) + "L" + "L".join(reversed(below)) + "Z"


def _levels(values: NDArray[np.floating]) -> NDArray[np.int8]:
    levels: NDArray[np.int8] = np.clip(np.rint(values), -127, 127).astype(np.int8)
    return levels
