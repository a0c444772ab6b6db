"""An utterance on its way to a service that gives its final result only when the sending ends.

Each part of the utterance, from one result asked for to the next, is a conversation of its own with the service, and
what was understood of all of them is laid end to end. Knows words and times, and no service.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ..errors import EngineError
from .engines import Float32, Transcription, Word


@dataclass(frozen=True, slots=True)
class Understood:
    """What a service tells of a conversation: more words that will not change, or a guess at those behind them.

    Times are seconds from the beginning of the conversation.
    """

    words: tuple[Word, ...]
    final: bool


class Conversation(Protocol):
    """One stream of a service."""

    def results(self, sound: Iterator[Float32]) -> Iterator[Understood]:
        """Sends the sound as it comes and yields results until the service has given the last one. Blocks."""

    def hang_up(self) -> None:
        """Ends it at once, from any thread, begun or not; must not block or raise."""


class Segments:
    """A `RecogniserStream` made of conversations, each moved by a thread of its own.

    Args:
        begin: Makes a conversation; called in its thread.
        failure: A service's error in neutral words.
        service: Its name, for errors and threads.
        rate: Samples a second.
        language: For results.
        on_interim: As in `StreamingRecogniser.stream`.
        timeout: Seconds that `result` waits.
    """

    def __init__(
        self,
        begin: Callable[[], Conversation],
        failure: Callable[[Exception], EngineError],
        *,
        service: str,
        rate: int,
        language: str,
        on_interim: Callable[[Transcription], None],
        timeout: float,
    ) -> None:
        self._begin = begin
        self._failure = failure
        self._service = service
        self._rate = rate
        self._language = language
        self._on_interim = on_interim
        self._timeout = timeout
        self._changed = threading.Condition()
        self._parts: list[_Part] = []
        self._samples = 0
        self._error: EngineError | None = None
        self._closed = False

    def feed(self, pcm: Float32) -> None:
        with self._changed:
            if self._closed or not len(pcm):
                return
            if not self._parts or self._parts[-1].sent:
                part = _Part(self._samples / self._rate)
                self._parts.append(part)
                threading.Thread(target=self._run, args=(part,), name=f"offhook-{self._service}", daemon=True).start()
            self._samples += len(pcm)
            self._parts[-1].put(pcm)

    def result(self) -> Transcription:
        with self._changed:
            wanted = list(self._parts)
            if wanted:
                wanted[-1].end()
            seconds = self._samples / self._rate
            self._changed.wait_for(lambda: self._error is not None or all(part.over for part in wanted), self._timeout)
            if self._error is not None:
                raise self._error
            if not all(part.over for part in wanted):
                raise EngineError(f"{self._service} does not answer in time")
            words = [word for part in wanted for word in part.words]
        return transcription(ordered(words, seconds), self._language)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            parts = list(self._parts)
            for part in parts:
                part.end()
        for part in parts:
            if not part.over and part.conversation is not None:
                part.conversation.hang_up()

    def _run(self, part: _Part) -> None:
        try:
            with self._changed:
                if self._closed:
                    return
                part.conversation = conversation = self._begin()
            for understood in conversation.results(part.sound()):
                self._take(part, understood)
        except Exception as error:
            with self._changed:
                self._error = self._error or self._failure(error)
        finally:
            with self._changed:
                part.over = True
                self._changed.notify_all()

    def _take(self, part: _Part, understood: Understood) -> None:
        later = [replace(w, start=w.start + part.start, end=w.end + part.start) for w in understood.words]
        with self._changed:
            if understood.final:
                part.words += later
                later = []
            known = [word for each in self._parts for word in each.words]
            so_far = ordered([*known, *later], self._samples / self._rate)
            closed = self._closed
        if so_far and not closed:
            self._on_interim(transcription(so_far, self._language))


class _Part:
    def __init__(self, start: float) -> None:
        self.start = start
        self.words: list[Word] = []
        self.sent = False  # nothing more is fed to it
        self.over = False
        self.conversation: Conversation | None = None
        self._queue: queue.SimpleQueue[Float32 | None] = queue.SimpleQueue()

    def put(self, pcm: Float32) -> None:
        self._queue.put(pcm)

    def end(self) -> None:
        if not self.sent:
            self.sent = True
            self._queue.put(None)

    def sound(self) -> Iterator[Float32]:
        while (pcm := self._queue.get()) is not None:
            yield pcm


def ordered(words: Sequence[Word], seconds: float) -> tuple[Word, ...]:
    """Words with times that grow and lie within `seconds`, and confidences above 0, whatever a service says."""
    put_right: list[Word] = []
    at = 0.0
    for word in words:
        start = min(max(at, word.start), seconds)
        at = min(max(start + 0.001, word.end), seconds)
        put_right.append(Word(word.text, start, at, min(1.0, max(0.001, word.confidence))))
    return tuple(put_right)


def evenly(texts: Sequence[str], start: float, end: float, confidence: float) -> tuple[Word, ...]:
    """Words of a guess that comes without times, laid over the seconds that it is about."""
    step = max(0.0, end - start) / max(1, len(texts))
    return tuple(
        Word(text, start + step * index, start + step * (index + 1), confidence) for index, text in enumerate(texts)
    )


def transcription(words: tuple[Word, ...], language: str) -> Transcription:
    """Words as a result; its confidence is their mean."""
    confidence = sum(word.confidence for word in words) / max(1, len(words))
    return Transcription(" ".join(word.text for word in words), confidence, words, language.partition("-")[0].lower())
