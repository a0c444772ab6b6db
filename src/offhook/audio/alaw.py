"""PCMA: G.711 A-law, one byte a sample. AudioHook does not carry it; sound files and telephone legs do.

Tables from the formula of ITU-T G.711, built once. Knows samples and bytes only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SILENCE = 0xD5
"""The code of the smallest positive value, 8: A-law has no zero."""

_EVEN_BITS = 0x55  # inverted on the line


def _decoding_table() -> NDArray[np.int16]:
    code = np.arange(256) ^ _EVEN_BITS
    segment, step = code >> 4 & 7, code & 0x0F
    first = (step << 4) + 8
    magnitude = np.where(segment == 0, first, first + 0x100 << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _encoding_table() -> NDArray[np.uint8]:
    """The code of each 16-bit value, at the place that the value has when its bits are read without a sign."""
    pcm = np.arange(1 << 16).astype(np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.where(
        pcm < 0, ~pcm, pcm
    )  # ~: -1 lies in the first negative step as 0 does in the first positive one
    segment = np.maximum(np.frexp(magnitude)[1] - 8, 0)
    code: NDArray[np.int_] = (pcm >= 0) << 7 | segment << 4 | magnitude >> np.maximum(segment, 1) + 3 & 0x0F
    return (code ^ _EVEN_BITS).astype(np.uint8)


_PCM = _decoding_table()
_CODE = _encoding_table()


def decode(data: bytes) -> NDArray[np.int16]:
    """The 16-bit samples of A-law bytes."""
    return _PCM.take(np.frombuffer(data, np.uint8))


def encode(pcm: NDArray[np.int16]) -> bytes:
    """The A-law bytes of 16-bit samples.

    Raises:
        TypeError: the array holds another type; its bits would be misread.
    """
    if pcm.dtype != np.int16:
        raise TypeError(f"A-law is made from int16 samples, not from {pcm.dtype}")
    return _CODE.take(pcm.view(np.uint16)).tobytes()
