"""Histograms: quantiles are right to a hundredth, merging loses nothing, memory has a bound."""

from __future__ import annotations

import math

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from offhook.testing.load.histogram import Histogram, Quantiles, merged

durations = st.floats(0.0, 50_000.0, allow_nan=False)


def counted(values: list[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    return histogram


@given(st.lists(durations, min_size=1), st.floats(0.0, 1.0))
def test_quantiles_are_right_to_a_hundredth(values: list[float], share: float) -> None:
    exact = sorted(values)[max(1, math.ceil(share * len(values))) - 1]
    found = counted(values).quantile(share)
    assert found is not None
    assert abs(found - exact) <= 0.01 * exact + 1e-6


@given(st.lists(durations), st.lists(durations))
def test_merging_is_counting_all(first: list[float], second: list[float]) -> None:
    whole, together = merged((counted(first), counted(second))), counted(first + second)
    assert whole.buckets == together.buckets
    assert whole.max == together.max
    assert math.isclose(whole.total, together.total)


@given(st.lists(durations))
def test_it_travels(values: list[float]) -> None:
    histogram = counted(values)
    assert msgspec.json.decode(msgspec.json.encode(histogram), type=Histogram).quantiles() == histogram.quantiles()


@given(st.integers(0, 2**40))
def test_every_duration_has_one_of_few_buckets(microseconds: int) -> None:
    (bucket,) = counted([microseconds / 1e6]).buckets
    assert 0 <= bucket <= 2000


@given(st.lists(durations, min_size=2))
def test_quantiles_do_not_fall(values: list[float]) -> None:
    histogram = counted(values)
    found = [histogram.ms(step / 20) or 0.0 for step in range(21)]
    assert found == sorted(found)


def test_nothing_has_no_quantiles() -> None:
    assert Histogram().quantiles() == Quantiles(0)
    assert Histogram().quantile(0.5) is None


def test_below_zero_is_zero() -> None:
    assert counted([-1.0]).quantiles() == Quantiles(1, 0.0, 0.0, 0.0, 0.0, 0.0)
