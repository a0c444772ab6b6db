"""Recognisers that stand for others: one that is loaded when it is first needed, and one that finds the language out.

Both are used in the threads of the pool, so that a call goes on while a model loads: what is said meanwhile is
recognised once it is there. Knows engines only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..audio.resample import resample
from . import registry
from .engines import Float32, Recogniser, Transcription, speaks

#: Confidence below which a recogniser is taken to have been given another language than its own: exp(-0.8), what
#: Moonshine gives to Spanish, French, Italian and Russian at best.
LOW: Final = 0.45


class LateRecogniser:
    """A recogniser by URI, loaded by the first utterance.

    Raises, from all its members: what `registry.recogniser` raises.
    """

    def __init__(self, uri: str) -> None:
        registry.parse(uri)  # a name that is none is told at once
        self.uri = uri

    @property
    def rate(self) -> int:
        return registry.recogniser(self.uri).rate

    @property
    def languages(self) -> tuple[str, ...]:
        return registry.recogniser(self.uri).languages

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        return registry.recogniser(self.uri).transcribe(pcm, language)


class Identifying:
    """Understands by one recogniser; what that hardly understands is given to another, which finds the language.

    Args:
        first: For one language, the one that is expected.
        second: For many; called without a language, it returns the one that it found.
        languages: What may be found; anything else is taken for a failure to understand.
        low: Confidence of the first below which the second is asked.
    """

    def __init__(self, first: Recogniser, second: Recogniser, languages: Sequence[str], *, low: float = LOW) -> None:
        self._first = first
        self._second = second
        self._among = tuple(languages)
        self._low = low

    @property
    def rate(self) -> int:
        return self._first.rate

    @property
    def languages(self) -> tuple[str, ...]:
        return (*self._first.languages, *(tag for tag in self._among if not speaks(self._first.languages, tag)))

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        own = speaks(self._first.languages, language)
        if own:
            result = self._first.transcribe(pcm, language)
            if result.text and result.confidence >= self._low:
                return result
        again = resample(pcm, self._first.rate, self._second.rate)
        found = self._second.transcribe(again, None if own else language)
        if not found.text or not speaks(self._among, found.language):
            return result if own else found
        return found
