"""What the page's script draws on the time axis, as plain data. Knows the summary and the recording; draws nothing."""

from __future__ import annotations

import msgspec

from offhook.audio.ulaw import RATE

from ..axis import Axis
from ..events import (
    AnyEvent,
    BargeIn,
    Discarded,
    Key,
    LanguageChanged,
    Paused,
    PeerErred,
    PlaybackCompleted,
    PlaybackStarted,
    Resumed,
    Violation,
)
from ..summary import CallSummary
from ..transcript import Line
from .waveform import Waveform

SIDES = {"client": "the platform", "server": "the bot"}


class Mark(msgspec.Struct, frozen=True):
    """A moment. `kind` is `key`, `barge`, `flag` or `fault`; `about` is said when one points at it."""

    at: float
    kind: str
    text: str
    about: str


class Span(msgspec.Struct, frozen=True):
    """A stretch of the caller's stream without audio."""

    start: float
    end: float
    text: str


class Answer(msgspec.Struct, frozen=True):
    """From the end of the caller's speech to the first audio of the answer."""

    start: float
    end: float
    text: str
    about: str


class Lane(msgspec.Struct, frozen=True):
    speaker: str
    name: str
    wave: str


class Timeline(msgspec.Struct, frozen=True):
    """All of it; times in seconds on the caller's stream, `rate` buckets of the waveform to a second."""

    seconds: float
    rate: float
    lanes: tuple[Lane, ...]
    lines: tuple[dict[str, object], ...]
    marks: tuple[Mark, ...]
    spans: tuple[Span, ...]
    playing: tuple[tuple[float, float], ...]
    answers: tuple[Answer, ...]


def build(summary: CallSummary, waves: tuple[Waveform, Waveform], rate: float, seconds: float) -> Timeline:
    """Put everything on the axis.

    Args:
        summary: The call.
        waves: Caller and bot.
        rate: Buckets of `waves` to a second.
        seconds: Length of the recording.
    """
    axis = Axis(summary.events)
    end = length(summary, seconds)
    other = "agent" if any(line.speaker == "agent" for line in summary.transcript) else "bot"
    names = (("caller", "Caller"), (other, other.capitalize()))
    return Timeline(
        seconds=end,
        rate=rate,
        lanes=tuple(Lane(speaker, name, wave.packed()) for (speaker, name), wave in zip(names, waves, strict=True)),
        lines=tuple(_line(line) for line in summary.transcript if not line.keys),
        marks=tuple(mark for event in summary.events if (mark := _mark(event, axis.at(event)))),
        spans=tuple(_spans(summary.events, axis, end)),
        playing=tuple(_playing(summary.events, axis, end)),
        answers=tuple(_answers(summary)),
    )


def length(summary: CallSummary, seconds: float) -> float:
    """Length of the axis: all that was recorded or said fits on it."""
    last = max((line.end for line in summary.transcript), default=0.0)
    # A call that was mostly silence before `opened` has more clock time than stream; the stream is what is drawn.
    return max(seconds, last) or summary.seconds


def _line(line: Line) -> dict[str, object]:
    made: dict[str, object] = {"speaker": line.speaker, "start": line.start, "end": line.end, "text": line.text}
    if line.heard is not None:
        made |= {"text": line.heard, "unheard": line.unheard, "cut": line.interrupted}
        made["left"] = max((line.sent or 0.0) - (line.end - line.start), 0.0)
    if line.words:
        made["words"] = [(word.text, word.start, word.end) for word in line.words]
    return made


def _mark(event: AnyEvent, at: float) -> Mark | None:
    match event:
        case Key():
            return Mark(at, "key", event.digit, f"Key {event.digit}")
        case BargeIn():
            residue = f"; {event.residue / RATE:.2f} s that were under way were thrown away" if event.residue else ""
            return Mark(at, "barge", "barge-in", f"The caller cut in by {event.by}{residue}")
        case LanguageChanged():
            return Mark(at, "flag", event.language, f"The language changed to {event.language}")
        case PeerErred():
            return Mark(at, "fault", f"error {event.code}", event.message)
        case Violation():
            return Mark(at, "fault", "violation", f"{'We' if event.ours else 'The peer'}: {event.message}")
    return None


def _spans(events: tuple[AnyEvent, ...], axis: Axis, end: float) -> list[Span]:
    made: list[Span] = []
    since: dict[str, float] = {}
    for event in events:
        if isinstance(event, Paused):
            since.setdefault(event.by, axis.at(event))
        elif isinstance(event, Resumed) and event.by in since:
            made.append(_pause(event.by, since.pop(event.by), axis.at(event)))
        elif isinstance(event, Discarded):
            made.append(Span(event.start / RATE, (event.start + event.length) / RATE, "audio lost"))
    return made + [_pause(side, start, end) for side, start in since.items()]


def _pause(side: str, start: float, end: float) -> Span:
    return Span(start, end, f"paused by {SIDES[side]}")


def _playing(events: tuple[AnyEvent, ...], axis: Axis, end: float) -> list[tuple[float, float]]:
    made: list[tuple[float, float]] = []
    start: float | None = None
    for event in events:
        if isinstance(event, PlaybackStarted):
            start = axis.at(event)
        elif isinstance(event, PlaybackCompleted) and start is not None:
            made.append((start, axis.at(event)))
            start = None
    return made if start is None else [*made, (start, end)]


def _answers(summary: CallSummary) -> list[Answer]:
    made: list[Answer] = []
    for delay in summary.latencies:
        if delay.heard is not None:
            parts = [
                f"{name} {value:.2f} s"
                for name, value in (("turn decided in", delay.decided), ("first audio sent after", delay.sent))
                if value is not None
            ]
            text = f"{delay.heard:.2f} s"
            about = f"Answer heard {text} after the caller stopped" + "".join(f"; {part}" for part in parts)
            made.append(Answer(delay.turn_end, delay.turn_end + delay.heard, text, about))
    return made
