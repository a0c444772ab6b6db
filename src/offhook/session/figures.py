"""What a server counts of itself: the figures, where each lies in a worker's row, and the text that Prometheus reads.

A row is an array of doubles, a cell for each number. Counters are only ever added to and gauges written over, by the
one process that owns the row, so rows in shared memory need no lock and can be summed by whoever is asked. It knows
nothing of processes, nor where rows lie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

Kind = Literal["counter", "gauge", "histogram"]
Rule = Literal["sum", "max"]


class Figure(NamedTuple):
    """One metric.

    Attributes:
        name: As Prometheus knows it, with its unit.
        help: One line.
        kind: What Prometheus takes it for.
        label: Name of its label, if it has one.
        values: What the label may be: a cell for each.
        bounds: Upper bounds of a histogram's buckets, without the last, endless one.
        rule: How the workers' gauges become one.
    """

    name: str
    help: str
    kind: Kind = "counter"
    label: str = ""
    values: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    rule: Rule = "sum"

    @property
    def cells(self) -> int:
        """Numbers that it takes: a histogram has its buckets, and the sum behind them."""
        return len(self.bounds) + 2 if self.kind == "histogram" else max(1, len(self.values))


OUTCOMES: Final = ("completed", "hangup", "refused", "error", "lost", "drained", "probe", "unopened")
CODES: Final = ("400", "408", "409", "413", "415", "429", "500", "other")
REFUSALS: Final = ("signature", "sessions", "sessions_per_key", "draining", "request")
_BOTH: Final = ("in", "out")
_SHORT: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

SESSIONS: Final = Figure("offhook_sessions", "Sessions that are up.", "gauge")
ENDED: Final = Figure(
    "offhook_sessions_ended_total", "Sessions that are over, by how they ended.", "counter", "outcome", OUTCOMES
)
REFUSED: Final = Figure(
    "offhook_upgrades_refused_total", "Upgrade requests refused, by cause.", "counter", "cause", REFUSALS
)
OPENED: Final = Figure("offhook_opened_seconds", "From `open` read to `opened` sent.", "histogram", bounds=_SHORT)
FRAMES: Final = Figure("offhook_audio_frames_total", "Audio messages.", "counter", "direction", _BOTH)
BYTES: Final = Figure("offhook_audio_bytes_total", "Bytes of audio in them.", "counter", "direction", _BOTH)
MESSAGES: Final = Figure("offhook_messages_total", "Text messages.", "counter", "direction", _BOTH)
VIOLATIONS: Final = Figure(
    "offhook_violations_total", "Breaches of the protocol by the platform.", "counter", "code", CODES
)
DROPPED: Final = Figure(
    "offhook_audio_dropped_frames_total",
    "Audio messages thrown away here: the handler read too slowly, or they could not leave any more.",
    "counter", "cause", ("slow_handler", "unsent"),
)  # fmt: skip
DISCARDED: Final = Figure(
    "offhook_audio_discarded_seconds_total", "Audio that the platform says it lost, without a pause."
)
LAG: Final = Figure(
    "offhook_loop_lag_seconds", "How late the event loop comes to a timer, sampled.", "histogram", bounds=_SHORT
)
LAG_MAX: Final = Figure("offhook_loop_lag_max_seconds", "The worst lag of the last minute.", "gauge", rule="max")
STALLS: Final = Figure("offhook_loop_stalls_total", "Times that the event loop stood still beyond its budget.")
GC: Final = Figure("offhook_gc_pause_seconds", "Pauses by the garbage collector.", "histogram", bounds=_SHORT)
CPU: Final = Figure("offhook_cpu_seconds_total", "CPU time, all threads.")
MEMORY: Final = Figure(
    "offhook_resident_memory_bytes", "Memory in use; pages that workers share count for each.", "gauge"
)
RESTARTS: Final = Figure("offhook_worker_restarts_total", "Workers that were started again after they had died.")

FIGURES: Final = (
    SESSIONS, ENDED, REFUSED, OPENED, FRAMES, BYTES, MESSAGES, VIOLATIONS, DROPPED, DISCARDED,
    LAG, LAG_MAX, STALLS, GC, CPU, MEMORY, RESTARTS,
)  # fmt: skip
GAUGES: Final = tuple(figure for figure in FIGURES if figure.kind == "gauge")


def _places() -> dict[Figure, int]:
    places, at = {}, 0
    for figure in FIGURES:
        places[figure] = at
        at += figure.cells
    return places


_PLACES: Final = _places()
#: Cells that all figures take.
WIDTH: Final = sum(figure.cells for figure in FIGURES)


def cell(figure: Figure, value: str = "") -> int:
    """Where a number lies in a row: of a figure with a label, that of one value; of a histogram, its first bucket."""
    return _PLACES[figure] + (figure.values.index(value) if figure.values else 0)


def observe(row: memoryview[float] | list[float], histogram: Figure, amount: float) -> None:
    """Add one observation."""
    at = _PLACES[histogram]
    bounds = histogram.bounds
    place = 0
    while place < len(bounds) and amount > bounds[place]:
        place += 1
    row[at + place] += 1.0
    row[at + len(bounds) + 1] += amount


def total(rows: Sequence[memoryview[float] | list[float]]) -> list[float]:
    """One row of several: sums, and the worst where that is the figure's rule."""
    row = [sum(column) for column in zip(*(each[:WIDTH] for each in rows), strict=True)]
    for figure in FIGURES:
        if figure.rule == "max":
            for at in range(_PLACES[figure], _PLACES[figure] + figure.cells):
                row[at] = max(each[at] for each in rows)
    return row


def exposition(row: Sequence[float], extra: Sequence[str] = ()) -> bytes:
    """A row in Prometheus' text format 0.0.4, and lines of whoever has more to say."""
    lines = [line for figure in FIGURES for line in _lines(figure, row)]
    return "\n".join([*lines, *extra, ""]).encode()


#: Content type of `exposition`.
TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


def header(name: str, help: str, kind: Kind) -> list[str]:
    """The two lines before a metric's samples."""
    return [f"# HELP {name} {help}", f"# TYPE {name} {kind}"]


def _lines(figure: Figure, row: Sequence[float]) -> Iterator[str]:
    yield from header(figure.name, figure.help, figure.kind)
    at = _PLACES[figure]
    if figure.kind == "histogram":
        count = 0.0
        for place, bound in enumerate((*(f"{bound:g}" for bound in figure.bounds), "+Inf")):
            count += row[at + place]
            yield f'{figure.name}_bucket{{le="{bound}"}} {number(count)}'
        yield f"{figure.name}_sum {number(row[at + len(figure.bounds) + 1])}"
        yield f"{figure.name}_count {number(count)}"
    elif figure.label:
        for place, value in enumerate(figure.values):
            yield f'{figure.name}{{{figure.label}="{value}"}} {number(row[at + place])}'
    else:
        yield f"{figure.name} {number(row[at])}"


def number(value: float) -> str:
    """A number as Prometheus reads it; whole ones without an exponent."""
    return str(int(value)) if value == int(value) else repr(value)
