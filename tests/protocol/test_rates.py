from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.protocol.rates import Bucket, Patience, Verdict


def taken(bucket: Bucket, at: float) -> int:
    count = 0
    while bucket.wait(at) == 0.0:
        bucket.take(at)
        count += 1
    return count


def test_a_burst_and_then_the_rate() -> None:
    bucket = Bucket(4.0, 20.0)
    assert taken(bucket, 0.0) == 20
    assert bucket.wait(0.0) == pytest.approx(0.25)
    assert taken(bucket, 1.0) == 4
    assert taken(bucket, 1000.0) == 20


def test_credit_is_paid_back() -> None:
    bucket = Bucket(4.0, 20.0)
    for _ in range(22):
        bucket.take(0.0)
    assert bucket.wait(0.0, overdraft=2.0) > 0.0
    assert bucket.wait(0.0) == pytest.approx(0.75)
    assert bucket.wait(0.25, overdraft=2.0) == 0.0


def test_time_that_goes_back_gives_nothing() -> None:
    bucket = Bucket(4.0, 20.0)
    taken(bucket, 100.0)
    for _ in range(100):
        assert bucket.wait(100.0) > 0.0
        assert bucket.wait(99.0) > 0.0


def test_after_a_complaint_it_is_empty_and_slower() -> None:
    bucket = Bucket(4.0, 20.0)
    bucket.drain(0.0, 0.5, 1.0)
    assert (bucket.wait(0.0), bucket.rate) == (pytest.approx(0.5), 2.0)
    for _ in range(5):
        bucket.drain(0.0, 0.5, 1.0)
    assert bucket.rate == 1.0


@given(st.floats(0, 2e9), st.floats(0.5, 10), st.integers(1, 30))
def test_waiting_as_long_as_told_is_always_enough(start: float, rate: float, burst: int) -> None:
    """Or a timer would fire at its time, find nothing due, and fire again."""
    bucket, now = Bucket(rate, float(burst)), start
    for _ in range(100):
        wait = bucket.wait(now)
        if wait:
            assert now + wait > now
            now += wait
            assert bucket.wait(now) == 0.0
        bucket.take(now)


def test_the_platform_warns_once_excuses_for_a_while_and_then_has_enough() -> None:
    patience = Patience()
    assert [patience.judge(0.0, "text") for _ in range(25)] == [Verdict.FINE] * 25
    assert patience.judge(0.0, "text") is Verdict.WARN
    assert patience.retry_after == 3.0
    assert patience.judge(0.0, "text") is Verdict.EXCUSED
    assert [patience.judge(3.5, "text") for _ in range(18)] == [Verdict.FINE] * 17 + [Verdict.ENOUGH]


def test_kinds_are_counted_apart() -> None:
    patience = Patience()
    for _ in range(25):
        assert patience.judge(0.0, "text") is Verdict.FINE
        assert patience.judge(0.0, "audio") is Verdict.FINE


@pytest.mark.parametrize("kind", ["pause", "resume"])
def test_pauses_have_a_limit_of_their_own(kind: str) -> None:
    patience = Patience()
    assert [patience.judge(0.0, "text", kind) for _ in range(4)] == [Verdict.FINE] * 4
    assert patience.judge(0.0, "text", kind) is Verdict.WARN
    assert patience.judge(0.0, "text") is Verdict.FINE
