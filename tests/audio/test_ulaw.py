"""Mu-law against vectors of ITU-T G.711 and of the vendor, and by its own properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.audio import tones, ulaw

ALL_CODES = bytes(range(256))

# G.711 table 2a: the output values of the segments start at these 14-bit magnitudes, and go in steps of 2, 4, ... 256.
SEGMENT_STARTS = (0, 33, 99, 231, 495, 1023, 2079, 4191)


def itu_value(code: int) -> int:
    """The output value by the table's rule, at 16 bits."""
    segment, step = divmod(127 - code % 128, 16)
    magnitude = 4 * (SEGMENT_STARTS[segment] + (step << segment + 1))
    return magnitude if code & 0x80 else -magnitude


def test_decodes_each_code_to_the_itu_value() -> None:
    assert ulaw.decode(ALL_CODES).tolist() == [itu_value(code) for code in range(256)]


def test_decodes_the_ends_of_the_scale() -> None:
    assert ulaw.decode(b"\xff\x7f\x00\x80").tolist() == [0, 0, -32124, 32124]


def test_encodes_its_own_values_back_but_for_the_second_zero() -> None:
    assert ulaw.encode(ulaw.decode(ALL_CODES)) == ALL_CODES.replace(b"\x7f", b"\xff")


def test_encodes_each_value_within_half_a_step() -> None:
    pcm = np.arange(-32635, 32636).astype(np.int16)
    codes = ulaw.encode(pcm)
    segment = (127 - np.frombuffer(codes, np.uint8) % 128) // 16
    assert (np.abs(ulaw.decode(codes).astype(int) - pcm) <= 4 << segment.astype(int)).all()


def test_encodes_beyond_the_last_step_as_the_last_step() -> None:
    assert ulaw.encode(np.array([32767, -32768], np.int16)) == b"\x80\x00"


@given(st.lists(st.integers(-32768, 32767), min_size=2))
def test_encoding_keeps_the_order(values: list[int]) -> None:
    decoded = ulaw.decode(ulaw.encode(np.sort(np.array(values)).astype(np.int16)))
    assert (np.diff(decoded.astype(int)) >= 0).all()


def test_encodes_the_vendors_test_tone() -> None:
    period = bytes.fromhex("FF0D060DFF8D868D")  # 1 kHz (P6.1)
    peak = 26000
    sine = np.rint(-peak * np.sin(np.arange(8) * np.pi / 4)).astype(np.int16)
    assert ulaw.encode(sine) == period


def test_encodes_columns_of_a_table() -> None:
    stereo = np.array([[0, 32124], [-32124, 0]], np.int16)
    assert ulaw.encode(stereo[:, 1]) == b"\x80\xff"


def test_refuses_other_types() -> None:
    with pytest.raises(TypeError, match="int32"):
        ulaw.encode(np.zeros(4, np.int32))


def test_floats_are_the_samples_by_full_scale() -> None:
    samples = ulaw.to_float(ALL_CODES)
    assert samples.dtype == np.float32
    assert (samples * 32768 == ulaw.decode(ALL_CODES)).all()
    assert ulaw.from_float(samples) == ALL_CODES.replace(b"\x7f", b"\xff")


def test_floats_are_clipped() -> None:
    assert ulaw.from_float(np.array([1.0, 7.5, -1.0, -7.5], np.float32)) == b"\x80\x80\x00\x00"


def test_silence_decodes_to_nothing() -> None:
    assert ulaw.silence(3) == bytes([ulaw.SILENCE] * 3)
    assert not ulaw.decode(ulaw.silence(160)).any()


def test_empty_audio_is_empty() -> None:
    assert ulaw.encode(ulaw.decode(b"")) == b""
    assert ulaw.from_float(ulaw.to_float(b"")) == b""


def test_takes_any_buffer() -> None:
    assert ulaw.decode(bytearray(b"\x80")).tolist() == ulaw.decode(memoryview(b"\x80")).tolist() == [32124]


def test_level_of_the_digital_milliwatt() -> None:
    # G.711 table 6: this is 0 dBm0, and full scale lies 3.17 dB above it.
    milliwatt = bytes.fromhex("1E0B0B1E9E8B8B9E") * 100
    assert ulaw.level_dbfs(milliwatt) == pytest.approx(-3.17, abs=0.05)


@pytest.mark.parametrize("dbfs", [0.0, -12.0, -30.0, -50.0])
def test_level_of_a_tone_is_the_level_it_was_made_at(dbfs: float) -> None:
    assert ulaw.level_dbfs(ulaw.encode(tones.tone(1004, 2.0, dbfs))) == pytest.approx(dbfs, abs=0.3)


@pytest.mark.parametrize("data", [b"", ulaw.silence(160)])
def test_level_of_silence_is_the_floor(data: bytes) -> None:
    assert ulaw.level_dbfs(data) == -96.0
    assert math.isfinite(ulaw.level_dbfs(data))
