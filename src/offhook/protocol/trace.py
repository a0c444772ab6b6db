"""Traces: every message of one session, both ways, as lines of JSON that can be read, shared and played again.

    {"offhook_trace":1,"role":"server","session":"…","profile":"connector","started":"2026-11-22T11:23:00Z"}
    {"t":0.000412,"from":"client","text":{"version":"2","type":"open",…}}
    {"t":0.201830,"from":"client","audio":"//79/v…"}
    {"t":9.512006,"end":"closed"}

Sans-IO: it turns messages into bytes and lines into messages. Times are given by the caller.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterable
from typing import Final, Literal

import msgspec

from offhook.errors import TraceError

from .entities import Json

VERSION: Final = 1
Side = Literal["client", "server"]

# A message with more brackets is kept as a string: a line nests one level deeper than its message, and what could
# be written must be readable, whatever depth the JSON reader allows.
_MAX_BRACKETS: Final = 500


class TraceHeader(msgspec.Struct, frozen=True):
    """First line. `role` is who wrote the trace; `started` an ISO 8601 time, at which `t` is 0."""

    offhook_trace: int
    role: Side
    session: str
    profile: str = ""
    started: str = ""
    redacted: bool = False


class TraceMessage(msgspec.Struct, frozen=True, gc=False):
    """One message: text (str) or audio (bytes), `t` seconds since the start.

    Text is as it was, save for blanks around it and line ends within it.
    """

    t: float
    sender: Side
    data: str | bytes


class TraceEnd(msgspec.Struct, frozen=True):
    """Last line of a trace that was finished."""

    t: float
    end: str


class Trace(msgspec.Struct, frozen=True):
    """A whole trace.

    Attributes:
        header: Its first line.
        messages: In the order in which they passed.
        end: None if the writer was cut off.
        cut: Whether the last line is damaged; it was left out.
    """

    header: TraceHeader
    messages: tuple[TraceMessage, ...]
    end: TraceEnd | None
    cut: bool


class _Line(msgspec.Struct):
    t: float
    sender: Side | None = msgspec.field(name="from", default=None)
    text: msgspec.Raw = msgspec.Raw()
    audio: bytes | None = None
    end: str | None = None


_encoder: Final = msgspec.json.Encoder()
_headers: Final = msgspec.json.Decoder(TraceHeader)
_lines: Final = msgspec.json.Decoder(_Line)
_raw: Final = msgspec.json.Decoder(msgspec.Raw)


class TraceWriter:
    """Writes one trace, a line to each call of `write`.

    Args:
        write: Takes the bytes of one line, its end included.
        role: Which side we are.
        session: Id of the session.
        profile: Name of the product's profile.
        started: ISO 8601 time of `t` 0.
        redact: Leave out all that `redact` leaves out.
    """

    def __init__(
        self,
        write: Callable[[bytes], object],
        *,
        role: Side,
        session: str,
        profile: str = "",
        started: str = "",
        redact: bool = False,
    ) -> None:
        self._write = write
        self._redact = redact
        write(_encoder.encode(TraceHeader(VERSION, role, session, profile, started, redact)) + b"\n")

    def message(self, t: float, sender: Side, data: str | bytes) -> None:
        """Write one message that `sender` sent."""
        if self._redact:
            data = redact(data)
        if isinstance(data, str):
            value = b'"text":' + _text(data)
        else:
            value = b'"audio":"' + binascii.b2a_base64(data, newline=False) + b'"'
        self._write(b'{"t":%.6f,"from":"%b",%b}\n' % (t, sender.encode(), value))

    def end(self, t: float, reason: str) -> None:
        """Write the last line."""
        self._write(b'{"t":%.6f,"end":%b}\n' % (t, _encoder.encode(reason)))


def _text(text: str) -> bytes:
    """A JSON object stays what it is, so that a trace can be searched; anything else becomes a string."""
    data = text.encode(errors="replace")
    if data.count(b"{") + data.count(b"[") <= _MAX_BRACKETS:
        try:
            raw = bytes(_raw.decode(data))
        except msgspec.DecodeError:
            raw = b""
        if raw.startswith(b"{"):
            # JSON strings hold no bare line end, so each one in here is a blank between tokens.
            return raw.replace(b"\n", b" ").replace(b"\r", b" ")
    return _encoder.encode(data.decode())


def read(lines: Iterable[bytes | str]) -> Trace:
    """Read a trace, such as an open file in binary mode. A damaged last line is left out and reported in `cut`.

    Raises:
        TraceError: It is no trace, of a later version, or damaged in the middle; the message names the line.
    """
    rest = iter(lines)
    first = next(rest, b"")
    try:
        header = _headers.decode(first)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TraceError(f"line 1 is not the header of a trace: {error}") from None
    if header.offhook_trace != VERSION:
        raise TraceError(f"this trace has format {header.offhook_trace}, known here is {VERSION}: use a later version")
    messages: list[TraceMessage] = []
    end: TraceEnd | None = None
    bad: tuple[int, str] | None = None
    for number, line in enumerate(rest, 2):
        if not line.strip():
            continue
        if bad is not None:
            raise TraceError(f"line {bad[0]} of the trace is damaged: {bad[1]}")
        try:
            entry = _entry(_lines.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            bad = number, str(error)
            continue
        if end is not None:
            raise TraceError(f"line {number} of the trace comes after its end: two traces in one file?")
        if isinstance(entry, TraceEnd):
            end = entry
        else:
            messages.append(entry)
    return Trace(header, tuple(messages), end, bad is not None)


def _entry(line: _Line) -> TraceMessage | TraceEnd:
    if line.end is not None:
        return TraceEnd(line.t, line.end)
    if line.sender is None:
        raise ValueError("neither a sender nor an end")
    if line.audio is not None:
        return TraceMessage(line.t, line.sender, line.audio)
    raw = bytes(line.text)
    if raw.startswith(b"{"):
        return TraceMessage(line.t, line.sender, raw.decode())
    return TraceMessage(line.t, line.sender, msgspec.json.decode(raw, type=str))


REDACTED: Final = "[redacted]"
# Mu-law silence (P6.1), and -1 in L16 of either byte order.
_SILENCE: Final = b"\xff"

# Keys that the protocol itself defines (P3 to P5) and that hold nothing of the caller.
_KEPT: Final = frozenset((
    "version", "id", "type", "seq", "serverseq", "clientseq", "position", "parameters",
    "organizationId", "conversationId", "participant", "media", "format", "channels", "rate", "language", "languages",
    "supportedLanguages", "continuedSessions", "startPaused", "discardTo", "start", "discarded", "rtt", "reason",
    "info", "code", "message", "retryAfter", "data", "disposition", "confidence", "channelId", "isFinal", "offset",
    "duration", "alternatives", "interpretations", "tokens",
))  # fmt: skip
_KNOWN_ENTITIES: Final = frozenset({"transcript", "bot_turn_response", "barge_in", "speech_started"})


def redact(data: str | bytes) -> str | bytes:
    """The same message without anything personal, to be shared; it can still be read and played.

    Only what the protocol itself defines is kept; numbers called and calling, keys, variables, configuration, words,
    and values of entities that we do not know are replaced. Keys of a keypad become 0, audio becomes silence.
    """
    if isinstance(data, bytes):
        return _SILENCE * len(data)
    try:
        message = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return REDACTED
    if not isinstance(message, dict):
        return REDACTED
    return _encoder.encode(_cleaned(message)).decode()


def _cleaned(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _field(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return value


def _field(key: str, value: Json) -> Json:
    if key == "digit":
        return "0"
    if key == "entities" and isinstance(value, list):
        return [_entity(item) for item in value]
    return _cleaned(value) if key in _KEPT else _masked(value)


def _entity(entity: Json) -> Json:
    if not isinstance(entity, dict):
        return None
    if entity.get("type") in _KNOWN_ENTITIES:
        return _cleaned(entity)
    return {"type": entity.get("type"), "data": _masked(entity.get("data"))}


def _masked(value: Json) -> Json:
    """Names stay, since they say what a flow passes; every value under them goes."""
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return REDACTED if isinstance(value, str) else None
