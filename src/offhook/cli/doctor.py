"""`offhook doctor`: what is there and what is missing on this machine, and how to repair it."""

from __future__ import annotations

import sys
from typing import Final

import click
import msgspec

from .checks import Check, State, all_checks

_COLOURS: Final[dict[State, str]] = {"ok": "green", "missing": "yellow", "bad": "red", "note": "yellow"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def doctor(as_json: bool) -> int:
    """Say what Offhook finds on this machine, tried for real, and the command that repairs what is missing.

    Exits with 0 if the base works. Extras that are missing are shown, and are fine.
    """
    if as_json:
        found = list(all_checks())
    elif sys.stdout.isatty():
        found = _as_table()
    else:
        found = _as_lines()
    broken = [check.name for check in found if check.broken]
    if as_json:
        click.echo(msgspec.json.encode({"ok": not broken, "checks": found}))
    else:
        verdict = f"does not work here: {', '.join(broken)}" if broken else "works here"
        click.secho(f"offhook {verdict}", fg="red" if broken else "green", bold=True)
    return 1 if broken else 0


def _as_lines() -> list[Check]:
    found = []
    for check in all_checks():
        found.append(check)
        repair = f"  [repair: {check.repair}]" if check.repair else ""
        click.echo(f"{check.state:<8} {check.group:<8} {check.name:<24} {_detail(check)}{repair}")
    return found


def _as_table() -> list[Check]:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table(box=None, pad_edge=False)
    for heading in ("", "what", "found", "repair"):
        table.add_column(heading, overflow="fold")
    with console.status("Trying everything out"):
        found = list(all_checks())
    group = ""
    for check in found:
        if check.group != group:
            group = check.group
            table.add_row("", Text(group, "bold"))
        state = Text(check.state, _COLOURS[check.state])
        table.add_row(state, Text(check.name), Text(_detail(check)), Text(check.repair, "bold"))
    console.print(table)
    return found


def _detail(check: Check) -> str:
    return check.detail + (f", took {check.seconds:.2f} s" if check.seconds is not None else "")
