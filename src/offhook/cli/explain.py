"""The table of AudioHook messages for people: who sends each, what it means, what it holds, what follows (P4).

`decode` explains from this table alone. Whether a message was due where it stands is `follow`'s to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from ..protocol.limits import NULL_UUID
from .entities import ENTITY
from .schema import (
    ANYTHING,
    DURATION,
    FLAG,
    LANGUAGE,
    TEXT,
    UUID,
    WHOLE,
    Fault,
    Faults,
    Field,
    Kind,
    array,
    choice,
    record,
    said,
    variables,
)


class Explanation(NamedTuple):
    """One message type.

    Attributes:
        meaning: What its sender says with it.
        after: What follows.
        parameters: What it holds.
    """

    meaning: str
    after: str
    parameters: Mapping[str, Field] = {}


def _optional(kind: Kind) -> Field:
    return Field(kind, required=False)


def _media_words(media: Mapping[str, object]) -> str:
    channels = media.get("channels")
    listed = " + ".join(map(TEXT.words, channels)) if isinstance(channels, list) else said(channels)
    return f"{TEXT.words(media.get('format'))}, {said(media.get('rate'))} Hz, {listed}"


MEDIA: Final = record(
    {
        "type": Field(choice({"audio": ""})),
        "format": Field(choice({"PCMU": "G.711 mu-law", "L16": "16-bit samples"})),
        "channels": Field(array(choice({"external": "the caller", "internal": "what the caller hears"}), 2, "1 or 2")),
        "rate": Field(choice({8000: ""}, "the rate is 8000")),
    },
    meant={"codec": "format", "encoding": "format", "sampleRate": "rate", "sample_rate": "rate"},
    strict=True,
    words=_media_words,
)
_PARTICIPANT: Final = record(
    {"id": Field(UUID), "ani": Field(TEXT), "aniName": Field(TEXT), "dnis": Field(TEXT)},
    words=lambda who: f"from {TEXT.words(who.get('ani'))} to {TEXT.words(who.get('dnis'))}",
)
_PREDECESSOR: Final = record({"id": Field(UUID), "clientseq": Field(WHOLE), "serverseq": Field(WHOLE)})


def _config(path: str, value: object) -> Faults:
    if isinstance(value, str):
        yield Fault(f"`{path}` is a string", "it is a JSON object", harmless=True)
    elif not isinstance(value, dict):
        yield Fault(f"`{path}` is {said(value)}", "it is a JSON object")


_CONFIG: Final = Kind(_config, lambda value: said(value, 200))
_GAP: Final = {"start": Field(DURATION), "discarded": Field(DURATION)}

TABLE: Final[Mapping[str, Explanation]] = {
    "open": Explanation(
        "The platform wants a session for a call.",
        "The server answers `opened` or `disconnect` within 5 s.",
        {
            "organizationId": Field(UUID),
            "conversationId": Field(UUID),
            "participant": Field(_PARTICIPANT),
            "media": Field(array(MEDIA, empty="no audio")),
            "language": _optional(LANGUAGE),
            "supportedLanguages": _optional(FLAG),
            "continuedSessions": _optional(array(_PREDECESSOR)),
            "customConfig": _optional(_CONFIG),
            "inputVariables": _optional(variables()),
        },
    ),
    "opened": Explanation(
        "The server takes the session, with this one of the offered media.",
        "Audio flows, or `paused` answers a start in pause.",
        {
            "media": Field(array(MEDIA, 1, "at most one is chosen", "none: a session without audio")),
            "startPaused": _optional(FLAG),
            "discardTo": _optional(DURATION),
            "supportedLanguages": _optional(array(LANGUAGE)),
        },
    ),
    "ping": Explanation(
        "The platform asks whether the server is alive.",
        "The server answers `pong` at once.",
        {"rtt": _optional(DURATION)},
    ),
    "pong": Explanation("The server is alive.", "The next ping comes within 5 s."),
    "pause": Explanation("The server wants no audio for now.", "The client answers `paused`."),
    "paused": Explanation(
        "No audio from the client from here on: the server asked for it, or the flow is in a secure part.",
        "`resumed` ends the pause.",
    ),
    "resume": Explanation(
        "The server takes its pause back.", "The client answers `resumed`, or `paused` if it holds a pause of its own."
    ),
    "resumed": Explanation("Audio goes on; this much was left out.", "Audio follows.", _GAP),
    "discarded": Explanation("The client lost this audio, without a pause.", "Audio goes on behind the gap.", _GAP),
    "update": Explanation(
        "The conversation goes on in another language.",
        "The server answers `updated`, `pause` or `disconnect`; old ones ignore it.",
        {"language": Field(LANGUAGE)},
    ),
    "updated": Explanation("The server took the new language.", "Nothing has to follow."),
    "dtmf": Explanation(
        "The caller pressed a key.",
        "Nothing has to follow.",
        {"digit": Field(choice(dict.fromkeys("0123456789*#ABCD", ""), "one key of 0-9, *, # and A-D"))},
    ),
    "playback_started": Explanation(
        "The caller begins to hear queued bot audio.", "`playback_completed` when the queue is empty."
    ),
    "playback_completed": Explanation("No bot audio is left to play.", "Nothing has to follow."),
    "event": Explanation(
        "The server reports what it makes of the call.", "Nothing has to follow.", {"entities": Field(array(ENTITY))}
    ),
    "reconnect": Explanation(
        "The server asks for a new session in place of this one.",
        "A new session, where that feature is on.",
        {"info": _optional(TEXT)},
    ),
    "disconnect": Explanation(
        "The server wants the session to end, or does not take it.",
        "The client answers `close`, reason `disconnect`; audio stops.",
        {
            "reason": Field(
                choice(
                    {"completed": "well", "unauthorized": "credentials are wrong", "error": "something failed"},
                    odd={"rejected": "only a session that was reconnected may be rejected"},
                )
            ),
            "info": _optional(TEXT),
            "outputVariables": _optional(variables()),
        },
    ),
    "close": Explanation(
        "The platform ends the session.",
        "The server answers `closed` within 10 s; then the client closes the socket.",
        {
            "reason": Field(
                choice(
                    {
                        "end": "the call or its stream is over",
                        "disconnect": "the server asked for it",
                        "error": "after an `error`",
                        "reconnect": "another session takes over",
                    }
                )
            )
        },
    ),
    "closed": Explanation("The server has finished.", "The client closes the socket; the server never does it first."),
    "error": Explanation(
        "The platform found something wrong with what the server did.",
        "A `close` follows if it was fatal.",
        {"code": Field(WHOLE), "message": Field(TEXT), "retryAfter": _optional(DURATION)},
    ),
}
"""By message type: all of `protocol.messages.KINDS`."""

CODES: Final = {
    400: "bad message",
    405: "not allowed for this product",
    408: "too late",
    409: "not in this state",
    413: "too large",
    415: "audio that nobody wants",
    429: "too many messages",
    500: "sequence number, or an internal error",
    503: "overloaded",
}

_RECORDS: Final = {name: record(entry.parameters) for name, entry in TABLE.items()}


def parameter_faults(type: str, parameters: Mapping[str, object]) -> Faults:
    """What is wrong with the parameters of a message, all by itself."""
    yield from _RECORDS[type].faults("parameters", parameters)
    if type == "opened" and "startPaused" not in parameters:
        rule = "send it always: some platforms fail without it"
        yield Fault("`parameters.startPaused` is missing", rule, harmless=True)
    participant = parameters.get("participant")
    if type == "open" and isinstance(participant, dict):
        nulls = [id == NULL_UUID for id in (parameters.get("conversationId"), participant.get("id"))]
        if any(nulls) and not all(nulls):
            rule = "a connection probe has both as null UUIDs"
            yield Fault("only one of conversation and participant is null", rule, harmless=True)


def parameter_words(type: str, parameters: Mapping[str, object]) -> dict[str, str]:
    """The parameters that are there, each in words."""
    words = {}
    for name, value in parameters.items():
        field = TABLE[type].parameters.get(name, Field(ANYTHING))
        words[name] = field.kind.words(value)
    code = parameters.get("code")
    if type == "error" and isinstance(code, int) and code in CODES:
        words["code"] += f" ({CODES[code]})"
    return words
