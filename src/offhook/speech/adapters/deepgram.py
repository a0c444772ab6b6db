"""Recognition and synthesis by Deepgram, through its official library: whole utterances over HTTP, and while somebody
speaks over a WebSocket. Knows that library only.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ...audio import ulaw
from ...errors import EngineError, EngineMissing
from ..engines import Float32, Recogniser, Synthesiser, Transcription, Word, speaks
from ..registry import Options
from ..remote import TIMEOUT, api_key, as_wav, failure, samples, told, worth_sending

_LANGUAGES = (
    "en", "bg", "ca", "cs", "da", "de", "el", "es", "et", "fi", "fr", "hi", "hu", "id", "it", "ja", "ko", "lt", "lv",
    "ms", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sv", "th", "tr", "uk", "vi", "zh",
)  # fmt: skip
_OPTIONS: dict[str, Any] = {"max_retries": 0}

#: It is a service: it is used only where somebody names it.
LOCAL = False


class Deepgram:
    """Punctuated results with word times and confidences.

    Args:
        client: A `deepgram.DeepgramClient`.
        model: Such as `nova-3`.
        timeout: Seconds to wait for a result.
        hints: Words to expect, given as key terms.
    """

    rate = ulaw.RATE  # what the line carries; the service is made for it
    waits = True
    languages: tuple[str, ...] = _LANGUAGES

    def __init__(self, client: Any, model: str, timeout: float, hints: Sequence[str] = ()) -> None:
        self._client = client
        self._model = model
        self._timeout = timeout
        self._hints = tuple(hints)

    def hinted(self, hints: Sequence[str]) -> Deepgram:
        """The same service, told what to expect."""
        return Deepgram(self._client, self._model, self._timeout, hints)

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        tag = self._tag(language)
        if not worth_sending(pcm, self.rate):
            return Transcription("", 0.0, (), tag)
        with told("deepgram"):
            answer = self._client.listen.v1.media.transcribe_file(
                request=as_wav(pcm, self.rate),
                model=self._model,
                language=tag,
                smart_format=True,
                keyterm=list(self._hints) or None,
                request_options=_OPTIONS,
            )
            best = answer.results.channels[0].alternatives[0]
            words = _words(best.words or (), len(pcm) / self.rate)
        return _transcription(words, tag)

    def stream(self, language: str | None, on_interim: Callable[[Transcription], None]) -> DeepgramStream:
        """See `offhook.speech.engines.StreamingRecogniser`."""
        tag = self._tag(language)

        def connect() -> Any:
            return self._client.listen.v1.connect(
                model=self._model,
                language=tag,
                encoding="mulaw",
                sample_rate=str(self.rate),
                smart_format="true",
                interim_results="true",
                keyterm=list(self._hints) or None,
            )

        return DeepgramStream(connect, tag, on_interim, self._timeout)

    def _tag(self, language: str | None) -> str:
        if not speaks(self.languages, language):
            raise EngineError(f"deepgram does not understand {language}")
        return language or self.languages[0]


class DeepgramStream:
    """One utterance over a WebSocket, moved by two threads of its own: the library is a blocking one.

    Args:
        connect: Gives the library's connection as a context manager.
        language: For results.
        on_interim: Called in the reading thread.
        timeout: Seconds that `result` waits.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        language: str,
        on_interim: Callable[[Transcription], None],
        timeout: float,
    ) -> None:
        self._connect = connect
        self._language = language
        self._on_interim = on_interim
        self._timeout = timeout
        self._to_send: queue.SimpleQueue[bytes | bool | None] = queue.SimpleQueue()  # True: finalise; None: close
        self._changed = threading.Condition()
        self._words: list[Any] = []
        self._asked = self._answered = 0
        self._seconds = 0.0
        self._error: EngineError | None = None
        self._closing = False
        threading.Thread(target=self._write, name="offhook-deepgram", daemon=True).start()

    def feed(self, pcm: Float32) -> None:
        self._seconds += len(pcm) / ulaw.RATE
        self._to_send.put(ulaw.from_float(pcm))

    def result(self) -> Transcription:
        with self._changed:
            self._asked += 1
            wanted = self._asked
            self._to_send.put(True)
            self._changed.wait_for(lambda: self._error is not None or self._answered >= wanted, self._timeout)
            if self._error is not None:
                raise self._error
            if self._answered < wanted:
                raise EngineError("deepgram does not answer in time")
            words = _words(self._words, self._seconds)
        return _transcription(words, self._language.partition("-")[0])

    def close(self) -> None:
        self._closing = True
        self._to_send.put(None)

    def _write(self) -> None:
        try:
            with self._connect() as line:
                threading.Thread(target=self._read, args=(line,), name="offhook-deepgram-in", daemon=True).start()
                while (item := self._to_send.get()) is not None:
                    if item is True:
                        line.send_finalize()
                    elif item:
                        line.send_media(item)
                with contextlib.suppress(Exception):
                    line.send_close_stream()
        except Exception as error:
            self._fail(error)

    def _read(self, line: Any) -> None:
        try:
            while True:
                message = line.recv()
                if getattr(message, "type", "") == "Results":
                    self._take(message)
        except Exception as error:
            self._fail(error)

    def _take(self, message: Any) -> None:
        words = list(message.channel.alternatives[0].words or ())
        with self._changed:
            if message.is_final:
                self._words += words
            if getattr(message, "from_finalize", False):
                self._answered += 1
                self._changed.notify_all()
            so_far = _words([*self._words, *([] if message.is_final else words)], self._seconds)
        if so_far and not self._closing:
            self._on_interim(_transcription(so_far, self._language.partition("-")[0]))

    def _fail(self, error: Exception) -> None:
        with self._changed:
            self._error = self._error or failure("deepgram", error)
            self._changed.notify_all()


class DeepgramSynthesiser:
    """Aura voices, 16 kHz, as they are made.

    Args:
        client: A `deepgram.DeepgramClient`.
        voice: A model's name, such as `aura-2-thalia-en`.
        where: Names the server in cache keys.
        known: Further voices that may be asked for.
    """

    rate = 16000
    waits = True

    def __init__(self, client: Any, voice: str, where: str, known: Sequence[str] = ()) -> None:
        self._client = client
        self.voices: tuple[str, ...] = (voice, *(other for other in known if other != voice))
        self.languages: tuple[str, ...] = tuple(dict.fromkeys(name.rpartition("-")[2] for name in self.voices))
        self.name = f"deepgram-{where}-{voice}"

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        if voice is None:
            fitting = [name for name in self.voices if speaks((name.rpartition("-")[2],), language)]
            if not fitting:
                raise EngineError(f"deepgram: no voice set by voice= and voices= speaks {language}")
            voice = fitting[0]
        elif voice not in self.voices:
            raise EngineError(f"deepgram: {voice!r} is none of the voices set by voice= and voices=")
        return self._speak(text, voice) if text.strip() else iter(())

    def _speak(self, text: str, voice: str) -> Iterator[Float32]:
        with told("deepgram"):
            yield from samples(
                "deepgram",
                self._client.speak.v1.audio.generate(
                    text=text,
                    model=voice,
                    encoding="linear16",
                    container="none",
                    sample_rate=self.rate,
                    request_options=_OPTIONS,
                ),
            )


def recogniser(options: Options) -> Recogniser:
    """`deepgram[:nova-3][?url=http://HOST][&key_env=DEEPGRAM_API_KEY][&timeout=10]`."""
    timeout = options.number("timeout", TIMEOUT, 0.05, 120)
    return Deepgram(_client(options, timeout), options.variant or "nova-3", timeout)


def synthesiser(options: Options) -> Synthesiser:
    """`deepgram[:aura-2-thalia-en][?voices=NAME,NAME][&url=...][&key_env=DEEPGRAM_API_KEY][&timeout=10]`."""
    known = tuple(filter(None, options.text("voices", "").split(",")))
    voice = options.variant or (known[0] if known else "aura-2-thalia-en")
    client = _client(options, options.number("timeout", TIMEOUT, 0.05, 120))
    return DeepgramSynthesiser(client, voice, options.text("url", "api"), known)


def _client(options: Options, timeout: float) -> Any:
    try:
        from deepgram import DeepgramClient
        from deepgram.environment import DeepgramClientEnvironment
    except ImportError as error:
        raise EngineMissing("deepgram", "deepgram") from error
    given: dict[str, Any] = {}
    if url := options.text("url", "").rstrip("/"):
        socket = "ws" + url.removeprefix("http")
        given["environment"] = DeepgramClientEnvironment(base=url, production=socket, agent=socket, agent_rest=url)
    client = DeepgramClient(api_key=api_key(options, "DEEPGRAM_API_KEY"), timeout=timeout, **given)
    with warnings.catch_warnings():
        # The library loads its parts when they are first used, which is now and not in a call; it asks websockets for
        # names that this deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        for part in (client.listen.v1.media, client.speak.v1.audio):
            assert part is not None
    return client


def _words(found: Sequence[Any], seconds: float) -> tuple[Word, ...]:
    words: list[Word] = []
    at = 0.0
    for word in found:
        start = min(max(at, float(word.start)), seconds)
        at = min(max(start + 0.001, float(word.end)), seconds)
        text = getattr(word, "punctuated_word", None) or word.word
        words.append(Word(str(text), start, at, min(1.0, max(0.001, float(word.confidence)))))
    return tuple(words)


def _transcription(words: tuple[Word, ...], language: str) -> Transcription:
    confidence = sum(word.confidence for word in words) / max(1, len(words))
    return Transcription(" ".join(word.text for word in words), confidence, words, language.partition("-")[0])
