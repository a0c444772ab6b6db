"""The axis: events with a position stand there, the others between their neighbours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.records.axis import Axis
from offhook.records.events import Note


def note(t: float, position: int | None = None) -> Note:
    return Note("", t=t, position=position)


def test_without_positions_the_clock_counts() -> None:
    axis = Axis([note(1.0), note(2.5)])
    assert axis.at(note(2.5)) == 2.5
    assert axis.of(-1.0) == 0.0


@pytest.mark.parametrize(("t", "place"), [(0.5, 0.0), (1.0, 0.0), (1.5, 1.0), (2.0, 2.0), (2.5, 17.0), (4.0, 33.0)])
def test_events_are_placed_between_their_neighbours(t: float, place: float) -> None:
    """A burst: two seconds of stream in one of clock; then a pause of thirty."""
    axis = Axis([note(1.0, 0), note(2.0, 16_000), note(3.0, 32 * 8000)])
    assert axis.at(note(t)) == pytest.approx(place)


def test_a_position_of_its_own_comes_first() -> None:
    assert Axis([note(1.0, 0), note(2.0, 8000)]).at(note(1.5, 24_000)) == 3.0


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 10**6)), min_size=1),
    st.lists(st.integers(-10, 200), min_size=2),
)
def test_later_is_never_further_left(known: list[tuple[int, int]], times: list[int]) -> None:
    axis = Axis([note(t, position) for t, position in known])
    places = [axis.of(t) for t in sorted(times)]
    assert places == sorted(places)
    assert places[0] >= 0
