"""L16, AudioHook's other format: signed 16-bit samples (P6.1).

The byte order is open between the vendor's code (little-endian) and RFC 3551 (big-endian), so it is an argument
everywhere. Knows samples and bytes only.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

ByteOrder = Literal["little", "big"]

_DTYPES = {"little": np.dtype("<i2"), "big": np.dtype(">i2")}


def decode(data: bytes, order: ByteOrder = "little") -> NDArray[np.int16]:
    """The samples of L16 bytes. The array may be a read-only view of `data`.

    Raises:
        ValueError: an odd number of bytes.
    """
    if len(data) % 2:
        raise ValueError(f"L16 has two bytes a sample: {len(data)} bytes are not whole samples")
    return np.frombuffer(data, _DTYPES[order]).astype(np.int16, copy=False)


def encode(pcm: NDArray[np.int16], order: ByteOrder = "little") -> bytes:
    """The L16 bytes of 16-bit samples.

    Raises:
        TypeError: the array holds another type; its values might not fit.
    """
    if pcm.dtype != np.int16:
        raise TypeError(f"L16 is made from int16 samples, not from {pcm.dtype}")
    return pcm.astype(_DTYPES[order], copy=False).tobytes()
