"""`offhook check`: the conformance suite against a server, or for clients that connect."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from pathlib import Path
from typing import Any, Final

import click
import msgspec
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from .. import __version__
from ..connector.parameters import profile_of
from ..errors import ConnectionLost, PeerError, UsageError
from ..protocol import PROFILES
from ..session.dial import parse_uri
from ..session.keys import decode_secret
from ..testing.conformance.caller import Target
from ..testing.conformance.case import Case, CaseResult, Suite, Verdict
from ..testing.conformance.listener import ClientCheck
from ..testing.conformance.preflight import look
from ..testing.conformance.report import render
from ..testing.conformance.runner import PARALLEL, check_server
from ..testing.conformance.scorecard import Scorecard
from ..testing.conformance.suites import client_suite, server_suite
from ..testing.spoiled import Spoiled, spoil

_STYLES: Final = {
    Verdict.OK: "green", Verdict.INFO: "blue", Verdict.NON_STRICT: "yellow", Verdict.FAILED: "bold red",
    **{verdict: "dim" for verdict in Verdict if verdict.skipped},
}  # fmt: skip
_WRITERS: Final = (".html", ".json", ".xml")
#: Exit code of what Ctrl-C has ended, as shells have it.
_INTERRUPTED: Final = 130
#: Calls of `--faults` where no number is given.
_FAULTY: Final = 200


@click.command()
@click.argument("uri", required=False)
@click.option("--listen", type=click.IntRange(0, 65535), metavar="PORT",
              help="Check clients instead: play a server on this port, one case for each connection.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on, with --listen.")
@click.option("--key", default="", envvar=["OFFHOOK_CHECK_KEY", "OFFHOOK_KEY"], help="API key.")
@click.option("--secret", default="", envvar=["OFFHOOK_CHECK_SECRET", "OFFHOOK_SECRET"], help="Client secret, base64.")
@click.option(
    "--profile", default="connector", show_default=True, metavar="NAME", help=f"One of: {', '.join(PROFILES)}"
)
@click.option("--only", "--cases", "only", metavar="CASES", help="Cases or chapters: 3.2,5.*")
@click.option("--report", metavar="FILE", multiple=True, help="Write the scorecard: .html, .json or .xml (JUnit).")
@click.option("--seed", default=0, help="For random input.")
@click.option("--parallel", default=PARALLEL, show_default=True, type=click.IntRange(1, 500), help="Cases at a time.")
@click.option("--faults", is_flag=False, flag_value=str(_FAULTY), metavar="[SESSIONS]",
              help=f"In place of cases: calls on a delayed, split and cut line, {_FAULTY} by default.")  # fmt: skip
@click.option("--wait", type=click.FloatRange(0), default=0.0, metavar="SECONDS",
              help="Wait so long for the server to come up, as in CI.")  # fmt: skip
@click.option("--list", "listing", is_flag=True, help="List the cases and stop.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, without traces.")
def check(uri: str | None, as_json: bool, **options: Any) -> int:
    """Check an AudioHook server at URI, or with --listen a client, against the protocol.

    Exits with 0 if nothing FAILED. NON-STRICT: works with the production platform, against the rule.
    """
    listens = options["listen"] is not None
    suite: Suite[Any] = client_suite() if listens else server_suite()
    given = options["only"]
    cases = suite.select(None if given is None else [part.strip() for part in given.split(",")])
    if options["listing"]:
        for case in cases:
            click.echo(f"{case.number:<6} {case.title}")
        return 0
    if options["faults"] is not None:
        return _faults(uri, options, as_json=as_json)
    if listens == (uri is not None):
        raise UsageError("give the URI of a server, or --listen PORT for clients")
    reports = [_report_path(name) for name in options["report"]]
    console = Console(stderr=True, quiet=as_json, highlight=False)
    began = time.monotonic()
    met: list[CaseResult] = []
    interrupted = False
    try:
        uvloop.run((_clients if listens else _server)(uri or "", cases, options, console, met))
    except KeyboardInterrupt:
        if not met:
            raise
        interrupted = True  # what was met so far is reported
    card = Scorecard(
        side=suite.side,
        target=uri or f"clients on port {options['listen']}",
        profile=options["profile"],
        version=__version__,
        seed=options["seed"],
        seconds=time.monotonic() - began,
        cases={case.number: case for case in cases},
        chapters=suite.chapters,
        results=sorted(met, key=lambda result: suite[result.number].order),
    )
    if as_json:
        click.echo(msgspec.json.encode(card.as_object(traces=False)))
    else:
        _show(card, Console(highlight=False))
    for path in reports:
        _write(path, card)
    if interrupted:
        click.echo(f"offhook: interrupted: {len(cases) - len(met)} of {len(cases)} cases were not finished", err=True)
        return _INTERRUPTED
    if uri is not None and not card.ok:
        uvloop.run(_still_there(_target(uri, options)))
    return 0 if card.ok and card.judged else 1


def _faults(uri: str | None, options: dict[str, Any], *, as_json: bool) -> int:
    """Calls over a spoiled line: `URI --faults SESSIONS`, or `--faults URI`."""
    given = options["faults"]
    if uri is None and "://" in given:
        uri, given = given, str(_FAULTY)
    if uri is None or options["listen"] is not None:
        raise UsageError("--faults needs the URI of a server")
    if not given.isdecimal() or int(given) == 0:
        raise UsageError(f"--faults {given}: give a number of calls, 1 at least")
    for name in ("only", "report"):
        if options[name]:
            raise UsageError(f"--faults runs no cases: leave out --{name}")
    sessions = int(given)
    target = _target(uri, options)
    console = Console(stderr=True, quiet=as_json, highlight=False)

    async def run() -> Spoiled:
        await _up(target, options["wait"])
        with _progress(console) as progress:
            bar = progress.add_task("calling", total=sessions)
            return await spoil(
                uri,
                profile=target.profile,
                key=target.key,
                secret=target.secret,
                sessions=sessions,
                seed=options["seed"],
                parallel=options["parallel"],
                on_session=lambda: progress.advance(bar),
            )

    found = uvloop.run(run())
    if as_json:
        told = {"ok": found.ok, "seed": options["seed"], "outcomes": found.outcomes, "hung": found.hung}
        click.echo(msgspec.json.encode(told | {"serves": found.serves, "detail": found.detail}))
    else:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(found.outcomes.items()))
        click.echo(f"{sessions} calls over a bad line (seed {options['seed']}): {counts}")
        click.echo(f"{len(found.hung)} hung; a good call afterwards {'went well' if found.serves else 'failed'}"
                   + (f": {found.detail}" if found.detail else ""))  # fmt: skip
    return 0 if found.ok else 1


def _report_path(name: str) -> Path:
    path = Path(name)
    if path.suffix not in _WRITERS:
        raise UsageError(f"--report {name}: the name must end with {', '.join(_WRITERS)}")
    if not path.parent.is_dir():
        raise UsageError(f"--report {name}: there is no such folder")
    there = path.exists()
    try:
        path.open("ab").close()
        if not there:
            path.unlink()
    except OSError as error:
        raise UsageError(f"--report {name}: cannot be written ({error.strerror})") from None
    return path


def _write(path: Path, card: Scorecard) -> None:
    made = {
        ".html": lambda: render(card).encode(errors="replace"),
        ".json": lambda: msgspec.json.encode(card.as_object()),
        ".xml": card.as_junit,
    }[path.suffix]()
    try:
        path.write_bytes(made)
    except OSError as error:
        raise UsageError(f"--report {path}: {error.strerror}") from None


async def _server(
    uri: str, cases: list[Case[Any]], options: dict[str, Any], console: Console, met: list[CaseResult]
) -> None:
    target = _target(uri, options)
    await _up(target, options["wait"])
    with _progress(console) as progress:
        bar = progress.add_task("checking", total=len(cases))
        left = {case.number: None for case in cases}

        def done(result: CaseResult) -> None:
            met.append(result)
            del left[result.number]
            waiting = f"waiting for {', '.join(left)}" if 0 < len(left) <= 3 else "checking"
            progress.update(bar, advance=1, description=waiting)

        await check_server(cases, target, parallel=options["parallel"], on_result=done)


def _target(uri: str, options: dict[str, Any]) -> Target:
    parse_uri(uri)
    if options["secret"] and not options["key"]:
        raise UsageError("--secret signs for an API key: give --key, too")
    return Target(
        uri,
        options["key"],
        decode_secret(options["secret"]) if options["secret"] else b"",
        profile_of(options["profile"]),
        seed=options["seed"],
    )


async def _up(target: Target, wait: float) -> None:
    """One sentence in place of hundreds of failures, where nobody is there or somebody else."""
    end = time.monotonic() + wait
    while True:
        try:
            return await look(target)
        except ConnectionLost:
            if not time.monotonic() < end:
                raise
            await asyncio.sleep(0.2)


async def _still_there(target: Target) -> None:
    """After failures: a server that has gone meanwhile fails whatever is asked of it, and no advice on it holds."""
    try:
        await look(target)
    except PeerError as error:
        click.echo(f"offhook: the server opens no session any more: {error}", err=True)


def _progress(console: Console) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    shown = console.is_terminal and not console.is_dumb_terminal and not console.quiet
    return Progress(*columns, console=console, transient=True, disable=not shown)


async def _clients(
    _: str, cases: list[Case[Any]], options: dict[str, Any], console: Console, met: list[CaseResult]
) -> None:
    secret = decode_secret(options["secret"]) if options["secret"] else b""

    def told(result: CaseResult) -> None:
        met.append(result)
        if result.verdict is Verdict.SKIPPED_PROFILE:
            return
        style = _STYLES[result.verdict]
        line = f"  {result.verdict.value:<18} {result.number:<6} {result.title}"
        console.print(line, style=style, markup=False, soft_wrap=True)

    def follows(case: Case[Any] | None) -> None:
        if case is not None:
            console.print(f"next: {case.number} {case.title}", markup=False, soft_wrap=True)

    found = ClientCheck(
        cases, profile_of(options["profile"]), secret=secret, seed=options["seed"], on_next=follows, on_result=told
    )
    try:
        server = await found.serve(options["host"], options["listen"])
    except OSError as error:
        named = isinstance(error, socket.gaierror) or not error.errno
        why = error.strerror or str(error) if named else os.strerror(error.errno or 0)
        where = f"port {options['listen']} on {options['host']}"
        raise UsageError(f"cannot listen on {where} ({why}): choose another port or host") from None
    host, port = server.sockets[0].getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    console.print(f"listening on ws://{shown}:{port}/  (Ctrl-C ends it and reports)", markup=False, soft_wrap=True)
    try:
        await found.done.wait()
    except asyncio.CancelledError:
        pass  # Ctrl-C: what was met so far is reported
    finally:
        server.close()


def _show(card: Scorecard, console: Console) -> None:
    for result in card.results:
        if result.verdict in (Verdict.FAILED, Verdict.NON_STRICT):
            line = f"{result.verdict.value:<10} {result.number:<6} {result.title}: {result.detail}"
            console.print(line, style=_STYLES[result.verdict], markup=False, soft_wrap=True)
            console.print(f"{'':<18}{card.cases[result.number].advice}", style="dim", markup=False, soft_wrap=True)
    room = max(12, min(44, console.width - 18))
    for number, title in card.chapters.items():
        title = title if len(title) <= room else title[: room - 1] + "…"
        results = card.chapter(number)
        counted = [result for result in results if not result.verdict.skipped]
        good = sum(result.verdict.good for result in counted)
        if results and not counted:
            console.print(f"{number:>3} {title:<{room}} skipped", style="dim", markup=False, soft_wrap=True)
        elif results:
            style = "green" if good == len(counted) else "yellow"
            line = f"{number:>3} {title:<{room}} {good:>3} of {len(counted)}"
            console.print(line, style=style, markup=False, soft_wrap=True)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in card.counts.items() if count)
    verdict = "FAILED" if not card.ok else "passed" if card.judged else "nothing was checked"
    told = f"{verdict}{': ' if counts else ''}{counts} in {card.seconds:.1f} s (seed {card.seed})"
    console.print(told, style="bold green" if card.ok else "bold red", soft_wrap=True)
