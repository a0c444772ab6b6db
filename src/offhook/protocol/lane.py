"""The short way of a session's inbound audio: one call for each message, which counts it and hands it on.

Nearly all that a partner receives is audio in an open session, several times a second for each call. The lane is the
one object that such a message has to touch: with thousands of calls it is what lies scattered in memory that costs.
So it keeps no number of its own that changes with each message: messages of one size are counted, by the small
integers that Python shares, and the sums are made when somebody asks.

The session opens and shuts it as its state changes; whatever the lane does not take, `Session.receive` has to judge.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from . import limits

Sink = Callable[[bytes, int], object]
"""Takes audio as raw as it came, and the position of its first sample."""

#: Messages that are counted before they are added up; Python makes no new objects of integers up to here.
_MANY: Final = 256
#: One object for each size of messages that is in use, for all lanes.
_SHARED: Final[dict[int, int]] = {}


class Lane:
    """Attributes:
    width: Bytes of one sample of all channels; set before it is opened.
    sinks: Who gets the audio, in order; None: nobody is there yet, and nothing is taken.
    on_error: Gets what a sink raises.
    """

    __slots__ = (
        "_bytes", "_count", "_frames", "_limit", "_samples", "_size", "_start", "on_error", "sinks", "width",
    )  # fmt: skip

    def __init__(self) -> None:
        self._limit = 0
        self._size = -1  # bytes of the messages that are counted; -1: the next one is to be looked at
        self._samples = 0  # of each of them
        self._count = 0  # of them, since the last sum
        self._start = self._frames = self._bytes = 0  # sums
        self.width = 1
        self.sinks: tuple[Sink, ...] | None = None
        self.on_error: Callable[[Exception], None] | None = None

    @property
    def position(self) -> int:
        """Samples of the peer's stream so far."""
        return self._start + self._count * self._samples

    @position.setter
    def position(self, position: int) -> None:
        self._add_up()
        self._start = position

    @property
    def frames(self) -> int:
        """Messages that took the short way."""
        return self._frames + self._count

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return self._bytes + self._count * self._size

    def open(self, wide: bool) -> None:
        """Whether audio may pass now; for the session alone."""
        limit = limits.RECEIVE_MAX if wide else 0
        if limit != self._limit:
            self._add_up()
            self._limit, self._size = limit, -1

    def take(self, data: bytes) -> bool:
        """Take one binary message.

        Returns:
            Whether it was plain audio in an open session. If not, nothing has changed.
        """
        sinks = self.sinks
        if sinks is None or ((len(data) != self._size or self._count == _MANY) and not self._fits(len(data))):
            return False
        count = self._count
        position = self._start + count * self._samples
        self._count = count + 1
        try:
            for sink in sinks:
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

    def _fits(self, size: int) -> bool:
        """Add up, and see whether messages of another size may pass."""
        if not 0 < size <= self._limit or size % self.width:
            return False
        self._add_up()
        self._size = _SHARED.setdefault(size, size)
        self._samples = _SHARED.setdefault(size // self.width, size // self.width)
        return True

    def _add_up(self) -> None:
        count = self._count
        if count:
            self._start += count * self._samples
            self._frames += count
            self._bytes += count * self._size
            self._count = 0

    def _failed(self, error: Exception) -> None:
        if self.on_error is None:
            raise error
        self.on_error(error)
