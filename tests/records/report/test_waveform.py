"""Waveforms: buckets that tell how loud it was."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from offhook.audio import ulaw
from offhook.records.report.waveform import measure, outline


def tone(seconds: float, loudness: float) -> bytes:
    return ulaw.from_float((loudness * np.sin(np.arange(int(seconds * 8000)) * 0.3)).astype(np.float32))


def test_loud_and_quiet() -> None:
    wave = measure(tone(1.0, 0.8) + ulaw.silence(8000) + tone(1.0, 0.2), 80)
    assert len(wave.high) == len(wave.low) == len(wave.rms) == 300
    loud, silent, quiet = (slice(0, 100), slice(100, 200), slice(200, 300))
    assert wave.high[loud].min() >= 115
    assert wave.low[loud].max() <= -115
    assert not wave.high[silent].any()
    assert not wave.low[silent].any()
    assert wave.high[quiet] == pytest.approx(31, abs=3)
    assert wave.rms[loud] == pytest.approx(124 / np.sqrt(2), abs=8)


def test_noise_on_the_line_does_not_fill_the_lane() -> None:
    assert measure(tone(1.0, 0.001), 80).high.max() < 5


def test_one_click_does_not_flatten_the_rest() -> None:
    lane = bytearray(tone(10.0, 0.1))
    lane[400] = 0x80
    wave = measure(bytes(lane), 80)
    assert wave.high[5] == 127
    assert wave.high[100:].min() > 100


@pytest.mark.parametrize(("length", "buckets"), [(0, 0), (1, 1), (80, 1), (81, 2)])
def test_the_last_bucket_may_be_short(length: int, buckets: int) -> None:
    wave = measure(b"\x00" * length, 80)
    assert len(wave.high) == buckets
    assert len(base64.b64decode(wave.packed())) == 3 * buckets


def test_an_outline_goes_there_and_back() -> None:
    path = outline(measure(tone(0.03, 0.8), 80), centre=20, half=10)
    assert path.startswith("M0 ")
    assert path.endswith("Z")
    points = [tuple(map(float, point.split())) for point in path.strip("MZ").split("L")]
    assert [x for x, _ in points] == [0, 1, 2, 2, 1, 0]
    assert all(10 <= y < 20 for _, y in points[:3])
    assert all(20 < y <= 30 for _, y in points[3:])
    assert outline(measure(b"", 80), 20, 10) == ""
