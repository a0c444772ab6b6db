"""The short way of a session's inbound audio: one call for each message, which counts it and hands it on.

Nearly all that a partner receives is audio in an open session, several times a second for each call. The lane is the
one object that such a message has to touch: with thousands of calls it is what lies scattered in memory that costs.
The session opens and shuts it as its state changes; whatever the lane does not take, `Session.receive` has to judge.
"""

from __future__ import annotations

from collections.abc import Callable

from . import limits

Sink = Callable[[bytes, int], object]
"""Takes audio as raw as it came, and the position of its first sample."""


class Lane:
    """Attributes:
    frames, bytes: Messages that took the short way, and their size.
    position: Samples of the peer's stream so far.
    width: Bytes of one sample of all channels.
    sinks: Who gets the audio, in order; None: nobody is there yet, and nothing is taken.
    on_error: Gets what a sink raises.
    """

    __slots__ = ("_limit", "bytes", "frames", "on_error", "position", "sinks", "width")

    def __init__(self) -> None:
        self._limit = 0
        self.frames = self.bytes = 0
        self.position = 0
        self.width = 1
        self.sinks: tuple[Sink, ...] | None = None
        self.on_error: Callable[[Exception], None] | None = None

    def open(self, wide: bool) -> None:
        """Whether audio may pass now; for the session alone."""
        self._limit = limits.RECEIVE_MAX if wide else 0

    def take(self, data: bytes) -> bool:
        """Take one binary message.

        Returns:
            Whether it was plain audio in an open session. If not, nothing has changed.
        """
        size, width = len(data), self.width
        if self.sinks is None or not 0 < size <= self._limit or size % width:
            return False
        position = self.position
        self.position = position + size // width
        self.frames += 1
        self.bytes += size
        try:
            for sink in self.sinks:
                sink(data, position)
        except Exception as error:
            self._failed(error)
        return True

    def hand_on(self, data: bytes, position: int) -> None:
        """Give the sinks audio that came the long way and is counted already."""
        try:
            for sink in self.sinks or ():
                sink(data, position)
        except Exception as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        if self.on_error is None:
            raise error
        self.on_error(error)
