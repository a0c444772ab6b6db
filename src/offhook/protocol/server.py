"""The partner's end of a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

from ..errors import LocalProtocolError
from . import codec, limits, messages, position
from .entities import BARGE_IN, Entity
from .events import (
    AudioDiscarded,
    AudioReceived,
    CloseRequested,
    Dropped,
    DtmfReceived,
    ErrorReported,
    Event,
    LanguageRequested,
    OpenRequested,
    Paused,
    Pinged,
    PlaybackCompleted,
    PlaybackStarted,
    Resumed,
    Violation,
)
from .liveness import LivenessSession
from .media import Media
from .messages import DisconnectReason, Header, Parameters, Role
from .outbox import PacedOutbox, Queued
from .position import RATE
from .profiles import CONNECTOR, Profile
from .states import State, may_carry_audio, may_send

KEYS = frozenset("0123456789*#ABCD")
#: Messages that tell no more than that something happened, and when.
_BARE: Final[Mapping[str, Callable[[int], Event]]] = {
    "paused": Paused,
    "playback_started": PlaybackStarted,
    "playback_completed": PlaybackCompleted,
}
_OPEN: Final = State.OPEN  # looked up for each frame of audio: members of an enum are not cheap to find


class ServerSession(LivenessSession):
    """The machine of the side that accepts: a bot or a monitor.

    Args:
        id: The `Audiohook-Session-Id` header; empty if there was none, then `open` names it.
        profile: The product served.
        organization_id: The organisation header; an `open` that names another is refused (P2.6).
        strict: Judge late and absent acknowledgements as violations. For conformance checks.
    """

    __slots__ = (
        "__dict__",  # made only where an application hangs things of its own on a session
        "_open",
        "_organization_id",
        "media",
    )  # fmt: skip
    role: ClassVar[Role] = Role.SERVER

    def __init__(
        self,
        id: str = "",
        profile: Profile = CONNECTOR,
        *,
        organization_id: str | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__(id, profile, PacedOutbox(), strict=strict, exact_acks=strict)
        self.media: Media | None = None
        self._organization_id = organization_id
        self._open: messages.Open | None = None

    @property
    def position(self) -> int:
        """Samples of the caller's stream so far, pauses and gaps counted (P6.5)."""
        return self.lane.position

    @property
    def queued_audio(self) -> int:
        """Bytes of our audio that wait for the rate limit."""
        return self._paced.audio_bytes

    # What the application calls.

    def accept(
        self,
        media: Media | None,
        *,
        start_paused: bool = False,
        discard_to: int | None = None,
        languages: Sequence[str] = (),
    ) -> None:
        """Answer `open` with `opened`.

        Args:
            media: One of the offers, or None for a session without audio.
            start_paused: Begin in a pause of ours; `resume()` ends it.
            discard_to: Samples: the client drops older audio that it has kept.
            languages: What to list where the client asks for the supported languages.

        Raises:
            LocalProtocolError: There is no `open` to answer, or the media was not offered.
        """
        if self._open is None or self._planned is not State.OPENING:
            raise LocalProtocolError("accept() answers OpenRequested, once")
        if media is not None and not (media in self._open.media and media.usable):
            raise LocalProtocolError("accept() takes one of the offered media that are usable, or None")
        listed = tuple(languages) if self._open.supported_languages else None
        cut = None if discard_to is None else position.format(discard_to)
        chosen = () if media is None else (media,)
        self._queue("opened", messages.Opened(start_paused, chosen, cut, listed), urgent=True)
        self.media = media
        self._width = media.width if media else 0
        if media:
            self.lane.width = media.width
            self._paced.frame = int(limits.AUDIO_FRAME * RATE) * media.width

    def disconnect(
        self, reason: DisconnectReason = "completed", info: str | None = None, output: Mapping[str, str] | None = None
    ) -> None:
        """End the session, or refuse it.

        `completed` leaves after queued audio and events. The others leave at once, in place of all that waits, a
        `completed` among it.
        """
        if reason not in messages.DISCONNECT_REASONS:
            raise LocalProtocolError("the reason of a disconnect is completed, unauthorized or error")
        variables = dict(output) if output is not None else None
        urgent = reason != "completed"
        waiting = self._planned is State.ENDING and self.state is not State.ENDING
        disconnect = messages.Disconnect(reason, info, variables)
        self._queue("disconnect", disconnect, urgent=urgent, since=self.state if urgent and waiting else None)

    def close(self) -> None:
        """Answer `close` with `closed`, behind what events still wait."""
        self._queue("closed")

    def pause(self) -> None:
        """Ask the client to stop its audio."""
        self._queue("pause")

    def resume(self) -> None:
        """Take our pause back. The client may still hold one of its own."""
        self._queue("resume")

    def updated(self) -> None:
        """Confirm the language that the client asked for."""
        self._queue("updated")

    def reconnect(self, info: str | None = None) -> None:
        """Ask for a new session in place of this one; not every product has it."""
        self._queue("reconnect", messages.Reconnect(info))

    def send_event(self, *entities: Entity) -> None:
        """Send entities in one `event`."""
        self._queue("event", messages.Event(entities))

    def send_audio(self, data: bytes) -> None:
        """Queue audio in the negotiated media; any whole number of samples.

        Raises:
            LocalProtocolError: The session is not open, has no audio, or its product takes none from a server.
        """
        if not self.profile.speaks:
            raise LocalProtocolError(f"the {self.profile.name} profile takes no audio from the server")
        if not may_carry_audio(self._planned, self.role) or not self._width:
            raise LocalProtocolError(f"audio cannot be sent in state {self._planned.value}")
        if len(data) % self._width:
            raise LocalProtocolError(f"{len(data)} bytes are not whole samples of {self._width} bytes")
        if data:
            self._paced.add_audio(data)

    def clear_audio(self) -> int:
        """Throw away audio that has not left yet; returns its bytes."""
        return self._paced.clear_audio()

    def barge_in(self) -> int:
        """Throw away our queued audio and tell the client to do the same with its own (P6.4).

        Returns:
            Bytes that had not left yet.
        """
        if not (self._paced.urgent_waits and self.is_live):  # one that has not left yet does for both
            self._queue("event", messages.Event((BARGE_IN,)), urgent=True)
        return self._paced.clear_audio()

    def pass_audio(self, data: bytes, now: float) -> bool:
        paced, size = self._paced, len(data)
        live = self._planned is self.state is _OPEN and self.profile.speaks and not paced
        if not (live and 0 < size <= paced.frame and not size % self._width and paced.take_audio(now)):
            return False
        self._tick(now)
        return True

    # What the client sends.

    def _moved(self) -> None:
        self.lane.open(self.state is self._peer_state is _OPEN and self._width > 0)

    def _receive_audio(self, data: bytes) -> None:
        self._heard = self._now
        if self._failed or self.state in (State.ENDING, State.CLOSING, State.CLOSED):
            return None  # P15 row 32: what crossed our `disconnect`, or came behind `close`, is dropped without a word
        while self._unacknowledged and self._peer_state is State.OPENING:
            self._mirror_one()  # audio acknowledges nothing in words, but it proves that `opened` was seen
        if not may_carry_audio(self._peer_state, Role.CLIENT):
            return self._violate(409, f"audio in state {self._peer_state.value}")
        if not self._width:
            return self._violate(409, "audio in a session without media")
        if len(data) > limits.RECEIVE_MAX:
            return self._violate(413, "message too large")
        if len(data) % self._width:
            return self._violate(400, "audio of less than whole samples")
        if not data:
            return self._tolerate("audio of no samples")
        self._emit(AudioReceived(data, self.lane.position))
        self.lane.position += len(data) // self._width
        self._looked_at = self.lane.position
        return None

    def _handle(self, type: str, parameters: Parameters, header: Header) -> None:
        self._heard = self._now
        at = self._client_position(header)
        self._looked_at = self.lane.position
        match parameters:
            case messages.Open():
                self._on_open(parameters, at)
            case messages.Ping():
                self._on_ping(parameters, header.seq)
            case messages.Dtmf():
                if parameters.digit not in KEYS:
                    self._tolerate("a key that no phone has")
                self._emit(DtmfReceived(parameters.digit, at))
            case messages.Gap():
                self._on_gap(type, parameters, at if header.position else None)
            case messages.Update():
                self._emit(LanguageRequested(parameters.language))
            case messages.Error():
                self._on_error(parameters)
            case messages.Close():
                self._on_close(parameters)
            case _ if type in _BARE:
                self._emit(_BARE[type](at))

    def _client_position(self, header: Header) -> int:
        """The position that a message states, for cross-check; ours where it states none that can be read."""
        try:
            at = position.parse(header.position or "")
        except ValueError:
            self._tolerate("no readable position")
            return self.lane.position
        if self.state is State.PAUSED or not self._width:
            self.lane.position = max(self.lane.position, at)  # time goes on without audio (P6.5)
        elif self.state is State.OPEN and header.type not in ("resumed", "discarded"):
            self._compare(at)
        return at

    def _compare(self, at: int) -> None:
        """P6.5: the cross-check. It also settles a gap that was doubted."""
        doubted, self._doubted = self._doubted, None
        if doubted is not None and at == self.lane.position + doubted[1]:
            self.lane.position = at
            self._emit(AudioDiscarded(*doubted))
        elif at != self.lane.position:
            self._tolerate("position differs from the audio received")

    def _on_open(self, parameters: messages.Open, at: int) -> None:
        self._open = parameters
        self.lane.position = at
        if self._planned is not State.OPENING:  # P8.3: it comes behind a `disconnect` of ours
            return
        self._disarm("open")
        # An application that does not answer, and a client that has given up on it, leave nothing behind.
        self._arm("idle", limits.IDLE_TIMEOUT)
        organization = self._organization_id
        if organization and parameters.organization_id.lower() != organization.lower():
            self._failed = True
            self._emit(Violation(400, "organization of the header and of open differ"))
            self.disconnect("unauthorized")
        else:
            self._emit(OpenRequested(parameters, at))

    def _out_of_place(self, header: Header) -> None:
        if header.type == "open" and self._open is not None:
            self._tolerate("second open")  # P8.3: passed over
        elif self._planned is State.ENDING or self.state is State.ENDING:
            self._tolerate(f"{header.type!r} after our disconnect")
        elif header.type == "ping" and self.state is State.OPENING and not self.strict:
            self._tolerate("ping before opened")  # P15 row 29: passed over, or `opened` would not be our first message
        else:
            super()._out_of_place(header)

    def _on_ping(self, parameters: messages.Ping, seq: int) -> None:
        rtt = self._seconds(parameters.rtt, "no readable round trip")
        # A `disconnect` that still waits must not keep the pong back: what the wire has seen decides.
        if may_send(self._machine, self.state, self.role, "pong"):
            # P4.5: it acknowledges its ping, even if more has come in before it leaves.
            self._paced.add(Queued("pong", codec.NO_PARAMETERS, ack=seq))
            self._emit(Pinged(rtt))

    def _on_gap(self, type: str, gap: messages.Gap, stated: int | None) -> None:
        try:
            start, length = position.parse(gap.start), position.parse(gap.discarded)
        except ValueError:
            return self._violate(400, f"wrong parameters in {type!r}")
        if type == "discarded" and stated is not None and start <= stated < start + length:
            # The vendor's own test client announces gaps that its position denies. Which of the two is true, the
            # position of a later message tells.
            self._doubted = start, length
            return self._tolerate("a gap that the message's own position denies")
        if start + length < self.lane.position:
            self._tolerate("a gap that ends in the past")
        self.lane.position = max(self.lane.position, start + length)
        self._emit(Resumed(start, length) if type == "resumed" else AudioDiscarded(start, length))
        return None

    def _seconds(self, text: str | None, otherwise: str) -> float | None:
        try:
            return None if text is None else position.parse_nanoseconds(text) / 1e9
        except ValueError:
            self._tolerate(otherwise)
        return None

    def _on_error(self, parameters: messages.Error) -> None:
        retry = self._seconds(parameters.retry_after, "no readable retryAfter")
        if parameters.code == 429:
            self._paced.throttle(self._now, limits.RETRY_AFTER if retry is None else min(retry, 60.0))
        self._emit(ErrorReported(parameters.code, parameters.message, retry))

    def _on_close(self, parameters: messages.Close) -> None:
        self._disarm("open", "idle", "close")
        for dropped in self._paced.give_way(to_events=True):
            self._emit(Dropped(dropped))
        self._arm("closed", limits.CLOSED_BY)
        self._emit(CloseRequested(parameters.reason))

    # Time and faults.

    def _begin(self) -> None:
        self._arm("open", limits.WAIT_FOR_OPEN)

    def _left(self, type: str) -> None:
        if type == "opened":
            self._heard = self._now
            self._arm("idle", limits.IDLE_TIMEOUT)
        elif type == "disconnect":
            self._disarm("open", "idle")
            self._arm("close", limits.WAIT_FOR_CLOSE)
        elif type == "closed":
            self._disarm("closed")
            self._arm("socket", limits.WAIT_FOR_SOCKET)

    def _audio_leaves(self, data: bytes) -> bool:
        return may_carry_audio(self.state, self.role)

    def _deadline(self, name: str) -> None:
        if name == "open":
            self._violate(408, "no open")
        elif name == "idle":
            self._look_for_life()
        elif name == "closed":
            # The application had its time: the client's own 10 s are nearly over.
            self._queue("closed", urgent=True, since=self.state)
        elif name == "close":
            self._finish(clean=False)
        elif name == "socket":
            self._finish(clean=True)

    def _fail(self, code: int, rule: str) -> None:
        if may_send(self._machine, self.state, self.role, "disconnect"):
            refusal = messages.Disconnect("error", f"Client Error: {rule}")
            self._queue("disconnect", refusal, urgent=True, since=self.state)
