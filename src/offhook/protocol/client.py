"""The platform's end of a session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..errors import LocalProtocolError
from . import limits, messages, position, variables
from .events import (
    AudioReceived,
    Disconnected,
    EntitiesReceived,
    LanguageUpdated,
    PauseRequested,
    Ponged,
    ReconnectRequested,
    ResumeRequested,
    SessionClosed,
    SessionOpened,
    Violation,
)
from .history import History
from .media import Encode, Lanes, Media, encode_pcmu
from .messages import CloseReason, Gap, Header, Parameters, Role
from .outbox import OrderedOutbox
from .position import RATE
from .profiles import CONNECTOR, Profile, ServerAudio
from .rates import Patience, Verdict
from .server import KEYS
from .session import Session
from .states import State, may_carry_audio


class ClientSession(Session):
    """The machine of the side that opens: the platform.

    Audio may be given from the first moment on: up to 30 s are kept while the session opens, then leave at once.

    Args:
        id: A new UUID.
        open: The parameters of `open`.
        profile: The product spoken.
        capture: Channels of the audio that `send_audio` will be given; by default all that are offered.
        encode: Makes a message of captured mu-law lanes for the chosen media; needed only where L16 is offered.
        strict: Judge as the production platform does: unknown types and sloppy envelopes end the session (P3.4).
        exact_acks: Judge late acknowledgements as violations, as the platform does not. For conformance checks.
        enforce_rates: Answer too many messages with 429, and repeated excess with the end of the session (P6.6).
        start: Position at which the stream begins: that of the history window, for a session that continues another.

    Raises:
        LocalProtocolError: What is offered cannot be sent: a channel that is not captured, L16 without `encode`.
    """

    role: ClassVar[Role] = Role.CLIENT

    def __init__(
        self,
        id: str,
        open: messages.Open,
        profile: Profile = CONNECTOR,
        *,
        capture: Sequence[str] | None = None,
        encode: Encode | None = None,
        strict: bool = True,
        exact_acks: bool = False,
        enforce_rates: bool = True,
        start: int = 0,
    ) -> None:
        super().__init__(id, profile, OrderedOutbox(), strict=strict, exact_acks=exact_acks)
        self.parameters = open
        self.media: Media | None = None
        self.client_paused = False
        self.server_paused = False
        offered = dict.fromkeys(channel for media in open.media if media.usable for channel in media.channels)
        self._capture = tuple(offered or ("external",)) if capture is None else tuple(capture)
        if not offered.keys() <= set(self._capture):
            raise LocalProtocolError("offer only channels that are captured")
        if encode is None and any(media.usable and media.format != "PCMU" for media in open.media):
            raise LocalProtocolError("offer only PCMU, or give an encoder for what else is offered")
        self._encode = encode or encode_pcmu(self._capture)
        self._history = History(int(limits.HISTORY * RATE), start)
        self._position = start
        self._gap_start = 0
        self._lost: tuple[int, int] | None = None
        self._received = 0
        self._ping_seq: int | None = None
        self._ping_left = 0.0
        self._rtt: float | None = None
        self._patience = Patience() if enforce_rates else None

    @property
    def position(self) -> int:
        """Samples of the stream so far, pauses and gaps counted (P6.5)."""
        return self._position

    @property
    def received(self) -> int:
        """Samples of server audio so far."""
        return self._received

    # What the application calls.

    def open(self) -> None:
        """Start the session."""
        self._queue("open", self.parameters)

    def send_audio(self, *lanes: bytes) -> None:
        """Give the next audio of the stream: mu-law, one lane for each captured channel, all of one length.

        It is kept while the session opens, counted but not sent while paused, and passed over once closing.
        """
        if len(lanes) != len(self._capture) or len({len(lane) for lane in lanes}) != 1:
            raise LocalProtocolError(f"send_audio() takes lanes of one length for {', '.join(self._capture)}")
        samples = len(lanes[0])
        if self._planned is State.OPEN:
            self._announce_loss()
            self._send(lanes)
        elif self._planned in (State.IDLE, State.OPENING):
            self._history.add(lanes)
        elif self._planned is State.PAUSED:
            self._position += samples

    def skip(self, samples: int) -> None:
        """Lose audio of the stream: time goes on, and `discarded` says so before whatever is sent next.

        While the session opens, what is kept already is lost with it.
        """
        samples = max(samples, 0)
        if self._planned in (State.IDLE, State.OPENING):
            return self._history.skip(samples)
        if self._planned is State.OPEN and samples:
            start, length = self._lost or (self._position, 0)
            self._lost = start, length + samples
        self._position += samples

    def pause(self) -> None:
        """Begin a client-initiated pause: a secure flow, say (P4.6)."""
        if not (self.client_paused or self.server_paused):
            self._gap_start = self._position
        self._queue("paused")
        self.client_paused = True

    def resume(self) -> None:
        """End the client-initiated pause. While the server holds one, nothing is sent until it resumes."""
        if not self.client_paused:
            raise LocalProtocolError("resume() ends a pause of the client, and none is on")
        if not self.server_paused:
            self._queue_resumed()
        self.client_paused = False

    def update(self, language: str) -> None:
        """Tell the server that the conversation goes on in another language."""
        self._queue("update", messages.Update(language))

    def dtmf(self, digit: str) -> None:
        """Report a key that the caller has pressed."""
        if digit not in KEYS:
            raise LocalProtocolError("a key is one of 0-9, *, # and A-D")
        self._queue("dtmf", messages.Dtmf(digit))

    def playback_started(self) -> None:
        """Report that the caller begins to hear queued server audio."""
        self._queue("playback_started")

    def playback_completed(self) -> None:
        """Report that the queue of server audio has run empty, or was flushed."""
        self._queue("playback_completed")

    def close(self, reason: CloseReason = "end") -> None:
        """End the session; no audio leaves after this."""
        if reason not in messages.CLOSE_REASONS:
            raise LocalProtocolError("the reason of a close is end, disconnect, error or reconnect")
        self._queue("close", messages.Close(reason))
        self._disarm("open", "ping")

    # Audio out.

    def _queue(
        self, type: str, parameters: Parameters | None = None, *, urgent: bool = False, since: State | None = None
    ) -> None:
        # Its position would otherwise be ahead of all that the server knows of.
        if self._planned is State.OPEN:
            self._announce_loss()
        super()._queue(type, parameters, urgent=urgent, since=since)

    def _stamp_position(self) -> int:
        return self._position

    def _audio_leaves(self, data: bytes) -> bool:
        return self.state is State.OPEN

    def _send(self, lanes: Lanes) -> None:
        samples = len(lanes[0])
        if self.media is not None and samples:
            data, step = self._encode(lanes, self.media), limits.SEND_MAX - limits.SEND_MAX % self.media.width
            for at in range(0, len(data), step):
                self._outbox.add_audio(data[at : at + step])
        self._position += samples

    def _announce_loss(self) -> None:
        if self._lost is not None:
            (start, length), self._lost = self._lost, None
            self._queue("discarded", Gap(position.format(start), position.format(length)))

    def _queue_resumed(self) -> None:
        length = self._position - self._gap_start
        self._queue("resumed", Gap(position.format(self._gap_start), position.format(length)))

    # What the server sends.

    def _receive_audio(self, data: bytes) -> None:
        if self._failed or self.state is State.CLOSING or self.profile.server_audio is ServerAudio.IGNORE:
            return
        width = self.media.width if self.media else 0
        if self.profile.server_audio is ServerAudio.REFUSE:
            self._violate(415, "audio from the server of a product that takes none")
        elif not may_carry_audio(self.state, Role.SERVER) or not width:
            self._violate(409, f"audio in state {self.state.value}" if width else "audio in a session without media")
        elif len(data) > limits.RECEIVE_MAX:
            self._violate(413, "message too large")
        elif len(data) % width:
            self._violate(400, "audio of less than whole samples")
        elif not data:
            self._tolerate("audio of no samples")
        elif self._within_rate("audio"):
            at = self._received
            self._received = at + len(data) // width
            self._emit(AudioReceived(data, at))

    def _within_rate(self, *kinds: str) -> bool:
        """P6.6: whether a message is to be heard, by the pace of those before it."""
        if self._patience is None:
            return True
        verdict = self._patience.judge(self._now, *kinds)
        if verdict is Verdict.WARN:
            retry_after = position.format_seconds(self._patience.retry_after)
            self._complain(429, "too many messages", retry_after)
        elif verdict is Verdict.ENOUGH:
            self._violate(429, "too many messages")
        return verdict is not Verdict.ENOUGH

    def _handle(self, type: str, parameters: Parameters, header: Header) -> None:
        own = (type,) if type in ("pause", "resume") else ()
        if self.state in (State.OPEN, State.PAUSED) and not self._within_rate("text", *own):
            return
        match parameters:
            case messages.OpenedRead():
                self._on_opened(parameters)
            case messages.Event():
                self._emit(EntitiesReceived(parameters.entities))
            case messages.Disconnect():
                self._on_disconnect(parameters)
            case messages.Reconnect():
                self._emit(ReconnectRequested(parameters.info))
            case _:
                self._on_bare(type, header)

    def _on_bare(self, type: str, header: Header) -> None:
        if type == "pong":
            self._on_pong(header)
        elif type == "updated":
            self._emit(LanguageUpdated())
        elif type == "closed":
            if b"outputVariables" in bytes(header.parameters):
                self._tolerate("output variables in closed")  # P15 row 15: only disconnect carries them
            self._emit(SessionClosed())
            self._finish(clean=self.state is State.CLOSED)
        elif type == "pause" and self.is_live:
            self._on_pause()
        elif type == "resume" and self.is_live:
            self._on_resume()

    def _on_opened(self, opened: messages.OpenedRead) -> None:
        if self._planned is not State.OPEN:
            return  # our `close` has crossed it
        self._disarm("open")
        if len(opened.media) > 1 or any(not m.usable or m not in self.parameters.media for m in opened.media):
            self._violate(400, "media that was not offered")
            return
        try:
            cut = None if opened.discard_to is None else position.parse(opened.discard_to)
        except ValueError:
            self._violate(400, "wrong parameters in 'opened'")
            return
        self.media = opened.media[0] if opened.media else None
        self._emit(SessionOpened(self.media, opened.start_paused, cut, opened.supported_languages))
        self._arm("ping", limits.FIRST_PING)
        if opened.start_paused:
            self._on_pause()
        if cut is not None:
            self._history.drop_before(cut)
        self._release_history()

    def _release_history(self) -> None:
        """P6.2: what was kept leaves faster than real time; what did not fit is announced first."""
        start, lanes = self._history.start, self._history.take()
        if self.server_paused:
            self._position = self._history.end
            return
        self.skip(start - self._position)
        self._announce_loss()
        if lanes is not None:
            self._send(lanes)

    def _on_pause(self) -> None:
        if not (self.client_paused or self.server_paused):
            self._gap_start = self._position
        self.server_paused = True
        self._emit(PauseRequested())
        self._queue("paused")

    def _on_resume(self) -> None:
        if not (self.client_paused or self.server_paused):
            self._gap_start = self._position  # P4.6: the server only asks where we are
        self.server_paused = False
        self._emit(ResumeRequested())
        if self.client_paused:
            self._queue("paused")
        else:
            self._queue_resumed()

    def _on_pong(self, header: Header) -> None:
        if not self.is_live:
            return None
        if self._ping_seq is None:
            return self._complain(409, "pong without a ping")
        if header.clientseq != self._ping_seq:
            self._complain(400, "pong for another message")
        first, self._rtt = self._rtt is None, self._now - self._ping_left
        self._ping_seq = None
        self._emit(Ponged(self._rtt))
        # P4.5: the second ping follows the first pong at once, and carries the first round trip.
        self._deadlines["ping"] = self._now if first else self._ping_left + limits.PING_INTERVAL
        return None

    def _on_disconnect(self, parameters: messages.Disconnect) -> None:
        if self._planned in (State.CLOSING, State.CLOSED):
            return
        if parameters.reason not in messages.DISCONNECT_REASONS | {"rejected"}:  # P15 row 26
            self._tolerate("disconnect for an unknown reason")
        given = parameters.output_variables or {}
        if not all(isinstance(value, str) for value in given.values()):
            self._tolerate("an output variable that is no string")
        self._emit(Disconnected(parameters.reason, parameters.info, variables.as_variables(given)))
        self.close("disconnect")

    def _unknown(self, header: Header) -> None:
        if self.strict and self.state is not State.CLOSING:
            known = header.type in messages.KINDS
            return self._violate(405 if known else 400, "a message that a server cannot send here")
        return super()._unknown(header)

    # Time and faults.

    def _left(self, type: str) -> None:
        if type == "open":
            self._arm("open", limits.OPEN_TIMEOUT)
        elif type == "close":
            self._disarm("open", "ping")  # a ping that left just before it is not waited for
            self._arm("close", limits.CLOSE_TIMEOUT)
        elif type == "ping":
            self._ping_seq, self._ping_left = self._seq, self._now
            self._arm("ping", limits.PING_INTERVAL)

    def _deadline(self, name: str) -> None:
        if name == "open":
            self._violate(408, "open transaction timeout")
        elif name == "ping" and self._ping_seq is not None:
            self._violate(408, "no pong to the last ping")
        elif name == "ping":
            rtt = None if self._rtt is None else position.format_seconds(self._rtt)
            self._queue("ping", messages.Ping(rtt))
        elif name == "close":
            if not self._failed:
                self._failed = True
                self._emit(Violation(408, "close transaction timeout"))
                self._queue("error", messages.Error(408, "close transaction timeout"))
            self._arm("socket", 0.0)  # P8.2: once that has left
        elif name == "socket":
            self._finish(clean=False)

    def _complain(self, code: int, rule: str, retry_after: str | None = None) -> None:
        """A fault that does not end the session."""
        self._emit(Violation(code, rule, fatal=False))
        self._queue("error", messages.Error(code, rule, retry_after))

    def _fail(self, code: int, rule: str) -> None:
        if self._planned in (State.CLOSING, State.CLOSED):
            return
        self._outbox.clear()
        self._planned = self.state
        self._queue("error", messages.Error(code, rule))
        self.close("error")
