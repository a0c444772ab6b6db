"""A-law against vectors of ITU-T G.711 and by its own properties."""

from __future__ import annotations

import numpy as np
import pytest

from offhook.audio import alaw, ulaw

ALL_CODES = bytes(range(256))


def test_decodes_known_codes() -> None:
    # G.711 table 1a at 16 bits: the smallest values, the largest, and the first of the second segment.
    assert alaw.decode(bytes([0xD5, 0x55, 0xAA, 0x2A, 0xC5, 0x45])).tolist() == [8, -8, 32256, -32256, 264, -264]


def test_steps_double_from_the_third_segment_on() -> None:
    positive = np.sort(alaw.decode(ALL_CODES))[128:].astype(int).reshape(8, 16)
    assert [set(np.diff(segment).tolist()) for segment in positive] == [{16}, *({16 << n} for n in range(7))]


def test_encodes_its_own_values_back() -> None:
    assert alaw.encode(alaw.decode(ALL_CODES)) == ALL_CODES


def test_encodes_each_value_within_half_a_step() -> None:
    pcm = np.arange(-32768, 32768).astype(np.int16)
    codes = alaw.encode(pcm)
    segment = (np.frombuffer(codes, np.uint8) ^ 0x55) >> 4 & 7
    half = 8 << np.maximum(segment.astype(int), 1) - 1
    assert (np.abs(alaw.decode(codes).astype(int) - pcm) <= half).all()


def test_the_smallest_steps_part_at_zero() -> None:
    assert alaw.encode(np.array([0, -1], np.int16)) == b"\xd5\x55"
    assert alaw.SILENCE == 0xD5


def test_the_milliwatt_of_both_laws_is_the_same_tone() -> None:
    a_law = alaw.decode(bytes.fromhex("34212134B4A1A1B4")).astype(float)  # G.711 table 5
    mu_law = ulaw.decode(bytes.fromhex("1E0B0B1E9E8B8B9E")).astype(float)  # G.711 table 6
    assert a_law == pytest.approx(mu_law, rel=0.04)


def test_refuses_other_types() -> None:
    with pytest.raises(TypeError, match="float64"):
        alaw.encode(np.zeros(4))  # type: ignore[arg-type]
