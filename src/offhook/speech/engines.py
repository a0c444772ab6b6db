"""What a speech engine must offer: three small protocols and the values that they exchange.

To write an engine of your own, write a class with these methods and attributes (plain ones will do: they are only
read); there is nothing to inherit. Register it as `offhook.speech.registry` says, and run the checks of
`tests/speech/contract.py` on it. Engines know nothing of calls, sessions or the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeGuard

import numpy as np
import numpy.typing as npt

Float32: TypeAlias = npt.NDArray[np.float32]
"""One channel of audio: a one-dimensional array, values in -1..1."""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word.

    Attributes:
        text: The word as it would be written, with its punctuation.
        start: Seconds from the beginning of the audio that was given to the recogniser.
        end: Seconds, not before `start` and not after the next word's `start`.
        confidence: 0..1.
    """

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Transcription:
    """What a recogniser understood.

    Attributes:
        text: Empty if nothing was understood.
        confidence: 0..1, higher is better. Engines differ in what it means; compare it only with the same engine's.
        words: In the order spoken; empty if the engine has none.
        language: BCP 47 tag of the language that was recognised, such as `en`.
    """

    text: str
    confidence: float
    words: tuple[Word, ...]
    language: str


class VoiceActivity(Protocol):
    """Scores whether somebody speaks. Holds the state of one stream and channel: make one object for each.

    Attributes:
        rate: Samples a second that `score` wants.
        frame: Samples for each score, exactly.
    """

    @property
    def rate(self) -> int: ...

    @property
    def frame(self) -> int: ...

    def score(self, pcm: Float32) -> float:
        """Takes the next `frame` samples and returns 0 (nobody) to 1 (somebody).

        It is called on the event loop, 5 to 60 times a second for each channel, and must not block: stay under 50 us.
        """

    def reset(self) -> None:
        """Forgets the past: the next samples do not follow the last ones."""


class Recogniser(Protocol):
    """Turns speech into text. One object serves all calls, from several threads at once.

    Attributes:
        rate: Samples a second that `transcribe` wants.
        languages: BCP 47 tags that it understands, the default first.
    """

    @property
    def rate(self) -> int: ...

    @property
    def languages(self) -> tuple[str, ...]: ...

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        """Recognises one utterance. Blocks; it is called in a thread of the pool.

        Args:
            pcm: The utterance with a little silence around it, any length, even empty.
            language: BCP 47 tag, or None for the engine's default.

        Returns:
            A transcription with empty text if nothing was understood.

        Raises:
            EngineError: The engine failed, or cannot do that language. The message holds nothing of what was said.
        """


class RecogniserStream(Protocol):
    """One utterance on its way to a recogniser that listens while somebody speaks."""

    def feed(self, pcm: Float32) -> None:
        """Takes the next samples, any number. It is called on the event loop and must neither block nor raise."""

    def result(self) -> Transcription:
        """What was understood of all that was fed so far. Blocks; it is called in a thread of the pool.

        The utterance may go on after that: then more is fed, also while this waits, and this is called again.

        Raises:
            EngineError: The engine failed, or the line to it was cut.
        """

    def close(self) -> None:
        """The utterance is over, or not wanted any more. Called once, from any thread; must not block or raise."""


class StreamingRecogniser(Recogniser, Protocol):
    """A recogniser that can also listen while somebody speaks; `transcribe` serves what was kept of an utterance."""

    def stream(self, language: str | None, on_interim: Callable[[Transcription], None]) -> RecogniserStream:
        """Begins an utterance. Called on the event loop: it must not block; what fails is told by `result`.

        Args:
            language: As in `transcribe`.
            on_interim: To be called, in any thread, with what has been understood so far.
        """


class Synthesiser(Protocol):
    """Turns text into speech. One object serves all calls, from several threads at once.

    Attributes:
        rate: Samples a second of what it returns.
        languages: BCP 47 tags that it speaks, the default first.
        voices: Names of its voices, the default first.
        name: Names engine, version and every setting that changes the sound; it is part of cache keys.
    """

    @property
    def rate(self) -> int: ...

    @property
    def languages(self) -> tuple[str, ...]: ...

    @property
    def voices(self) -> tuple[str, ...]: ...

    @property
    def name(self) -> str: ...

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        """Speaks `text`, a piece at a time, each as soon as it is there; sentence by sentence is a good measure.

        The iterator blocks; it is advanced in threads of the pool, not always the same one, never by two at once. It
        may be closed or dropped before its end.

        Raises:
            EngineError: The engine failed, or lacks the voice or the language. The message holds nothing of the text.
        """


def streams(recogniser: Recogniser | None) -> TypeGuard[StreamingRecogniser]:
    """Whether a recogniser listens while somebody speaks. One that wraps others says so by its attribute `streams`."""
    return bool(getattr(recogniser, "streams", hasattr(recogniser, "stream")))


def speaks(languages: tuple[str, ...], language: str | None) -> bool:
    """Whether `languages` cover `language`: `en` covers `en-GB`, and `en-US` is taken for `en-GB` rather than nothing.

    Only the primary subtag counts: an English engine for another country still serves, one for Spanish does not.
    """
    return language is None or _primary(language) in {_primary(known) for known in languages}


def _primary(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()
