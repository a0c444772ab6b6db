"""Usage held against the traces of the same sessions: each is measured once more, from what was kept on its own.

Knows traces and usage rows; nothing of calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from ..errors import TraceError
from ..protocol import trace
from .metering import RATE, Gauge, Measured, Span
from .tape import TRACE
from .usage import Used, charged, free_time

#: Samples by which a session without an end may differ, be it on or cut off by a crash: usage is written every second,
#: a trace every two.
OPEN: Final = 3 * RATE


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A session on which usage and trace do not agree, or that could not be compared.

    Attributes:
        problem: `differs`, `no trace`, `no usage` or `unreadable`.
        usage, trace: Charged samples by each.
    """

    session: str
    problem: str
    usage: int | None = None
    trace: int | None = None

    @property
    def decides(self) -> bool:
        """Whether it speaks against the usage: a trace that was not kept does not."""
        return self.problem != "no trace"


def measure(kept: trace.Trace) -> Measured:
    """Measure a session from its trace alone."""
    gauge, last = Gauge(), 0.0
    for message in kept.messages:
        gauge.message(message.t, message.sender, message.data)
        last = message.t
    if kept.end is not None:
        gauge.end(kept.end.t)
    return gauge.measured(last)


def traces(folder: Path) -> Iterable[tuple[Path, trace.Trace | None]]:
    """All traces of a folder of calls that a connector has kept; None for one that cannot be read."""
    for path in sorted(folder.glob(f"*/{TRACE}")):
        try:
            with path.open("rb") as lines:
                kept = trace.read(lines)
        except (OSError, TraceError):
            yield path, None
            continue
        if kept.header.role == "client":
            yield path, kept


def reconcile(
    rows: list[Used], kept: Iterable[tuple[Path, trace.Trace | None]], *, server_pauses: bool = True
) -> tuple[int, list[Difference]]:
    """Hold usage against traces.

    Returns:
        How many sessions agree to the sample, and those that do not. Those without an end agree within three seconds.
    """
    known = {row.session: row for row in rows}
    again: dict[str, Used] = {}
    differences: list[Difference] = []
    for path, each in kept:
        if each is None:
            differences.append(Difference(session=path.parent.name, problem="unreadable"))
            continue
        measured = measure(each)
        row = known.get(each.header.session)
        if row is not None:
            again[row.session] = msgspec.structs.replace(row, measured=measured)
        elif measured.connected:
            differences.append(Difference(session=each.header.session, problem="no usage", trace=measured.connected))
    ours, theirs = free_time(rows), free_time(again.values())
    agreed = 0
    for session, row in known.items():
        other = again.get(session)
        if other is None:
            differences.append(Difference(session=session, problem="no trace"))
            continue
        difference = _compare(row, other, ours, theirs, server_pauses=server_pauses)
        agreed += difference is None
        if difference is not None:
            differences.append(difference)
    return agreed, differences


def _compare(
    row: Used,
    other: Used,
    ours: Mapping[str, list[Span]],
    theirs: Mapping[str, list[Span]],
    *,
    server_pauses: bool,
) -> Difference | None:
    mine = charged(row, ours, server_pauses=server_pauses)
    its = charged(other, theirs, server_pauses=server_pauses)
    if mine == its or (not row.ended and abs(mine - its) <= OPEN):
        return None
    return Difference(session=row.session, problem="differs", usage=mine, trace=its)
