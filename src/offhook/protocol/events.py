"""What a session reports. Events are small, frozen and free of the wire's spelling: times are samples or seconds.

Audio is an event like any other, so that one loop over `receive()` sees all that happens in the order it happened.
"""

from __future__ import annotations

import msgspec

from .entities import Entity
from .media import Media
from .messages import Open


class AudioReceived(msgspec.Struct, frozen=True, gc=False):
    """Audio of the peer, as raw as it came.

    Attributes:
        data: One or more whole samples of the negotiated media.
        position: At a server, samples since the start of the stream, pauses and gaps counted (P6.5); at a client the
            samples that the server has sent so far, since server audio has no position.
    """

    data: bytes
    position: int


class OpenRequested(msgspec.Struct, frozen=True):
    """A client wants a session; answer at once with `accept()` or `disconnect()`."""

    parameters: Open
    position: int

    @property
    def offers(self) -> tuple[Media, ...]:
        return self.parameters.media

    @property
    def is_probe(self) -> bool:
        return self.parameters.is_probe


class CloseRequested(msgspec.Struct, frozen=True):
    """The client ends the session; send last events and `close()`. `closed` leaves by itself after 9 s."""

    reason: str


class DtmfReceived(msgspec.Struct, frozen=True):
    """A key was pressed."""

    digit: str
    position: int


class PlaybackStarted(msgspec.Struct, frozen=True):
    """The caller begins to hear our queued audio."""

    position: int


class PlaybackCompleted(msgspec.Struct, frozen=True):
    """The platform has nothing of ours left to play."""

    position: int


class Paused(msgspec.Struct, frozen=True):
    """The client sends no audio from here on."""

    position: int


class Resumed(msgspec.Struct, frozen=True):
    """Audio goes on. `start` and `discarded` in samples: the gap that the pause left."""

    start: int
    discarded: int


class AudioDiscarded(msgspec.Struct, frozen=True):
    """Audio was lost without a pause. Samples."""

    start: int
    discarded: int


class LanguageRequested(msgspec.Struct, frozen=True):
    """`update`: the conversation goes on in another language; answer with `updated()`."""

    language: str | None


class Pinged(msgspec.Struct, frozen=True):
    """A ping came and its pong is under way. `rtt` in seconds: what the client measured last."""

    rtt: float | None


class ErrorReported(msgspec.Struct, frozen=True):
    """The client reports an error of ours; it closes the session itself if the error is fatal."""

    code: int
    message: str
    retry_after: float | None


class SessionOpened(msgspec.Struct, frozen=True):
    """`opened` came. `media` is None for a session without audio."""

    media: Media | None
    start_paused: bool
    discard_to: int | None
    languages: tuple[str, ...] | None


class EntitiesReceived(msgspec.Struct, frozen=True):
    """An `event` message of the server."""

    entities: tuple[Entity, ...]


class PauseRequested(msgspec.Struct, frozen=True):
    """The server asked for a pause; `paused` is under way."""


class ResumeRequested(msgspec.Struct, frozen=True):
    """The server takes its pause back; `resumed` or `paused` is under way."""


class LanguageUpdated(msgspec.Struct, frozen=True):
    """`updated`: the server took the language."""


class ReconnectRequested(msgspec.Struct, frozen=True):
    """The server asks for a new session in place of this one (P8.6)."""

    info: str | None


class Disconnected(msgspec.Struct, frozen=True):
    """The server ends the session; `close` is under way."""

    reason: str
    info: str | None
    output: dict[str, str]


class Ponged(msgspec.Struct, frozen=True):
    """Round trip of a ping in seconds."""

    rtt: float


class SessionClosed(msgspec.Struct, frozen=True):
    """`closed` came."""


class UnknownMessage(msgspec.Struct, frozen=True):
    """A message type that we do not know, or that this product does not have; it was passed over."""

    type: str


class Tolerated(msgspec.Struct, frozen=True):
    """The peer broke a rule that does no harm. `rule` never holds anything that the peer sent."""

    rule: str


class Violation(msgspec.Struct, frozen=True):
    """The peer broke the protocol, or was too slow; the right answer is under way.

    Attributes:
        code: The AudioHook error code that fits (P3.4).
        rule: What was broken; never anything that the peer sent.
        fatal: Whether it ends the session.
    """

    code: int
    rule: str
    fatal: bool = True


class Dropped(msgspec.Struct, frozen=True):
    """A message of ours that was waiting has become illegal, or useless, before it could leave."""

    type: str


class Finished(msgspec.Struct, frozen=True):
    """Nothing more is sent or read: the shell closes the socket. `clean` if `close` and `closed` were exchanged."""

    clean: bool


Event = (
    AudioReceived
    | OpenRequested
    | CloseRequested
    | DtmfReceived
    | PlaybackStarted
    | PlaybackCompleted
    | Paused
    | Resumed
    | AudioDiscarded
    | LanguageRequested
    | Pinged
    | ErrorReported
    | SessionOpened
    | EntitiesReceived
    | PauseRequested
    | ResumeRequested
    | LanguageUpdated
    | ReconnectRequested
    | Disconnected
    | Ponged
    | SessionClosed
    | UnknownMessage
    | Tolerated
    | Violation
    | Dropped
    | Finished
)
