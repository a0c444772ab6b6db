"""Everything that happens in one call, told to whoever keeps it or watches it: one stream of small frozen events."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable

from ..audio import ulaw
from ..protocol import (
    AudioDiscarded,
    Dropped,
    DtmfReceived,
    ErrorReported,
    Event,
    Paused,
    Resumed,
    Role,
    Tolerated,
    UnknownMessage,
    Violation,
    codec,
)
from ..records import events as happenings
from ..records.record import CallRecord
from ..session.connection import Connection
from .feed import Feed
from .privacy import Privacy

logger = logging.getLogger("offhook.bots")

Observer = Callable[[happenings.AnyEvent], None]


class Journal:
    """The events of one session, from its `open` to `CallEnded`, behind which nothing comes.

    Args:
        connection: Tells the time, and is tapped for the trace.
        began: When the session began, the loop's time.
        observe: Gets every event at once; it must not raise.
        record: What keeps them, if anything does.

    Attributes:
        error: The first thing that went wrong, in words for whoever runs the bot.
        pausing: Whether we have asked for a pause: the platform's `paused` and `resumed` do not say whose they are.
    """

    def __init__(self, connection: Connection, began: float, observe: Observer, record: CallRecord | None) -> None:
        self.error = ""
        self.pausing = False
        self.record = record
        self._connection = connection
        self._observe = observe
        self._began = began
        self._feeds: list[Feed[happenings.AnyEvent]] = []
        self._over = False
        self._noted: set[str] = set()
        self._looked_at = False
        self.privacy = Privacy(lambda: connection.now)
        connection.tap = self._tap if record is not None else None

    def look(self) -> None:
        """Somebody wants to see the messages too: until then, nobody pays for it."""
        self._looked_at = True
        self._connection.tap = self._tap

    @property
    def t(self) -> float:
        """Seconds since the session began."""
        return self._connection.now - self._began

    def emit(self, event: happenings.AnyEvent) -> None:
        """Tell everybody. What comes behind the end of the call is told to nobody."""
        if self._over:
            return
        self._over = isinstance(event, happenings.CallEnded)
        if self.privacy.on or (isinstance(event, happenings.Key) and self.privacy.of_keys):
            event = happenings.redacted(event) if not self._over else event
        if self.record is not None:
            self.record.add(event)
        for feed in self._feeds:
            feed.put(event)
            if self._over:
                feed.end()
        self._observe(event)

    def close(self) -> None:
        """Nobody will be told anything: let go of whoever was."""
        self._over, self._observe = True, _nobody

    def follow(self) -> AsyncIterator[happenings.AnyEvent]:
        """Everything that happens from now on, up to and with `CallEnded`."""
        feed: Feed[happenings.AnyEvent] = Feed()
        if self._over:
            feed.end()
        else:
            self._feeds.append(feed)
            self.look()
        return self._read(feed)

    async def _read(self, feed: Feed[happenings.AnyEvent]) -> AsyncIterator[happenings.AnyEvent]:
        try:
            async for event in feed.read():
                yield event
        finally:
            if feed in self._feeds:
                self._feeds.remove(feed)

    def replay(self, messages: Iterable[tuple[Role, str | bytes, float]]) -> None:
        """Take in what passed before the journal was begun."""
        if self._connection.tap is not None:
            for sender, data, now in messages:
                self._tap(sender, data, now)

    def tell(self, event: Event, session_id: str, position: int) -> None:
        """Put what the session reports into the words of records, where they have words for it.

        Args:
            event: What has happened.
            session_id: For the log.
            position: Of the caller's stream, for what does not say its own.
        """
        side: happenings.Side = "server" if self.pausing else "client"
        match event:
            case DtmfReceived(digit, at):
                self.emit(happenings.Key(t=self.t, position=at, digit=digit))
            case Paused(at):
                self.emit(happenings.Paused(t=self.t, position=at, by=side))
            case Resumed(start, discarded):
                self.pausing = False
                self.emit(happenings.Resumed(t=self.t, position=start + discarded, by=side, discarded=discarded))
            case AudioDiscarded(start, length):
                self.emit(happenings.Discarded(t=self.t, position=start + length, start=start, length=length))
            case ErrorReported(code, message):
                logger.warning("session %s: the platform reports error %d", session_id, code)
                self.emit(happenings.PeerErred(t=self.t, position=position, code=code, message=message))
            case Violation(code, rule):
                logger.warning("session %s: the platform broke the protocol: %s", session_id, rule)
                self.error = self.error or rule
                self.emit(happenings.Violation(t=self.t, position=position, code=code, message=rule))
            case Tolerated(rule):
                self.note(f"tolerated: {rule}", position)
            case UnknownMessage():
                self.note("a message of unknown type was passed over", position)
            case Dropped(type):
                self.note(f"{type} could not leave any more", position)

    def heard(self, data: bytes, position: int) -> None:
        """Keep a message of audio that came past the tap."""
        if self.record is not None:
            kept = ulaw.silence(len(data)) if self.privacy.on else data
            self.record.message(Role.CLIENT.value, kept, self.t)

    def note(self, text: str, position: int | None = None) -> None:
        """Keep a remark; never what a caller said."""
        self.emit(happenings.Note(t=self.t, position=position, text=text))

    def note_once(self, text: str, position: int | None = None) -> None:
        """The same; once in a call."""
        if text not in self._noted:
            self._noted.add(text)
            self.note(text, position)

    def _tap(self, sender: Role, data: str | bytes, now: float) -> None:
        t = now - self._began
        if self.record is not None:
            self.record.message(sender.value, self.privacy.of_message(sender, data), t)
        if isinstance(data, bytes) or not self._looked_at:
            return
        try:
            header = codec.decode_header(data)
        except codec.Malformed:
            return
        size = len(data) if data.isascii() else len(data.encode("utf-8", "surrogatepass"))
        self.emit(happenings.MessageSeen(t=t, sender=sender.value, type=header.type, seq=header.seq, size=size))


def _nobody(event: happenings.AnyEvent) -> None:
    """Is told nothing."""
