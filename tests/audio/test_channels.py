from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.audio import ulaw
from offhook.audio.channels import interleave, mix_ulaw, split


def test_split_gives_each_channel_its_samples() -> None:
    assert split(b"EIeiEI", 2) == [b"EeE", b"IiI"]
    assert split(b"abcdef", 3) == [b"ad", b"be", b"cf"]
    assert split(b"abc", 1) == [b"abc"]


def test_split_keeps_wide_samples_together() -> None:
    assert split(b"AaBbCcDd", 2, width=2) == [b"AaCc", b"BbDd"]
    assert split(b"123456", 2, width=3) == [b"123", b"456"]


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 20), st.data())
def test_interleave_is_the_inverse_of_split(channels: int, width: int, samples: int, data: st.DataObject) -> None:
    size = samples * width
    lanes = [data.draw(st.binary(min_size=size, max_size=size)) for _ in range(channels)]
    joined = interleave(lanes, width)
    assert len(joined) == channels * size
    assert split(joined, channels, width) == lanes


@pytest.mark.parametrize(
    ("data", "channels", "width"), [(b"abc", 2, 1), (b"abcdef", 2, 2), (b"abc", 1, 2), (b"", 0, 1)]
)
def test_split_refuses_what_is_not_whole(data: bytes, channels: int, width: int) -> None:
    with pytest.raises(ValueError, match="whole samples"):
        split(data, channels, width)


def test_interleave_refuses_unequal_lanes() -> None:
    with pytest.raises(ValueError, match=r"\[2, 3\]"):
        interleave([b"ab", b"abc"])
    with pytest.raises(ValueError, match="equally long"):
        interleave([])
    with pytest.raises(ValueError, match="whole samples"):
        interleave([b"abc", b"abc"], width=2)


def test_mix_adds_samples() -> None:
    a, b = ulaw.encode(np.array([1000, -3000, 0], np.int16)), ulaw.encode(np.array([500, 1000, -200], np.int16))
    expected = ulaw.decode(a) + ulaw.decode(b)
    assert mix_ulaw(a, b) == ulaw.encode(expected)


def test_mix_clips_at_full_scale() -> None:
    assert mix_ulaw(b"\x80\x00", b"\x80\x00") == b"\x80\x00"


def test_mix_goes_on_with_the_longer_one() -> None:
    assert mix_ulaw(b"\x90", b"\xff\x12\x34") == mix_ulaw(b"\xff\x12\x34", b"\x90") == b"\x90\x12\x34"


@given(st.binary(), st.binary())
def test_mix_is_symmetric_and_silence_changes_nothing(a: bytes, b: bytes) -> None:
    assert mix_ulaw(a, b) == mix_ulaw(b, a)
    assert ulaw.decode(mix_ulaw(a, ulaw.silence(len(a)))).tolist() == ulaw.decode(a).tolist()
