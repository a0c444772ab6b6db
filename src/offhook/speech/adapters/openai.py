"""Recognition and synthesis by OpenAI, or any server that speaks its HTTP interface; through its official library.

`openai?url=http://127.0.0.1:8000/v1` is a server of one's own. Knows that library only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from ...errors import EngineError, EngineMissing
from ..engines import Float32, Recogniser, Synthesiser, Transcription, Word
from ..registry import Options
from ..remote import TIMEOUT, UNTOLD, api_key, as_wav, check_rate, samples, told, worth_sending
from ..wordtimes import spread

_VOICES = ("alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse")
_LANGUAGES = (
    "en", "af", "ar", "az", "be", "bg", "bs", "ca", "cs", "cy", "da", "de", "el", "es", "et", "fa", "fi", "fr", "gl",
    "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "kk", "kn", "ko", "lt", "lv", "mi", "mk", "mr", "ms", "ne",
    "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "sw", "ta", "th", "tl", "tr", "uk", "ur", "vi", "zh",
)  # fmt: skip

#: It is a service: it is used only where somebody names it.
LOCAL = False


class OpenAIRecogniser:
    """Transcriptions of whole utterances. Word times are estimated.

    Args:
        client: An `openai.OpenAI`.
        model: Such as `gpt-4o-mini-transcribe` or `whisper-1`.
        hints: Words to expect, given as the prompt.
    """

    rate = 16000
    waits = True
    languages: tuple[str, ...] = _LANGUAGES

    def __init__(self, client: Any, model: str, hints: Sequence[str] = ()) -> None:
        self._client = client
        self._model = model
        self._hints = tuple(hints)

    def hinted(self, hints: Sequence[str]) -> OpenAIRecogniser:
        """The same service, told what to expect."""
        return OpenAIRecogniser(self._client, self._model, hints)

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        tag = (language or self.languages[0]).partition("-")[0].lower()
        if tag not in self.languages:
            raise EngineError(f"openai does not list {language} among its languages")
        if not worth_sending(pcm, self.rate):
            return Transcription("", 0.0, (), tag)
        given: dict[str, Any] = {"language": tag, "response_format": "json"}
        if self._hints:
            given["prompt"] = ", ".join(self._hints)
        if self._model.startswith("gpt-4o"):
            given["include"] = ["logprobs"]
        with told("openai"):
            file = ("utterance.wav", as_wav(pcm, self.rate), "audio/wav")
            answer = self._client.audio.transcriptions.create(file=file, model=self._model, **given)
            text = getattr(answer, "text", None)
            if not isinstance(text, str):  # the library passes on whatever a server answers
                raise EngineError("openai answers without a text")
            texts = text.split()
            tokens = [token.logprob for token in getattr(answer, "logprobs", None) or () if token.logprob is not None]
        if not texts:
            return Transcription("", 0.0, (), tag)
        confidence = math.exp(min(0.0, sum(tokens) / len(tokens))) if tokens else UNTOLD
        spans = spread(texts, pcm, self.rate)
        words = tuple(Word(text, start, end, confidence) for text, (start, end) in zip(texts, spans, strict=True))
        return Transcription(" ".join(texts), confidence, words, tag)


class OpenAISynthesiser:
    """Speech as it is made, 24 kHz.

    Args:
        client: An `openai.OpenAI`.
        model: Such as `gpt-4o-mini-tts` or `tts-1`.
        voice: The default one.
        speed: 1 is the natural pace.
        where: Names the server in cache keys.
    """

    rate = 24000
    waits = True
    languages: tuple[str, ...] = _LANGUAGES

    def __init__(self, client: Any, model: str, voice: str, speed: float, where: str) -> None:
        self._client = client
        self._model = model
        self._speed = speed
        self.voices: tuple[str, ...] = (voice, *(other for other in _VOICES if other != voice))
        self.name = f"openai-{where}-{model}-{voice}-{speed:g}"

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        if language is not None and language.partition("-")[0].lower() not in self.languages:
            raise EngineError(f"openai does not list {language} among its languages")
        if voice is not None and voice not in self.voices:
            raise EngineError(f"openai has no voice {voice!r}; it has: {', '.join(self.voices)}")
        return self._speak(text, voice or self.voices[0]) if text.strip() else iter(())

    def _speak(self, text: str, voice: str) -> Iterator[Float32]:
        with told("openai"):
            making = self._client.audio.speech.with_streaming_response.create(
                model=self._model, voice=voice, input=text, response_format="pcm", speed=self._speed
            )
            with making as answer:
                check_rate("openai", answer.headers.get("content-type", ""), self.rate)
                yield from samples("openai", answer.iter_bytes(4800))


def recogniser(options: Options) -> Recogniser:
    """`openai[:gpt-4o-mini-transcribe][?url=http://HOST/v1][&key_env=OPENAI_API_KEY][&timeout=10]`."""
    return OpenAIRecogniser(_client(options), options.variant or "gpt-4o-mini-transcribe")


def synthesiser(options: Options) -> Synthesiser:
    """`openai[:gpt-4o-mini-tts][?voice=alloy][&speed=1][&url=...][&key_env=OPENAI_API_KEY][&timeout=10]`."""
    return OpenAISynthesiser(
        _client(options),
        options.variant or "gpt-4o-mini-tts",
        options.text("voice", _VOICES[0]),
        options.number("speed", 1.0, 0.25, 4.0),
        options.text("url", "api"),
    )


def _client(options: Options) -> Any:
    try:
        from openai import OpenAI
    except ImportError as error:
        raise EngineMissing("openai", "openai") from error
    return OpenAI(
        api_key=api_key(options, "OPENAI_API_KEY"),
        base_url=options.text("url", "") or None,
        timeout=options.number("timeout", TIMEOUT, 0.05, 120),
        max_retries=0,  # a caller waits: what comes next is the fallback's business
    )
