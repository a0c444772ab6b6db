"""Who said what, when: the lines of a call's transcript, made of its events. Knows events only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from offhook.audio.ulaw import RATE

from .axis import Axis
from .events import AnyEvent, Channel, Heard, Key, SayEnded, TurnEnded, Word

Speaker = Literal["caller", "bot", "agent"]


class LineWord(msgspec.Struct, frozen=True, array_like=True):
    """A word with its own times, in seconds on the caller's stream."""

    text: str
    start: float
    end: float
    confidence: float | None = None


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One utterance, or one run of keys. Times in seconds on the caller's stream.

    Attributes:
        speaker: `agent` is whoever the caller hears where no bot of ours speaks.
        text: What was understood, or what a bot was to say.
        heard: Of a bot's text, the part that the caller heard; it is the beginning of `text`.
        interrupted: Whether the bot was cut short.
        sent: Seconds of the bot's audio that left for the platform.
        keys: Keys pressed, in place of a text.
        words: The caller's words, if the recogniser times them.
    """

    speaker: Speaker
    start: float
    end: float
    text: str = ""
    heard: str | None = None
    interrupted: bool = False
    sent: float | None = None
    keys: str = ""
    confidence: float | None = None
    words: tuple[LineWord, ...] = ()

    @property
    def unheard(self) -> str:
        """The rest of a bot's text that the caller did not hear."""
        return "" if self.heard is None else self.text[len(self.heard) :]


def lines(events: Iterable[AnyEvent]) -> tuple[Line, ...]:
    """The transcript in order of time.

    A turn is one line; what was understood outside of any turn is one line for each final result. In a call without
    sayings of a bot, the internal channel is an agent's.
    """
    events = tuple(events)
    axis = Axis(events)
    heard = [event for event in events if isinstance(event, Heard) and event.final and event.text]
    made: list[Line] = []
    inside: list[Heard]
    outside: list[Heard]
    for event in events:
        if isinstance(event, TurnEnded):
            inside, outside = [], []
            for item in heard:
                (inside if _overlaps(item, event) else outside).append(item)
            heard = outside
            words = [word for item in inside for word in item.words]
            text = event.text or " ".join(item.text for item in inside)
            made.append(_spoken(_speaker(event.channel), event, words, text))
        elif isinstance(event, SayEnded):
            made.append(_said(event, axis))
    made.extend(_spoken(_speaker(item.channel), item, item.words, item.text) for item in heard)
    made.sort(key=lambda line: line.start)
    return tuple(_with_keys(made, [(axis.at(event), event.digit) for event in events if isinstance(event, Key)]))


def _speaker(channel: Channel) -> Speaker:
    return "caller" if channel == "external" else "agent"


def _overlaps(heard: Heard, turn: TurnEnded) -> bool:
    return heard.channel == turn.channel and heard.start < turn.end and heard.end > turn.start


def _spoken(speaker: Speaker, event: Heard | TurnEnded, words: Iterable[Word], text: str) -> Line:
    timed = tuple(LineWord(word.text, word.start / RATE, word.end / RATE, word.confidence) for word in words)
    return Line(speaker, event.start / RATE, event.end / RATE, text, confidence=event.confidence, words=timed)


def _said(event: SayEnded, axis: Axis) -> Line:
    start = axis.at(event) if event.start is None else event.start / RATE
    return Line(
        "bot",
        start,
        start + event.played / RATE,
        event.text,
        heard=_beginning(event.text, event.heard),
        interrupted=event.interrupted,
        sent=event.sent / RATE,
    )


def _beginning(text: str, heard: str) -> str:
    """`heard` as it stands in `text`; if it is not quite the beginning, as many whole words as agree."""
    if text.startswith(heard):
        return heard
    words, end = heard.split(), 0
    for word in words:
        place = text.find(word, end)
        if place < 0 or text[end:place].strip():
            break
        end = place + len(word)
    return text[:end]


def _with_keys(spoken: Sequence[Line], keys: Sequence[tuple[float, str]]) -> list[Line]:
    """Keys pressed one after the other, with no new line of speech between them, make one line."""
    made: list[Line] = []
    waiting = sorted(keys, reverse=True)
    for line in [*spoken, None]:
        run: list[tuple[float, str]] = []
        while waiting and (line is None or waiting[-1][0] < line.start):
            run.append(waiting.pop())
        if run:
            made.append(Line("caller", run[0][0], run[-1][0], keys="".join(digit for _, digit in run)))
        if line is not None:
            made.append(line)
    return made


def clock(seconds: float) -> str:
    """Minutes and seconds to the tenth, such as `1:02.5`."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def text(spoken: Iterable[Line]) -> str:
    """The transcript to be read: one line to each utterance, `[not heard: …]` where a bot was cut short."""
    return "".join(f"{clock(line.start):>8}  {line.speaker.capitalize():<6}  {_words(line)}\n" for line in spoken)


def _words(line: Line) -> str:
    if line.keys:
        return f"[keys: {line.keys}]"
    if line.heard is None or not line.unheard.strip():
        return " ".join(line.text.split())
    parts = [line.heard.strip(), f"[not heard: {line.unheard.strip()}]"]
    return " ".join(" ".join(part.split()) for part in parts if part)
