"""How long sinks take."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

from offhook.bots.sinks import BUDGET, SinkTimes
from offhook.bots.stream import Stream
from offhook.protocol import MONO, Lane


class Clock:
    """Time that passes only inside sinks."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def slow(self, data: bytes, position: int) -> None:
        self.now += 2 * BUDGET

    def quick(self, data: bytes, position: int) -> None:
        self.now += BUDGET / 2


def line(*sinks) -> SimpleNamespace:
    made = Stream(Lane(), MONO, "little", None)
    made.begin(lambda error: None)
    for sink in sinks:
        made.add(sink)
    return SimpleNamespace(stream=made)


def frames(call: SimpleNamespace, count: int) -> None:
    for number in range(count):
        call.stream._lane.hand_on(bytes(1600), 1600 * number)


def test_a_sink_over_its_budget_is_named_once_and_not_per_frame(caplog):
    clock = Clock()
    calls = [line(clock.slow, clock.quick), line(clock.slow)]
    times = SinkTimes(calls, all=True, clock=clock)
    for call in calls:
        times.begin(call)
        frames(call, 10)
    (record,) = caplog.records
    assert "Clock.slow" in record.getMessage()
    assert "test_sinks.py, line" in record.getMessage()
    assert "takes 4.0 ms for a frame of audio" in record.getMessage()
    slow, quick = times.times()
    assert (slow.calls, slow.over, quick.calls, quick.over) == (20, 20, 10, 0)
    assert abs(slow.seconds - 40 * BUDGET) < 1e-9


def test_a_frame_or_two_may_be_the_machine_s_fault(caplog):
    clock = Clock()
    durations = iter([1.0, 1.0, 0.0] * 5)

    def sink(data: bytes, position: int) -> None:
        clock.now += next(durations)

    call = line(sink)
    SinkTimes([call], all=True, clock=clock).begin(call)
    frames(call, 15)
    assert caplog.records == []


def test_one_call_at_a_time_is_timed_if_not_all_are():
    clock = Clock()
    calls = [line(clock.quick), line(clock.quick)]
    times = SinkTimes(calls, clock=clock)
    for call in calls:
        times.begin(call)
        frames(call, 1)
    assert times.times() == []
    for _ in range(4):
        times.look()
        for call in calls:
            frames(call, 1)
    assert times.times()[0].calls == 4
    calls.clear()
    times.look()


def test_a_sink_is_one_and_the_same_in_all_calls_and_has_a_name():
    clock = Clock()
    times = SinkTimes([], all=True, clock=clock)
    times.timed(clock.quick)(b"", 0)
    times.timed(partial(Clock.quick, clock))(b"", 0)
    times.timed(type("Caller", (), {"__call__": lambda *_: None})())(b"", 0)
    assert [each.calls for each in times.times() if "Clock.quick" in each.sink] == [2]
    header, *rows = times.table().splitlines()
    assert header.split()[:2] == ["sink", "frames"]
    assert len(rows) == 2
