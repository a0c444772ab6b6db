"""The caller's audio in one line: recorded, held until somebody listens, handed to sinks by plain calls."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from ..audio import channels, l16, ulaw
from ..protocol import Media
from ..records.store import CallRecord
from .feed import Feed

Sink = Callable[[bytes, int], None]
"""Takes audio of the caller's stream, as raw as it came, and the position of its first sample."""


#: Seconds of audio that are held for a handler that has not begun to listen.
HELD: Final = 10.0
#: Frames that wait for a handler that reads audio slowly.
_UNREAD: Final = 250


class Stream:
    """The audio of one session.

    Args:
        media: What was negotiated; None for a session without audio.
        order: Byte order of L16.
        record: Keeps the audio, if anything does.

    Attributes:
        channels: In order; empty without audio.
        width: Bytes of one sample of all channels.
    """

    def __init__(self, media: Media | None, order: l16.ByteOrder, record: CallRecord | None) -> None:
        self.channels = media.channels if media else ()
        self.width = media.width if media else 1
        self._media = media
        self._order = order
        self._record = record
        self._sinks: tuple[Sink, ...] = ()
        self._feeds: list[Feed[bytes]] = []
        self._over = False
        self._held: deque[tuple[bytes, int]] | None = deque()
        self._room = int(HELD * ulaw.RATE) * self.width

    def add(self, sink: Sink) -> None:
        """Hand all audio to a sink from now on; the first one also gets what was held until now."""
        held, self._held = self._held, None
        for data, position in held or ():
            sink(data, position)
        self._sinks += (sink,)

    def remove(self, sink: Sink) -> None:
        self._sinks = tuple(each for each in self._sinks if each is not sink)

    def take(self, data: bytes, position: int) -> None:
        """Audio has come."""
        if self._record is not None:
            for channel, lane in zip(self.channels, self.lanes(data), strict=True):
                (self._record.external if channel == "external" else self._record.internal).write(position, lane)
        for sink in self._sinks:
            sink(data, position)
        if self._held is not None:
            self._hold(self._held, data, position)

    async def read(self, on_loss: Callable[[int], None]) -> AsyncIterator[bytes]:
        """The frames from now on, and what was held if nobody has listened before; ends with the stream.

        Args:
            on_loss: Called with the position, once, when a slow reader loses the oldest.
        """
        feed: Feed[bytes] = Feed(_UNREAD)
        told = False

        def sink(data: bytes, position: int) -> None:
            nonlocal told
            if not feed.put(data) and not told:
                told = True
                on_loss(position)

        self._feeds.append(feed)
        self.add(sink)
        if self._over:
            feed.end()
        try:
            async for data in feed.read():
                yield data
        finally:
            self.remove(sink)
            self._feeds.remove(feed)

    def end(self) -> None:
        """Nothing more comes."""
        self._over = True
        for feed in self._feeds:
            feed.end()

    def lanes(self, data: bytes) -> list[bytes]:
        """Take a frame apart: mu-law, one lane for each of `channels`."""
        if self._media is None:
            return []
        if self._media.format == "L16":
            split = channels.split(data, len(self.channels), 2)
            return [ulaw.encode(l16.decode(lane, self._order)) for lane in split]
        return channels.split(data, len(self.channels))

    def frame(self, lane: bytes) -> bytes:
        """Make a frame of one lane of mu-law, the same on all channels: the inverse of `lanes`."""
        if self._media is None or (self._media.format == "PCMU" and len(self.channels) == 1):
            return lane
        if self._media.format == "L16":
            return channels.interleave([l16.encode(ulaw.decode(lane), self._order)] * len(self.channels), 2)
        return channels.interleave([lane] * len(self.channels))

    def _hold(self, held: deque[tuple[bytes, int]], data: bytes, position: int) -> None:
        held.append((data, position))
        self._room -= len(data)
        while self._room < 0:
            self._room += len(held.popleft()[0])
