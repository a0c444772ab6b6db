"""Tells MP3 and AAC from raw samples: streams of frames without a header for the whole. Knows bytes only, no codec.

A frame begins with eleven set bits, which loud or quiet samples may have too; so the next frame has to stand where this
one says that it ends (ISO 11172-3 2.4.1.3, ISO 13818-7 6.2).
"""

from __future__ import annotations

from typing import Final

HEAD: Final = 6
"""Bytes that say how long a frame is."""

_KBPS: Final = {  # by version 1 or not, and layer
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def frame_length(data: bytes) -> int:
    """Bytes of the frame that begins here; 0 if none does."""
    if len(data) < HEAD or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return 0
    layer = 4 - (data[1] >> 1 & 3)
    return _adts_length(data) if layer == 4 else _mpeg_length(data, layer)


def kind(data: bytes) -> str:
    """`MP3` or `AAC` if two frames stand one behind the other here, else nothing."""
    length = frame_length(data)
    following = data[length : length + HEAD]
    if not length or not frame_length(following) or following[1] != data[1]:
        return ""
    return "MP3" if data[1] & 0x06 else "AAC"


def _mpeg_length(data: bytes, layer: int) -> int:
    version, bits, rate = data[1] >> 3 & 3, data[2] >> 4, data[2] >> 2 & 3
    if version == 1 or rate == 3 or not 0 < bits < 15:
        return 0
    bytes_per_second = _KBPS[version == 3, layer][bits - 1] * 125
    padding = data[2] >> 1 & 1
    if layer == 1:  # in slots of four bytes
        return (bytes_per_second * 96 // _RATES[version][rate] + padding) * 4
    samples = 576 if layer == 3 and version != 3 else 1152
    return bytes_per_second * samples // _RATES[version][rate] + padding


def _adts_length(data: bytes) -> int:
    if data[1] & 0xF0 != 0xF0 or data[2] >> 2 & 15 > 12:
        return 0
    length = (data[3] & 3) << 11 | data[4] << 3 | data[5] >> 5
    return length if length > HEAD else 0
