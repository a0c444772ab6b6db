"""Channels: interleaved audio (`[external, internal, external, ...]`, P6.1) taken apart, joined, and mixed.

A lane is the audio of one channel alone. Knows sample widths, not what the channels mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import ulaw


def split(data: bytes, channels: int, width: int = 1) -> list[bytes]:
    """The lanes of interleaved audio with `width` bytes a sample.

    Raises:
        ValueError: `data` is not a whole number of samples for each channel, or there is no channel.
    """
    if channels < 1 or len(data) % (channels * width):
        raise ValueError(f"{len(data)} bytes are not whole samples of {width} bytes for {channels} channels")
    if channels == 1:
        return [data]
    if width == 1:
        return [data[channel::channels] for channel in range(channels)]
    samples = np.frombuffer(data, np.uint8).reshape(-1, channels, width)
    return [samples[:, channel].tobytes() for channel in range(channels)]


def interleave(lanes: Sequence[bytes], width: int = 1) -> bytes:
    """The inverse of `split`.

    Raises:
        ValueError: the lanes differ in length or end within a sample, or there is no lane.
    """
    if not lanes or len({len(lane) for lane in lanes}) > 1:
        raise ValueError(f"lanes must be equally long to be interleaved: {[len(lane) for lane in lanes]} bytes")
    if len(lanes[0]) % width:
        raise ValueError(f"{len(lanes[0])} bytes are not whole samples of {width} bytes")
    if len(lanes) == 1:
        return lanes[0]
    if width == 1:
        joined = bytearray(len(lanes) * len(lanes[0]))
        for channel, lane in enumerate(lanes):
            joined[channel :: len(lanes)] = lane
        return bytes(joined)
    samples = [np.frombuffer(lane, np.uint8).reshape(-1, width) for lane in lanes]
    return np.stack(samples, axis=1).tobytes()


def mix_ulaw(a: bytes, b: bytes) -> bytes:
    """Both mu-law sounds at once, clipped at full scale. After the end of the shorter one the longer goes on."""
    both = min(len(a), len(b))
    total = ulaw.decode(a[:both]).astype(np.int32) + ulaw.decode(b[:both])
    mixed = ulaw.encode(np.clip(total, -32768, 32767).astype(np.int16))
    return mixed + a[both:] + b[both:]
