"""A trace as a ladder of messages, for a terminal: time, direction, type, numbers, and what each says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import click
import msgspec

from ..protocol import Role
from ..protocol.position import RATE
from ..protocol.trace import TraceMessage
from .explain import TABLE, parameter_words
from .outline import Outline
from .schema import printable, said

_ARROWS: Final = {"client": "client ->", "server": "<- server"}
#: Ids are long and tell nobody anything; rates and formats are in `media`.
_LEFT_OUT: Final = frozenset({"organizationId", "conversationId"})
_LONGEST: Final = 160


@dataclass(slots=True)
class Run:
    """Audio messages of one side between two text messages."""

    t: float
    sender: str
    messages: int = 0
    bytes: int = 0


def with_runs(messages: Iterable[TraceMessage], *, each: bool = False) -> Iterator[TraceMessage | Run]:
    """Text messages as they are, and audio between them summed by side; or `each` audio message alone."""
    runs: dict[str, Run] = {}
    for message in messages:
        if isinstance(message.data, bytes):
            run = runs.setdefault(message.sender, Run(message.t, message.sender))
            run.messages += 1
            run.bytes += len(message.data)
        if isinstance(message.data, str) or each:
            yield from runs.values()
            runs.clear()
        if isinstance(message.data, str):
            yield message
    yield from runs.values()


def rung(item: TraceMessage | Run, width: int) -> str:
    """One line of the ladder.

    Args:
        width: Bytes of one sample of all channels.
    """
    if isinstance(item, Run):
        seconds = item.bytes / width / RATE
        return _line(item.t, item.sender, "audio", "", f"{seconds:.3f} s in {item.messages}, {item.bytes:,} bytes")
    assert isinstance(item.data, str)
    body = _body(item.data)
    if body is None:
        return _line(item.t, item.sender, "(no message)", "", f"{len(item.data)} characters")
    type = printable(str(body.get("type", "")))
    seen = body.get("serverseq", body.get("clientseq"))
    numbers = said(body.get("seq")) + (f"/{said(seen)}" if seen is not None else "")
    parameters = body.get("parameters")
    words = parameter_words(type, parameters) if type in TABLE and isinstance(parameters, dict) else {}
    facts = "; ".join(f"{name} {text}" for name, text in words.items() if name not in _LEFT_OUT)
    if Role(item.sender) is Role.CLIENT and type not in ("open", "ping"):
        facts = "; ".join(filter(None, (f"at {printable(str(body.get('position')))}", facts)))
    return _line(item.t, item.sender, type, numbers, facts)


def _body(text: str) -> Mapping[str, object] | None:
    try:
        body = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _line(t: float, sender: str, name: str, numbers: str, facts: str) -> str:
    facts = facts if len(facts) <= _LONGEST else f"{facts[: _LONGEST - 3]}..."
    colour = "cyan" if sender == "client" else "green"
    arrow = click.style(f"{_ARROWS[sender]:<9}", fg=colour)
    return f"{t:9.3f}  {arrow}  {click.style(f'{name:<18}', bold=True)}  {numbers:<7}  {facts}".rstrip()


def facts(found: Outline) -> list[tuple[str, str]]:
    """The figures of a session, as lines with a name and a text."""
    ended = " ".join(filter(None, (found.outcome, f"({found.reason})" if found.reason != found.outcome else "")))
    lines = [("outcome", ended + (f": {printable(found.info)}" if found.info else ""))]
    if found.output:
        lines.append(("output", ", ".join(f"{printable(k)} = {said(v, 200)}" for k, v in found.output.items())))
    lines.append(("lasted", f"{found.seconds:.3f} s" + ("" if found.closed else ", not closed in order")))
    if found.opened_ms is not None:
        lines.append(("opened after", f"{found.opened_ms:.1f} ms"))
    if found.rtt_ms is not None:
        lines.append(("round trip", f"{found.rtt_ms:.1f} ms (median)"))
    for side, seconds in found.audio_seconds.items():
        counts = {name: number for name, number in found.messages[side].items() if name != "audio"}
        listed = ", ".join(f"{number} {name}" for name, number in counts.items()) or "none"
        lines.append((f"from {side}", f"{seconds:.3f} s of audio; messages: {listed}"))
    if found.playbacks:
        lines.append(("playbacks", ", ".join(f"{seconds:.3f} s" for seconds in found.playbacks)))
    lines += [("said", printable(text)) for text in found.said]
    return lines
