"""What a listener reports about one channel. Values only; positions count samples at 8 kHz on the stream's timeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody began to speak at `position`; it was certain at `decided_at`."""

    position: int
    decided_at: int


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The speech that had started was over at `position`; it was certain at `decided_at`.

    `enough` tells whether it was long enough to be a turn; of a cough nothing more is reported.
    """

    position: int
    decided_at: int
    enough: bool = True


@dataclass(frozen=True, slots=True)
class HeardWord:
    """One word of an utterance, from `start` to `end`; confidence 0..1."""

    text: str
    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What was understood of an utterance, so far or in the end.

    Attributes:
        id: The same for all results of one utterance, and for no other.
        text: Never empty.
        final: False for a result that a later one will replace.
        start: Where the utterance began.
        end: Where it ended, or how far an interim result reaches.
        confidence: 0..1, see `offhook.speech.engines.Transcription`.
        words: Their starts strictly increase, none overlaps the next, all lie between `start` and `end`.
        language: BCP 47 tag.
    """

    id: str
    text: str
    final: bool
    start: int
    end: int
    confidence: float
    words: tuple[HeardWord, ...]
    language: str


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The turn is over and recognised as far as possible; follows the turn's final `Heard` if something was understood.

    Attributes:
        start: Where it began.
        end: Where the voice stopped.
        text: Empty if nothing was understood.
        confidence: 0..1; 0 if nothing was understood.
        decided_at: Where in the stream the end was certain.
        recognised: Whether something was understood.
        settled_at: Where in the stream an answer may be heard: behind `decided_at` if by its words more may well come,
            as of a number that is being read out.
    """

    start: int
    end: int
    text: str
    confidence: float
    decided_at: int
    recognised: bool
    settled_at: int


@dataclass(frozen=True, slots=True)
class RecogniserFailed:
    """The recogniser failed on the utterance that began at `start`. `error` holds nothing of what was said."""

    start: int
    error: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The utterance from `start` to `end` was not recognised: the recogniser does not keep up, and others wait."""

    start: int
    end: int


ListenerEvent: TypeAlias = SpeechStarted | SpeechEnded | Heard | TurnEnded | RecogniserFailed | LeftOut
