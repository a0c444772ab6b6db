"""Recognition by Azure Speech, through its official library, which has a WebSocket wire of its own. Knows that only.

The library works in threads of its own and calls back from them; each utterance is one recogniser of it.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from ...audio import ulaw
from ...errors import EngineBusy, EngineError, EngineMissing
from ..engines import Float32, Transcription, Word, speaks
from ..remote import UNTOLD, told, worth_sending
from ..samples import to_pcm16
from ..segments import Segments, Understood, evenly, transcription

_LANGUAGES: Final = (
    "en-US", "ar-EG", "bg-BG", "ca-ES", "cs-CZ", "da-DK", "de-DE", "el-GR", "es-ES", "et-EE", "fi-FI", "fr-FR", "hi-IN",
    "hr-HR", "hu-HU", "id-ID", "it-IT", "ja-JP", "ko-KR", "lt-LT", "lv-LV", "nb-NO", "nl-NL", "pl-PL", "pt-PT",
    "ro-RO", "ru-RU", "sk-SK", "sl-SI", "sv-SE", "th-TH", "tr-TR", "uk-UA", "vi-VN", "zh-CN",
)  # fmt: skip
_OVER: Final = "over"
_LEFT: Final = "left"
_TICKS: Final = 1e7  # a second, in the library's units


class _Cancelled(Exception):
    """The library gave an utterance up; `code` is the name of its reason. What it writes about it stays there."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class AzureRecogniser:
    """Punctuated results with word times and confidences.

    Args:
        sdk: The module `azure.cognitiveservices.speech`.
        where: Region or host, and key, as its `SpeechConfig` takes them.
        timeout: Seconds to wait for a result.
        hints: Words to expect, given as a phrase list.
    """

    rate = ulaw.RATE
    waits = True
    languages: tuple[str, ...] = _LANGUAGES

    def __init__(self, sdk: Any, where: dict[str, str], timeout: float, hints: Sequence[str] = ()) -> None:
        self._sdk = sdk
        self._where = where
        self._timeout = timeout
        self._hints = tuple(hints)

    def hinted(self, hints: Sequence[str]) -> AzureRecogniser:
        """The same service, told what to expect."""
        return AzureRecogniser(self._sdk, self._where, self._timeout, hints)

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        tag = self._tag(language)
        if not worth_sending(pcm, self.rate):
            return transcription((), tag)
        line = self.stream(tag, lambda _: None)
        try:
            with told("azure"):
                line.feed(pcm)
                return line.result()
        finally:
            line.close()

    def stream(self, language: str | None, on_interim: Callable[[Transcription], None]) -> Segments:
        """See `offhook.speech.engines.StreamingRecogniser`."""
        tag = self._tag(language)
        return Segments(
            lambda: _Conversation(self._sdk, self._recogniser(tag)),
            _failure,
            service="azure",
            rate=self.rate,
            language=tag,
            on_interim=on_interim,
            timeout=self._timeout,
        )

    def _tag(self, language: str | None) -> str:
        if not speaks(self.languages, language):
            raise EngineError(f"azure does not understand {language}")
        if language is None or "-" in language:
            return language or self.languages[0]
        return next(tag for tag in self.languages if tag.startswith(f"{language.lower()}-"))

    def _recogniser(self, tag: str) -> tuple[Any, Any]:
        """One of the library's, and the stream that it listens to."""
        sdk = self._sdk
        config = sdk.SpeechConfig(speech_recognition_language=tag, **self._where)
        config.output_format = sdk.OutputFormat.Detailed
        config.request_word_level_timestamps()
        form = sdk.audio.AudioStreamFormat(samples_per_second=self.rate, bits_per_sample=16, channels=1)
        sound = sdk.audio.PushAudioInputStream(form)
        recogniser = sdk.SpeechRecognizer(config, sdk.audio.AudioConfig(stream=sound))
        if self._hints:
            phrases = sdk.PhraseListGrammar.from_recognizer(recogniser)
            for hint in self._hints:
                phrases.addPhrase(hint)
        return recogniser, sound


class _Conversation:
    """A `Conversation`: one continuous recognition, to the end of its sound."""

    def __init__(self, sdk: Any, made: tuple[Any, Any]) -> None:
        self._sdk = sdk
        self._recogniser, self._sound = made
        self._arrived: queue.SimpleQueue[Understood | Exception | str] = queue.SimpleQueue()

    def results(self, sound: Iterator[Float32]) -> Iterator[Understood]:
        recogniser = self._recogniser
        recogniser.recognizing.connect(lambda event: self._put(_guess, event))
        recogniser.recognized.connect(lambda event: self._put(_words, event))
        recogniser.canceled.connect(self._on_cancelled)
        recogniser.session_stopped.connect(lambda _: self._arrived.put(_OVER))
        recogniser.start_continuous_recognition_async()
        threading.Thread(target=self._send, args=(sound,), name="offhook-azure-out", daemon=True).start()
        while isinstance(item := self._arrived.get(), Understood):
            yield item
        if isinstance(item, Exception):
            raise item
        if item is _LEFT:  # one that is over is not to be stopped: the library would wait for it, ten seconds
            recogniser.stop_continuous_recognition_async()

    def hang_up(self) -> None:
        self._arrived.put(_LEFT)

    def _send(self, sound: Iterator[Float32]) -> None:
        for pcm in sound:
            self._sound.write(to_pcm16(pcm))
        self._sound.close()

    def _put(self, read: Callable[[Any], Understood], event: Any) -> None:
        try:
            self._arrived.put(read(event.result))
        except Exception as error:
            self._arrived.put(error)

    def _on_cancelled(self, event: Any) -> None:
        details = event.cancellation_details
        if details.reason == self._sdk.CancellationReason.Error:
            self._arrived.put(_Cancelled(details.code.name))


def _guess(result: Any) -> Understood:
    start = result.offset / _TICKS
    return Understood(evenly(result.text.split(), start, start + result.duration / _TICKS, UNTOLD), final=False)


def _words(result: Any) -> Understood:
    answer = json.loads(result.json)
    start = answer["Offset"] / _TICKS
    best = answer["NBest"][0] if answer.get("NBest") else {"Display": answer.get("DisplayText", "")}
    texts = best["Display"].split()
    confidence = float(best.get("Confidence", UNTOLD))
    spoken = best.get("Words", ())
    if len(spoken) != len(texts):  # "twenty three" became "23": only whole phrases can be laid on each other
        return Understood(evenly(texts, start, start + answer["Duration"] / _TICKS, confidence), final=True)
    words = [
        Word(
            text,
            word["Offset"] / _TICKS,
            (word["Offset"] + word["Duration"]) / _TICKS,
            float(word.get("Confidence", confidence)),
        )
        for text, word in zip(texts, spoken, strict=True)
    ]
    return Understood(tuple(words), final=True)


def _failure(error: Exception) -> EngineError:
    code = error.code if isinstance(error, _Cancelled) else type(error).__name__
    match code:
        case "AuthenticationFailure" | "Forbidden":
            return EngineError(f"azure refuses the key ({code})")
        case "TooManyRequests":
            return EngineBusy(f"azure is rate limited ({code})", None)
        case "ServiceTimeout":
            return EngineError("azure does not answer in time")
        case "ConnectionFailure":
            return EngineError(f"azure cannot be reached, or broke off ({code})")
    return EngineError(f"azure answers with {code}")


def make(where: dict[str, str], timeout: float) -> AzureRecogniser:
    """With the library, which is loaded now and not in a call.

    Raises:
        EngineMissing: It is not installed.
    """
    try:
        import azure.cognitiveservices.speech as sdk
    except ImportError as error:
        raise EngineMissing("azure", "azure") from error
    return AzureRecogniser(sdk, where, timeout)
