"""One session of a bot or monitor, as its handler knows it: who calls, what comes in, and how it ends.

`Line` is what bots and monitors have in common. Audio goes down a lane of plain calls to `stream`; everything else that
happens becomes one small event for records and observers. The handler is one coroutine: when it returns the session
ends well, when it raises the session ends with an error, and when the caller hangs up it is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

from ..errors import CallEnded, LocalProtocolError, wordless
from ..protocol import (
    AudioDiscarded,
    AudioReceived,
    CloseRequested,
    DtmfReceived,
    Entity,
    Event,
    Finished,
    LanguageRequested,
    Paused,
    Pinged,
    Resumed,
)
from ..protocol.lane import Sink
from ..protocol.server import KEYS
from ..protocol.variables import as_config
from ..protocol.variables import as_variables as output_variables
from ..records import events as happenings
from ..session.reception import ServerLink
from .handling import GRACE, Handler, Handling
from .journal import Journal
from .keys import Keys
from .parts import Parted
from .stream import Stream

if TYPE_CHECKING:
    from .host import Host

logger = logging.getLogger("offhook.bots")


class Line(Parted):
    """One session.

    Attributes:
        session_id: As in the upgrade request.
        conversation_id: Of the platform's conversation.
        participant: Who is on the phone: `ani`, `ani_name`, `dnis`. Personal: keep it out of logs.
        input: Input variables of the flow's action.
        custom_config: The integration's Advanced JSON.
        output: Output variables that the session will end with; `end()` adds to them.
        language: Language of the conversation, as the platform gave it or changed it since.
    """

    def __init__(self, host: Host, link: ServerLink, handler: Handler) -> None:
        assert link.open is not None
        self.host = host
        self.link = link
        self.session = link.session
        self.connection = link.connection
        self.session_id = link.session.id
        self.conversation_id = link.open.conversation_id
        who = link.open.participant
        self.participant = happenings.Party(id=who.id, ani=who.ani, ani_name=who.ani_name, dnis=who.dnis)
        self.input = output_variables(link.open.input_variables)
        self.custom_config = as_config(link.open.custom_config)
        self.language: str | None = link.open.language
        self.output: dict[str, str] = {}
        self.done: asyncio.Future[happenings.Outcome] = asyncio.get_running_loop().create_future()
        self.handling = Handling(f"session {self.session.id}", self._handler_done)
        record = host.record(self.session)
        began = link.early[0][2] if link.early else link.connection.now
        self.journal = Journal(link.connection, began, partial(host.observe, self), record)
        self.stream = Stream(self.session.lane, self.session.media, host.l16_order, record, self.journal.privacy)
        self._handler = handler
        self._ended_as: happenings.Outcome | None = None
        self._ending = False
        self._closing: str | None = None
        self._paused = False

    # The session.

    @property
    def channels(self) -> tuple[str, ...]:
        """Channels of the audio that comes in, in order; empty in a session without audio."""
        return self.stream.channels

    @property
    def position(self) -> int:
        """Samples of the caller's stream so far."""
        return self.session.position

    @property
    def is_live(self) -> bool:
        """Whether something can still be said, asked or sent."""
        return self.session.is_live and not self._ending

    @cached_property
    def keys(self) -> Keys:
        """What was pressed and nobody has asked for."""
        return Keys(over=self.is_over)

    # What a handler does.

    def audio(self) -> AsyncIterator[bytes]:
        """The audio of the caller's stream as it comes, to the end of the call. A slow reader loses the oldest.

        If nobody has listened before, it begins with the first frame of the call, or 10 s ago.
        """
        return self.stream.read(self._on_loss)

    def add_sink(self, sink: Sink) -> None:
        """Hand all audio to a plain function from now on; the first one also gets what was held until now.

        It is called on the audio path: it must return at once and never block. If it raises, the call ends.
        """
        self.stream.add(sink)

    def send_event(self, *entities: Entity) -> None:
        """Send entities to the platform in one `event`. While the handler cleans up after a hang-up, too.

        Raises:
            CallEnded: The call is over.
            LocalProtocolError: The entities cannot be written as JSON, or are too large.
        """
        parting = self._closing is not None and not (self._ending or self.handling.done)
        if not (self.is_live or parting):
            raise CallEnded("the call is over")
        try:
            self.session.send_event(*entities)
        except LocalProtocolError as error:
            if parting:  # the time for it is over
                raise CallEnded("the call is over") from error
            raise
        self.emit(happenings.EventSent(t=self.t, position=self.position, entities=tuple(e.type for e in entities)))
        self.connection.flush()

    def pause(self) -> None:
        """Ask the platform to stop its audio; nothing is lost of the call, only of the stream. Raises `CallEnded`."""
        self.request(self.session.pause)
        self.journal.pausing = True

    def resume(self) -> None:
        """Take the pause back. Raises `CallEnded`."""
        self.request(self.session.resume)

    def events(self) -> AsyncIterator[happenings.AnyEvent]:
        """Everything that happens from now on, until the call is over."""
        return self.journal.follow()

    async def end(self, **output: object) -> None:
        """End the session well, once the caller has heard what was said, with these output variables.

        Values that are no strings are sent as JSON. The handler may go on for a few seconds, to clean up.

        Raises:
            CallEnded: The call is over already, or the caller hangs up meanwhile.
        """
        if not self.is_live:
            raise CallEnded("the call is over")
        before, self.output = self.output, self.output | output_variables(output)
        self._ending = True
        try:
            await self._before_end()
            if not self.session.is_live:
                raise CallEnded("the caller hung up before the call could be ended")
            self._disconnect("completed")
        except BaseException:
            self._ending, self.output = self.handling.done, before
            if self._ending and self.session.is_live:
                self._disconnect("completed")  # nobody is left who could end it
            raise

    # For what is built on a line.

    @property
    def t(self) -> float:  # seconds since the session began
        return self.journal.t

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of the caller's stream."""
        return self._closing is not None or self.session.finished

    def request(self, ask: Callable[..., None], *arguments: Any) -> None:
        """Ask the session for something and let it leave.

        Raises:
            CallEnded: The call is over.
        """
        if not self.is_live:
            raise CallEnded("the call is over")
        ask(*arguments)
        self.connection.flush()

    def emit(self, event: happenings.AnyEvent) -> None:
        """Tell everybody who keeps or watches."""
        self.journal.emit(event)

    async def _before_end(self) -> None:
        """What must be over before the session ends well."""

    def _on_other(self, event: Event) -> None:
        """Events that only one kind of line knows."""

    def _language_changed(self) -> None:
        """`language` is another one."""

    def _on_key(self, digit: str) -> None:
        """A key was pressed; it waits in `keys` already."""

    def _stream_breaks(self) -> None:
        """The caller's stream has a gap here, or its language changes: an utterance under way ends."""

    def _on_hang_up(self) -> None:
        """The caller is gone while the handler is at work."""
        self.handling.stop()

    def _stream_over(self, position: int | None) -> None:
        """No audio comes or leaves any more; `position` is where the stream ended, None if it was paused."""

    def _release(self) -> None:
        """The session is over: let go of everything."""

    def _let_go_of_parts(self) -> None:
        """The handler is over too: without circles the call is freed at once, and not by the collector some day."""
        self.journal.close()

    # What the session reports.

    def _on_loss(self, position: int) -> None:
        self.link.audio_lost()
        self.journal.note_once("the handler reads audio too slowly: some was lost", position)

    def on_event(self, event: Event) -> None:
        try:
            if type(event) is AudioReceived:
                self.session.lane.hand_on(event.data, event.position)
            else:
                self._take(event)
        except Exception as error:
            self._fail(error, f"it failed on {type(event).__name__}")

    def _on_audio_failed(self, error: Exception) -> None:
        self._fail(error, "it failed on audio")

    def _take(self, event: Event) -> None:
        if type(event) is Pinged:
            return  # one in five seconds of each call, and nothing to anybody here
        if isinstance(event, Paused | AudioDiscarded):
            self._stream_breaks()
        self.journal.tell(event, self.session_id, self.position)
        match event:
            case DtmfReceived(digit) if digit in KEYS:
                self._press(digit)
            case Paused() | Resumed():
                self._paused = isinstance(event, Paused)
            case LanguageRequested(language):
                self._on_language(language)
            case CloseRequested(reason):
                self._on_close(reason)
            case Finished(clean):
                self._on_finished(clean)
            case _:
                self._on_other(event)

    def _press(self, digit: str) -> None:
        self.keys.press(digit)
        self._on_key(digit)

    def _on_language(self, language: str | None) -> None:
        if language is not None:
            self._stream_breaks()
            self.language = language
            self._language_changed()
            self.emit(happenings.LanguageChanged(t=self.t, position=self.position, language=language))
        if self.session.is_live:
            self.session.updated()

    def _on_close(self, reason: str) -> None:
        self._closing = reason
        self._let_go()
        if self._ending or self.handling.done:
            self._answer_close()
        else:
            self._on_hang_up()

    def _on_finished(self, clean: bool) -> None:
        try:
            self._let_go()
            self._release()
        finally:
            self.link.outcome = outcome = self._outcome(clean)
            t, output = self.t, self.output if outcome == "completed" else {}
            self.emit(
                happenings.CallEnded(
                    t=t, position=self.position, outcome=outcome, reason=self._closing or "", output=output,
                    seconds=t, error=self.journal.error,
                )
            )  # fmt: skip
            self.done.set_result(outcome)
            self.handling.stop(after=GRACE if self._ending else 0.0)
            self.host.forget(self)
            if self.handling.done:
                self._let_go_of_parts()

    def _let_go(self) -> None:
        self._stream_over(None if self._paused else self.position)
        self.stream.end()
        if self._has("keys"):
            self.keys.end()

    def _outcome(self, clean: bool) -> happenings.Outcome:
        if self._closing == "disconnect" and self._ended_as is not None:
            return self._ended_as
        if self._ended_as == "error" or self.journal.error or self._closing == "error":
            return "error"
        if self.link.shut_down:
            return "drained"
        return "hangup" if self._closing is not None and clean else "lost"

    # How the handler ends.

    async def _run(self) -> None:
        try:
            await self._handler(self)
            if self.is_live:
                await self.end()
        except CallEnded:
            # The handler asked for something just as the caller left; had the session gone on, it would be a mistake.
            if self.is_live:
                raise
        except BaseExceptionGroup as group:
            if self.is_live or group.split(CallEnded)[1] is not None:
                raise
        except SystemExit as error:
            raise RuntimeError("the handler called sys.exit(), which ends its call and not the server") from error

    def _handler_done(self, error: BaseException | None) -> None:
        self.host.handlings.discard(self.handling)
        if isinstance(error, asyncio.CancelledError):
            if self.session.is_live and not self._ending:
                self._fail(error, "its handler was cancelled, not by a hang-up")
        elif error is not None:
            self._fail(error, "its handler failed")
        if self._closing is not None:
            self._answer_close()
        if self.done.done():
            self._let_go_of_parts()

    def _fail(self, error: BaseException, what: str) -> None:
        """Our own side has failed: the whole story to our log, a neutral word to the platform."""
        mute = not self.channels and isinstance(error, LocalProtocolError)  # the platform's choice, told in our words
        told = None if mute else wordless(error, logger)
        logger.error("session %s: %s", self.session.id, f"{what}: {error}" if mute else what, exc_info=told)
        self.journal.error = self.journal.error or type(error).__name__
        if self.session.is_live:
            self._ending = True
            self._disconnect("error")
            self.handling.stop()

    def _disconnect(self, outcome: Literal["completed", "error"]) -> None:
        if outcome == "completed":
            self.session.disconnect("completed", output=self.output)
        else:
            self.session.disconnect("error", "Server Error")
        self._ended_as = outcome
        self.connection.flush()

    def _answer_close(self) -> None:
        with contextlib.suppress(LocalProtocolError):  # `closed` has left already: the handler was too slow to stop
            self.session.close()
            self.connection.flush()

    # Its beginning.

    def start(self) -> None:
        """Tell that the session is open, and let the handler run from the next turn of the event loop on."""
        media = self.session.media
        self.emit(
            happenings.CallStarted(
                t=0.0, position=self.position, session=self.session.id, conversation=self.conversation_id,
                profile=self.session.profile.name, bot=self.host.name, language=self.language,
                participant=self.participant, input=self.input,
                media=f"{media.format}/{media.rate}/{'+'.join(media.channels)}" if media else "",
            )
        )  # fmt: skip
        self.journal.replay(self.link.early)
        if self.journal.record is not None and self.journal.record.wants_audio:
            self.stream.put_first(self.journal.heard)  # what takes the short way, the tap does not see
        self.stream.begin(self._on_audio_failed)
        self.host.handlings.add(self.handling)
        self.handling.start(self._run())
