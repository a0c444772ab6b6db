"""What a run comes to: the steady part, thresholds, the generator's own limit, the server's cost."""

from __future__ import annotations

import msgspec
import pytest

from offhook.testing.load.plan import Plan
from offhook.testing.load.processes import KEPT, Seen
from offhook.testing.load.result import Report, summarise
from offhook.testing.load.server import Cost
from offhook.testing.load.tally import CallRow, Tally
from offhook.testing.load.worker import Second


def row(number: int, outcome: str = "hangup", at: float = 0.0) -> CallRow:
    return CallRow(number, "s", outcome, "end", at, 5.0, upgrade_ms=1.0, opened_ms=4.0)  # type: ignore[arg-type]


def seen(*, lag: float = 0.001, cpu: float = 0.4, ping: float = 0.002, failed: int = 0, costs: bool = False) -> Seen:
    """Four calls that come up in three seconds, stay for five, and go."""
    run = Seen(Plan(uri="ws://x/", secret="c2VjcmV0", calls=4, ramp=1.0, seconds=5.0, processes=2), began=1e9)
    for second in range(11):
        for process in range(2):
            tally = Tally(frames_out=50, frames_in=20, cpu=cpu / (1 + process))
            tally.placed = tally.opened = int(second < 4 and second % 2 == process)
            tally.closed = tally.over = int(second > 6 and second % 2 == process)
            (tally.lag.record(lag), tally.ping.record(ping if 3 < second < 8 else 9.0))
            if tally.opened:
                tally.opening.record(0.004)
            run.add(process, Second(second, tally, []))
    run.seconds[5].failed += failed
    run.calls = [row(number, at=float(number)) for number in range(4)]
    if costs:
        run.costs = {second: Cost(0.25 * second, 100_000 + 1024 * 40 * min(second, 4), 3) for second in range(12)}
    return run


def test_latencies_are_those_of_the_steady_part() -> None:
    report = summarise(seen())
    assert report.steady == (4, 8)
    assert report.ping.count == 8
    assert report.ping.p99 == pytest.approx(2.0, rel=0.02)
    assert report.audio.sent == 400
    assert report.opened.count == 4
    assert report.opens_per_second == 1.0
    assert report.ok


def test_a_run_that_never_was_steady_is_taken_whole() -> None:
    run = seen()
    for second in range(3, 11):
        del run.seconds[second]
    report = summarise(run)
    assert report.steady == (0, 3)
    assert report.ping.count == 6


@pytest.mark.parametrize(
    ("most", "failed", "ok"),
    [("0", 0, True), ("0", 1, False), ("2", 2, True), ("50%", 2, True), ("49.9%", 2, False), ("0%", 0, True)],
)
def test_failed_calls(most: str, failed: int, ok: bool) -> None:
    report = summarise(seen(failed=failed), max_failed=most)
    assert report.ok is ok
    assert report.limits[0].ok is ok


@pytest.mark.parametrize(("most", "ok"), [(100.0, True), (3.9, False), (1.0, False)])
def test_latency(most: float, ok: bool) -> None:
    report = summarise(seen(), max_p99_ms=most)
    assert report.ok is ok
    assert [limit.name for limit in report.limits] == ["failed calls", "opened p99, ms", "ping p99, ms"]


def test_nothing_opened_is_not_good() -> None:
    run = Seen(Plan(uri="ws://x/", calls=1))
    run.seconds[0] = Tally(placed=1)
    assert not summarise(run, max_failed="5").ok
    assert not summarise(run, max_failed="5", max_p99_ms=1.0).limits[1].ok


@pytest.mark.parametrize(("lag", "cpu", "words"), [(0.05, 0.4, "ms late"), (0.001, 0.99, "99 % of a core")])
def test_a_generator_at_its_limit_is_said(lag: float, cpu: float, words: str) -> None:
    own = summarise(seen(lag=lag, cpu=cpu)).generator
    assert own.saturated
    assert words in own.why
    assert not summarise(seen()).generator.saturated


def test_each_process_has_its_share() -> None:
    assert summarise(seen(cpu=0.4)).generator.cpu == pytest.approx([0.4, 0.2])


def test_the_servers_cost() -> None:
    server = summarise(seen(costs=True)).server
    assert server is not None
    assert server.cpu == 0.25
    assert server.us_per_frame == pytest.approx(1e6 * 1.0 / 400)
    assert server.kib_per_call == pytest.approx(40 * 4 / 3, rel=0.4)
    assert not server.gone
    assert summarise(seen()).server is None


def test_it_is_json_without_the_secret() -> None:
    report = summarise(seen(costs=True), max_p99_ms=5.0)
    text = msgspec.json.encode(report)
    assert msgspec.json.decode(text, type=Report) == report
    assert b"c2VjcmV0" not in text
    assert report.brief().rows == []
    assert len(report.rows) == 4


def test_a_long_run_has_a_timeline_of_bounded_length() -> None:
    run = Seen(Plan(uri="ws://x/", calls=1))
    for second in range(5000):
        run.add(0, Second(second, Tally(frames_out=1), []))
    timeline = summarise(run).timeline
    assert len(timeline) <= 600
    assert sum(point.frames_out for point in timeline) == 5000


def test_rows_have_a_bound_and_failed_ones_room() -> None:
    run = Seen(Plan(uri="ws://x/", calls=1))
    run.add(0, Second(0, Tally(), [row(1)] * (KEPT + 10)))
    run.add(0, Second(1, Tally(), [row(1, "failed")]))
    assert len(run.calls) == KEPT + 1
    assert run.left_out == 10
