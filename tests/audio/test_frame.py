from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.audio.frame import Framer


@given(st.integers(1, 50), st.lists(st.binary(max_size=120)))
def test_frames_are_the_stream_cut_evenly(size: int, pieces: list[bytes]) -> None:
    framer = Framer(size)
    frames = []
    for piece in pieces:
        frames += framer.push(piece)
        assert framer.pending < size
    rest = framer.flush()
    assert b"".join(frames) + rest == b"".join(pieces)
    assert all(len(frame) == size for frame in frames)
    assert len(rest) < size
    assert framer.pending == 0


def test_frames_come_as_soon_as_they_are_full() -> None:
    framer = Framer(4)
    assert framer.push(b"abc") == []
    assert framer.pending == 3
    assert framer.push(b"defghi") == [b"abcd", b"efgh"]
    assert framer.flush() == b"i"
    assert framer.push(b"1234") == [b"1234"]


def test_frames_do_not_change_afterwards() -> None:
    framer = Framer(2)
    (frame,) = framer.push(b"abc")
    framer.push(b"defg")
    assert frame == b"ab"


def test_a_frame_has_a_size() -> None:
    with pytest.raises(ValueError, match="at least 1 byte"):
        Framer(0)
