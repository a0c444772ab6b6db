"""The message ladder: what passed between platform and server, in order, made of a trace. Knows traces only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from offhook.errors import TraceError
from offhook.protocol import trace

from .markup import Html, element

MAX_ROWS: Final = 3000
# A trace holds audio too; one of several hours is not for a page.
MAX_BYTES: Final = 100_000_000
# Parameters short and telling enough to stand in a row.
_TELLING: Final = ("digit", "reason", "code", "language", "rtt")


@dataclass(slots=True)
class _Audio:
    """Audio messages of one side since the last row."""

    t: float
    messages: int = 0
    bytes: int = 0


def ladder(path: Path | None) -> Html | None:
    """All control messages as rows that open to the whole message; audio between them is counted up."""
    try:
        if path is None or path.stat().st_size > MAX_BYTES:
            return None
        with path.open("rb") as lines:
            messages = trace.read(lines).messages
    except (OSError, TraceError):
        return None
    rows: list[Html] = []
    audio: dict[str, _Audio] = {}
    for message in messages:
        if isinstance(message.data, bytes):
            run = audio.setdefault(message.sender, _Audio(message.t))
            run.messages += 1
            run.bytes += len(message.data)
        else:
            rows += _runs(audio)
            rows.append(_row(message.t, message.sender, message.data))
    rows += _runs(audio)
    left = len(rows) - MAX_ROWS
    more = element("p", f"{left} more rows in the trace.", class_="soft") if left > 0 else None
    ends = element("div", element("span", "Platform"), element("span", "Server"), class_="ends")
    return element("div", ends, rows[:MAX_ROWS], more, class_="ladder")


def _runs(audio: dict[str, _Audio]) -> list[Html]:
    rows = [
        element(
            "div",
            _rung(run.t, side, "audio", f"{run.messages} \N{MULTIPLICATION SIGN} {run.bytes // run.messages:,} bytes"),
            class_="rung audio",
        )
        for side, run in audio.items()
    ]
    audio.clear()
    return rows


def _row(t: float, sender: str, text: str) -> Html:
    try:
        message = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        message = None
    if not isinstance(message, dict):
        return element("div", _rung(t, sender, "not a message", f"{len(text)} characters"), class_="rung")
    rung = element("summary", _rung(t, sender, str(message.get("type")), _detail(message)), class_="rung")
    return element("details", rung, element("pre", msgspec.json.format(text, indent=2)))


def _detail(message: dict[str, object]) -> str:
    number, parameters = message.get("seq"), message.get("parameters")
    said = [f"seq {number}"] if isinstance(number, int) else []
    if isinstance(parameters, dict):
        said += [str(parameters[name]) for name in _TELLING if name in parameters]
        entities = parameters.get("entities")
        if isinstance(entities, list):
            said += [str(entity.get("type")) for entity in entities if isinstance(entity, dict)]
    return ", ".join(said)[:80]


def _rung(t: float, sender: str, name: str, detail: str) -> list[Html]:
    return [
        element("time", f"{t:.3f}"),
        element("span", element("b", name), class_=f"arrow {sender}"),
        element("span", detail, class_="soft"),
    ]
