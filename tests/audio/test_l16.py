from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.audio import l16


def test_little_endian_is_the_default() -> None:
    assert l16.decode(b"\x01\x00\xff\xff").tolist() == [1, -1]
    assert l16.encode(np.array([1, -2], np.int16)) == b"\x01\x00\xfe\xff"


def test_network_order_on_request() -> None:
    assert l16.decode(b"\x00\x01\x80\x00", "big").tolist() == [1, -32768]
    assert l16.encode(np.array([1, -32768], np.int16), "big") == b"\x00\x01\x80\x00"


@given(st.binary().filter(lambda data: len(data) % 2 == 0), st.sampled_from(["little", "big"]))
def test_round_trip(data: bytes, order: l16.ByteOrder) -> None:
    pcm = l16.decode(data, order)
    assert pcm.dtype == np.int16
    assert pcm.dtype.isnative
    assert l16.encode(pcm, order) == data


def test_refuses_half_a_sample() -> None:
    with pytest.raises(ValueError, match="3 bytes are not whole samples"):
        l16.decode(b"abc")


def test_refuses_other_types() -> None:
    with pytest.raises(TypeError, match="int32"):
        l16.encode(np.array([70_000], np.int32))
