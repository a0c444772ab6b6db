"""One integration's part in one call: a bot or a monitor, and the sessions that it takes, one after the other.

It opens sessions, feeds them from the caller's line, keeps what they miss while they open, and says how each ends. It
must not know what becomes of a call whose bot has failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from ..audio import ulaw
from ..errors import CallEnded, LocalProtocolError, OffhookError
from ..protocol import (
    ClientSession,
    ContinuedSession,
    Disconnected,
    EntitiesReceived,
    Event,
    Finished,
    PauseRequested,
    PlaybackCompleted,
    PlaybackStarted,
    Ponged,
    ReconnectRequested,
    ResumeRequested,
    SessionOpened,
    Violation,
)
from ..protocol.messages import CloseReason
from ..records.usage import Metered
from ..session.client import new_session_id, request_headers
from . import failures, happenings
from .context import CallContext, clock
from .failures import Trouble
from .integrations import Integration
from .parameters import opening
from .player import TICK, Played
from .sitting import AttemptFailed, Sitting
from .stream import CAPTURE, Stream, encode
from .window import OFFERED, Window

_NOTHING: Final = Played(ulaw.silence(TICK))


class Strand:
    """A bot or a monitor in a call; a `line.Voice`.

    Args:
        call: What the call's parts share.
        integration: Who it is.
        name: How events call it.
        connector_id: Appended to the endpoint's URI as it is (P2.1).
        inputs: Input variables.
        language: Of `open`; None: the call's.

    Attributes:
        sitting: The session that is on; None before the first, and between two.
        window: What a session would have to be given that is opened now.
        attempts: Attempts at the session so far: the next one's `Audiohook-Retry-Attempt`.
    """

    def __init__(
        self,
        call: CallContext,
        integration: Integration,
        name: str,
        *,
        connector_id: str = "",
        inputs: Mapping[str, object] | None = None,
        language: str | None = None,
    ) -> None:
        self.call = call
        self.integration = integration
        self.name = name
        self.sitting: Sitting | None = None
        self.window = Window()
        self.attempts = 0
        self._connector_id = connector_id
        self._inputs = dict(inputs or {})
        self._language = language or call.language
        self._paused = False
        self._opening: Sitting | None = None
        self._continued: list[ContinuedSession] = []
        self._closing: set[asyncio.Task[None]] = set()

    # The line's side.

    def play(self) -> Played:
        """See `line.Voice`."""
        sitting = self.sitting
        if sitting is None or not sitting.opened or sitting.stream.over:
            return _NOTHING
        return sitting.stream.play()

    def capture(self, played: Played, external: bytes, internal: bytes, ahead: int) -> None:
        """See `line.Ear`."""
        sitting = self.sitting
        live = sitting is not None and sitting.opened and not sitting.stream.over
        if sitting is None or not live:
            self._keep(external, internal, paused=self._paused)
            return
        stream = sitting.stream
        before = stream.dropped
        stream.capture(played, external, internal, ahead)
        if self.window.keeping:
            session = stream.session
            self._keep(external, internal, paused=session.client_paused or session.server_paused)
        if stream.dropped != before and (not before or stream.dropped // ulaw.RATE != before // ulaw.RATE):
            seconds = stream.dropped / ulaw.RATE
            self.call.emit(happenings.AudioLost(self.name, seconds, t=self.call.t, position=self.call.line.position))

    def _keep(self, external: bytes, internal: bytes, *, paused: bool) -> None:
        if paused:
            self.window.gap("paused", len(external))
        else:
            self.window.audio(external, internal)

    def dropped(self) -> None:
        """See `line.Ear`: we have failed, not the server."""
        for sitting in (self.sitting, self._opening):
            if sitting is not None:
                sitting.fails(Trouble(failures.LOST, "the connector failed on this stream"))

    # Opening.

    async def attempt(self, uri: str) -> Sitting:
        """Try once to open a session at an endpoint; what was said meanwhile is sent at once.

        A session that is still on goes on until then, and for good if this fails.

        Raises:
            AttemptFailed: It was not opened.
        """
        call, continued = self.call, bool(self._continued)
        if continued:
            self.window.trim(OFFERED)
        start = self.window.start if continued else 0
        session = self._session(start)
        sitting = self._opening = Sitting(uri, clock(), call)
        sitting.stream = Stream(
            session,
            lambda event: self._on_event(sitting, event),
            frame_ms=self.integration.frame_ms,
            tap=sitting.message,
            start=start,
            adapts=True,
        )
        sitting.stream.on_flush = call.line.cut
        sitting.record = call.record(session.id, session.profile.name)
        sitting.metered = self._metered(session)
        full = uri + self._connector_id
        headers = request_headers(full, session, self.integration.credentials, self.attempts)
        tried = happenings.SessionTried(self.name, session.id, uri, self.attempts, t=call.t)
        self.attempts += 1
        call.emit(tried)
        try:
            session.open()
            await call.dial(full, sitting.stream.connection, headers)
            await sitting.settled
        except OffhookError as error:
            self._over(sitting, failures.of_error(error))
        except BaseException:
            self._abandon(sitting)
            raise
        finally:
            self._opening = None
        if sitting.opened:
            return sitting
        trouble = sitting.failing.result() or Trouble(failures.NO_RESOURCE, "the server is done before it began")
        self._abandon(sitting)
        raise AttemptFailed(trouble)

    def continues(self, sitting: Sitting, *, planned: bool, reason: str) -> None:
        """The next attempt is to go on where this session was (P8.6)."""
        session = sitting.stream.session
        entry = ContinuedSession(session.id, *session.seqs)
        self._continued = [each for each in self._continued if each.id != session.id] + [entry]
        self.attempts = 0
        self.call.emit(happenings.Reconnecting(self.name, planned, reason, t=self.call.t))

    def _session(self, start: int) -> ClientSession:
        caller, integration = self.call.caller, self.integration
        parameters = opening(
            integration.product,
            channels=integration.channels,
            language=self._language,
            input=self._inputs if integration.product.speaks else None,
            custom_config=integration.config,
            ani=caller.ani,
            ani_name=caller.ani_name,
            dnis=caller.dnis,
            participant_id=self.call.participant,
            conversation_id=self.call.conversation,
            organization_id=self.call.organization,
            continued=tuple(self._continued),
        )
        return ClientSession(
            new_session_id(),
            parameters,
            integration.product,
            capture=CAPTURE,
            encode=encode,
            enforce_rates=integration.enforce_rates,
            start=start,
        )

    def _metered(self, session: ClientSession) -> Metered | None:
        if self.call.meter is None:
            return None
        return self.call.meter.begin(
            session.id,
            conversation=self.call.conversation,
            integration=self.integration.name,
            tenant=self.integration.tenant,
            profile=session.profile.name,
            started=self.call.started,
            t=lambda: self.call.t,
        )

    def _begin(self, sitting: Sitting, opened: SessionOpened) -> None:
        """`opened` has come: what was kept leaves, then what comes."""
        stream, session = sitting.stream, sitting.stream.session
        sitting.opened = True
        before, self.sitting = self.sitting, sitting
        history = self.window.samples / ulaw.RATE
        self.window.replay(session, stream.position, opened.discard_to)
        stream.position = self.window.end
        if not self.integration.reconnect:
            self.window.forget()
        if self._paused:
            session.pause()
        milliseconds = round((clock() - sitting.dialled) * 1000, 3)
        self.call.emit(
            happenings.SessionBegan(
                self.name,
                session.id,
                self.integration.name,
                session.profile.name,
                milliseconds,
                history,
                t=self.call.t,
                position=self.call.line.position,
            )
        )
        self.call.endpoints.worked(sitting.uri)
        sitting.settled.set_result(None)
        if before is not None:
            self._abandon(before, "reconnect")

    # What happens.

    def _on_event(self, sitting: Sitting, event: Event) -> None:
        call, t, position = self.call, self.call.t, self.call.line.position
        match event:
            case SessionOpened():
                self._begin(sitting, event)
            case Ponged(rtt=rtt):
                call.endpoints.measured(sitting.uri, rtt)
                call.emit(happenings.RoundTrip(self.name, round(rtt * 1000, 3), t=t))
            case PauseRequested() | ResumeRequested():
                on = isinstance(event, PauseRequested)
                call.emit(happenings.PauseChanged(self.name, "server", on, t=t, position=position))
            case PlaybackStarted() | PlaybackCompleted():
                on = isinstance(event, PlaybackStarted)
                call.emit(happenings.BotSpoke(self.name, on, t=t, position=position))
            case EntitiesReceived(entities=entities):
                for entity in entities:
                    call.emit(happenings.EntityCame(self.name, entity.type, entity.data, t=t, position=position))
            case ReconnectRequested(info=info):
                sitting.ask(info or "the server asks for it")
            case Violation():
                call.emit(happenings.RuleBroken(self.name, event.code, event.rule, event.fatal, t=t))
                trouble = failures.of_violation(event)
                if event.fatal:
                    sitting.fails(trouble)
                if event.fatal or event.code == 429:
                    call.operational(trouble, self.integration.name)
            case Disconnected():
                sitting.output = event.output
                sitting.reason = event.reason
                sitting.fails(failures.of_disconnect(event))
            case Finished():
                self._over(sitting, failures.of_end(event, opened=sitting.opened))
            case _:
                pass

    def _over(self, sitting: Sitting, trouble: Trouble | None) -> None:
        """Nothing more happens in this session, or it never came to be."""
        if not sitting.ended.is_set():
            sitting.over(trouble)
            cause = sitting.failing.result()
            type, message = (cause.type, cause.message) if cause is not None else ("", "")
            session = sitting.stream.session.id
            reason = type or sitting.reason
            self.call.emit(happenings.SessionOver(self.name, session, reason, type, message, t=self.call.t))

    # What the call asks for. None of it raises where the session is ending.

    @property
    def live(self) -> bool:
        """Whether a session is open."""
        return self.sitting is not None and self.sitting.opened and not self.sitting.stream.over

    def pause(self) -> None:
        """Begin a pause of the client: nothing is said to the server until it ends."""
        if not self._paused:
            self._paused = True
            self._tell(lambda stream: stream.pause())
            self.call.emit(happenings.PauseChanged(self.name, "client", True, t=self.call.t))

    def resume(self) -> None:
        """End it."""
        if self._paused:
            self._paused = False
            self._tell(lambda stream: stream.resume())
            self.call.emit(happenings.PauseChanged(self.name, "client", False, t=self.call.t))

    def key(self, digit: str) -> None:
        """A key was pressed."""
        if self.integration.product.speaks and not self._paused:
            self._tell(lambda stream: stream.dtmf(digit))

    def update(self, language: str) -> None:
        """The conversation goes on in another language."""
        if language != self._language:
            self._language = language
            if self.window.keeping:
                self.window.update(language)
            self._tell(lambda stream: stream.update(language))

    def _tell(self, ask: Callable[[Stream], None]) -> None:
        if self.live and self.sitting is not None:
            with suppress(CallEnded, LocalProtocolError):
                ask(self.sitting.stream)

    # The end.

    def _abandon(self, sitting: Sitting, reason: CloseReason = "end") -> None:
        """Let go of a session; it closes by itself, in the background."""
        if sitting.stream.connection.up:
            task = asyncio.create_task(sitting.close(reason))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        else:
            self._over(sitting, None)

    def leave(self) -> None:
        """End the session that is on, with `end`; it closes in the background. The next one begins anew."""
        sitting, self.sitting = self.sitting, None
        self.window = Window()
        self._continued.clear()
        self.attempts = 0
        if sitting is not None:
            self._abandon(sitting)

    async def closed(self) -> None:
        """Return when all sessions of the strand are over, and their sockets gone."""
        while self._closing:
            await asyncio.wait(tuple(self._closing))
