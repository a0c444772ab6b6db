"""`offhook decode`: explains AudioHook messages, and names what is wrong with them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import click

from ..errors import UsageError
from ..protocol import PROFILES, Profile, Role
from ..protocol.messages import KINDS
from .envelope import envelope_faults, sender_of
from .explain import TABLE, parameter_faults, parameter_words
from .finding import Findings, Found, find
from .follow import Follower
from .inputs import read_bytes
from .schema import Fault, printable, said, seconds

_ARROWS: Final = {Role.CLIENT: "client -> server", Role.SERVER: "server -> client", None: "somebody"}


@dataclass(slots=True)
class Explained:
    """One message, explained."""

    found: Found
    sender: Role | None
    faults: list[Fault]
    words: dict[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        type = self.found.body.get("type")
        return "audio" if self.found.audio else type if isinstance(type, str) else ""

    @property
    def wrong(self) -> bool:
        return any(not fault.harmless for fault in self.faults)


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--from", "sender", type=click.Choice(["client", "server"]), help="Who sent the messages, if known.")
@click.option("--profile", type=click.Choice(sorted(PROFILES)), help="Judge by one product. Default: by any.")
@click.option("--faults", "only_faults", is_flag=True, help="Show only messages with something wrong.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each message.")
def decode(files: tuple[str, ...], sender: str | None, profile: str | None, only_faults: bool, as_json: bool) -> int:
    """Explain the AudioHook messages in FILES, or in standard input: who says what, and what is wrong with it.

    Takes messages one a line or pretty-printed, logs that contain them somewhere, and traces. Says exactly what rule
    is broken, and exits with 1 if any is.
    """
    by, product = Role(sender) if sender else None, PROFILES[profile] if profile else None
    count = wrong = odd = 0
    for name in files or ("-",):
        for explained in explain(find(read_bytes(name, "messages")), by, product):
            count += not explained.found.audio
            wrong += sum(not fault.harmless for fault in explained.faults)
            odd += sum(fault.harmless for fault in explained.faults)
            if explained.faults or not (only_faults or explained.found.audio):
                click.echo(_as_json(explained, name) if as_json else _as_text(explained, name if files[1:] else ""))
    if not count:
        raise UsageError("no AudioHook message found: give JSON messages, a log that has them, or a trace")
    if not as_json:
        summary = f"{count} messages, {_count(wrong, 'fault')}" + (f", {_count(odd, 'oddity')}" if odd else "")
        click.secho(summary, bold=True, fg="red" if wrong else "green")
    return int(wrong > 0)


def explain(findings: Findings, sender: Role | None = None, profile: Profile | None = None) -> Iterator[Explained]:
    """Explain messages in order, each in its own session.

    Args:
        sender: Who sent those of which the file does not tell.
        profile: The product, if the file does not tell.
    """
    profile = findings.profile or profile
    senders = [found.sender or sender or sender_of(found.body) for found in findings.messages]
    sides = _sides(zip(findings.messages, senders, strict=True))
    followers: dict[str, Follower] = {}
    for found, by in zip(findings.messages, senders, strict=True):
        # All messages of a trace belong to its session, whatever they say.
        id = findings.session or str(found.body.get("id")).lower()
        if id not in followers:
            both = findings.session is not None or sides[id] > 1
            followers[id] = Follower(profile, findings.session, both=both)
        yield _explained(found, by, followers[id])


def _sides(messages: Iterable[tuple[Found, Role | None]]) -> Counter[str]:
    """How many sides of each session are heard."""
    return Counter(id for id, _ in {(str(found.body.get("id")).lower(), by) for found, by in messages if by})


def _explained(found: Found, sender: Role | None, follower: Follower) -> Explained:
    if found.audio:
        return Explained(found, sender, list(follower.audio(sender, found.size, found.t)) if sender else [])
    if found.broken:
        return Explained(found, sender, [Fault(found.broken, "a text message is one JSON object")])
    body = found.body
    explained = Explained(found, sender, list(envelope_faults(body, sender, found.size)))
    type, parameters = explained.type, body.get("parameters", {})
    if type in TABLE and isinstance(parameters, dict):
        explained.faults += parameter_faults(type, parameters)
        explained.words = parameter_words(type, parameters)
    if sender is not None:
        explained.faults += follower.message(sender, body, found.t)
    return explained


def _as_text(explained: Explained, file: str) -> str:
    lines = [_headline(explained, file)]
    entry = TABLE.get(explained.type)
    if entry is not None:
        lines.append(f"  {entry.meaning} {entry.after}")
    width = max(map(len, explained.words), default=0)
    lines += [f"    {printable(name):<{width}}  {words}" for name, words in explained.words.items()]
    for fault in explained.faults:
        mark, colour = ("odd", "yellow") if fault.harmless else ("WRONG", "red")
        lines.append(f"  {click.style(mark, fg=colour, bold=True)}  {fault}")
    return "\n".join(lines) + "\n"


def _headline(explained: Explained, file: str) -> str:
    found = explained.found
    body, sender = found.body, explained.sender
    name = printable(explained.type) or "no message"
    parts = [f"{click.style(name, bold=True)}  {_ARROWS[sender]}"]
    if "seq" in body:
        seen = body.get("serverseq", body.get("clientseq"))
        parts.append(f"seq {said(body['seq'])}" + (f", has seen {said(seen)}" if seen is not None else ""))
    at = seconds(body.get("position"))
    if at is not None:
        parts.append(f"position {at:.9g} s")
    if found.t is not None:
        parts.append(f"at {found.t:.3f} s")
    parts.append(f"[{file + ', ' if file else ''}line {found.line}]")
    return "  ".join(parts)


def _as_json(explained: Explained, file: str) -> str:
    found, entry, seq = explained.found, TABLE.get(explained.type), explained.found.body.get("seq")
    line = {
        "file": file,
        "line": found.line,
        "type": explained.type or None,
        "from": explained.sender,
        "t": found.t,
        "seq": seq if isinstance(seq, int) else None,
        "position": seconds(found.body.get("position")),
        "size": found.size,
        "known": explained.type in KINDS,
        "meaning": entry.meaning if entry else None,
        "parameters": explained.words,
        "ok": not explained.wrong,
        "faults": [fault._asdict() for fault in explained.faults],
    }
    return json.dumps(line)


def _count(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number or 'no'} {noun[:-1] + 'ies' if noun.endswith('y') else noun + 's'}"
