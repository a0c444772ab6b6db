"""How long the sinks of calls take: all of them where that is asked for, else those of one call each second.

A sink is called for each frame of audio, so timing each of them is not free. It knows streams, and nothing of what
their sinks do.
"""

from __future__ import annotations

import functools
import logging
import random
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, Protocol

import msgspec

from ..protocol.lane import Sink
from .stream import Stream

logger = logging.getLogger("offhook.bots")

#: Seconds that a sink may take for a frame: 100 calls of 5 frames a second would fill a core with that.
BUDGET: Final = 0.002
#: Frames one after the other that must be over it: a single one may be the machine's fault.
_IN_A_ROW: Final = 3
_OURS: Final = str(Path(__file__).parents[1])


class HasStream(Protocol):
    """A call."""

    stream: Stream


class SinkTime(msgspec.Struct):
    """What one function took as a sink, over all calls that were timed.

    Attributes:
        sink: Its name, with file and line.
        calls: Frames.
        seconds: For all of them.
        worst: For one, in seconds.
        over: Frames for which it was over `BUDGET`.
    """

    sink: str
    calls: int = 0
    seconds: float = 0.0
    worst: float = 0.0
    over: int = 0


class SinkTimes:
    """Times sinks.

    Args:
        lines: The calls that are up.
        all: Time each sink of each call; else one call's at a time.
        clock: Seconds, fine.
    """

    def __init__(
        self, lines: Collection[HasStream], *, all: bool = False, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._lines = lines
        self._all = all
        self._clock = clock
        self._times: dict[object, SinkTime] = {}
        self._named: set[object] = set()
        self._watched: HasStream | None = None

    def begin(self, line: HasStream) -> None:
        """A call begins."""
        if self._all:
            line.stream.time(self.timed)

    def look(self) -> None:
        """Turn to another call, if they are timed one at a time; to be called once a second."""
        if self._all:
            return
        if self._watched is not None:
            self._watched.stream.time(None)
        self._watched = random.choice(tuple(self._lines)) if self._lines else None
        if self._watched is not None:
            self._watched.stream.time(self.timed)

    def timed(self, sink: Sink) -> Sink:
        """A sink that does the same, and is timed."""
        function = _function(sink)
        code = getattr(function, "__code__", None)
        took = self._times.setdefault(code or function, SinkTime(_name(function)))
        ours = code is not None and code.co_filename.startswith(_OURS)
        clock = self._clock
        in_a_row = 0

        def call(data: bytes, position: int) -> None:
            nonlocal in_a_row
            began = clock()
            try:
                sink(data, position)
            finally:
                seconds = clock() - began
                took.calls += 1
                took.seconds += seconds
                if seconds > took.worst:
                    took.worst = seconds
                if seconds <= BUDGET:
                    in_a_row = 0
                else:
                    took.over += 1
                    in_a_row += 1
                    if in_a_row == _IN_A_ROW and not ours:
                        self._name_it(code or function, took.sink, seconds)

        return call

    def _name_it(self, key: object, sink: str, seconds: float) -> None:
        if key in self._named:
            return
        self._named.add(key)
        logger.warning(
            "the sink %s takes %.1f ms for a frame of audio, %d frames in a row; all calls of this process wait for "
            "it. Let it put the audio aside, and work on it in 'await asyncio.to_thread(...)'; it is named once",
            sink, seconds * 1000, _IN_A_ROW,
        )  # fmt: skip

    def times(self) -> list[SinkTime]:
        """What was found, the most costly first."""
        return sorted(self._times.values(), key=lambda each: -each.seconds)

    def table(self) -> str:
        """The same for people."""
        rows = [("sink", "frames", "total s", "mean us", "worst ms", "over budget")]
        rows += [
            (
                each.sink,
                str(each.calls),
                f"{each.seconds:.3f}",
                f"{each.seconds / max(1, each.calls) * 1e6:.1f}",
                f"{each.worst * 1000:.2f}",
                str(each.over),
            )
            for each in self.times()
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(pairs))
            for pairs in (tuple(zip(row, widths, strict=True)) for row in rows)
        )


def _function(sink: object) -> object:
    """The function below partials and bound methods: the same for all calls."""
    while isinstance(sink, functools.partial):
        sink = sink.func
    return getattr(sink, "__func__", sink)


def _name(function: object) -> str:
    code = getattr(function, "__code__", None)
    if code is None:
        return getattr(function, "__qualname__", None) or type(function).__qualname__
    path = Path(code.co_filename)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"{code.co_qualname} ({shown}, line {code.co_firstlineno})"
