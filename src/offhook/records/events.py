"""What happens in a call, as one stream of small frozen events: console, records, metering and tests all read it.

This is the vocabulary above the protocol: it speaks of turns and sayings where `offhook.protocol.events` speaks of
messages. It knows nothing of who makes the events or what becomes of them.

Each event has `t`, seconds since the call's start on a monotonic clock, and `position`, samples on the caller's stream
at that moment, or None where no stream is open. Fields named `start`, `end`, `length`, `sent`, `played`, `residue` and
`discarded` are samples as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import msgspec

Channel = Literal["external", "internal"]
Side = Literal["client", "server"]
Outcome = Literal["completed", "hangup", "refused", "error", "lost", "drained"]
"""How a call ended: the server was done; the caller or the platform left; the server took no session; either side
broke it off; the socket died; our own shutdown ended it."""


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="event", tag=_snake):
    """Base of all events."""

    t: float
    position: int | None = None


class Party(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who is on the phone; all of it personal."""

    id: str = ""
    ani: str = ""
    ani_name: str = ""
    dnis: str = ""


class Word(NamedTuple):
    """A recognised word; `start` and `end` in samples on the caller's stream."""

    text: str
    start: int
    end: int
    confidence: float | None = None


class CallStarted(Event, frozen=True):
    """The session is open. `media` is `format/rate/channels`, such as `PCMU/8000/external`, or empty without audio."""

    session: str
    conversation: str = ""
    profile: str = ""
    bot: str = ""
    language: str | None = None
    participant: Party = Party()
    input: dict[str, str] = {}
    media: str = ""


class SpeechStarted(Event, frozen=True):
    channel: Channel = "external"


class SpeechEnded(Event, frozen=True):
    channel: Channel = "external"


class Heard(Event, frozen=True):
    """A recogniser understood something. Interim results (`final` false) share `id` with the final one."""

    channel: Channel
    id: str
    text: str
    final: bool
    start: int
    end: int
    confidence: float | None = None
    words: tuple[Word, ...] = ()
    language: str | None = None


class TurnEnded(Event, frozen=True):
    """A turn is over, the caller's unless `channel` says otherwise.

    Attributes:
        text: Empty if nothing was understood, or where the words come later, as `Heard`.
        latency: Seconds from the end of speech to this decision.
    """

    start: int
    end: int
    text: str
    confidence: float | None = None
    latency: float | None = None
    channel: Channel = "external"


class SayStarted(Event, frozen=True):
    id: str
    text: str


class SayEnded(Event, frozen=True):
    """A saying is over.

    Attributes:
        text: What was to be said.
        heard: The beginning of it that the caller heard.
        interrupted: Whether a barge-in or a hang-up cut it short.
        sent: Samples that left for the platform.
        played: Samples that the caller heard.
        start: Where the caller heard its first sample; None if nothing was heard.
        latency: Seconds from the `TurnEnded` that it answers to the first audio sent; None if it answers none.
    """

    id: str
    text: str
    heard: str
    interrupted: bool = False
    sent: int = 0
    played: int = 0
    start: int | None = None
    latency: float | None = None


class SayHeld(Event, frozen=True):
    """A saying was held: the caller made a sound, and perhaps cuts in. `BargeIn` or `SayResumed` follows."""

    id: str


class SayResumed(Event, frozen=True):
    """The caller did not cut in; the saying goes on from the word at which it was held."""

    id: str


class MarkHeard(Event, frozen=True):
    """The caller has heard a `<mark>` of a saying; `start`: where, None if that is not known."""

    id: str
    name: str
    start: int | None = None


class PlaybackStarted(Event, frozen=True):
    pass


class PlaybackCompleted(Event, frozen=True):
    pass


class BargeIn(Event, frozen=True):
    """The caller cut in. `residue`: samples sent that were thrown away unheard."""

    by: Literal["speech", "key"]
    residue: int = 0


class Key(Event, frozen=True):
    digit: str


class Paused(Event, frozen=True):
    by: Side


class Resumed(Event, frozen=True):
    """Audio flows again; `discarded` samples of the stream were never sent."""

    by: Side
    discarded: int = 0


class Discarded(Event, frozen=True):
    """Audio was lost without a pause."""

    start: int
    length: int


class LanguageChanged(Event, frozen=True):
    language: str


class EngineChanged(Event, frozen=True):
    """A speech engine of a fallback is left alone for a while (`well` false), or is back. Told to every call."""

    engine: str
    well: bool
    reason: str = ""


class EventSent(Event, frozen=True):
    """An `event` message left; `entities` are their types only."""

    entities: tuple[str, ...]


class MessageSeen(Event, frozen=True, rename={"sender": "from"}):
    """A control message passed, either way. `size` in bytes."""

    sender: Side
    type: str
    seq: int
    size: int


class PeerErred(Event, frozen=True):
    """The client reported an `error`."""

    code: int
    message: str


class Violation(Event, frozen=True):
    """The protocol was broken; by us if `ours`."""

    code: int
    message: str
    ours: bool = False


class VoiceChecked(Event, frozen=True):
    """A voice was compared with that of a speaker, who is not named here.

    Attributes:
        verdict: As `offhook.speech.voiceprint.VoiceCheck` has it.
        probability: 0 to 1; None where voices were not compared.
        seconds: Of voice.
    """

    verdict: str
    probability: float | None = None
    seconds: float = 0.0


class Note(Event, frozen=True):
    """Anything else worth keeping; never what a caller said."""

    text: str


class CallEnded(Event, frozen=True):
    """The session is over.

    Attributes:
        reason: As on the wire: of `disconnect`, or else of `close`.
        info: As in `disconnect`.
        output: Output variables.
        seconds: How long the session was open.
        error: What went wrong, in words for whoever runs the bot; empty if nothing did.
    """

    outcome: Outcome
    reason: str = ""
    info: str = ""
    output: dict[str, str] = {}
    seconds: float = 0.0
    error: str = ""


AnyEvent = (
    CallStarted
    | SpeechStarted
    | SpeechEnded
    | Heard
    | TurnEnded
    | SayStarted
    | SayEnded
    | SayHeld
    | SayResumed
    | MarkHeard
    | PlaybackStarted
    | PlaybackCompleted
    | BargeIn
    | Key
    | Paused
    | Resumed
    | Discarded
    | LanguageChanged
    | EngineChanged
    | EventSent
    | MessageSeen
    | PeerErred
    | Violation
    | VoiceChecked
    | Note
    | CallEnded
)

PERSONAL: Final[Mapping[type[Event], tuple[str, ...]]] = MappingProxyType(
    {
        CallStarted: ("participant", "input"),
        Heard: ("text", "words"),
        TurnEnded: ("text",),
        SayStarted: ("text",),
        SayEnded: ("text", "heard"),
        Key: ("digit",),
        CallEnded: ("output",),
    }
)
"""Fields that may hold what callers say, key or are numbered. A bot's own words count: they repeat the caller's."""

REDACTED: Final = "[redacted]"


def redacted(event: AnyEvent) -> AnyEvent:
    """The same event without anything personal; names of variables stay, their values go."""
    fields = PERSONAL.get(type(event))
    if not fields:
        return event
    masked: AnyEvent = msgspec.structs.replace(event, **{name: _mask(getattr(event, name)) for name in fields})
    return masked


def _mask(value: object) -> object:
    if isinstance(value, Party):
        return Party(id=value.id)
    if isinstance(value, dict):
        return dict.fromkeys(value, REDACTED)
    if isinstance(value, tuple):
        return ()
    return REDACTED if value else value


_encoder: Final = msgspec.json.Encoder()
_decoder: Final[msgspec.json.Decoder[AnyEvent]] = msgspec.json.Decoder(AnyEvent)


def encode(event: AnyEvent) -> bytes:
    """One event as one line of JSON, without the line's end."""
    return _encoder.encode(event)


def decode(line: bytes | str) -> AnyEvent:
    """Read what `encode` wrote.

    Raises:
        msgspec.ValidationError: It is JSON, but not of an event.
        msgspec.DecodeError: It is not JSON.
    """
    return _decoder.decode(line)
