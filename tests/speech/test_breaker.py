"""When an engine is left alone, and when it is tried again."""

from __future__ import annotations

import pytest

from offhook.errors import UsageError
from offhook.speech.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def test_it_rests_after_failures_in_a_row_only() -> None:
    breaker = Breaker(2, 10, Clock())
    assert not breaker.failed()
    assert not breaker.succeeded()
    assert not breaker.failed()
    assert breaker.allows()
    assert breaker.failed()
    assert not breaker.allows()


def test_after_its_rest_one_may_try_it() -> None:
    clock = Clock()
    breaker = Breaker(1, 10, clock)
    assert breaker.failed()
    clock.time = 10
    assert [breaker.allows(), breaker.allows()] == [True, False]
    breaker.undecided()
    assert breaker.allows()
    assert breaker.succeeded()
    assert [breaker.allows(), breaker.allows()] == [True, True]


def test_each_trial_that_fails_makes_the_rest_longer_up_to_a_limit() -> None:
    clock = Clock()
    breaker = Breaker(1, 10, clock)
    breaker.failed()
    rests = []
    for _ in range(6):
        began = clock.time
        while not breaker.allows():
            clock.time += 1
        rests.append(clock.time - began)
        assert not breaker.failed()
    assert rests == [10, 20, 40, 80, 80, 80]


def test_an_engine_that_says_how_long_is_believed() -> None:
    clock = Clock()
    breaker = Breaker(5, 10, clock)
    assert breaker.failed(3.0)
    clock.time = 2.9
    assert not breaker.allows()
    clock.time = 3.0
    assert breaker.allows()


def test_settings_that_make_no_sense_are_refused() -> None:
    for settings in ((0, 1.0), (1, 0.0)):
        with pytest.raises(UsageError):
            Breaker(*settings)
