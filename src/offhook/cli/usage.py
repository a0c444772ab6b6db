"""`offhook usage`: what integrations were used for, by month, and whether the traces say the same."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from ..errors import UsageError
from ..records.reconcile import Difference, reconcile, traces
from ..records.usage import Ledger, Line, Used, sums

_WIDE = frozenset({"conversation", "client_paused_seconds", "server_paused_seconds", "free_seconds"})
_LINE: Final = Line.__struct_fields__
_SESSION: Final = (
    "session", "conversation", "month", "tenant", "integration", "profile", "started", "connected_seconds",
    "charged_seconds", "state",
)  # fmt: skip
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@click.command()
@click.option("--month", metavar="YYYY-MM", help="One month (UTC). Default: this one; 'all' for all.")
@click.option("--database", default="offhook.db", show_default=True, metavar="FILE", help="Of the connector.")
@click.option("--integration", help="Of this integration alone.")
@click.option("--tenant", help="Of this tenant alone.")
@click.option("--free-server-pause", is_flag=True, help="Charge no pauses of the server.")
@click.option("--sessions", is_flag=True, help="One line for each session instead of sums.")
@click.option("--verify", is_flag=True, help="Measure every session again from its trace; exit with 1 if any differs.")
@click.option("--traces", "folder", default="calls", show_default=True, metavar="FOLDER", help="Where traces are kept.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def usage(
    month: str | None,
    database: str,
    integration: str | None,
    tenant: str | None,
    free_server_pause: bool,
    sessions: bool,
    verify: bool,
    folder: str,
    as_csv: bool,
    as_json: bool,
) -> int:
    """Show what was used: connected time without pauses of the client, in minutes rounded up once a month.

    Probes cost nothing; transcription costs nothing while an Audio Connector of the same call is connected.
    """
    if as_csv and as_json:
        raise UsageError("give one of --csv and --json")
    month = month or datetime.now(UTC).strftime("%Y-%m")
    if month != "all" and _MONTH.fullmatch(month) is None:
        raise UsageError(f"{month!r} is no month: write it like 2026-11, or all")
    if not Path(database).is_file():
        raise UsageError(f"there is no database {database}: name the connector's with --database")
    ledger = Ledger(database)
    rows = ledger.read(None if month == "all" else month)
    ledger.close()
    if verify:
        return _verify(rows, Path(folder), server_pauses=not free_server_pause, as_json=as_json)
    rows_shown = [row for row in rows if integration in (None, row.integration) and tenant in (None, row.tenant)]
    lines = [
        line
        for line in sums(rows, server_pauses=not free_server_pause)
        if integration in (None, line.integration) and tenant in (None, line.tenant)
    ]
    if sessions:
        _show([_session(row) for row in rows_shown], month, _SESSION, as_csv=as_csv, as_json=as_json)
    else:
        _show([msgspec.to_builtins(line) for line in lines], month, _LINE, as_csv=as_csv, as_json=as_json)
    return 0


def _session(row: Used) -> dict[str, object]:
    measured = row.measured
    return {
        "session": row.session,
        "conversation": row.conversation,
        "month": row.month,
        "tenant": row.tenant,
        "integration": row.integration,
        "profile": row.profile,
        "started": row.started,
        "connected_seconds": measured.connected / 8000,
        "charged_seconds": measured.charged() / 8000,
        "state": "ended" if row.ended else ("cut off" if row.cut(time.time()) else "connected"),
    }


def _show(lines: list[dict[str, object]], month: str, names: Sequence[str], *, as_csv: bool, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode({"month": month, "usage": lines}))
        return
    if as_csv:
        out = io.StringIO()
        writer = csv.DictWriter(out, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
        click.echo(out.getvalue(), nl=False)
        return
    if not lines:
        click.echo(f"no usage in {month}")
        return
    # Seconds of pauses and free time are for spreadsheets: what is read on a screen has to fit there.
    shown = [name for name in names if name not in _WIDE]
    rows = [[name.removesuffix("_seconds") for name in shown]]
    rows += [
        [f"{line[name]:.3f}" if isinstance(line[name], float) else str(line[name]) for name in shown] for line in lines
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _verify(rows: list[Used], folder: Path, *, server_pauses: bool, as_json: bool) -> int:
    if not folder.is_dir():
        raise UsageError(f"there are no traces in {folder}: name their folder with --traces")
    wanted = {row.session for row in rows}
    kept = [(path, each) for path, each in traces(folder) if each is None or each.header.session in wanted]
    agreed, differences = reconcile(rows, kept, server_pauses=server_pauses)
    good = not any(difference.decides for difference in differences)
    if as_json:
        click.echo(msgspec.json.encode({"ok": good, "agreed": agreed, "differences": differences}))
    else:
        for difference in differences:
            click.echo(_told(difference))
        click.secho(
            f"{agreed} of {len(rows)} sessions agree with their traces to the sample", fg="green" if good else "red"
        )
    return 0 if good else 1


def _told(difference: Difference) -> str:
    if difference.problem != "differs":
        return f"{difference.session}: {difference.problem}"
    return (
        f"{difference.session}: {difference.usage} samples charged, {difference.trace} by its trace "
        f"({((difference.usage or 0) - (difference.trace or 0)) / 8000:+.4f} s)"
    )
