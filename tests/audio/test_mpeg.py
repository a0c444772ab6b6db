"""MP3 and AAC are told from samples by where their frames stand."""

from __future__ import annotations

import io

import numpy as np
import pytest

from offhook.audio import mpeg

ADTS = bytes((0xFF, 0xF1, 0x50, 0x80, 0x02, 0x9F, 0xFC))  # 44.1 kHz, a frame of 20 bytes


def mp3(rate: int, channels: int = 1) -> bytes:
    soundfile = pytest.importorskip("soundfile")
    file = io.BytesIO()
    noise = np.random.default_rng(1).standard_normal((rate // 2, channels)) * 0.1
    soundfile.write(file, noise, rate, format="MP3")
    return file.getvalue()


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_each_frame_of_an_mp3_leads_to_the_next(rate: int, channels: int) -> None:
    data = mp3(rate, channels)
    at = frames = 0
    while length := mpeg.frame_length(data[at:]):
        at, frames = at + length, frames + 1
    assert at == len(data)
    assert frames >= rate // 2 // 1152
    assert mpeg.kind(data) == "MP3"


@pytest.mark.parametrize(
    ("head", "length"),
    [
        (b"\xff\xfd\x84\x00", 384),  # layer 2, 128 kbit/s at 48 kHz
        (b"\xff\xff\x84\x00", 256),  # layer 1, 256 kbit/s at 48 kHz
        (b"\xff\xfb\x92\x00", 418),  # layer 3, 128 kbit/s at 44.1 kHz, padded
        (b"\xff\xeb\x92\x00", 0),  # a version that there is not
        (b"\xff\xfb\x9e\x00", 0),  # nor such a rate
        (b"\xff\xfb\xf2\x00", 0),  # nor such bits
        (b"\xff\xff\xff\xff", 0),  # samples of -1
        (b"\xff\xf1\xff\xff", 0),
        (b"\xff\x1b\x92\x00", 0),
    ],
)
def test_lengths(head: bytes, length: int) -> None:
    assert mpeg.frame_length(head + bytes(2)) == length
    assert mpeg.frame_length(head) == 0, "too few bytes to say"


def test_aac() -> None:
    frame = ADTS + bytes(13)
    assert mpeg.frame_length(frame) == 20
    assert mpeg.kind(frame * 2) == "AAC"
    assert mpeg.kind(frame + bytes(20)) == ""


def test_samples_are_no_frames() -> None:
    pcm = np.random.default_rng(2).integers(-300, 300, 200_000).astype("<i2").tobytes()
    assert sum(bool(mpeg.kind(pcm[at : at + 4_096])) for at in range(0, len(pcm) - 4_096, 2)) == 0
