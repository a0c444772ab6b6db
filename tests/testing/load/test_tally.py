"""Tallies add up over seconds and processes, and stay small whatever a server sends."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from offhook.testing.load.histogram import Histogram
from offhook.testing.load.tally import OTHER, Spread, Tally, merged, note

counts = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 9))


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    tally = Tally(placed=draw(st.integers(0, 9)), frames_in=draw(st.integers(0, 9)), cpu=draw(st.integers(0, 4)))
    for seconds in draw(st.lists(st.floats(0, 1))):
        tally.ping.record(seconds)
    tally.failures = draw(counts)
    return tally


@given(st.lists(tallies(), max_size=5), st.lists(tallies(), max_size=5))
def test_merging_does_not_depend_on_the_order(first: list[Tally], second: list[Tally]) -> None:
    one, other = merged(first + second), merged([merged(second), merged(first)])
    assert one.ping.buckets == other.ping.buckets
    assert one.ping.count == sum(tally.ping.count for tally in first + second)
    assert (one.placed, one.frames_in, one.cpu, one.failures) == (
        other.placed,
        other.frames_in,
        other.cpu,
        other.failures,
    )


@given(tallies())
def test_it_travels(tally: Tally) -> None:
    assert msgspec.json.decode(msgspec.json.encode(tally), type=Tally).ping.quantiles() == tally.ping.quantiles()


def test_every_field_is_merged() -> None:
    full = Tally()
    for name in full.__struct_fields__:
        value = getattr(full, name)
        if isinstance(value, Histogram):
            value.record(0.5)
        elif isinstance(value, dict):
            value["x"] = 1
        else:
            setattr(full, name, 1)
    twice = merged([full, full])
    for name in full.__struct_fields__:
        value = getattr(twice, name)
        assert (value.count if isinstance(value, Histogram) else value) in (2, {"x": 2})


def test_texts_of_a_server_do_not_fill_a_report() -> None:
    found: dict[str, int] = {}
    for number in range(1000):
        note(found, f"reason {number}")
    assert len(found) == 51
    assert found[OTHER] == 950


def test_spreads() -> None:
    spread = Spread()
    assert spread.rounded() is None
    for seconds in (0.001, 0.003):
        spread.record(seconds)
    assert spread.rounded() == Spread(2, 2.0, 3.0)
