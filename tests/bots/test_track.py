"""Tracks keep what may be said again, and no copy of what is handed on whole."""

from __future__ import annotations

import random

from offhook.audio.ulaw import RATE
from offhook.bots.track import Track


def second(value: int) -> bytes:
    return bytes([value]) * RATE


def test_a_piece_is_handed_on_as_it_is() -> None:
    track, piece = Track(), second(1)
    track.begin(0)
    track.add(piece)
    assert track.take() is piece
    assert track.waiting == 0


def test_what_was_heard_long_ago_is_forgotten() -> None:
    track = Track()
    track.begin(0)
    for value in range(60):
        track.add(second(value))
        track.take()
        track.forget(value * RATE)
    assert sum(map(len, track._pieces)) <= 4 * RATE
    assert track.made == 60 * RATE


def test_it_goes_on_from_any_place_that_is_still_here() -> None:
    rng = random.Random(7)
    whole = rng.randbytes(RATE * 5)
    for _ in range(100):
        track, at = Track(), 0
        track.begin(0)
        while at < len(whole):
            size = rng.randint(1, RATE)
            track.add(whole[at : at + size])
            at += size
        assert track.take() == whole
        offset = rng.randint(0, len(whole))
        track.rewind(offset, 0)
        assert track.take() == whole[offset:]


def test_what_was_forgotten_is_not_said_again() -> None:
    track = Track()
    track.begin(0)
    for value in range(5):
        track.add(second(value))
    track.take()
    track.forget(5 * RATE)
    track.rewind(0, 0)
    said = track.take()
    assert said == b"".join(map(second, range(5)))[-len(said) :]
    assert RATE <= len(said) < 4 * RATE
