"""What a run comes to: figures, limits and a verdict, as one value that is printed, drawn and written as JSON."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

import msgspec

from ... import __version__
from ...audio.ulaw import RATE
from .histogram import Quantiles
from .processes import Seen
from .server import Cost
from .tally import CallRow, Tally, merged

#: Points of a timeline: above, seconds are taken together.
_POINTS: Final = 600
#: The generator is at its limit if its messages are this late, in ms, or a process of it this busy.
_LAG_MS, _BUSY = 10.0, 0.95


class Limit(msgspec.Struct, frozen=True):
    """A threshold: what it is about, the most that is allowed, what was measured (None: nothing), and the verdict."""

    name: str
    most: float
    value: float | None
    ok: bool


class Counts(msgspec.Struct, frozen=True):
    """Calls: how many were to be up at a time, were begun, opened, ended by the server in good order, failed."""

    asked: int
    placed: int
    opened: int
    completed: int
    failed: int


class Audio(msgspec.Struct, frozen=True):
    """Audio messages, in the steady part of the run but for `missing`, which is the whole run's.

    Attributes:
        sent: Messages.
        received: Messages.
        received_seconds: Of audio.
        late: Times that the caller heard silence because audio came too late.
        missing_seconds: Sent and never back; echo only.
        repeated_seconds: Came back again; echo only.
        foreign_seconds: Came and was not this call's; echo only.
        dropped_seconds: Not sent because the server read too slowly.
    """

    sent: int
    received: int
    received_seconds: float
    late: int
    missing_seconds: float
    repeated_seconds: float
    foreign_seconds: float
    dropped_seconds: float


class Own(msgspec.Struct, frozen=True):
    """How well the generator itself did.

    Attributes:
        lag: By which its messages left late.
        late: How many of them by more than 20 ms.
        cpu: Share of a core that each process took, in the steady part.
        saturated: Whether it was at its limit.
        why: In which respect.
    """

    lag: Quantiles
    late: int
    cpu: list[float]
    saturated: bool
    why: str


class Server(msgspec.Struct, frozen=True):
    """What the server cost, with its children, in the steady part of the run.

    Attributes:
        cpu: Cores.
        us_per_frame: Microseconds of processor for each audio message that was sent to it, answers included.
        memory_before: Bytes before the first call.
        memory: Bytes at the end of the steady part.
        kib_per_call: Growth for each call that was up.
        processes: How many it has.
        gone: Whether it ended during the run.
    """

    cpu: float
    us_per_frame: float | None
    memory_before: int
    memory: int
    kib_per_call: float | None
    processes: int
    gone: bool


class Point(msgspec.Struct, frozen=True, omit_defaults=True):
    """A second of the run, or several where it was long. Latencies in ms; shares of a core."""

    at: int
    up: int
    placed: int = 0
    failed: int = 0
    frames_out: int = 0
    frames_in: int = 0
    opened_p50: float | None = None
    opened_p99: float | None = None
    ping_p50: float | None = None
    ping_p99: float | None = None
    echo_p50: float | None = None
    echo_p99: float | None = None
    lag_p99: float | None = None
    own_cpu: float | None = None
    server_cpu: float | None = None
    server_memory: int | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A run.

    Attributes:
        steady: Seconds of the run, from and to, in which all calls were up: what latencies and audio are taken from;
            the whole run where there were none.
        opens_per_second: Sessions opened a second while calls were placed.
        failures: Calls by reason.
        violations: How often the server broke each rule.
        timeline: Second by second.
        rows: Call by call; empty unless asked for.
        left_out: Calls beyond the number that is kept one by one.
    """

    ok: bool
    version: str
    started: str
    uri: str
    profile: str
    talk: str
    frame_ms: int
    ramp: float
    seconds: float
    processes: int
    interrupted: bool
    steady: tuple[int, int]
    calls: Counts
    opens_per_second: float
    upgrade: Quantiles
    opened: Quantiles
    ping: Quantiles
    echo: Quantiles
    jitter: Quantiles
    gaps: Quantiles
    audio: Audio
    failures: dict[str, int]
    violations: dict[str, int]
    tolerated: dict[str, int]
    generator: Own
    server: Server | None
    limits: list[Limit]
    timeline: list[Point]
    rows: list[CallRow] = []
    left_out: int = 0

    def brief(self) -> Report:
        """Without a row for each call."""
        return msgspec.structs.replace(self, rows=[])


def summarise(seen: Seen, *, max_p99_ms: float | None = None, max_failed: str = "0") -> Report:
    """Draw up the report.

    Args:
        seen: The run.
        max_p99_ms: The most that `opened`, pings and echo may take, each in its p99.
        max_failed: The most calls that may fail: a number, or a share of those placed such as `1%`.
    """
    plan, whole = seen.plan, merged(seen.seconds.values())
    first, last = _steady(seen)
    steady = merged(tally for second, tally in seen.seconds.items() if first <= second < last)
    limits = _limits(whole, steady, max_p99_ms, max_failed)
    return Report(
        ok=all(limit.ok for limit in limits) and whole.opened > 0,
        version=__version__,
        started=datetime.fromtimestamp(seen.began, UTC).isoformat(timespec="seconds"),
        uri=plan.uri,
        profile=plan.profile,
        talk=plan.talk if plan.product.speaks else "",
        frame_ms=plan.frame_ms,
        ramp=plan.ramp,
        seconds=plan.seconds,
        processes=plan.processes,
        interrupted=seen.interrupted,
        steady=(first, last),
        calls=Counts(plan.calls, whole.placed, whole.opened, whole.completed, whole.failed),
        opens_per_second=_opens_per_second(seen),
        upgrade=whole.upgrade.quantiles(),
        opened=whole.opening.quantiles(),
        ping=steady.ping.quantiles(),
        echo=steady.echo.quantiles(),
        jitter=steady.jitter.quantiles(),
        gaps=steady.gap.quantiles(),
        audio=_audio(whole, steady),
        failures=_by_count(whole.failures),
        violations=_by_count(whole.violations),
        tolerated=_by_count(whole.tolerated),
        generator=_own(seen, steady, first, last),
        server=_server(seen, steady, first, last),
        limits=limits,
        timeline=_timeline(seen),
        rows=sorted(seen.calls, key=lambda row: (row.number, row.at)),
        left_out=seen.left_out,
    )


def _steady(seen: Seen) -> tuple[int, int]:
    """The seconds in which all calls were up, and none had begun to hang up."""
    plan, placed, end = seen.plan, 0, max(seen.seconds, default=-1) + 1
    for second in sorted(seen.seconds):
        placed += seen.seconds[second].placed
        if placed >= plan.calls:
            first, last = max(second + 1, math.ceil(plan.climb)), min(end, math.floor(plan.hold))
            if last > first:
                return first, last
            break
    return 0, end


def _limits(whole: Tally, steady: Tally, max_p99_ms: float | None, max_failed: str) -> list[Limit]:
    share = max_failed.endswith("%")
    most = float(max_failed.rstrip("%"))
    failed = 100 * whole.failed / whole.placed if share and whole.placed else float(whole.failed)
    limits = [Limit("failed calls, %" if share else "failed calls", most, round(failed, 3), failed <= most)]
    if max_p99_ms is not None:
        measured = {"opened p99, ms": whole.opening, "ping p99, ms": steady.ping, "echo p99, ms": steady.echo}
        for name, histogram in measured.items():
            value = histogram.ms(0.99)
            if value is not None or name.startswith("opened"):
                limits.append(Limit(name, max_p99_ms, value, value is not None and value <= max_p99_ms))
    return limits


def _opens_per_second(seen: Seen) -> float:
    """Between the first that opened and the one by which as many had as were to be up at a time."""
    times = sorted(row.at + (row.upgrade_ms or 0.0) / 1000 + row.opened_ms / 1000
                   for row in seen.calls if row.opened_ms is not None)[: seen.plan.calls]  # fmt: skip
    took = times[-1] - times[0] if times else 0.0
    return round((len(times) - 1) / took, 2) if took else float(len(times))


def _audio(whole: Tally, steady: Tally) -> Audio:
    def seconds(samples: int) -> float:
        return round(samples / RATE, 3)

    return Audio(
        sent=steady.frames_out,
        received=steady.frames_in,
        received_seconds=seconds(steady.samples_in),
        late=steady.gap.count,
        missing_seconds=seconds(whole.missing),
        repeated_seconds=seconds(whole.repeated),
        foreign_seconds=seconds(whole.foreign),
        dropped_seconds=seconds(whole.dropped),
    )


def _own(seen: Seen, steady: Tally, first: int, last: int) -> Own:
    lag = steady.lag.quantiles()
    shares = [
        round(
            sum(seen.cpu.get(second, {}).get(process, 0.0) for second in range(first, last)) / max(1, last - first), 3
        )
        for process in range(seen.plan.processes)
    ]
    why = []
    if lag.p99 is not None and lag.p99 > _LAG_MS:
        why.append(f"1 in 100 of its messages left {lag.p99:.0f} ms late or more")
    if max(shares) > _BUSY:
        why.append(f"a process of it took {100 * max(shares):.0f} % of a core")
    return Own(lag, steady.late_out, shares, bool(why), " and ".join(why))


def _server(seen: Seen, steady: Tally, first: int, last: int) -> Server | None:
    costs = seen.costs
    if not costs:
        return None
    begin, end = _cost_at(costs, first), _cost_at(costs, last)
    spent, frames = end.cpu - begin.cpu, steady.frames_out
    up = _up(seen, last)
    before = costs[min(costs)].memory
    return Server(
        cpu=round(spent / max(1, last - first), 3),
        us_per_frame=round(1e6 * spent / frames, 2) if frames else None,
        memory_before=before,
        memory=end.memory,
        kib_per_call=round((end.memory - before) / 1024 / up, 1) if up > 0 else None,
        processes=end.processes,
        gone=costs[max(costs)].processes == 0,
    )


def _cost_at(costs: dict[int, Cost], second: int) -> Cost:
    return costs[max((known for known in costs if known <= second), default=min(costs))]


def _up(seen: Seen, end: int) -> int:
    """Calls that were up when a second began."""
    return sum(tally.opened - tally.closed for second, tally in seen.seconds.items() if second < end)


def _timeline(seen: Seen) -> list[Point]:
    end = max(seen.seconds, default=-1) + 1
    width, up, points = max(1, math.ceil(end / _POINTS)), 0, []
    for at in range(0, end, width):
        span = range(at, min(at + width, end))
        tally = merged(seen.seconds[second] for second in span if second in seen.seconds)
        up += tally.opened - tally.closed
        points.append(_point(seen, tally, up, at, len(span)))
    return points


def _point(seen: Seen, tally: Tally, up: int, at: int, width: int) -> Point:
    own = [sum(seen.cpu.get(second, {}).get(process, 0.0) for second in range(at, at + width)) / width
           for process in range(seen.plan.processes)]  # fmt: skip
    known = seen.costs
    begin, end = (known.get(at), known.get(at + width)) if known else (None, None)
    return Point(
        at=at,
        up=up,
        placed=tally.placed,
        failed=tally.failed,
        frames_out=tally.frames_out,
        frames_in=tally.frames_in,
        opened_p50=tally.opening.ms(0.5),
        opened_p99=tally.opening.ms(0.99),
        ping_p50=tally.ping.ms(0.5),
        ping_p99=tally.ping.ms(0.99),
        echo_p50=tally.echo.ms(0.5),
        echo_p99=tally.echo.ms(0.99),
        lag_p99=tally.lag.ms(0.99),
        own_cpu=round(max(own), 3),
        server_cpu=round((end.cpu - begin.cpu) / width, 3) if begin and end else None,
        server_memory=end.memory if end else None,
    )


def _by_count(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
