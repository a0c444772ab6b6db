"""What passes through the connections of one process, as plain numbers: the only counting on the audio path."""

from __future__ import annotations

from . import figures
from .board import Row


class Traffic:
    """Audio messages, their bytes, and text messages, since the process began. Added to by connections."""

    __slots__ = ("_published", "bytes_in", "bytes_out", "frames_in", "frames_out", "messages_in", "messages_out")

    def __init__(self) -> None:
        self.frames_in = self.bytes_in = self.messages_in = 0
        self.frames_out = self.bytes_out = self.messages_out = 0
        self._published = (0, 0, 0, 0, 0, 0)

    def count_in(self, data: str | bytes) -> None:
        """A message has come that is no plain audio of an open session."""
        if isinstance(data, bytes):
            self.frames_in += 1
            self.bytes_in += len(data)
        else:
            self.messages_in += 1

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
