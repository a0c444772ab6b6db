"""The race between engines: who is asked, who is left behind, and who is told."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from offhook.errors import EngineBusy, EngineError, EngineMissing, UsageError
from offhook.speech.breaker import Breaker
from offhook.speech.relay import EngineState, Member, Relay


class Engine:
    """Does what a test says, and counts."""

    waits = True

    def __init__(self, does: Callable[[], str]) -> None:
        self.does = does
        self.asked = 0

    def work(self) -> str:
        self.asked += 1
        return self.does()


def fails(error: Exception) -> Callable[[], str]:
    def does() -> str:
        raise error

    return does


def make(*engines: Engine, **settings: float) -> tuple[Relay[Engine], list[EngineState]]:
    members = [Member(f"e{n}", lambda engine=engine: engine, Breaker(1, 60)) for n, engine in enumerate(engines, 1)]  # type: ignore[misc]
    relay = Relay(members, **settings)
    states: list[EngineState] = []
    relay.watch(states.append)
    return relay, states


def ask(relay: Relay[Engine]) -> str:
    return relay.race(relay.order(lambda _: True), Engine.work)[1]


def test_the_first_one_that_works_is_asked_and_no_other() -> None:
    first, second = Engine(lambda: "one"), Engine(lambda: "two")
    relay, states = make(first, second)
    assert ask(relay) == "one"
    assert (second.asked, states) == (0, [])


def test_one_that_fails_is_left_alone_and_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    first, second = Engine(fails(EngineError("no power"))), Engine(lambda: "two")
    relay, states = make(first, second)
    with caplog.at_level(logging.INFO, "offhook.speech"):
        assert [ask(relay), ask(relay)] == ["two", "two"]
    assert first.asked == 1
    assert states == [EngineState("e1", False, "no power")]
    assert [record.message for record in caplog.records] == ["speech engine e1 is left alone for a while: no power"]


def test_it_goes_back_to_the_first_when_that_has_recovered() -> None:
    time = [0.0]
    first, second = Engine(fails(EngineError("no power"))), Engine(lambda: "two")
    members = [
        Member("e1", lambda: first, Breaker(1, 60, lambda: time[0])),
        Member("e2", lambda: second, Breaker(1, 60)),
    ]
    relay = Relay(members)
    states: list[EngineState] = []
    relay.watch(states.append)
    assert ask(relay) == "two"
    first.does = lambda: "one"
    assert ask(relay) == "two"
    time[0] = 60.0
    assert [ask(relay), ask(relay)] == ["one", "one"]
    assert states[-1] == EngineState("e1", True)


def test_words_of_foreign_errors_are_not_told() -> None:
    relay, states = make(Engine(fails(ValueError("he said 4711"))), Engine(fails(EngineError("b"))))
    with pytest.raises(EngineError, match=r"e1: ValueError; e2: b$"):
        ask(relay)
    assert "4711" not in repr(states)


def test_one_that_hangs_is_given_up_and_its_late_result_dropped() -> None:
    release = threading.Event()

    def hang() -> str:
        release.wait(20)
        return "late"

    relay, states = make(Engine(hang), Engine(lambda: "two"), timeout=0.1)
    assert ask(relay) == "two"
    assert states == [EngineState("e1", False, "no result within 0.1 s")]
    release.set()


def test_hedging_takes_what_comes_first_and_blames_nobody_for_being_slow() -> None:
    release = threading.Event()

    def slow() -> str:
        release.wait(20)
        return "one"

    first, second = Engine(slow), Engine(lambda: "two")
    relay, states = make(first, second, timeout=15, after=0.05)
    assert ask(relay) == "two"
    second.does = lambda: (release.set(), threading.Event().wait(20), "never")[2]  # type: ignore[func-returns-value]
    assert ask(relay) == "one"
    assert states == []


def test_rate_limits_make_it_rest_as_long_as_they_say() -> None:
    first, second = Engine(fails(EngineBusy("too many", 30.0))), Engine(lambda: "two")
    members = [Member("e1", lambda: first, Breaker(9, 1)), Member("e2", lambda: second, Breaker())]
    relay = Relay(members)
    assert [ask(relay), ask(relay)] == ["two", "two"]
    assert first.asked == 1


def test_when_all_rest_they_are_tried_all_the_same() -> None:
    first, second = Engine(fails(EngineError("a"))), Engine(fails(EngineError("b")))
    relay, _ = make(first, second)
    for _ in range(2):
        with pytest.raises(EngineError):
            ask(relay)
    assert (first.asked, second.asked) == (2, 2)


def test_what_cannot_be_loaded_now_is_loaded_later() -> None:
    loaded: list[str] = []

    def load() -> Engine:
        loaded.append("tried")
        if len(loaded) == 1:
            raise EngineError("down")
        return Engine(lambda: "one")

    time = [0.0]
    relay: Relay[Engine] = Relay(
        [Member("e1", load, Breaker(1, 60, lambda: time[0])), Member("e2", lambda: Engine(lambda: "two"), Breaker())]
    )
    assert ask(relay) == "two"
    time[0] = 60
    assert ask(relay) == "one"


def test_what_is_missing_or_alone_is_refused() -> None:
    def missing() -> Engine:
        raise EngineMissing("x", "extra")

    def down() -> Engine:
        raise EngineError("down")

    good = Member("good", lambda: Engine(lambda: ""), Breaker())
    with pytest.raises(EngineMissing):
        Relay([Member("x", missing, Breaker()), good])
    with pytest.raises(UsageError, match="at least two"):
        Relay([good])
    with pytest.raises(EngineError, match="none of the engines can be loaded: a: down; b: down"):
        Relay([Member("a", down, Breaker()), Member("b", down, Breaker())])
