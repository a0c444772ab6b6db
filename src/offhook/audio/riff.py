"""The container of WAV files: RIFF chunks, the format chunk, and headers to write. Knows bytes, not samples.

Reading is as lenient as players are: sizes that were never filled in, files cut short, chunks in any order.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

PCM = 0x0001
FLOAT = 0x0003
ALAW = 0x0006
ULAW = 0x0007
_EXTENSIBLE = 0xFFFE

# WAVE_FORMAT_EXTENSIBLE names a plain format by a GUID: two bytes of the old format tag, and always these 14.
_GUID_TAIL = bytes.fromhex("000000001000800000AA00389B71")

_WIDTHS = {PCM: (1, 2, 3, 4), FLOAT: (4, 8), ALAW: (1,), ULAW: (1,)}
_FOREIGN = {
    0x0002: "Microsoft ADPCM",
    0x0011: "IMA ADPCM",
    0x0031: "GSM 6.10",
    0x0050: "MPEG audio",
    0x0055: "MP3",
    0x0064: "G.726 ADPCM",
    0x0161: "Windows Media",
    0x00FF: "AAC",
}

_UNKNOWN_SIZE = 0xFFFFFFFF  # written by those who stream; in RF64 files it refers to the ds64 chunk
_RATES = range(1000, 768_001)


@dataclass(frozen=True, slots=True)
class Format:
    """What the samples are: a format tag, and `width` bytes each."""

    tag: int
    channels: int
    rate: int
    width: int

    @property
    def block(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * self.width


def parse(blob: bytes) -> tuple[Format, bytes]:
    """The format of a WAV file and its audio, cut to whole samples of all channels.

    Raises:
        ValueError: the file holds no plain WAV audio. The message is the end of a sentence about the file.
    """
    if not blob:
        raise ValueError("is empty")
    if blob[:4] not in (b"RIFF", b"RF64") or blob[8:12] != b"WAVE":
        raise ValueError(f"is not a WAV file: it begins with {blob[:12]!r}")
    chunks: dict[bytes, bytes] = {}
    for name, body in _chunks(blob):
        chunks.setdefault(name, body)
    if b"fmt " not in chunks:
        raise ValueError("is a WAV file without a format chunk")
    if b"data" not in chunks:
        raise ValueError("is a WAV file without a data chunk")
    form = _format(chunks[b"fmt "])
    data = chunks[b"data"]
    return form, data[: len(data) - len(data) % form.block]


def _chunks(blob: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 12
    long_size: int | None = None
    while position + 8 <= len(blob):
        name, size = struct.unpack_from("<4sI", blob, position)
        position += 8
        if name == b"ds64" and position + 16 <= len(blob):
            (long_size,) = struct.unpack_from("<8xQ", blob, position)
        if name == b"data":
            size = _data_size(blob, position, size, long_size)
        yield name, blob[position : position + size]
        position += size + size % 2  # chunks start at even places


def _data_size(blob: bytes, position: int, size: int, long_size: int | None) -> int:
    """The size of a data chunk, which a writer that could not seek back has left at 0 or at the greatest number."""
    rest = len(blob) - position
    if size == _UNKNOWN_SIZE:
        return rest if long_size is None else long_size
    (riff_size,) = struct.unpack_from("<I", blob, 4)
    really_empty = 8 + riff_size >= len(blob) and riff_size != _UNKNOWN_SIZE
    return rest if size == 0 and not really_empty else size


def _format(body: bytes) -> Format:
    if len(body) < 16:
        raise ValueError(f"has a format chunk of {len(body)} bytes in place of 16 or more")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE and len(body) >= 40 and body[26:40] == _GUID_TAIL:
        (tag,) = struct.unpack_from("<H", body, 24)
    # The header's block size is redundant, and wrong in some files. Odd numbers of bits fill whole bytes from the top.
    width = 1 if tag in (ALAW, ULAW) else (bits + 7) // 8
    if tag not in _WIDTHS:
        kind = _FOREIGN.get(tag, "audio of an unknown kind")
        raise ValueError(f"holds {kind} (format tag 0x{tag:04X}): convert it to 16-bit PCM")
    if width not in _WIDTHS[tag]:
        kind = "floating-point" if tag == FLOAT else "PCM"
        raise ValueError(f"holds {kind} samples of {bits} bits: convert it to 16-bit PCM")
    if not channels:
        raise ValueError("says that it has 0 channels")
    if rate not in _RATES:
        raise ValueError(f"says that its sample rate is {rate} Hz")
    return Format(tag, channels, rate, width)


def header(form: Format, data_size: int) -> bytes:
    """Everything that stands before the audio. Sizes beyond 4 GiB are given as unknown."""
    rate, block, bits = form.rate, form.block, 8 * form.width
    body = struct.pack("<HHIIHH", form.tag, form.channels, rate, rate * block, block, bits)
    if form.tag != PCM:
        # All other formats have an extension, if an empty one, and a fact chunk with the samples of a channel.
        samples = min(data_size // block, _UNKNOWN_SIZE)
        body += struct.pack("<H4sII", 0, b"fact", 4, samples)
    format_size = 16 if form.tag == PCM else 18
    riff_size = 4 + 8 + len(body) + 8 + data_size + data_size % 2
    return b"".join(
        (
            struct.pack("<4sI4s", b"RIFF", min(riff_size, _UNKNOWN_SIZE), b"WAVE"),
            struct.pack("<4sI", b"fmt ", format_size),
            body,
            struct.pack("<4sI", b"data", min(data_size, _UNKNOWN_SIZE)),
        )
    )
