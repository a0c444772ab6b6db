"""PCMU, the one format of the AudioHook line: G.711 mu-law, one byte a sample at 8 kHz (P6.1).

Everything goes through tables that are built once from the formula of ITU-T G.711. Knows samples and bytes only.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

RATE = 8000
"""Samples a second of PCMU."""

SILENCE = 0xFF
"""The code of 0. (0x00 is not silence: it is the loudest negative value.)"""

FLOOR_DBFS = -96.0
"""What `level_dbfs` calls silence: the last bit of a 16-bit sample."""

# Magnitudes get a bias of 33 (at G.711's 14 bits), so that each of the 8 segments starts at a power of two.
_BIAS = 33 << 2
_CLIP = 32635


def _decoding_table() -> NDArray[np.int16]:
    code = ~np.arange(256) & 0xFF  # all bits travel inverted
    magnitude = (((code & 0x0F) << 3) + _BIAS << (code >> 4 & 7)) - _BIAS
    # 0x7F is "minus zero", and 0 in the ITU's table as well: silence stays silence (P6.1: the vendor's table has -1).
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _encoding_table() -> NDArray[np.uint8]:
    """The code of each 16-bit value, at the place that the value has when its bits are read without a sign."""
    pcm = np.arange(1 << 16).astype(np.uint16).view(np.int16).astype(np.int32)
    biased = np.minimum(np.abs(pcm), _CLIP) + _BIAS
    segment = np.frexp(biased)[1] - 8
    code: NDArray[np.int_] = (pcm < 0) << 7 | segment << 4 | biased >> segment + 3 & 0x0F
    return (~code & 0xFF).astype(np.uint8)


_PCM = _decoding_table()
_FLOAT = (_PCM / 32768).astype(np.float32)
_CODE = _encoding_table()


def decode(data: bytes) -> NDArray[np.int16]:
    """The 16-bit samples of mu-law bytes."""
    return _PCM.take(np.frombuffer(data, np.uint8))


def encode(pcm: NDArray[np.int16]) -> bytes:
    """The mu-law bytes of 16-bit samples.

    Raises:
        TypeError: the array holds another type; its bits would be misread.
    """
    if pcm.dtype != np.int16:
        raise TypeError(f"mu-law is made from int16 samples, not from {pcm.dtype}")
    return _CODE.take(pcm.view(np.uint16)).tobytes()


def to_float(data: bytes) -> NDArray[np.float32]:
    """The samples of mu-law bytes between -1 and 1 (full scale is 32768)."""
    return _FLOAT.take(np.frombuffer(data, np.uint8))


def from_float(samples: NDArray[np.float32]) -> bytes:
    """The mu-law bytes of samples between -1 and 1; what lies beyond is clipped. The inverse of `to_float`."""
    return encode(np.rint(np.clip(samples * 32768, -32768, 32767)).astype(np.int16))


def silence(samples: int) -> bytes:
    """So many samples of silence."""
    return b"\xff" * samples


def level_dbfs(data: bytes) -> float:
    """The RMS level in dB, where 0 is a sine of full scale (AES17); -96 for silence and for no samples at all."""
    samples = to_float(data)
    power = 2.0 * float(samples @ samples) / max(len(samples), 1)
    return max(10 * math.log10(power), FLOOR_DBFS) if power > 0 else FLOOR_DBFS
