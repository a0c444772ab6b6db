"""Synthesis and recognition by ElevenLabs, through its official library. Knows that library only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ...errors import EngineError, EngineMissing
from ..engines import Float32, Recogniser, Synthesiser, Transcription, Word, speaks
from ..registry import Options
from ..remote import TIMEOUT, UNTOLD, api_key, as_wav, samples, told, worth_sending

_LANGUAGES = (
    "en", "ar", "bg", "cs", "da", "de", "el", "es", "fi", "fr", "hi", "hr", "hu", "id", "it", "ja", "ko", "ms", "nl",
    "no", "pl", "pt", "ro", "ru", "sk", "sv", "ta", "tr", "uk", "vi", "zh",
)  # fmt: skip
_SARAH = "EXAVITQu4vr4xnSDxMaL"

#: It is a service: it is used only where somebody names it.
LOCAL = False


class ElevenLabsSynthesiser:
    """Speech as it is made, 16 kHz.

    Args:
        client: An `elevenlabs.client.ElevenLabs`.
        model: Such as `eleven_flash_v2_5`.
        voice: Id of a voice of the account; ids are the only names that the service takes.
        where: Names the server in cache keys.
    """

    rate = 16000
    waits = True
    languages: tuple[str, ...] = _LANGUAGES

    def __init__(self, client: Any, model: str, voice: str, where: str, known: tuple[str, ...] = ()) -> None:
        self._client = client
        self._model = model
        self.voices: tuple[str, ...] = (voice, *(other for other in known if other != voice))
        self.name = f"elevenlabs-{where}-{model}-{voice}"

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        if not speaks(self.languages, language):
            raise EngineError(f"elevenlabs does not speak {language}")
        if voice is not None and voice not in self.voices:
            raise EngineError(f"elevenlabs: {voice!r} is none of the voices set by voice= and voices=")
        return self._speak(text, voice or self.voices[0], language) if text.strip() else iter(())

    def _speak(self, text: str, voice: str, language: str | None) -> Iterator[Float32]:
        given: dict[str, Any] = {} if language is None else {"language_code": language.partition("-")[0].lower()}
        with told("elevenlabs"):
            yield from samples(
                "elevenlabs",
                self._client.text_to_speech.stream(
                    voice,
                    text=text,
                    model_id=self._model,
                    output_format="pcm_16000",
                    request_options={"max_retries": 0},
                    **given,
                ),
            )


class ElevenLabsRecogniser:
    """Transcriptions of whole utterances with the words' times.

    Args:
        client: An `elevenlabs.client.ElevenLabs`.
        model: Such as `scribe_v1`.
    """

    rate = 16000
    waits = True
    languages: tuple[str, ...] = _LANGUAGES

    def __init__(self, client: Any, model: str) -> None:
        self._client = client
        self._model = model

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        if not speaks(self.languages, language):
            raise EngineError(f"elevenlabs does not understand {language}")
        tag = (language or self.languages[0]).partition("-")[0].lower()
        if not worth_sending(pcm, self.rate):
            return Transcription("", 0.0, (), tag)
        with told("elevenlabs"):
            answer = self._client.speech_to_text.convert(
                model_id=self._model,
                file=("utterance.wav", as_wav(pcm, self.rate), "audio/wav"),
                language_code=tag,
                tag_audio_events=False,
                timestamps_granularity="word",
                request_options={"max_retries": 0},
            )
            words = _words([word for word in answer.words if word.type == "word"], len(pcm) / self.rate)
        confidence = sum(word.confidence for word in words) / max(1, len(words))
        return Transcription(" ".join(word.text for word in words), confidence, words, tag)


def synthesiser(options: Options) -> Synthesiser:
    """`elevenlabs[:eleven_flash_v2_5][?voice=ID][&voices=ID,ID][&url=...][&key_env=ELEVENLABS_API_KEY][&timeout=10]`."""
    known = tuple(filter(None, options.text("voices", "").split(",")))
    voice = options.text("voice", known[0] if known else _SARAH)
    model, where = options.variant or "eleven_flash_v2_5", options.text("url", "api")
    return ElevenLabsSynthesiser(_client(options), model, voice, where, known)


def recogniser(options: Options) -> Recogniser:
    """`elevenlabs[:scribe_v1][?url=...][&key_env=ELEVENLABS_API_KEY][&timeout=10]`."""
    return ElevenLabsRecogniser(_client(options), options.variant or "scribe_v1")


def _client(options: Options) -> Any:
    try:
        from elevenlabs.client import ElevenLabs
    except ImportError as error:
        raise EngineMissing("elevenlabs", "elevenlabs") from error
    timeout = options.number("timeout", TIMEOUT, 0.05, 120)
    key, url = api_key(options, "ELEVENLABS_API_KEY"), options.text("url", "")
    return ElevenLabs(api_key=key, timeout=timeout, base_url=url or None)


def _words(found: list[Any], seconds: float) -> tuple[Word, ...]:
    """Times that are missing or overlap are put right; the service may leave any of them out."""
    words: list[Word] = []
    at = 0.0
    for word in found:
        start = min(max(at, word.start or at), seconds)
        at = min(max(start + 0.001, word.end or start), seconds)
        sure = UNTOLD if word.logprob is None else math.exp(min(0.0, max(-6.0, word.logprob)))
        words.append(Word(word.text.strip(), start, at, sure))
    return tuple(word for word in words if word.text)
