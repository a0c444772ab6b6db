"""One WebSocket bound to one session: the only place where a session meets a socket and a clock.

It knows nothing of bots or callers: what a session reports goes to one callback, by plain calls in the order it
happened. Audio that is to leave on schedule comes from one `Source`, which is asked when its time has come.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from ..errors import LocalProtocolError, wordless
from ..protocol import ClientSession, Event, Finished, Role, ServerSession, Violation
from .traffic import Traffic
from .wire import Wire

logger = logging.getLogger("offhook.session")

#: Bytes that may wait for a peer that does not read: some 30 s of its audio.
MAX_BACKLOG: Final = 262_144
#: Bytes that may wait before a `Source` is asked for more: a second of audio behind a full socket.
HOLD_BACKLOG: Final = 8_000
#: Seconds after which a source that was held is looked at again: engines do not tell when a small backlog has left.
_LOOK_AGAIN: Final = 0.1

_UNCOUNTED: Final = Traffic()

Tap = Callable[[Role, "str | bytes", float], None]
"""Sees every message: who sent it, the message, and the loop's time."""


class Source(Protocol):
    """Audio on a schedule: a playout, say. Times are the loop's. It is asked only while the session is live."""

    def due(self, now: float) -> Iterable[bytes]:
        """Audio that is to leave by now, in the session's format."""

    def next_due(self) -> float | None:
        """When to ask again; None if nothing waits."""


def _clock_of(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    """The loop's clock, finer where that can be had: uvloop's counts milliseconds, from the monotonic clock's zero."""
    return time.monotonic if abs(loop.time() - time.monotonic()) < 1.0 else loop.time


def _nobody(event: Event) -> None:
    """Is told nothing."""


class Connection:
    """Drives a session from a wire and a timer. It is what a WebSocket engine calls (`wire.Receiver`).

    Nothing that a peer sends makes it raise, and nothing that a listener, tap or source raises gets past it.

    Args:
        session: Either kind, fresh.
        on_event: Called for each event of the session; if it raises, the session is ended with an error.
        tap: Sees the messages of both directions, for traces; if it raises, it sees no more.
        traffic: Counts what passes.

    Attributes:
        audio: Takes audio in place of `received`, `tap` and `on_event`, once the session's lane has sinks: one call for
            each message (`wire.Receiver`).
        on_audio_left: Gets each audio message of ours as it leaves, and the loop's time. It must not raise.
    """

    __slots__ = (
        "_again",
        "_clock",
        "_flushing",
        "_loop",
        "_on_event",
        "_timer",
        "_timer_at",
        "_traffic",
        "_wire",
        "audio",
        "on_audio_left",
        "session",
        "source",
        "tap",
    )

    def __init__(
        self,
        session: ServerSession | ClientSession,
        on_event: Callable[[Event], None],
        *,
        tap: Tap | None = None,
        traffic: Traffic = _UNCOUNTED,
    ) -> None:
        self.session = session
        self._traffic = traffic
        self.source: Source | None = None
        self.tap = tap
        self.audio = session.lane.take
        self.on_audio_left: Callable[[bytes, float], None] | None = None
        self._on_event = on_event
        self._wire: Wire | None = None
        self._loop = asyncio.get_running_loop()
        self._clock = _clock_of(self._loop)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._flushing = False
        self._again = False

    # What the engine calls.

    def connected(self, wire: Wire) -> None:
        self._wire = wire
        self.flush()

    def received(self, data: str | bytes) -> None:
        if self.audio(data) if isinstance(data, bytes) else self._answers(data):
            return  # nothing waits to leave, and no deadline has come nearer by it
        now = self._clock()
        self._traffic.count_in(data)
        if self.tap is not None:
            self._show(self.session.peer, data, now)
        self._deliver(self.session.receive(data, now))
        if self.session.has_output or self.session.finished:
            self.flush()
        elif isinstance(data, str) and self._wire is not None:
            self._arm(self._wire)

    def _answers(self, text: str) -> bool:
        """Whether this was a ping that could be answered at once."""
        wire = self._wire
        if wire is None or self._flushing:
            return False
        now = self._clock()
        pong = self.session.answer_ping(text, now)
        if pong is None:
            return False
        self._traffic.messages_in += 1
        self._traffic.messages_out += 1
        if self.tap is not None:
            self._show_both(text, pong, now)
        wire.send(pong)
        if self._again or wire.backlog > MAX_BACKLOG:
            self.flush()
        return True

    def _show_both(self, ping: str, pong: str, now: float) -> None:
        """What a tap asks for meanwhile leaves behind the pong, which has its number already."""
        self._again = False
        self._flushing = True
        try:
            self._show(self.session.peer, ping, now)
            self._show(self.session.role, pong, now)
        finally:
            self._flushing = False

    def lost(self, code: int, reason: str) -> None:
        self._wire = None
        self._deliver(self.session.connection_lost(self._clock()))
        self._disarm()
        # All of these know us: without the circle a session that is over is freed at once.
        self._on_event, self.source, self.tap, self.on_audio_left = _nobody, None, None, None

    # What the application calls.

    @property
    def now(self) -> float:
        """The loop's time: what `tap` and `Source` are given."""
        return self._clock()

    @property
    def backlog(self) -> int:
        """Bytes sent that the peer has not taken yet."""
        return self._wire.backlog if self._wire is not None else 0

    def flush(self) -> None:
        """Send what may leave now, and set the timer for the rest. Call it after asking the session for anything."""
        # A tap may ask for things while messages leave: they wait, or they would overtake what is numbered before them.
        self._again = True
        if self._flushing:
            return
        self._flushing = True
        try:
            while self._again and self._wire is not None:
                self._again = False
                self._send(self._wire)
        finally:
            self._flushing = False
        if self._wire is not None:
            self._settle(self._wire)

    def send_audio(self, data: bytes) -> None:
        """Send audio in the session's format, at once if nothing stands before it.

        Raises:
            LocalProtocolError: See `ServerSession.send_audio`.
        """
        now = self._clock()
        wire = self._wire
        if wire is not None and not self._flushing and self.session.pass_audio(data, now):
            self._audio_leaves(data, now)
            wire.send(data)
            if wire.backlog > MAX_BACKLOG:
                self._settle(wire)
        else:
            self.session.send_audio(data)
            self.flush()

    def abort(self) -> None:
        """Drop the socket at once."""
        if self._wire is not None:
            self._wire.abort()

    # Out.

    def _send(self, wire: Wire) -> None:
        session, now = self.session, self._clock()
        if self._may_play(wire):
            self._play(wire, now)
        for data in session.data_to_send(now):
            if isinstance(data, bytes):
                self._audio_leaves(data, now)
            else:
                self._traffic.messages_out += 1
                if self.tap is not None:
                    self._show(session.role, data, now)
            wire.send(data)

    def _may_play(self, wire: Wire) -> bool:
        return self.source is not None and self.session.is_live and wire.backlog <= HOLD_BACKLOG

    def _play(self, wire: Wire, now: float) -> None:
        assert self.source is not None
        session = self.session
        try:
            for audio in self.source.due(now):
                if session.pass_audio(audio, now):
                    self._audio_leaves(audio, now)
                    wire.send(audio)
                else:
                    session.send_audio(audio)
        except Exception:
            logger.exception("session %s: its audio failed", self.session.id)
            self.source = None
            self._give_up()

    def _audio_leaves(self, data: bytes, now: float) -> None:
        traffic = self._traffic
        traffic.frames_out += 1
        traffic.bytes_out += len(data)
        if self.tap is not None:
            self._show(self.session.role, data, now)
        if self.on_audio_left is not None:
            self.on_audio_left(data, now)

    def _show(self, sender: Role, data: str | bytes, now: float) -> None:
        assert self.tap is not None
        try:
            self.tap(sender, data, now)
        except Exception as error:
            told = wordless(error, logger)
            logger.error("session %s: a tap failed; it sees no more", self.session.id, exc_info=told)
            self.tap = None

    def _settle(self, wire: Wire) -> None:
        """All that may leave has left."""
        if self.session.finished:
            wire.close()
            self._disarm()
        elif wire.backlog > MAX_BACKLOG:
            self._wire = None
            self._disarm()
            self._deliver((Violation(408, "reads too slowly"),))
            wire.abort()
        else:
            self._arm(wire)

    # Time.

    def _arm(self, wire: Wire) -> None:
        at = self.session.next_deadline()
        if self.source is not None and self.session.is_live:
            due = self.source.next_due()
            if due is not None and not self._may_play(wire):
                due = max(due, self._clock() + _LOOK_AGAIN)
            if due is not None and (at is None or due < at):
                at = due
        if at is None:
            return self._disarm()
        if self._timer is not None:
            if self._timer_at <= at:
                return None  # it fires early, finds nothing due and is set again: cheaper than to move it each time
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._fire)
        return None

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        # Loops fire up to a millisecond early; what was due at this time is due.
        events = self.session.handle_timer(max(self._clock(), self._timer_at))
        if events or self.session.has_output or self.source is not None or self._wire is None:
            self._deliver(events)
            self.flush()
        else:
            self._arm(self._wire)  # it fired early: there was a sign of life meanwhile

    # Events.

    def _deliver(self, events: Iterable[Event]) -> None:
        for event in events:
            try:
                self._on_event(event)
            except Exception as error:
                what, told = type(event).__name__, wordless(error, logger)
                logger.error("session %s: a listener failed on %s", self.session.id, what, exc_info=told)
                if not isinstance(event, Finished):
                    self._give_up()

    def _give_up(self) -> None:
        """Our own code has failed: the peer is told so in neutral words."""
        session = self.session
        try:
            if isinstance(session, ServerSession):
                session.disconnect("error", "Server Error")
            else:
                session.close("error")
        except LocalProtocolError:
            pass  # it is ending already
