"""Durations counted in buckets: fixed memory whatever is counted, merged without loss, quantiles to within 1 %.

Log-linear, as HDR histograms are: 64 steps in each power of two, in microseconds; exact below 128 us. A bucket is at
most 1/64 of its value wide and stands for its middle.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import msgspec

_BITS: Final = 6
#: Microseconds below which each has a bucket of its own.
_LINEAR: Final = 2 << _BITS
#: Microseconds from which on durations are no longer told apart: 19 hours; and their bucket.
_MAX: Final = 1 << 36
_LAST: Final = (36 - _BITS) * (1 << _BITS) + (1 << _BITS)


class Quantiles(msgspec.Struct, frozen=True):
    """A distribution in five numbers, milliseconds; all but `count` are None where nothing was measured."""

    count: int
    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    max: float | None = None


class Histogram(msgspec.Struct):
    """Counts durations. Only buckets that were hit are kept: at most 2,000 of them.

    Attributes:
        buckets: Count by bucket.
        total: Sum of all, in seconds.
        max: The longest, in seconds, exact.
    """

    buckets: dict[int, int] = msgspec.field(default_factory=lambda: defaultdict(int))
    total: float = 0.0
    max: float = 0.0

    def record(self, seconds: float) -> None:
        """Count one; what is below zero counts as zero."""
        value = int(seconds * 1e6)
        if value >= _LINEAR:
            shift = value.bit_length() - _BITS - 1
            value = (shift << _BITS) + (value >> shift) if value < _MAX else _LAST
        elif value < 0:
            seconds, value = 0.0, 0
        self.buckets[value] += 1
        self.total += seconds
        if seconds > self.max:
            self.max = seconds

    @property
    def count(self) -> int:
        """Of all."""
        return sum(self.buckets.values())

    def merge(self, other: Histogram) -> None:
        """Add what another one has counted."""
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count
        self.total += other.total
        self.max = max(self.max, other.max)

    def quantile(self, share: float) -> float | None:
        """Seconds that this share of all durations, 0 to 1, does not exceed; None if there are none."""
        count = self.count
        if not count:
            return None
        rank = min(count, max(1, math.ceil(share * count)))
        if rank == count:
            return self.max
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= rank:
                return min(_middle(bucket), self.max)
        raise AssertionError("the count of a histogram is the sum of its buckets")

    def ms(self, share: float) -> float | None:
        """`quantile` in milliseconds, rounded to a microsecond."""
        value = self.quantile(share)
        return None if value is None else round(1000 * value, 3)

    def quantiles(self) -> Quantiles:
        """What a report shows."""
        count = self.count
        if not count:
            return Quantiles(0)
        mean = round(1000 * self.total / count, 3)
        return Quantiles(count, mean, self.ms(0.5), self.ms(0.9), self.ms(0.99), self.ms(1.0))


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """A new one with what all of these have counted."""
    whole = Histogram()
    for histogram in histograms:
        whole.merge(histogram)
    return whole


def _middle(bucket: int) -> float:
    """Seconds."""
    shift = max(0, (bucket >> _BITS) - 1)
    low = (bucket - (shift << _BITS)) << shift
    return (low + (1 << shift) / 2 if shift else low) / 1e6
