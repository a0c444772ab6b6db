"""What a caller would hear, by arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.testing.load.playout import CUSHION, Playout


def test_in_time_there_is_no_gap() -> None:
    playout = Playout()
    for number in range(50):
        assert playout.hear(0.2, 10 + 0.2 * number + 0.019 * (number % 2)) == 0.0
    assert playout.gaps == 0
    assert playout.jitter == pytest.approx(0.019)


def test_too_late_leaves_a_gap() -> None:
    playout = Playout()
    playout.hear(0.2, 0.0)
    assert playout.hear(0.2, 0.32) == pytest.approx(0.1)
    assert playout.gaps == 1
    assert playout.longest == pytest.approx(0.1)


def test_a_pause_is_no_gap_but_in_an_echo() -> None:
    speaker, echo = Playout(), Playout(steady=True)
    for playout in (speaker, echo):
        playout.hear(0.2, 0.0)
        playout.hear(0.2, 3.0)
    assert (speaker.gaps, echo.gaps) == (0, 1)


def test_the_end_is_told_once() -> None:
    playout = Playout()
    playout.hear(1.0, 5.0)
    playout.playing = True
    assert not playout.ends(6.0)
    assert playout.ends(6.0 + CUSHION)
    assert not playout.ends(7.0)


def test_a_barge_in_ends_it_at_once() -> None:
    playout = Playout()
    playout.hear(10.0, 0.0)
    playout.playing = True
    playout.flush(1.0)
    assert playout.ends(1.0)
    assert playout.hear(0.2, 1.1) == 0.0


@given(st.lists(st.tuples(st.floats(0.001, 1.0), st.floats(0.0, 1.0)), min_size=1))
def test_heard_and_silent_make_up_the_time(arrivals: list[tuple[float, float]]) -> None:
    playout, now, sound, silence = Playout(steady=True), 0.0, 0.0, 0.0
    for length, wait in arrivals:
        now += wait
        gap = playout.hear(length, now)
        silence += gap + (CUSHION if gap or not sound else 0.0)
        sound += length
    playout.playing = True
    end = arrivals[0][1] + sound + silence
    assert not playout.ends(end - 1e-6)
    assert playout.ends(end + 1e-6)
