"""Recognisers that stand for others: one that is loaded when it is first needed, and one that finds the language out.

Both are used in the threads of the pool, so that a call goes on while a model loads: what is said meanwhile is
recognised once it is there. Knows engines only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

from ..audio.resample import resample
from . import pool as pools
from . import registry
from .engines import Float32, Recogniser, RecogniserStream, Transcription, speaks, streams
from .relay import Watcher

#: Confidence below which a recogniser is taken to have been given another language than its own: exp(-0.8), what
#: Moonshine gives to Spanish, French, Italian and Russian at best.
LOW: Final = 0.45


_Identify = Callable[[Float32, Sequence[str]], tuple[str, float] | None]


class LateRecogniser:
    """A recogniser by URI, loaded by the first utterance.

    Args:
        uri: Its name.
        dress: What is put round it once it is loaded, such as `offhook.speech.writing.punctuated`.

    Raises, from all its members: what `registry.recogniser` raises.
    """

    waits = True  # it may be of either kind: it waits for what runs in the pool of that

    def __init__(self, uri: str, dress: Callable[[Recogniser], Recogniser] | None = None) -> None:
        registry.parse(uri)  # a name that is none is told at once
        self.uri = uri
        self._dress = dress
        self._engine: Recogniser | None = None
        self._watchers: list[Watcher] = []
        self._lock = threading.Lock()

    @property
    def rate(self) -> int:
        return self._loaded().rate

    @property
    def languages(self) -> tuple[str, ...]:
        return self._loaded().languages

    @property
    def streams(self) -> bool:
        """Whether it is loaded, and listens while somebody speaks."""
        return streams(self._engine)

    def stream(self, language: str | None, on_interim: Callable[[Transcription], None]) -> RecogniserStream:
        """See `offhook.speech.engines.StreamingRecogniser`; only where `streams` is true."""
        assert streams(self._engine)
        return self._engine.stream(language, on_interim)

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        return in_pool(self._loaded(), pcm, language)

    def identify(self, pcm: Float32, among: Sequence[str]) -> tuple[str, float] | None:
        """As of `offhook.speech.adapters.whisper.Whisper`; None if it cannot tell languages apart."""
        engine = self._loaded()
        identify: _Identify | None = getattr(engine, "identify", None)
        return None if identify is None else pools.of(engine).hand_in(identify, pcm, among).result()

    def watch(self, watcher: Watcher) -> None:
        """As of `offhook.speech.relay.Relay`, if it turns out to be made of such; told from when it is loaded."""
        if watcher not in self._watchers:  # without the lock: that is held while it loads, and this is the event loop
            self._watchers.append(watcher)
            self._watch(watcher)

    def _loaded(self) -> Recogniser:
        with self._lock:
            if self._engine is None:
                engine = registry.recogniser(self.uri)
                self._engine = engine if self._dress is None else self._dress(engine)
                for watcher in tuple(self._watchers):
                    self._watch(watcher)
            return self._engine

    def _watch(self, watcher: Watcher) -> None:
        watch: Callable[[Watcher], None] | None = getattr(self._engine, "watch", None)
        if watch is not None:
            watch(watcher)


class Identifying:
    """Understands by one recogniser; what that hardly understands is given to another, which finds the language.

    Args:
        first: For one language, the one that is expected.
        second: For many. One that has a method `identify`, as `offhook.speech.adapters.whisper.Whisper` has, is asked
            for the language first; another one, called without a language, returns the one that it found.
        languages: What may be found beside those of the first; anything else is taken for a failure to understand.
        low: Confidence of the first below which the second is asked.
    """

    def __init__(self, first: Recogniser, second: Recogniser, languages: Sequence[str], *, low: float = LOW) -> None:
        self._first = first
        self._second = second
        self._among = tuple(languages)
        self._low = low
        self.waits = any(getattr(engine, "waits", False) for engine in (first, second))

    @property
    def rate(self) -> int:
        return self._first.rate

    @property
    def languages(self) -> tuple[str, ...]:
        return (*self._first.languages, *(tag for tag in self._among if not speaks(self._first.languages, tag)))

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        own = speaks(self._first.languages, language)
        if own:
            result = self._ask(self._first, pcm, language)
            if result.text and result.confidence >= self._low:
                return result
        again = resample(pcm, self._first.rate, self._second.rate)
        if own:
            language = identified(self._second, again, self.languages)
            if language is not None and speaks(self._first.languages, language):
                return result  # it was its own language, and is not understood better for being asked again
        found = self._ask(self._second, again, language)
        if not found.text or not speaks(self._among, found.language):
            return result if own else found
        return found

    def _ask(self, engine: Recogniser, pcm: Float32, language: str | None) -> Transcription:
        return in_pool(engine, pcm, language) if self.waits else engine.transcribe(pcm, language)


def identified(engine: Recogniser, pcm: Float32, among: Sequence[str]) -> str | None:
    """Which of these languages is spoken, by an engine that can tell; None if it cannot."""
    identify: _Identify | None = getattr(engine, "identify", None)
    found = None if identify is None else identify(pcm, among)
    return None if found is None else found[0]


def in_pool(engine: Recogniser, pcm: Float32, language: str | None) -> Transcription:
    """For engines that stand for others and wait for them: each one works in the pool that it belongs to."""
    return pools.of(engine).hand_in(engine.transcribe, pcm, language).result()
