"""`offhook trace`: shows a recorded session, and plays its client's side against a bot."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import msgspec
import uvloop

from ..errors import UsageError
from ..protocol import State
from ..protocol.trace import Trace, TraceMessage, TraceWriter, read, redact
from ..session.client import Credentials, open_session
from ..session.connection import Connection
from ..session.keys import decode_secret
from .inputs import read_bytes
from .ladder import Run, facts, rung, with_runs
from .outline import Difference, Outline, compare, outline, outline_of
from .replay import PATIENCE, Replay, script_of
from .schema import printable, said


@click.group()
def trace() -> None:
    """Show a recorded session, or play it against a bot."""


@trace.command()
@click.argument("file")
@click.option("--redact", "redacted", is_flag=True, help="Leave out all that is personal, so that it can be shared.")
@click.option("--audio", is_flag=True, help="A line for each audio message.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(file: str, redacted: bool, audio: bool, as_json: bool) -> None:
    """Print the trace FILE as a ladder of messages, with its figures at the end."""
    recorded = _load(file)
    if redacted:
        messages = tuple(msgspec.structs.replace(each, data=redact(each.data)) for each in recorded.messages)
        header = msgspec.structs.replace(recorded.header, redacted=True)
        recorded = msgspec.structs.replace(recorded, header=header, messages=messages)
    found = outline_of(recorded)
    if as_json:
        items = [_item(item) for item in with_runs(recorded.messages, each=audio)]
        report = {"header": recorded.header, "cut": recorded.cut, "outline": found, "messages": items}
        click.echo(msgspec.json.encode(report))
        return
    head = recorded.header
    described = [head.session, head.profile, f"recorded by the {head.role}", head.started]
    click.secho("  ".join(printable(text) for text in described if text), bold=True)
    for item in with_runs(recorded.messages, each=audio):
        click.echo(rung(item, found.width))
    if recorded.end is not None:
        click.echo(f"{recorded.end.t:9.3f}  end: {printable(recorded.end.end)}")
    else:
        click.secho("           the recording has no end: its writer was stopped", fg="yellow")
    click.echo("")
    for name, text in facts(found):
        click.echo(f"{name:>13}  {text}")


def _load(file: str) -> Trace:
    return read(read_bytes(file, "a trace").splitlines())


def _item(item: TraceMessage | Run) -> Mapping[str, object]:
    if isinstance(item, Run):
        return {"t": item.t, "from": item.sender, "audio": {"messages": item.messages, "bytes": item.bytes}}
    assert isinstance(item.data, str)
    try:
        text: object = json.loads(item.data)
    except (ValueError, RecursionError):
        text = item.data
    return {"t": item.t, "from": item.sender, "text": text}


@trace.command()
@click.argument("file")
@click.argument("uri")
@click.option("--key", envvar=["OFFHOOK_TRACE_REPLAY_KEY", "OFFHOOK_KEY"], default="", help="API key.")
@click.option("--secret", envvar=["OFFHOOK_TRACE_REPLAY_SECRET", "OFFHOOK_SECRET"], default="",
              help="Its client secret, base64.")  # fmt: skip
@click.option("--speed", type=click.FloatRange(0.1, 100), default=1.0, show_default=True, help="2: twice as fast.")
@click.option("--patience", type=click.FloatRange(0), default=PATIENCE, show_default=True,
              help="Seconds that the bot may take longer to end than in the recording.")  # fmt: skip
@click.option("--trace", "keep", metavar="FILE", help="Write the replay's own trace.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def replay(
    file: str, uri: str, key: str, secret: str, speed: float, patience: float, keep: str | None, as_json: bool
) -> int:
    """Play the client's side of the trace FILE to the server at URI, and compare what the server does.

    Exits with 1 if the call ends otherwise than in the recording, or with other output variables.
    """
    recorded = _load(file)
    script = script_of(recorded)
    credentials = Credentials(key, decode_secret(secret))
    played = Replay(script, speed=speed, patience=patience)

    async def dial(connection: Connection) -> None:
        await open_session(uri, played.session, lambda event: None, credentials=credentials, connection=connection)

    uvloop.run(played.run(dial))
    if keep is not None:
        _write(keep, played)
    before, now = outline_of(recorded), outline(played.messages, "client")
    differences = compare(before, now, redacted=recorded.header.redacted)
    same = not any(difference.decides for difference in differences)
    if as_json:
        report = {
            "ok": same,
            "session": played.session.id,
            "recorded": before,
            "now": now,
            "differences": differences,
            "violations": played.violations,
            "skipped": played.skipped,
        }
        click.echo(msgspec.json.encode(report))
    else:
        _print(differences, played, now)
    return 0 if same else 1


def _write(path: str, played: Replay) -> None:
    session = played.session
    try:
        with Path(path).open("wb") as file:
            writer = TraceWriter(file.write, role="client", session=session.id, profile=session.profile.name)
            for message in played.messages:
                writer.message(message.t, message.sender, message.data)
            writer.end(played.messages[-1].t, "closed" if session.state is State.CLOSED else "lost")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def _print(differences: Sequence[Difference], played: Replay, now: Outline) -> None:
    for name, text in facts(now):
        click.echo(f"{name:>13}  {text}")
    click.echo("")
    for rule in played.violations:
        click.secho(f"broken rule: {rule}", fg="red")
    if played.skipped:
        click.secho(f"could not be replayed: {', '.join(sorted(set(played.skipped)))}", fg="yellow")
    for difference in differences:
        colour = "red" if difference.decides else "yellow"
        click.secho(f"{difference.what}: was {said(difference.before, 300)}, is {said(difference.now, 300)}", fg=colour)
    if any(difference.decides for difference in differences):
        click.secho("DIFFERENT", fg="red", bold=True)
    else:
        click.secho("SAME outcome and output variables as in the recording", fg="green", bold=True)
