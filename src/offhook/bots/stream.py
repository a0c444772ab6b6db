"""The caller's audio in one line: recorded, held until somebody listens, handed to sinks by plain calls."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from ..audio import channels, l16, ulaw
from ..errors import CallEnded
from ..protocol import STEREO, Lane, Media
from ..protocol.lane import Sink
from ..records.store import CallRecord
from .feed import Feed
from .privacy import Privacy

#: Seconds of audio that are held for a handler that has not begun to listen.
HELD: Final = 10.0
#: Frames that wait for a handler that reads audio slowly.
_UNREAD: Final = 250


class Stream:
    """The audio of one session. Whoever wants it is a sink of the session's lane, in the order: trace, ledger, record,
    the handler's sinks and readers, and what is held for a handler that has not begun to listen.

    Args:
        lane: Where the audio comes.
        media: What was negotiated; None for a session without audio.
        order: Byte order of L16.
        record: Keeps the audio, if anything does.
        privacy: While it is on, the caller's channel is kept as silence.

    Attributes:
        channels: In order; empty without audio.
        width: Bytes of one sample of all channels.
    """

    __slots__ = (
        "_as_kept", "_first",
        "_held", "_lane", "_media", "_order", "_over", "_plain", "_privacy", "_readers", "_record", "_room",
        "_sinks", "_timed", "channels", "width",
    )  # fmt: skip

    def __init__(
        self,
        lane: Lane,
        media: Media | None,
        order: l16.ByteOrder,
        record: CallRecord | None,
        privacy: Privacy | None = None,
    ) -> None:
        self._privacy = privacy
        self.channels = media.channels if media else ()
        self.width = media.width if media else 1
        self._lane = lane
        self._media = media
        self._order = order
        self._as_kept = media == STEREO  # as recordings have it: nothing to take apart
        self._plain = media is not None and media.format == "PCMU" and len(media.channels) == 1
        self._record = record if record is not None and record.wants_sound else None
        self._first: tuple[Sink, ...] = ()
        self._sinks: tuple[Sink, ...] = ()
        self._timed: Callable[[Sink], Sink] | None = None
        self._readers: tuple[Reader, ...] = ()
        self._over = False
        self._held: deque[tuple[bytes, int]] | None = deque()
        self._room = int(HELD * ulaw.RATE) * self.width

    def begin(self, on_error: Callable[[Exception], None]) -> None:
        """Take the audio from now on; `on_error` gets what a sink raises."""
        self._lane.on_error = on_error
        self._arrange(begun=True)

    def put_first(self, sink: Sink) -> None:
        """Hand all audio to a sink that comes before all others and does not count as listening."""
        self._first += (sink,)
        self._arrange()

    def add(self, sink: Sink, *, hold_on: bool = False) -> None:
        """Hand all audio to a sink from now on; the first one also gets what was held until now.

        With `hold_on` it gets that too, and it is held on for the first one of the others.
        """
        held = self._held
        if not hold_on:
            self._held = None
        for data, position in held or ():
            sink(data, position)
        self._sinks += (sink,)
        self._arrange()

    def remove(self, sink: Sink) -> None:
        self._sinks = tuple(each for each in self._sinks if each != sink)  # a bound method is a new object each time
        self._arrange()

    def time(self, timed: Callable[[Sink], Sink] | None) -> None:
        """Have each sink called by way of what `timed` makes of it, from now on; None: as it is."""
        self._timed = timed
        self._arrange()

    def _arrange(self, *, begun: bool = False) -> None:
        """The lane knows one tuple of sinks and nothing else: that is what a frame costs."""
        if self._lane.sinks is None and not begun:
            return
        theirs = self._sinks if self._timed is None else map(self._timed, self._sinks)
        sinks = [*self._first, *theirs, *(reader.put for reader in self._readers)]
        if self._record is not None:
            sinks.insert(len(self._first), self._keep)
        if self._held is not None:
            sinks.append(self._hold)
        self._lane.sinks = tuple(sinks)

    def _keep(self, data: bytes, position: int) -> None:
        assert self._record is not None
        if self._as_kept and not (self._privacy is not None and self._privacy.on):
            return self._record.both.write(position, data)
        for channel, lane in zip(self.channels, self.lanes(data), strict=True):
            if channel == "external" and self._privacy is not None and self._privacy.on:
                lane = ulaw.silence(len(lane))  # keys can be heard in it
            (self._record.external if channel == "external" else self._record.internal).write(position, lane)
        return None

    def read(self, on_loss: Callable[[int], None]) -> AsyncIterator[bytes]:
        """The frames from now on, and what was held if nobody has listened before; ends with the stream.

        Args:
            on_loss: Called with the position each time that a slow reader loses the oldest.
        """
        reader = Reader(on_loss)
        held, self._held = self._held, None
        for data, position in held or ():
            reader.put(data, position)
        if self._over:
            reader.end()
        else:
            self._readers += (reader,)
            self._arrange()
        return Reading(reader, self._forget)

    def _forget(self, reader: Reader) -> None:
        if self._over:
            return  # the collector may ask: whoever made something new for it now would bring the whole call back
        self._readers = tuple(each for each in self._readers if each is not reader)
        self._arrange()

    def end(self) -> None:
        """Nothing more comes: let go of all who wanted it, who know the call."""
        self._over = True
        for reader in self._readers:
            reader.end()
        self._first = self._sinks = self._readers = ()
        self._lane.sinks = self._lane.on_error = self._timed = None

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

    def _hold(self, data: bytes, position: int) -> None:
        held = self._held
        if held is None:
            return  # somebody has begun to listen to this very frame
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
        self._on_loss = on_loss
        self.end = self._feed.end
        self.next = self._feed.next

    def put(self, data: bytes, position: int) -> None:
        """Audio has come."""
        if not self._feed.put(data):
            self._on_loss(position)


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
