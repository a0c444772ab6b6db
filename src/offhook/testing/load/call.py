"""One call of a load: a true session that lives by callbacks alone once it is dialled, with no task and no timer of
its own but its session's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from ...audio.ulaw import RATE
from ...errors import LocalProtocolError, OffhookError
from ...protocol import (
    AudioReceived,
    Disconnected,
    EntitiesReceived,
    Event,
    Finished,
    Ponged,
    Profile,
    SessionOpened,
    State,
    Tolerated,
    Violation,
)
from ...session.client import new_session_id
from ...session.connection import Connection
from ...session.wire import Wire
from .echo import Echo
from .plan import Plan
from .playout import Playout
from .session import LoadSession
from .sound import CAPTURE, Sound
from .tally import CallRow, Spread, Tally, note
from .wheel import Wheel

LATE: Final = 0.02
"""Seconds by which a message of ours may leave late before it is counted."""

#: Bytes that may wait for a server that reads slowly before audio is thrown away, as the platform does (P6.2).
_THROTTLE: Final = 64_000
#: Seconds that the last echo has to come before the call is closed.
_LAST_ECHO: Final = 0.5
_KEYS: Final = "1234567890*#"
_GOLDEN: Final = 0.6180339887498949

Dial = Callable[["Line"], Awaitable[object]]
"""Connects a line to the server and sends `open`; raises what `session.client.open_session` raises."""


@dataclass(slots=True)
class Shared:
    """What all calls of a process share.

    Attributes:
        plan: What is to be.
        product: Its profile.
        sound: What callers say.
        wheel: Sends it.
        dial: How to reach the server.
        clock: The time, that of the loop.
        start: When the run began.
        on_end: Told of each call that is over.
        tally: Of the second that is on.
        sockets: How many are open.
    """

    plan: Plan
    product: Profile
    sound: Sound
    wheel: Wheel
    dial: Dial
    clock: Callable[[], float]
    start: float
    on_end: Callable[[Call], None]
    tally: Tally
    sockets: int = 0


class Line(Connection):
    """The connection of a call: it knows when it came up, and sends audio the short way."""

    __slots__ = ("_shared", "session", "up_at")
    session: LoadSession

    def __init__(self, session: LoadSession, on_event: Callable[[Event], None], shared: Shared) -> None:
        super().__init__(session, on_event)
        self._shared = shared
        self.up_at: float | None = None

    def connected(self, wire: Wire) -> None:
        self.up_at = self.now
        self._shared.sockets += 1
        super().connected(wire)

    def lost(self, code: int, reason: str) -> None:
        if self.up_at is not None:
            self._shared.sockets -= 1
        super().lost(code, reason)

    def pass_audio(self, data: bytes, now: float) -> bool:
        """Send a message if nothing stands in its way; if not, nothing has changed."""
        wire = self._wire
        if wire is None or wire.backlog > _THROTTLE or not self.session.pass_audio(data, now):
            return False
        wire.send(data)
        return True


class Call:
    """A call. `place` it once; `hang_up` at any time; `shared.on_end` hears of its end.

    Args:
        number: Its place among all calls of the run.
        shared: The same for all.

    Attributes:
        over: Whether it has ended, well or not.
        row: How it went, once it is over.
    """

    def __init__(self, number: int, shared: Shared) -> None:
        self.number = number
        self.over = False
        self.row: CallRow | None = None
        self._shared = shared
        self._clock = shared.clock
        self.session = LoadSession(
            new_session_id(),
            shared.plan.opening(),
            shared.product,
            capture=CAPTURE,
            enforce_rates=shared.plan.enforces_rates,
        )
        self._line = Line(self.session, self._on_event, shared)
        self._line.audio = self._take
        self._messages = shared.sound.messages(shared.product.offers[0])
        self._echo: Echo | None = None
        self._first = 0
        if shared.plan.wav is None:  # each begins elsewhere, so that the audio of another call is known as such
            self._first = int(number * _GOLDEN % 1.0 * shared.sound.frames)
        if shared.plan.echoes:
            self._echo = Echo(shared.sound, self._first)
        self._playout = Playout(steady=shared.plan.echoes)
        self._rate = float(RATE)
        self._turn = self._first
        self._remove: Callable[[], None] | None = None
        self._placed_at = self._clock()
        self._opened_at: float | None = None
        self._next_key = float("inf")
        self._keys = number
        self._pings = Spread()
        self._frames_out = self._frames_in = 0
        self._hung_up = False
        self._gone: Disconnected | None = None
        self._violations: list[Violation] = []

    async def place(self) -> None:
        """Dial and send `open`. Returns when that has left or failed; the call goes on by itself."""
        self._placed_at = self._clock()
        self._shared.tally.placed += 1
        try:
            await self._shared.dial(self._line)
        except OffhookError as error:
            self._end(str(error))

    def hang_up(self) -> None:
        """End the call from our side, if it is not ending yet: behind the last echo, where one is expected."""
        if self.over or self._hung_up:
            return
        self._hung_up = True
        self._fall_silent()
        if self._echo is not None and self._echo.missing and self.session.is_live:
            asyncio.get_running_loop().call_later(_LAST_ECHO, self._close)
        else:
            self._close()

    def _fall_silent(self) -> None:
        if self._remove is not None:
            self._remove()

    def _close(self) -> None:
        if not self.over:
            with suppress(LocalProtocolError):  # it is ending by itself
                self.session.close("end")
            self._line.flush()

    def abort(self, reason: str) -> None:
        """Drop it at once."""
        self._line.abort()
        self._end(reason)

    # Audio.

    def speak(self, due: float) -> None:
        """The wheel: a message is due."""
        tally, now = self._shared.tally, self._clock()
        lag = now - due
        tally.lag.record(lag)
        if lag > LATE:
            tally.late_out += 1
        if self._line.pass_audio(self._messages[self._turn], now) or self._sent_otherwise(tally):
            tally.frames_out += 1
            self._frames_out += 1
            self._turn += 1
            if self._turn == len(self._messages):
                self._turn = 0
            if self._echo is not None:
                self._echo.left(now)
        if self._playout.playing:
            self._look(now)
        if now >= self._next_key:
            self._press(now)

    def _sent_otherwise(self, tally: Tally) -> bool:
        """What is not plain sailing: a pause, a server that reads slowly, audio that was lost before this."""
        session, sound = self.session, self._shared.sound
        if not session.is_live:
            return False
        if self._line.backlog > _THROTTLE:
            session.skip(sound.frame)
            tally.dropped += sound.frame
            return False
        session.send_audio(*sound.lanes[self._turn])
        self._line.flush()
        return session.state is State.OPEN

    def _take(self, data: bytes) -> bool:
        """The short way of what comes (`session.wire.Receiver`): no event is made of it."""
        now = self._clock()
        if self.session.take_audio(data, now) < 0:
            return False
        self._hear(data, now)
        return True

    def _hear(self, data: bytes, now: float) -> None:
        tally, playout = self._shared.tally, self._playout
        tally.frames_in += 1
        tally.samples_in += len(data)
        self._frames_in += 1
        if playout.playing:
            self._look(now)
        gap = playout.hear(len(data) / self._rate, now)
        if gap:
            tally.gap.record(gap)
        if playout.jitter >= 0.0:
            tally.jitter.record(playout.jitter)
        if not playout.playing:
            playout.playing = True
            self._ask(self.session.playback_started)
        if self._echo is not None:
            self._echo.came(data, now, tally)

    def _look(self, now: float) -> None:
        """Report the end of the playback. An echo is one playback, whatever its gaps: each would cost two messages."""
        if self._echo is None and self._playout.ends(now):
            self._ask(self.session.playback_completed)

    def _press(self, now: float) -> None:
        every = self._shared.plan.keys_every
        assert every is not None
        self._next_key += every
        digit = _KEYS[self._keys % len(_KEYS)]
        self._keys += 1
        if self.session.is_live:
            self._shared.tally.keys += 1
            self._ask(lambda: self.session.dtmf(digit))

    def _ask(self, send: Callable[[], None]) -> None:
        with suppress(LocalProtocolError):  # it is ending
            send()
            self._line.flush()

    # What the session reports.

    def _on_event(self, event: Event) -> None:
        tally = self._shared.tally
        match event:
            case AudioReceived(data=data):
                self._hear(data, self._clock())
            case Ponged(rtt=rtt):
                tally.ping.record(rtt)
                self._pings.record(rtt)
            case SessionOpened():
                self._opened(event)
            case EntitiesReceived(entities=entities):
                tally.events += len(entities)
                if any(entity.type == "barge_in" for entity in entities):
                    self._playout.flush(self._clock())
            case Violation(code=code, rule=rule):
                note(tally.violations, f"{code} {rule}")
                self._violations.append(event)
            case Tolerated(rule=rule):
                note(tally.tolerated, rule)
            case Disconnected():
                self._gone = event
            case Finished(clean=clean):
                self._end(self._trouble(clean))

    def _opened(self, event: SessionOpened) -> None:
        shared, now = self._shared, self._clock()
        self._opened_at = now
        shared.tally.opened += 1
        up = self._line.up_at
        assert up is not None
        shared.tally.upgrade.record(up - self._placed_at)
        shared.tally.opening.record(now - up)
        if event.media is None or self.over:
            return
        self._rate = float(RATE * event.media.width)
        self._messages = shared.sound.messages(event.media)
        self._remove = shared.wheel.add(self, self.number)
        every = shared.plan.keys_every
        if every is not None:
            self._next_key = now + every * (0.5 + self.number * _GOLDEN % 1.0)

    # The end.

    def _trouble(self, clean: bool) -> str | None:
        """What was wrong with a session that has ended; None if nothing was."""
        fatal = next((fault for fault in self._violations if fault.fatal), None)
        if fatal is not None:
            return fault_text(fatal)
        if self._gone is not None and (self._opened_at is None or self._gone.reason != "completed"):
            what = "refused" if self._opened_at is None else "disconnected"
            return f"{what}: {_plain(self._gone.reason)}"
        if not clean:
            when = "before `opened`" if self._opened_at is None else "in mid-call"
            return f"the server closed the socket {'before `closed`' if self._hung_up else when}"
        if self._echo is not None and self._opened_at is not None and self._silent():
            return "nothing of what was said came back"
        if self._gone is None and not self._hung_up:
            return "the server closed the session unasked"
        return None

    def _silent(self) -> bool:
        assert self._echo is not None
        return self._echo.sent >= RATE and not self._echo.latency.count

    def _end(self, trouble: str | None) -> None:
        if self.over:
            return
        self.over = True
        self._fall_silent()
        tally, now = self._shared.tally, self._clock()
        tally.over += 1
        tally.closed += self._opened_at is not None
        tally.failed += trouble is not None
        tally.completed += trouble is None and self._gone is not None
        if self._echo is not None and self._gone is None:
            tally.missing += self._echo.missing
        if trouble is not None:
            note(tally.failures, trouble)
        self.row = self._summary(trouble, now)
        self._shared.on_end(self)

    def _summary(self, trouble: str | None, now: float) -> CallRow:
        up, opened, echo = self._line.up_at, self._opened_at, self._echo
        ended: Literal["completed", "hangup"] = "completed" if self._gone is not None else "hangup"
        return CallRow(
            number=self.number,
            session=self.session.id,
            outcome=ended if trouble is None else "failed",
            reason=trouble or (_plain(self._gone.reason) if self._gone else "end"),
            at=round(self._placed_at - self._shared.start, 3),
            seconds=round(now - self._placed_at, 3),
            upgrade_ms=None if up is None else round(1000 * (up - self._placed_at), 3),
            opened_ms=None if up is None or opened is None else round(1000 * (opened - up), 3),
            ping=self._pings.rounded(),
            echo=echo.latency.rounded() if echo is not None else None,
            frames_out=self._frames_out,
            frames_in=self._frames_in,
            missing=echo.missing if echo is not None and self._gone is None else 0,
            gaps=self._playout.gaps,
            gap_ms=round(1000 * self._playout.longest, 3),
            violations=tuple(dict.fromkeys(fault_text(fault) for fault in self._violations)),
        )


def fault_text(fault: Violation) -> str:
    """A violation as reports name it."""
    return f"{fault.code} {fault.rule}"


def _plain(text: str) -> str:
    """A server's word, short and without control characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:60])
