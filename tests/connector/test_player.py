"""The playback queue: nothing is lost, doubled or torn; runs begin and end at the right sample."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.connector.player import CUSHION, TICK, Played, Player

from .lines import ramp

SILENCE = b"\xff" * TICK

steps = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(0, 900)),
        st.tuples(st.just("take"), st.sampled_from([TICK, TICK, TICK, 1, 77, 400])),
        st.tuples(st.just("flush"), st.just(0)),
    ),
    max_size=80,
)


@given(steps, st.sampled_from([0, 1, CUSHION]), st.sampled_from([700, 100_000]))
def test_what_is_heard_is_what_was_pushed_less_what_was_flushed(steps, cushion, limit):
    player = Player(cushion=cushion, limit=limit)
    expected = bytearray()  # all that may still be heard, in order
    heard = bytearray()
    pushed = thrown = position = 0
    run_start = None
    timeline = bytearray()
    for act, number in steps:
        if act == "push":
            data = ramp(number, pushed)
            if player.push(data):
                expected += data
                pushed += number
        elif act == "flush":
            if player.playing:
                heard += timeline[run_start:]
                run_start = None
            queued = player.queued
            assert player.flush() == queued
            thrown += queued
            del expected[len(expected) - queued :]
        else:
            played = player.take(number)
            assert len(played.audio) == number
            if played.started:
                assert run_start is None
                run_start = position
            timeline += played.audio
            if played.completed is not None:
                heard += timeline[run_start : position + played.completed]
                run_start = None
                assert played.audio[played.completed :].strip(b"\xff") == b""
            position += number
            assert (run_start is not None) == player.playing
        assert player.heard + player.queued + thrown == pushed
        assert player.queued <= limit
    if run_start is not None:
        heard += timeline[run_start:]
    assert bytes(heard) == bytes(expected[: len(heard)])
    assert len(heard) == player.heard
    assert bytes(timeline).replace(b"\xff", b"") == bytes(heard)


def test_a_run_begins_with_its_first_sample_and_ends_behind_its_last():
    player = Player(cushion=0)
    player.push(ramp(TICK + 40))
    assert player.take() == Played(ramp(TICK), started=True)
    assert player.take() == Played(ramp(TICK + 40)[TICK:] + SILENCE[40:], completed=40)
    assert player.take() == Played(SILENCE)


def test_a_run_that_ends_with_its_tick_goes_on_if_more_comes_before_the_next():
    player = Player(cushion=0)
    player.push(ramp(TICK))
    assert player.take().completed is None
    player.push(ramp(TICK))
    assert player.take() == Played(ramp(TICK))
    assert player.take() == Played(SILENCE, completed=0)


def test_a_short_run_begins_and_ends_in_one_tick():
    player = Player(cushion=0)
    player.push(ramp(3))
    assert player.take() == Played(ramp(3) + SILENCE[3:], started=True, completed=3)


def test_audio_waits_for_its_cushion_and_then_flows():
    player = Player()
    player.push(ramp(800))
    silent = 0
    while not (played := player.take()).started:
        silent += len(played.audio)
    assert silent == CUSHION
    assert played.audio == ramp(TICK)


def test_each_run_gets_its_own_cushion():
    player = Player()
    for _ in range(2):
        player.push(ramp(TICK))
        assert [player.take().started for _ in range(4)] == [False, False, True, False]
        player.take(8_000)


def test_a_flush_within_the_cushion_throws_away_what_was_never_heard():
    player = Player()
    player.push(ramp(800))
    player.take()
    assert player.flush() == 800
    assert player.heard == 0
    assert player.take() == Played(SILENCE)


def test_a_full_queue_refuses_the_newest():
    player = Player(cushion=0, limit=200)
    assert player.push(ramp(150))
    assert not player.push(ramp(51))
    assert player.push(ramp(50))
    assert player.refused == 51
    assert player.take(200).audio == ramp(150) + ramp(50)


@pytest.mark.parametrize("samples", [1, 159, 160, 161, 8000])
def test_silence_is_as_long_as_asked_for(samples):
    assert Player().take(samples).audio == b"\xff" * samples
