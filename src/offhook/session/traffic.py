"""What passes through the connections of one process, as plain numbers.

Audio that comes the short way is counted by the session's lane already: that is taken over from time to time, from
some sessions at a time, for to look at thousands of them at once would make calls wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..protocol import Lane
from . import figures
from .board import Row

#: Sessions whose audio is taken over in one go.
AT_A_TIME: Final = 2_000


class Traffic:
    """Audio messages, their bytes, and text messages, since the process began. Added to by connections."""

    __slots__ = (
        "_published",
        "_round",
        "bytes_in",
        "bytes_out",
        "frames_in",
        "frames_out",
        "messages_in",
        "messages_out",
    )

    def __init__(self) -> None:
        self.frames_in = self.bytes_in = self.messages_in = 0
        self.frames_out = self.bytes_out = self.messages_out = 0
        self._published = (0, 0, 0, 0, 0, 0)
        self._round: list[Toll] = []

    def count_in(self, data: str | bytes) -> None:
        """A message has come that did not take the short way."""
        if isinstance(data, bytes):
            self.frames_in += 1
            self.bytes_in += len(data)
        else:
            self.messages_in += 1

    def collect(self, tolls: Callable[[], list[Toll]]) -> None:
        """Take over what the lanes of some sessions have counted; `tolls` gives all that are up, for the next round."""
        for toll in self._round[:AT_A_TIME]:
            toll.take_over(self)
        self._round = self._round[AT_A_TIME:] or tolls()

    def publish(self, row: Row) -> None:
        """Add what has passed since the last time to the figures of a row."""
        now = (
            self.frames_in, self.frames_out, self.bytes_in, self.bytes_out, self.messages_in, self.messages_out
        )  # fmt: skip
        before, self._published = self._published, now
        places = [
            (figure, way) for figure in (figures.FRAMES, figures.BYTES, figures.MESSAGES) for way in ("in", "out")
        ]
        for (figure, way), new, old in zip(places, now, before, strict=True):
            row.add(figure, way, new - old)


class Toll:
    """What one session's lane has counted, and how much of it was taken over."""

    __slots__ = ("_bytes", "_frames", "_lane")

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._frames = self._bytes = 0

    def take_over(self, traffic: Traffic) -> None:
        """Add what is new."""
        lane = self._lane
        if lane.frames != self._frames:
            traffic.frames_in += lane.frames - self._frames
            traffic.bytes_in += lane.size - self._bytes
            self._frames, self._bytes = lane.frames, lane.size
