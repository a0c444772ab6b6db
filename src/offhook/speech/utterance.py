"""One turn of a caller on its way from its first sound to its result. Knows recognisers and audio, no turn taking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..audio import ulaw
from ..audio.resample import Resampler, resample
from ..errors import EngineError
from .engines import Recogniser, RecogniserStream, StreamingRecogniser, Transcription
from .heard import Heard, HeardWord
from .turns import Ended

_SILENCE = ulaw.RATE // 5  # made, behind the tail: recognisers end a sentence by the silence after it


@dataclass(slots=True, eq=False)
class Utterance:
    """Its state; the `Listener` moves it on. Positions are those of the stream.

    Attributes:
        start: Where it began.
        audio_from: Where the audio that a recogniser gets begins.
        reached: Where the latest interim recognition ended.
        final: The recognition of all of it; may have begun before the turn is over.
        ended: How it ended; None while it is under way.
        stream: Of a recogniser that listens while the turn is under way.
        streamed: Where what the stream has been fed ends.
    """

    id: str
    start: int
    audio_from: int
    language: str | None
    reached: int
    final: asyncio.Future[Transcription] | None = None
    ended: Ended | None = None
    stream: RecogniserStream | None = None
    streamed: int = 0
    _resampler: Resampler | None = None

    @property
    def length(self) -> int:
        """Samples, once it is over."""
        return 0 if self.ended is None else self.ended.position - self.start

    def open_stream(self, recogniser: StreamingRecogniser, on_interim: Callable[[Transcription], None]) -> None:
        """Give it to a recogniser that listens meanwhile; what there is of it so far is still to be fed."""
        self.stream = recogniser.stream(self.language, on_interim)
        self.streamed = self.audio_from
        self._resampler = Resampler(ulaw.RATE, recogniser.rate)

    def feed(self, audio: bytes) -> None:
        """Give the stream mu-law that follows what it has been fed."""
        if self.stream is not None and self._resampler is not None:
            self.streamed += len(audio)
            # The resampler holds back a few milliseconds, which at the end are silence.
            self.stream.feed(self._resampler.push(ulaw.to_float(audio)))

    def take_back(self) -> None:
        """Its recognition is not wanted, or not this one."""
        if self.final is not None:
            self.final.cancel()
            self.final = None

    def close_stream(self) -> None:
        """The stream, if there is one, is not needed any more."""
        if self.stream is not None:
            self.stream.close()
            self.stream = self._resampler = None

    def heard(self, result: Transcription, end: int, *, final: bool) -> Heard:
        """Puts a result on the stream's timeline. An engine's times are taken as they are where they make sense."""
        words: list[HeardWord] = []
        at = self.start
        for left, word in zip(range(len(result.words) - 1, -1, -1), result.words, strict=True):
            start = min(max(at, self.audio_from + round(word.start * ulaw.RATE)), end - left - 1)
            at = min(max(start + 1, self.audio_from + round(word.end * ulaw.RATE)), end - left)
            words.append(HeardWord(word.text, start, at, word.confidence))
        return Heard(
            id=self.id,
            text=result.text,
            final=final,
            start=self.start,
            end=end,
            confidence=result.confidence,
            words=tuple(words),
            language=result.language,
        )


def transcribe(recogniser: Recogniser, audio: bytes, language: str | None) -> Transcription:
    """Recognises mu-law. Blocks."""
    pcm = resample(np.pad(ulaw.to_float(audio), (0, _SILENCE)), ulaw.RATE, recogniser.rate)
    return recogniser.transcribe(pcm, language)


def finish(stream: RecogniserStream, recogniser: Recogniser, audio: bytes, language: str | None) -> Transcription:
    """The result of a stream; if the line to the engine was cut, of all the audio once more. Blocks."""
    try:
        return stream.result()
    except EngineError:
        return transcribe(recogniser, audio, language)
