"""What `offhook load` shows: a bar with live percentiles, and the result as tables."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..testing.load.histogram import Quantiles
from ..testing.load.plan import Plan
from ..testing.load.processes import Seen
from ..testing.load.result import Report
from ..testing.load.tally import merged

#: Seconds of a run that live percentiles are taken from: the latest.
_RECENT = 5


class LoadView:
    """A run as people see it.

    Args:
        plan: The run.
        quiet: Show nothing: somebody reads JSON.
    """

    def __init__(self, plan: Plan, *, quiet: bool = False) -> None:
        self._plan = plan
        console = Console(stderr=True, quiet=quiet, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=24), TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[figures]}"),
            console=console, transient=True, disable=quiet or not console.is_terminal,
        )  # fmt: skip
        self._bar = self._progress.add_task("starting", total=plan.climb + plan.hold, figures="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def second(self, seen: Seen) -> None:
        """Show what there is."""
        now = max(seen.seconds, default=-1) + 1
        whole = merged(tally for tally in seen.seconds.values())
        recent = merged(tally for second, tally in seen.seconds.items() if second >= now - _RECENT)
        up = whole.opened - whole.closed
        figures = [f"opened p99 {_ms(whole.opening.ms(0.99))}", f"ping p99 {_ms(recent.ping.ms(0.99))}"]
        if self._plan.echoes:
            figures.append(f"echo p99 {_ms(recent.echo.ms(0.99))}")
        if whole.failed:
            figures.append(f"[red]{whole.failed} failed[/red]")
        what = f"hanging up, {up} up" if seen.interrupted or now > self._plan.hold else f"{up} calls up"
        self._progress.update(self._bar, completed=now, description=what, figures=" · ".join(figures))

    def result(self, report: Report, console: Console | None = None) -> None:
        """Print the result."""
        console = console or Console(highlight=False)
        calls = report.calls
        console.print(
            f"{report.uri}: {calls.placed} calls placed, {calls.asked} at a time; {calls.opened} opened "
            f"({report.opens_per_second:g}/s), {calls.failed} failed"
            + (f", {calls.completed} ended by the server" if calls.completed else ""),
            markup=False, soft_wrap=True,
        )  # fmt: skip
        if report.interrupted:
            console.print("interrupted: this is what there was by then", style="yellow")
        console.print(_latencies(report))
        for line in _lines(report):
            console.print(line, markup=False, soft_wrap=True)
        for what, counts in (("failed", report.failures), ("violated", report.violations)):
            for text, count in counts.items():
                console.print(f"  {what} {count:>6}  {text}", style="red", markup=False, soft_wrap=True)
        if report.generator.saturated:
            console.print(
                f"THE GENERATOR WAS AT ITS LIMIT: {report.generator.why}. These figures say little about the server: "
                "use more --processes, another machine, or fewer --calls.",
                style="bold yellow", markup=False, soft_wrap=True,
            )  # fmt: skip
        for limit in report.limits:
            value = "nothing measured" if limit.value is None else f"{limit.value:g}"
            verdict = "kept" if limit.ok else "BROKEN"
            console.print(
                f"{verdict:<7} {limit.name}: {value}, at most {limit.most:g}", style="green" if limit.ok else "bold red"
            )


def _latencies(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("milliseconds")
    for name in ("p50", "p90", "p99", "max", "count"):
        table.add_column(name, justify="right")
    rows: dict[str, Quantiles] = {
        "upgrade": report.upgrade, "opened": report.opened, "ping": report.ping, "echo": report.echo,
        "jitter of what comes": report.jitter, "gaps heard": report.gaps, "lag of the generator": report.generator.lag,
    }  # fmt: skip
    for name, row in rows.items():
        if row.count:
            table.add_row(name, *(_ms(value) for value in (row.p50, row.p90, row.p99, row.max)), f"{row.count:,}")
    return table


def _lines(report: Report) -> list[str]:
    audio, own, server = report.audio, report.generator, report.server
    lines = [f"audio: {audio.sent:,} messages sent, {audio.received:,} received, {audio.late:,} late"]
    if report.talk == "echo":
        lines[0] += (
            f"; {audio.missing_seconds:g} s never came back, {audio.repeated_seconds:g} s twice, "
            f"{audio.foreign_seconds:g} s of another sound"
        )
    if audio.dropped_seconds:
        lines.append(f"the server read too slowly: {audio.dropped_seconds:g} s of audio were not sent")
    shares = ", ".join(f"{100 * share:.0f} %" for share in own.cpu)
    lines.append(f"generator: {shares} of a core; {own.late:,} messages more than 20 ms late")
    if server is not None:
        cost = f"{server.us_per_frame:g} us a message" if server.us_per_frame is not None else "no audio"
        growth = f", {server.kib_per_call:g} KiB a call" if server.kib_per_call is not None else ""
        lines.append(
            f"server: {server.cpu:.2f} cores, {cost}; {server.memory / 1048576:.1f} MiB{growth}; "
            f"{server.processes} process{'es' if server.processes != 1 else ''}"
            + ("; IT ENDED during the run" if server.gone else "")
        )
    return lines


def _ms(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
