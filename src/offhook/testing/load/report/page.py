"""Puts the page together: verdict, figures, plots, what failed, the worst calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files

from ....records.report.markup import Child, Html, content, element, trusted
from ..histogram import Quantiles
from ..result import Point, Report
from ..tally import CallRow
from .plot import Series, plot

_WORST = 20
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render(report: Report) -> str:
    """The page as text."""
    head = element(
        "head",
        trusted('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        trusted(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        trusted('<meta name="color-scheme" content="light dark">'),
        element("title", f"{report.uri} · load"),
        element("style", trusted(_asset("load.css"))),
    )
    parts = (_heading(report), _notices(report), _figures(report), _limits(report), _plots(report),
             _latencies(report), _faults(report), _worst(report), _foot(report))  # fmt: skip
    return "<!doctype html>\n" + element("html", head, element("body", element("main", parts)), lang="en")


@cache
def _asset(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


def _heading(report: Report) -> Html:
    verdict = element("p", "Held" if report.ok else "Broken", class_="badge ok" if report.ok else "badge failed")
    talk = f", {report.talk}" if report.talk else ""
    facts = (
        f"{report.profile}{talk} · {report.calls.asked:,} calls at a time, {report.ramp:g} new a second, "
        f"{report.seconds:g} s all up · messages of {report.frame_ms} ms · {report.processes} "
        f"process{'es' if report.processes != 1 else ''} · {report.started}"
    )
    return element(
        "header",
        element("p", "Load on an AudioHook server", class_="kicker"),
        element("div", element("h1", report.uri), verdict, class_="title"),
        element("p", facts, class_="soft"),
    )


def _notices(report: Report) -> Html:
    said = []
    if report.generator.saturated:
        said.append(
            f"The generator was at its limit: {report.generator.why}. These figures say little about the server: use "
            "more processes, another machine, or fewer calls."
        )
    if report.interrupted:
        said.append("Interrupted: this is what there was by then.")
    if report.server is not None and report.server.gone:
        said.append("The server's process ended during the run.")
    return content(element("p", text, class_="notice") for text in said)


def _figures(report: Report) -> Html:
    calls, server = report.calls, report.server
    shown = [
        _figure("Sessions opened", f"{calls.opened:,}", f"{report.opens_per_second:g} a second"),
        _figure("Calls failed", f"{calls.failed:,}", f"of {calls.placed:,}"),
        _figure("opened, p99", _ms(report.opened.p99), f"p50 {_ms(report.opened.p50)}"),
        _figure("Ping, p99", _ms(report.ping.p99), f"p50 {_ms(report.ping.p50)}"),
    ]
    if report.echo.count:
        shown.append(_figure("Echo, p99", _ms(report.echo.p99), f"p50 {_ms(report.echo.p50)}"))
    if server is not None:
        cost = "" if server.us_per_frame is None else f"{server.us_per_frame:g} us a message"
        shown.append(_figure("Server", f"{server.cpu:.2f} cores", cost))
        growth = "" if server.kib_per_call is None else f"{server.kib_per_call:g} KiB a call"
        shown.append(_figure("Its memory", f"{server.memory / 1048576:.0f} MiB", growth))
    return element("dl", shown, class_="figures")


def _figure(name: str, value: str, note: str) -> Html:
    return element("div", element("dt", name), element("dd", value, element("small", note)))


def _limits(report: Report) -> Html:
    rows = [
        (limit.name, "-" if limit.value is None else f"{limit.value:g}", f"{limit.most:g}",
         element("b", "kept" if limit.ok else "broken", class_="ok" if limit.ok else "failed"))
        for limit in report.limits
    ]  # fmt: skip
    return content(element("h2", "Thresholds"), _table(("", "Measured", "At most", ""), rows))


# Plots.

Pick = Callable[[Point], "float | None"]


def _over(points: Sequence[Point], x: Callable[[Point], float], y: Pick) -> list[tuple[float, float]]:
    return [(x(point), value) for point in points if (value := y(point)) is not None]


def _plots(report: Report) -> Html:
    latencies: list[tuple[str, str, Pick]] = [
        ("opened p99", "opened", lambda point: point.opened_p99),
        ("ping p50", "ping faint", lambda point: point.ping_p50),
        ("ping p99", "ping", lambda point: point.ping_p99),
        ("echo p50", "echo faint", lambda point: point.echo_p50),
        ("echo p99", "echo", lambda point: point.echo_p99),
        ("lag of the generator p99", "lag", lambda point: point.lag_p99),
    ]
    line = report.timeline
    top = next((at for at, point in enumerate(line) if point.at >= report.steady[0]), len(line))
    climb = sorted(line[: top + 1], key=lambda point: point.up)

    def at(point: Point) -> float:
        return point.at

    shares: list[tuple[str, str, Pick]] = [
        ("server", "echo", lambda point: point.server_cpu),
        ("busiest process of the generator", "lag", lambda point: point.own_cpu),
    ]
    rows = [row for row in report.rows if row.opened_ms is not None]
    good, bad = ([(float(row.number), row.opened_ms or 0.0) for row in rows if (row.outcome == "failed") is failed]
                 for failed in (False, True))  # fmt: skip
    over_calls = [Series(name, tone, _over(climb, lambda point: point.up, pick)) for name, tone, pick in latencies]
    return content(
        plot("Latency over calls", "calls up", "ms", over_calls, log=True, note="While calls were being placed."),
        plot("Latency over time", "seconds", "ms",
             [Series(name, tone, _over(line, at, pick)) for name, tone, pick in latencies], log=True),
        plot("Calls up", "seconds", "calls", [Series("calls up", "opened", _over(line, at, lambda point: point.up))]),
        plot("Processor", "seconds", "cores",
             [Series(name, tone, _over(line, at, pick)) for name, tone, pick in shares]),
        plot("Every call", "number of the call", "ms to opened",
             [Series("went well", "echo", good, dots=True), Series("failed", "failed", bad, dots=True)], log=True),
    )  # fmt: skip


# Tables.


def _latencies(report: Report) -> Html:
    kinds: dict[str, Quantiles] = {
        "Upgrade: TCP, TLS, HTTP": report.upgrade, "From open to opened": report.opened, "Ping": report.ping,
        "Echo of a message": report.echo, "Jitter of what comes": report.jitter, "Gaps heard": report.gaps,
        "Lag of the generator": report.generator.lag,
    }  # fmt: skip
    rows = [
        (name, *(_ms(value) for value in (one.p50, one.p90, one.p99, one.max)), f"{one.count:,}")
        for name, one in kinds.items()
        if one.count
    ]
    audio = report.audio
    counts = [("sent", audio.sent), ("received", audio.received), ("late", audio.late)]
    said = ", ".join(f"{count:,} {name}" for name, count in counts)
    if report.talk == "echo":
        said += (
            f"; {audio.missing_seconds:g} s never came back, {audio.repeated_seconds:g} s came twice, "
            f"{audio.foreign_seconds:g} s were of another sound"
        )
    steady = f"Seconds {report.steady[0]} to {report.steady[1]} of the run, opened and upgrade all of it."
    return content(
        element("h2", "Latency and audio"),
        _table(("", "p50", "p90", "p99", "max", "count"), rows),
        element("p", f"Messages of audio: {said}. {steady}", class_="soft"),
    )


def _faults(report: Report) -> Html:
    kinds = {"Why calls failed": report.failures, "Rules broken": report.violations, "Let pass": report.tolerated}
    return content(
        content(element("h2", name), _table(("Times", ""), [(f"{count:,}", text) for text, count in counts.items()]))
        for name, counts in kinds.items()
        if counts
    )


def _worst(report: Report) -> Html:
    def badness(row: CallRow) -> tuple[bool, float]:
        slow = max(row.opened_ms or 0.0, row.ping.max if row.ping else 0.0, row.echo.max if row.echo else 0.0)
        return row.outcome == "failed", slow

    rows = [
        (f"{row.number}", element("code", row.session), f"{row.at:.1f}", row.outcome, row.reason, _ms(row.opened_ms),
         _ms(row.ping.max if row.ping else None), _ms(row.echo.max if row.echo else None), f"{row.gaps}")
        for row in sorted(report.rows, key=badness, reverse=True)[:_WORST]
    ]  # fmt: skip
    names = ("Call", "Session", "At, s", "Ended", "Reason", "opened", "Ping max", "Echo max", "Gaps")
    return content(element("h2", "The worst calls"), _table(names, rows)) if rows else content()


def _table(names: Sequence[str], rows: Sequence[Sequence[Child]]) -> Html:
    head = element("thead", element("tr", [element("th", name) for name in names]))
    body = element("tbody", [element("tr", [element("td", cell) for cell in row]) for row in rows])
    return element("div", element("table", head, body), class_="wide")


def _ms(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 10 else f"{value:.2f} ms"


def _foot(report: Report) -> Html:
    left = f" {report.left_out:,} calls are not shown one by one." if report.left_out else ""
    return element("footer", f"Made by offhook {report.version}. This page holds all it shows.{left}")
