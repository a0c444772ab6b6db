"""The one time axis of a call: seconds on the caller's stream, where its audio lies.

Most events say their position. The others have only a clock time, which runs apart from the stream in bursts and
pauses; they are put between the events around them. Knows events only.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from offhook.audio.ulaw import RATE

from .events import AnyEvent


class Axis:
    """Places events of one call."""

    def __init__(self, events: Iterable[AnyEvent]) -> None:
        known = sorted((event.t, event.position / RATE) for event in events if event.position is not None)
        self._times: list[float] = []
        self._places: list[float] = []
        for t, place in known:
            self._times.append(t)
            self._places.append(max(place, self._places[-1]) if self._places else place)

    def at(self, event: AnyEvent) -> float:
        """Seconds on the axis."""
        return self.of(event.t) if event.position is None else event.position / RATE

    def of(self, t: float) -> float:
        """Where the stream was at clock time `t`."""
        if not self._times:
            return max(t, 0.0)
        after = bisect_left(self._times, t)
        if after == len(self._times):
            return self._places[-1] + t - self._times[-1]
        t1, place1 = self._times[after], self._places[after]
        if after == 0:
            return max(place1 - (t1 - t), 0.0)
        t0, place0 = self._times[after - 1], self._places[after - 1]
        return min(place0 + (place1 - place0) * (t - t0) / (t1 - t0), place1)
