"""Recognition and synthesis by Google Cloud, through its official libraries, which speak gRPC. Knows these only.

Chirp 3 HD voices come as they are made; all others are asked for sentence by sentence, and take SSML.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from ...audio import ulaw
from ...errors import EngineBusy, EngineError, EngineMissing
from ..engines import Float32, Recogniser, Synthesiser, Transcription, Word, speaks
from ..phrases import Abilities, Part, Phrase
from ..registry import Options
from ..remote import TIMEOUT, UNTOLD, samples, told, worth_sending
from ..segments import Segments, Understood, evenly, ordered, transcription
from .google_again import Kept, again, stream_again
from .named_voices import NamedVoices, asked_for, elements

_LANGUAGES = (
    "en-US", "ar-EG", "bg-BG", "cs-CZ", "da-DK", "de-DE", "el-GR", "es-ES", "et-EE", "fi-FI", "fr-FR", "hi-IN", "hr-HR",
    "hu-HU", "id-ID", "it-IT", "ja-JP", "ko-KR", "lt-LT", "lv-LV", "nl-NL", "pl-PL", "pt-BR", "ro-RO", "ru-RU",
    "sk-SK", "sl-SI", "sr-RS", "sv-SE", "th-TH", "tr-TR", "uk-UA", "vi-VN",
)  # fmt: skip
_VOICE = "en-US-Chirp3-HD-Aoede"
_WHOLE = 55 * ulaw.RATE  # samples: Recognize takes a minute at most
_LIVE = {"speech_v2": ("speech", "streaming_recognize"), "texttospeech_v1": ("text_to_speech", "streaming_synthesize")}
_PIECE = 12_000  # bytes of audio in a message of a stream, which takes 15 kB

#: It is a service: it is used only where somebody names it.
LOCAL = False
#: Of Chirp 3 HD voices, as the default one is.
abilities = Abilities(rate=(0.5, 2.0))
_MARKUP = Abilities(rate=(0.5, 2.0), pitch=(0.6, 1.6), phonemes=True, emphasis=True)  # of all others


class Google:
    """Speech-to-Text v2: punctuated results with word times and confidences.

    Args:
        client: A `google.cloud.speech_v2.SpeechClient`.
        recogniser: Resource name, `projects/P/locations/L/recognizers/_`.
        model: Such as `telephony`.
        timeout: Seconds to wait for a result.
        hints: Words to expect, given as a phrase set.
    """

    rate = ulaw.RATE
    waits = True
    languages: tuple[str, ...] = _LANGUAGES

    def __init__(self, client: Any, recogniser: str, model: str, timeout: float, hints: Sequence[str] = ()) -> None:
        self._client = client
        self._recogniser = recogniser
        self._model = model
        self._timeout = timeout
        self._hints = tuple(hints)

    def hinted(self, hints: Sequence[str]) -> Google:
        """The same service, told what to expect."""
        return Google(self._client, self._recogniser, self._model, self._timeout, hints)

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        tag = _tag(language)
        seconds = len(pcm) / self.rate
        words: list[Word] = []
        request: dict[str, Any] = {"recognizer": self._recogniser, "config": self._config(tag)}
        with told("google", _failure):
            for at in range(0, len(pcm), _WHOLE):
                part = pcm[at : at + _WHOLE]
                if worth_sending(part, self.rate):
                    request |= {"content": ulaw.from_float(part)}
                    answer = again(partial(self._client.recognize, request, retry=None), self._timeout)
                    for result in answer.results:
                        words += _words(result, at / self.rate)
        return transcription(ordered(words, seconds), tag)

    def stream(self, language: str | None, on_interim: Callable[[Transcription], None]) -> Segments:
        """See `offhook.speech.engines.StreamingRecogniser`."""
        tag = _tag(language)
        first = {
            "recognizer": self._recogniser,
            "streaming_config": {"config": self._config(tag), "streaming_features": {"interim_results": True}},
        }
        return Segments(
            lambda: _Streaming(self._client, first),
            _failure,
            service="google",
            rate=self.rate,
            language=tag,
            on_interim=on_interim,
            timeout=self._timeout,
        )

    def _config(self, tag: str) -> dict[str, Any]:
        config: dict[str, Any] = {
            "explicit_decoding_config": {"encoding": "MULAW", "sample_rate_hertz": self.rate, "audio_channel_count": 1},
            "model": self._model,
            "language_codes": [tag],
            "features": {
                "enable_word_time_offsets": True,
                "enable_word_confidence": True,
                "enable_automatic_punctuation": True,
            },
        }
        if self._hints:
            phrases = [{"value": hint} for hint in self._hints]
            config["adaptation"] = {"phrase_sets": [{"inline_phrase_set": {"phrases": phrases, "boost": 10}}]}
        return config


class _Streaming:
    """A `Conversation`: one StreamingRecognize, of five minutes at most, which is the service's own limit."""

    def __init__(self, client: Any, first: dict[str, Any]) -> None:
        self._client = client
        self._first = first
        self._lock = threading.Lock()
        self._call: Any = None
        self._left = False

    def results(self, sound: Iterator[Float32]) -> Iterator[Understood]:
        kept = Kept(sound)
        reached = 0.0
        for answer in stream_again(lambda: self._begin(kept)):
            for result in answer.results:
                end = result.result_end_offset.total_seconds()
                if result.is_final:
                    reached = end
                    yield Understood(tuple(_words(result, 0.0)), final=True)
                elif result.alternatives:
                    texts = result.alternatives[0].transcript.split()
                    yield Understood(evenly(texts, reached, end, result.stability or UNTOLD), final=False)

    def _begin(self, sound: Kept) -> Iterator[Any]:
        with self._lock:
            if self._left:
                return iter(())
            self._call = self._client.streaming_recognize(
                requests=self._requests(sound.told()), retry=None, timeout=305
            )
            return iter(self._call)

    def hang_up(self) -> None:
        with self._lock:
            self._left = True
            if self._call is not None:
                self._call.cancel()

    def _requests(self, sound: Iterator[Float32]) -> Iterator[dict[str, Any]]:
        yield self._first
        for pcm in sound:
            data = ulaw.from_float(pcm)
            for at in range(0, len(data), _PIECE):
                yield {"audio": data[at : at + _PIECE]}


class GoogleSynthesiser(NamedVoices):
    """Voices at the line's rate, linear: it is brought to one level before it becomes mu-law.

    Args:
        client: A `google.cloud.texttospeech_v1.TextToSpeechClient`.
        voices: Full names, such as `en-US-Chirp3-HD-Aoede` or `de-DE-Neural2-G`; the usual one first.
        where: Names the server in cache keys.
        timeout: Seconds to wait for each piece.
    """

    rate = ulaw.RATE

    def __init__(self, client: Any, voices: Sequence[str], where: str, timeout: float) -> None:
        super().__init__("google", voices)
        self._client = client
        self._timeout = timeout
        # What all of its voices can do.
        self.abilities = abilities if any(map(_is_chirp, self.voices)) else _MARKUP
        self.name = f"google-{where}-{voices[0]}"

    def _portions(self, text: str, voice: str, language: str | None) -> Iterable[Phrase]:
        return (Phrase((Part(text),)),) if _is_chirp(voice) else super()._portions(text, voice, language)

    def _language(self, voice: str) -> str:
        """Of `en-US-Chirp3-HD-Aoede`, `en-US`."""
        return "-".join(voice.split("-")[:2])

    def _speak(self, phrase: Phrase, voice: str) -> Iterator[Float32]:
        selected = {"name": voice, "language_code": self._language(voice)}
        with told("google", _failure):
            if _is_chirp(voice):
                audio = {"audio_encoding": "PCM", "sample_rate_hertz": self.rate, "speaking_rate": phrase.rate}
                config = {"voice": selected, "streaming_audio_config": audio}
                requests = [{"streaming_config": config}, {"input": {"text": phrase.text}}]

                def begin() -> Iterator[Any]:
                    call = self._client.streaming_synthesize(requests=iter(requests), retry=None, timeout=None)
                    return _patiently(call, self._timeout)

                yield from samples("google", (bytes(answer.audio_content) for answer in stream_again(begin)))
            else:
                audio = {"audio_encoding": "PCM", "sample_rate_hertz": self.rate, "speaking_rate": phrase.rate}
                request = {
                    "input": {"ssml": f"<speak>{elements(phrase.parts)}</speak>"},
                    "voice": selected,
                    "audio_config": audio,
                }
                answer = again(partial(self._client.synthesize_speech, request, retry=None), self._timeout)
                yield from samples("google", [bytes(answer.audio_content)])


def _patiently(call: Any, timeout: float) -> Iterator[Any]:
    """The messages of a call, each within `timeout`: gRPC's own deadline would also count while nobody listens."""
    arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def read() -> None:
        try:
            for message in call:
                arrived.put(message)
            arrived.put(None)
        except Exception as error:
            arrived.put(error)

    threading.Thread(target=read, name="offhook-google-voice", daemon=True).start()
    try:
        while True:
            try:
                item = arrived.get(timeout=timeout)
            except queue.Empty:
                raise EngineError("google does not answer in time") from None
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        call.cancel()


def recogniser(options: Options) -> Recogniser:
    """`google[:telephony][?project=ID][&location=global][&url=...][&key_env=GOOGLE_API_KEY][&timeout=10]`."""
    timeout = options.number("timeout", TIMEOUT, 0.05, 120)
    location = options.text("location", "global")
    host = "" if location == "global" else f"{location}-"
    client = _client(options, "speech_v2", "SpeechClient", "SpeechGrpcTransport", f"{host}speech.googleapis.com")
    project = options.text("project", os.environ.get("GOOGLE_CLOUD_PROJECT", "")) or _project(options)
    name = f"projects/{project}/locations/{location}/recognizers/_"
    return Google(client, name, options.variant or "telephony", timeout)


def synthesiser(options: Options) -> Synthesiser:
    """`google[:en-US-Chirp3-HD-Aoede][?voices=NAME,NAME][&url=...][&key_env=GOOGLE_API_KEY][&timeout=10]`."""
    timeout = options.number("timeout", TIMEOUT, 0.05, 120)
    names = ("texttospeech_v1", "TextToSpeechClient", "TextToSpeechGrpcTransport")
    client = _client(options, *names, "texttospeech.googleapis.com")
    return GoogleSynthesiser(client, asked_for(options, _VOICE), options.text("url", "api"), timeout)


def _client(options: Options, package: str, client: str, transport: str, host: str) -> Any:
    """A client of one of the libraries; at `url=http://...` without encryption and without credentials."""
    try:
        import importlib

        import grpc
        from google.auth.exceptions import GoogleAuthError

        library = importlib.import_module(f"google.cloud.{package}")
        service, live = _LIVE[package]
        wires = importlib.import_module(f"google.cloud.{package}.services.{service}.transports")
    except ImportError as error:
        raise EngineMissing("google", "google") from error
    make, url, key_env = getattr(library, client), options.text("url", "").rstrip("/"), options.text("key_env", "")
    if url.startswith("http://"):
        channel = grpc.insecure_channel(url.removeprefix("http://"))
        return _unhurried(make(transport=getattr(wires, transport)(channel=channel)), live)
    settings = {"api_endpoint": url.removeprefix("https://") or host}
    if key_env:
        if not os.environ.get(key_env):
            raise EngineError(f"google needs a key: set {key_env}")
        settings["api_key"] = os.environ[key_env]
    try:
        return _unhurried(make(client_options=settings), live)
    except GoogleAuthError:
        raise EngineError(
            "google needs credentials: set GOOGLE_APPLICATION_CREDENTIALS to a key file, or key_env= to the name of a "
            "variable with an API key"
        ) from None


def _unhurried(client: Any, live: str) -> Any:
    """Has a streaming call return at once: by default the library waits in it for the first message of the answer."""
    getattr(client.transport, live)._prefetch_first_result_ = False
    return client


def _project(options: Options) -> str:
    if options.text("url", "").startswith("http://"):
        return "local"
    import google.auth
    from google.auth.exceptions import GoogleAuthError

    try:
        project = google.auth.default()[1]
    except GoogleAuthError:
        project = None
    if not project:
        raise EngineError("google needs a project: set GOOGLE_CLOUD_PROJECT, or project= in the engine's URI")
    return str(project)


def _failure(error: Exception) -> EngineError:
    """A status of gRPC in neutral words; its message may repeat what was said."""
    status = getattr(getattr(error, "grpc_status_code", None), "name", "")
    if status == "RESOURCE_EXHAUSTED":
        delays = [each.retry_delay.ToTimedelta() for each in error.details if hasattr(each, "retry_delay")]  # type: ignore[attr-defined]
        return EngineBusy("google is rate limited", delays[0].total_seconds() if delays else None)
    if status in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        return EngineError(f"google refuses the key ({status})")
    if status == "DEADLINE_EXCEEDED":
        return EngineError("google does not answer in time")
    if status and status != "UNAVAILABLE":
        return EngineError(f"google answers with {status}")
    return EngineError(f"google cannot be reached, or broke off ({status or type(error).__name__})")


def _tag(language: str | None) -> str:
    """A tag with a country, which the service wants."""
    if not speaks(_LANGUAGES, language):
        raise EngineError(f"google: {language} is none of the languages that are known here")
    if language is None:
        return _LANGUAGES[0]
    return language if "-" in language else next(tag for tag in _LANGUAGES if speaks((tag,), language))


def _words(result: Any, offset: float) -> list[Word]:
    if not result.alternatives:
        return []
    best = result.alternatives[0]
    sure = best.confidence or UNTOLD
    return [
        Word(
            word.word,
            offset + word.start_offset.total_seconds(),
            offset + word.end_offset.total_seconds(),
            word.confidence or sure,
        )
        for word in best.words
    ]


def _is_chirp(name: str) -> bool:
    return "Chirp3-HD" in name
