"""The caller's audio in one line: recorded, held until somebody listens, handed to sinks by plain calls."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from ..audio import channels, l16, ulaw
from ..errors import CallEnded
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
        on_frame: Gets position and number of samples of each frame before any sink has it.
        on_error: Gets what a sink raises.
    """

    __slots__ = (
        "_held", "_media", "_order", "_over", "_plain", "_readers", "_record", "_room", "_sinks", "channels",
        "on_error", "on_frame", "width",
    )  # fmt: skip

    def __init__(self, media: Media | None, order: l16.ByteOrder, record: CallRecord | None) -> None:
        self.channels = media.channels if media else ()
        self.width = media.width if media else 1
        self._media = media
        self._order = order
        self._plain = media is not None and media.format == "PCMU" and len(media.channels) == 1
        self._record = record
        self._sinks: tuple[Sink, ...] = ()
        self.on_frame: Callable[[int, int], None] | None = None
        self.on_error: Callable[[Exception], None] | None = None
        self._readers: tuple[Reader, ...] = ()
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

    def take(self, data: bytes, position: int, now: float = 0.0) -> None:
        """Audio has come. It is a `session.connection.OnAudio`."""
        try:
            if self.on_frame is not None:
                self.on_frame(position, len(data) // self.width)
            if self._record is not None:
                self._keep(self._record, data, position)
            for sink in self._sinks:
                sink(data, position)
            for reader in self._readers:
                reader.put(data, position)
            if self._held is not None:
                self._hold(self._held, data, position)
        except Exception as error:
            if self.on_error is None:
                raise
            self.on_error(error)

    def _keep(self, record: CallRecord, data: bytes, position: int) -> None:
        for channel, lane in zip(self.channels, self.lanes(data), strict=True):
            (record.external if channel == "external" else record.internal).write(position, lane)

    def read(self, on_loss: Callable[[int], None]) -> AsyncIterator[bytes]:
        """The frames from now on, and what was held if nobody has listened before; ends with the stream.

        Args:
            on_loss: Called with the position, once, when a slow reader loses the oldest.
        """
        reader = Reader(on_loss)
        held, self._held = self._held, None
        for data, position in held or ():
            reader.put(data, position)
        if self._over:
            reader.end()
        else:
            self._readers += (reader,)
        return Reading(reader, self._forget)

    def _forget(self, reader: Reader) -> None:
        self._readers = tuple(each for each in self._readers if each is not reader)

    def end(self) -> None:
        """Nothing more comes."""
        self._over = True
        for reader in self._readers:
            reader.end()

    def first_lane(self, data: bytes) -> bytes:
        """The first of the `lanes` of a frame."""
        return data if self._plain else self.lanes(data)[0]

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
        if self._media is None or self._plain:
            return lane
        if self._media.format == "L16":
            return channels.interleave([l16.encode(ulaw.decode(lane), self._order)] * len(self.channels), 2)
        return channels.interleave([lane] * len(self.channels))

    def _hold(self, held: deque[tuple[bytes, int]], data: bytes, position: int) -> None:
        held.append((data, position))
        self._room -= len(data)
        while self._room < 0:
            self._room += len(held.popleft()[0])


class Reader:
    """The frames that wait for one who reads them with `async for`.

    Args:
        on_loss: As in `Stream.read`.
    """

    __slots__ = ("_feed", "_on_loss", "end", "next")

    def __init__(self, on_loss: Callable[[int], None]) -> None:
        self._feed: Feed[bytes] = Feed(_UNREAD)
        self._on_loss: Callable[[int], None] | None = on_loss
        self.end = self._feed.end
        self.next = self._feed.next

    def put(self, data: bytes, position: int) -> None:
        """Audio has come."""
        if not self._feed.put(data) and self._on_loss is not None:
            self._on_loss(position)
            self._on_loss = None


class Reading:
    """What `async for` goes through: an iterator and not a generator, which costs a frame twice as much.

    Let go of, it ends the reading: a handler may leave its loop at any frame.
    """

    __slots__ = ("_forget", "_next", "_reader")

    def __init__(self, reader: Reader, forget: Callable[[Reader], None]) -> None:
        self._reader = reader
        self._forget = forget
        self._next = reader.next

    def __aiter__(self) -> Reading:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self._next()
        except CallEnded:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        """End the reading; for those who do not leave it to the end of a scope."""
        self._forget(self._reader)

    def __del__(self) -> None:
        self._forget(self._reader)
