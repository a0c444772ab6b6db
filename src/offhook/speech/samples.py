"""Between 16 bit samples, which services and programs speak, and the floats of engines. Pure functions."""

from __future__ import annotations

import numpy as np

from .engines import Float32


def from_pcm16(raw: bytes) -> Float32:
    """Little-endian 16 bit samples as floats in -1..1."""
    return (np.frombuffer(raw, "<i2") / np.float32(32768)).astype(np.float32, copy=False)


def to_pcm16(pcm: Float32) -> bytes:
    """Floats as little-endian 16 bit samples; what is beyond full scale is clipped."""
    return (np.clip(pcm, -1.0, 1.0) * 32767).astype("<i2").tobytes()
