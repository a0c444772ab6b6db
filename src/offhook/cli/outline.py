"""What a recorded session comes to, in figures: how it ended, with what, who sent how much. Reads messages only.

A recording and a replay of it are outlined by the same code, so that they can be compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from statistics import median
from typing import Final

import msgspec

from ..protocol import Media, Role
from ..protocol.codec import Malformed, decode_header, decode_parameters
from ..protocol.messages import KINDS, Close, Disconnect, Event, OpenedRead, Ping
from ..protocol.position import RATE, parse_nanoseconds
from ..protocol.trace import Trace, TraceMessage
from ..protocol.variables import as_variables

#: How a session may end: `open` if the recording does not tell.
OUTCOMES: Final = ("completed", "hangup", "refused", "unauthorized", "error", "open")


class Outline(msgspec.Struct):
    """One session.

    Attributes:
        outcome: One of `OUTCOMES`.
        reason: Of the server's `disconnect`, or else of the client's `close`.
        info: Of the `disconnect`.
        output: Output variables.
        closed: Whether `closed` came.
        seconds: From the first message to the last.
        opened_ms: From `open` to `opened`.
        rtt_ms: Median of the round trips of pings.
        playbacks: Runs of server audio, each in seconds.
        messages: By side and type; audio is `audio`, what is no message is `unknown`.
        width: Bytes of one sample of all channels.
        audio_seconds: By side.
        said: Final transcripts and turns that the server reported, in order.
    """

    outcome: str = "open"
    reason: str = ""
    info: str = ""
    output: dict[str, str] = {}
    closed: bool = False
    seconds: float = 0.0
    opened_ms: float | None = None
    rtt_ms: float | None = None
    playbacks: list[float] = []
    messages: dict[str, dict[str, int]] = {}
    width: int = 1
    audio_seconds: dict[str, float] = {}
    said: list[str] = []


class _Reader:
    """Takes messages one by one."""

    def __init__(self) -> None:
        self.outline = Outline()
        self.media: Media | None = None
        self.opened = False
        self.counts: dict[str, Counter[str]] = {role.value: Counter() for role in Role}
        self.bytes: Counter[str] = Counter()
        self.at: dict[str, float] = {}
        self.round_trips: list[float] = []
        self.reported: list[float] = []

    def take(self, message: TraceMessage) -> None:
        if isinstance(message.data, bytes):
            self.counts[message.sender]["audio"] += 1
            self.bytes[message.sender] += len(message.data)
            return
        try:
            header = decode_header(message.data)
            known = header.type in KINDS and KINDS[header.type].sender == message.sender
            parameters = decode_parameters(header) if known else None
        except Malformed:
            parameters = None
        if parameters is None:
            self.counts[message.sender]["unknown"] += 1
            return
        self.counts[message.sender][header.type] += 1
        match parameters:
            case OpenedRead(media=media):
                self.opened, self.media = True, media[0] if media else None
                if "open" in self.at:
                    self.outline.opened_ms = round((message.t - self.at["open"]) * 1000, 3)
            case Ping(rtt=str(rtt)):
                self._reported(rtt)
            case Event(entities=entities):
                self.outline.said += [text for entity in entities for text in _said(entity.type, entity.data)]
            case Disconnect():
                self._disconnected(parameters)
            case Close(reason=reason) if self.outline.outcome == "open":
                self.outline.outcome = "hangup" if reason in ("end", "reconnect") else "error"
                self.outline.reason = reason
        self._timed(header.type, message.t)

    def _reported(self, rtt: str) -> None:
        with suppress(ValueError):
            self.reported.append(parse_nanoseconds(rtt) / 1e9)

    def _disconnected(self, parameters: Disconnect) -> None:
        outline, reason = self.outline, parameters.reason
        if outline.outcome != "open":
            return
        if reason == "unauthorized":
            outline.outcome = reason
        elif reason == "completed":
            outline.outcome = "completed"
        else:
            outline.outcome = "error" if self.opened else "refused"
        outline.reason, outline.info = reason, parameters.info or ""
        outline.output = as_variables(parameters.output_variables or {})

    def _timed(self, type: str, t: float) -> None:
        if type == "pong" and "ping" in self.at:
            self.round_trips.append(t - self.at["ping"])
        elif type == "closed":
            self.outline.closed = True
        elif type == "playback_completed" and "playback_started" in self.at:
            self.outline.playbacks.append(round(t - self.at.pop("playback_started"), 3))
        self.at[type] = t


def outline(messages: Iterable[TraceMessage], role: str) -> Outline:
    """Outline a session.

    Args:
        role: Who recorded it: only clients see the round trips of their pings.
    """
    reader = _Reader()
    times = []
    for message in messages:
        reader.take(message)
        times.append(message.t)
    found = reader.outline
    if reader.media is not None and reader.media.usable:
        found.width = reader.media.width
    found.seconds = round(max(times) - min(times), 3) if times else 0.0
    found.messages = {side: dict(count) for side, count in reader.counts.items()}
    found.audio_seconds = {side: round(reader.bytes[side] / found.width / RATE, 3) for side in reader.counts}
    trips = reader.round_trips if role == "client" else reader.reported
    found.rtt_ms = round(median(trips) * 1000, 3) if trips else None
    return found


def outline_of(trace: Trace) -> Outline:
    """Outline a trace."""
    return outline(trace.messages, trace.header.role)


class Difference(msgspec.Struct):
    """What two sessions differ in; `decides` if they count as different for it."""

    what: str
    before: object
    now: object
    decides: bool


#: Messages of the clockwork: how many there are tells of the session's length and of nothing else.
_CLOCKWORK: Final = frozenset({"pong", "audio"})
#: Seconds by which the server's audio may differ before it is told.
_TOLERANCE: Final = 0.1


def compare(before: Outline, now: Outline, *, redacted: bool = False) -> list[Difference]:
    """What the server did otherwise than in the recording.

    Args:
        redacted: The recording lacks all values and words.
    """
    pairs: list[tuple[str, object, object, bool]] = []
    if before.outcome != "open":  # the recording tells
        pairs.append(("outcome", before.outcome, now.outcome, True))
        pairs.append(("reason", before.reason, now.reason, True))
    if redacted:
        pairs.append(("names of output variables", sorted(before.output), sorted(now.output), True))
    else:
        pairs.append(("output variables", before.output, now.output, True))
        pairs.append(("said", before.said, now.said, False))
    pairs.append(("messages of the server", _counts(before), _counts(now), False))
    heard = before.audio_seconds.get("server", 0.0), now.audio_seconds.get("server", 0.0)
    if abs(heard[0] - heard[1]) > _TOLERANCE:
        pairs.append(("seconds of server audio", *heard, False))
    return [Difference(*pair) for pair in pairs if pair[1] != pair[2]]


def _counts(found: Outline) -> dict[str, int]:
    return {name: n for name, n in found.messages.get("server", {}).items() if name not in _CLOCKWORK}


def _said(type: str, data: object) -> Iterable[str]:
    """The words in an entity: those of a final transcript, or of the bot's report of a turn."""
    if not isinstance(data, Mapping):
        return
    if type == "bot_turn_response" and isinstance(data.get("text"), str):
        yield data["text"]
    elif type == "transcript" and data.get("isFinal") is True:
        try:
            yield str(data["alternatives"][0]["interpretations"][0]["transcript"])
        except (LookupError, TypeError):
            return
