"""`offhook load`: many calls at a time to any AudioHook server, and what they saw."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

import click
import msgspec
import uvloop

from ..errors import UsageError
from ..testing.load.plan import PROFILES, TALKS, Plan
from ..testing.load.processes import run
from ..testing.load.report import render
from ..testing.load.result import Report, summarise
from ..testing.load.sound import make_sound
from .loadview import LoadView

_RATE: Final = re.compile(r"(\d+(?:\.\d+)?)(?:/(s|m))?")
_FAILED: Final = re.compile(r"\d+(?:\.\d+)?%|\d+")
_WRITERS: Final = (".html", ".json")


@click.command()
@click.argument("uri")
@click.option("--calls", type=click.IntRange(1), default=10, show_default=True, help="Calls at a time.")
@click.option("--ramp", default="50/s", show_default=True, metavar="R/s", help="New calls a second.")
@click.option("--seconds", type=click.FloatRange(0), default=30.0, show_default=True,
              help="How long all of them are up.")  # fmt: skip
@click.option("--call-seconds", type=click.FloatRange(0, min_open=True),
              help="End each call after so long and place another instead.")  # fmt: skip
@click.option("--profile", type=click.Choice(PROFILES), default="connector", show_default=True, help="The product.")
@click.option("--channels", type=click.Choice(["external", "internal", "both"]), help="Channels of the integration.")
@click.option("--frame-ms", type=int, default=200, show_default=True,
              help="Milliseconds of an audio message; the platform has 200.")  # fmt: skip
@click.option("--wav", metavar="FILE", help="What callers say, again and again. Default: quiet noise.")
@click.option("--talk", type=click.Choice(TALKS), default="bot", show_default=True,
              help="echo: all that is said is expected back. bot: the server speaks as it likes.")  # fmt: skip
@click.option("--dtmf-every", type=click.FloatRange(0), metavar="SECONDS",
              help="Press a key so often; 0: never. Default: 10, in the connector profile.")  # fmt: skip
@click.option("--processes", type=click.IntRange(1), help="Default: one less than there are cores.")
@click.option("--key", default="", envvar=["OFFHOOK_LOAD_KEY", "OFFHOOK_KEY"], help="API key of the integration.")
@click.option("--secret", default="", envvar=["OFFHOOK_LOAD_SECRET", "OFFHOOK_SECRET"],
              help="Its client secret, base64. Without one nothing is signed.")  # fmt: skip
@click.option("--input", multiple=True, metavar="NAME=VALUE", help="An input variable. Can be repeated.")
@click.option("--language", default="en-US", show_default=True, help="Of the calls; empty to send none.")
@click.option("--organization-id", metavar="UUID", help="Default: the organisation of the vendor's examples.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), default=5.0, show_default=True,
              help="Seconds for name, TCP, TLS and upgrade of one call.")  # fmt: skip
@click.option("--insecure", is_flag=True, help="Believe any TLS certificate.")
@click.option("--pid", type=click.IntRange(1), help="The server's process on this machine: what it costs is measured.")
@click.option("--max-p99-ms", type=click.FloatRange(0, min_open=True), metavar="MS",
              help="Fail if the p99 of opened, ping or echo is above.")  # fmt: skip
@click.option("--max-failed", default="0", show_default=True, metavar="N|N%", help="Fail if more calls fail.")
@click.option("--report", metavar="FILE", multiple=True, help="Write the report: .html or .json. Can be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; --report x.json has each call too.")
@click.pass_context
def load(context: click.Context, /, uri: str, as_json: bool, **options: Any) -> None:
    """Put a load on the AudioHook server at URI: --calls true sessions at a time, each with audio in real time.

    Exit code 0: no threshold was broken. 1: one was, or nothing opened. 2: wrong use. 130: interrupted; what there is
    by then is reported.
    """
    plan = _plan(uri, options)
    plan.check()
    if _FAILED.fullmatch(options["max_failed"]) is None:
        raise UsageError(f"--max-failed {options['max_failed']}: write a number, or a share such as 1%")
    make_sound(plan.frame_ms, plan.wav, marked=plan.echoes)  # what is wrong with it is said once
    reports = [_report_path(name) for name in options["report"]]
    view = LoadView(plan, quiet=as_json)
    with view:
        seen = uvloop.run(run(plan, pid=options["pid"], on_second=view.second))
    report = summarise(seen, max_p99_ms=options["max_p99_ms"], max_failed=options["max_failed"])
    for path in reports:
        _write(path, report)
    if as_json:
        click.echo(msgspec.json.encode(report.brief()))
    else:
        view.result(report)
    context.exit(130 if report.interrupted else 0 if report.ok else 1)


def _plan(uri: str, options: dict[str, Any]) -> Plan:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processes = options["processes"] or max(1, cores - 1)
    chosen = {name: options[name] for name in Plan.__struct_fields__ if options.get(name) is not None}
    return Plan(
        **chosen
        | {
            "uri": uri,
            "ramp": _rate(options["ramp"]),
            "processes": min(processes, options["calls"]),
            "input": dict(_variable(text) for text in options["input"]),
            "language": options["language"] or None,
        }
    )


def _rate(text: str) -> float:
    match = _RATE.fullmatch(text)
    if match is None or not float(match[1]):
        raise UsageError(f"--ramp {text}: write new calls a second, such as 50/s")
    return float(match[1]) / (60 if match[2] == "m" else 1)


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageError(f"--input {text}: write NAME=VALUE")
    return name, value


def _report_path(name: str) -> Path:
    path = Path(name)
    if path.suffix not in _WRITERS:
        raise UsageError(f"--report {name}: the name must end with {' or '.join(_WRITERS)}")
    if not path.parent.is_dir():
        raise UsageError(f"--report {name}: there is no such folder")
    return path


def _write(path: Path, report: Report) -> None:
    made = msgspec.json.encode(report) if path.suffix == ".json" else render(report).encode(errors="replace")
    try:
        path.write_bytes(made)
    except OSError as error:
        raise UsageError(f"--report {path}: {error.strerror}") from None
