"""Marks are unique, are found in pieces of any cut, and survive what telephone audio goes through."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.audio import ulaw
from offhook.errors import UsageError
from offhook.testing.load.marks import LONGEST, SHORTEST, Marks, Piece, sequence

LOOP = 131_000
MARKS = Marks(LOOP)
SOUND = MARKS.mark(bytes(np.random.default_rng(1).integers(0, 256, LOOP, np.uint8)))


@pytest.mark.parametrize("order", [17, 20, 22])
def test_each_window_occurs_once(order: int) -> None:
    bits = sequence(order).astype(np.int32)
    around = np.concatenate([bits, bits[: order - 1]])
    windows = np.zeros(len(bits), np.int32)
    for shift in range(order):
        windows |= around[shift : shift + len(bits)] << shift
    counts = np.bincount(windows, minlength=1 << order)
    assert counts[0] == 0
    assert (counts[1:] == 1).all()


@given(st.integers(0, LOOP - 100), st.integers(100, 4000))
def test_a_piece_tells_where_it_was(at: int, length: int) -> None:
    data = SOUND[at : at + length]
    assert list(MARKS.find(data)) == [Piece(0, at, len(data))]


def test_pieces_between_other_sounds() -> None:
    data = bytes(300) + SOUND[5000:5400] + bytes([0xFF]) * 500 + SOUND[900:1300]
    found = list(MARKS.find(data))
    assert [piece.position - piece.at for piece in found] == [5000 - 300, 900 - 1200]
    assert all(abs(piece.length - 400) < 20 for piece in found)


def test_other_sounds_are_not_found() -> None:
    noise = bytes(np.random.default_rng(2).integers(0, 256, 100_000, np.uint8))
    assert list(MARKS.find(noise)) == []
    assert list(MARKS.find(bytes(8000))) == []
    assert list(MARKS.find(SOUND[:40])) == []


def test_marks_survive_decoding_and_encoding() -> None:
    assert ulaw.encode(ulaw.decode(SOUND)) == SOUND


def test_marks_are_quiet() -> None:
    silence = MARKS.mark(bytes([0xFF]) * LOOP)
    assert np.abs(ulaw.decode(silence)).max() <= 8


def test_a_sound_too_long() -> None:
    with pytest.raises(UsageError, match="give 524 s at most"):
        Marks(LONGEST + 1)
    assert SHORTEST < LONGEST
