"""The short way of audio: it counts as the long way does, and is open only while a session is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.protocol import STEREO, Lane, limits

Got = list[tuple[bytes, int]]


def lane(width: int = 1) -> tuple[Lane, Got]:
    made, got = Lane(), Got()
    made.width = width
    made.sinks = (lambda data, position: got.append((data, position)),)
    made.open(True)
    return made, got


@given(st.lists(st.integers(1, 4000), max_size=20), st.sampled_from([1, 2, 4]))
def test_positions_follow_each_other_in_samples(samples: list[int], width: int) -> None:
    made, got = lane(width)
    assert all(made.take(bytes(count * width)) for count in samples)
    assert [position for _, position in got] == [sum(samples[:at]) for at in range(len(samples))]
    assert made.position == sum(samples)
    assert (made.frames, made.size) == (len(samples), sum(samples) * width)


def test_more_messages_of_one_size_than_are_counted_in_one_go() -> None:
    made, got = lane(STEREO.width)
    for _ in range(700):
        assert made.take(bytes(320))
    assert [position for _, position in got] == [160 * at for at in range(700)]
    assert (made.position, made.frames, made.size) == (112_000, 700, 224_000)
    made.position = 5
    assert made.take(bytes(320))
    assert (got[-1][1], made.position, made.frames) == (5, 165, 701)


@given(st.lists(st.one_of(st.integers(0, 6), st.booleans(), st.just("jump")), max_size=60))
def test_a_plain_count_says_the_same(steps: list[int | bool | str]) -> None:
    made, got = lane(2)
    position, frames, wide = 0, 0, True
    for step in steps:
        if isinstance(step, bool):
            made.open(wide := step)
        elif isinstance(step, str):
            made.position = position = position + 100
        else:
            fits = wide and step > 0 and not step % 2
            assert made.take(bytes(step)) is fits
            assert not fits or got[-1] == (bytes(step), position)
            frames += fits
            position += step // 2 if fits else 0
        assert (made.position, made.frames) == (position, frames)


@pytest.mark.parametrize("size", [0, 1, 3, limits.RECEIVE_MAX + 1])
def test_what_is_not_plain_audio_changes_nothing(size: int) -> None:
    made, got = lane(STEREO.width)
    assert not made.take(bytes(size))
    assert (made.position, got) == (0, [])


def test_nothing_is_taken_while_it_is_shut_or_nobody_is_there() -> None:
    made, got = lane()
    made.open(False)
    assert not made.take(b"a")
    made.open(True)
    made.sinks = None
    assert not made.take(b"a")
    assert (made.position, got) == (0, [])


def test_every_sink_is_handed_the_audio_in_order() -> None:
    made, got = lane()
    made.sinks = (*made.sinks, lambda data, position: got.append((b"second", position)))  # type: ignore[misc]
    made.take(b"ab")
    made.hand_on(b"c", 7)
    assert got == [(b"ab", 0), (b"second", 0), (b"c", 7), (b"second", 7)]
    assert made.position == 2, "what came the long way is counted already"


def test_a_sink_that_raises_is_told_of_or_raises() -> None:
    made, _ = lane()
    made.sinks = (lambda data, position: 1 / 0,)
    with pytest.raises(ZeroDivisionError):
        made.take(b"a")
    errors: list[Exception] = []
    made.on_error = errors.append
    assert made.take(b"a")
    assert [type(error) for error in errors] == [ZeroDivisionError]
