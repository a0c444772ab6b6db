"""Synthesis by Amazon Polly, through the official library. Knows that library only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from ...audio import ulaw
from ...errors import EngineBusy, EngineError, EngineMissing
from ..engines import Float32, Synthesiser, speaks
from ..phrases import Abilities, Part, Phrase, Spoken
from ..registry import Options
from ..remote import TIMEOUT, samples, told
from ..sentences import split

_VOICE = "en-US-Joanna"
_CHUNK = 3200  # bytes, 0.2 s
_BUSY = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"})

#: It is a service: it is used only where somebody names it.
LOCAL = False
#: Of neural voices; standard ones could do more.
abilities = Abilities(rate=(0.5, 2.0), phonemes=True)


class Polly:
    """Voices at the line's rate, linear: it is brought to one level before it becomes mu-law.

    Args:
        client: A boto3 client of `polly`.
        engine: `neural`, `standard`, or another one of the service that takes SSML.
        voice: Language and name, such as `en-US-Joanna`.
        where: Names the server in cache keys.
        known: Further voices that may be asked for.
    """

    rate = ulaw.RATE
    waits = True
    abilities = abilities

    def __init__(self, client: Any, engine: str, voice: str, where: str, known: Sequence[str] = ()) -> None:
        self._client = client
        self._engine = engine
        self.voices: tuple[str, ...] = (voice, *(other for other in known if other != voice))
        self.languages: tuple[str, ...] = tuple(dict.fromkeys(name.rpartition("-")[0] for name in self.voices))
        self.name = f"amazon-{where}-{engine}-{voice}"

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        chosen = self._chosen(voice, language)
        return (pcm for one in split(text, language) for pcm in self._speak(Phrase((Part(one),)), chosen))

    def express(self, phrase: Phrase, *, voice: str | None = None, language: str | None = None) -> Iterator[Spoken]:
        """See `offhook.speech.phrases.Expressive`."""
        chosen = self._chosen(voice, language)
        return (Spoken(pcm) for pcm in self._speak(phrase, chosen))

    def _chosen(self, voice: str | None, language: str | None) -> str:
        if voice is None:
            fitting = [name for name in self.voices if speaks((name.rpartition("-")[0],), language)]
            if not fitting:
                raise EngineError(f"amazon: no voice set by voice= and voices= speaks {language}")
            return fitting[0]
        if voice not in self.voices:
            raise EngineError(f"amazon: {voice!r} is none of the voices set by voice= and voices=")
        return voice

    def _speak(self, phrase: Phrase, voice: str) -> Iterator[Float32]:
        if not phrase.text.strip():
            return
        tag, _, name = voice.rpartition("-")
        with told("amazon", _failure):
            answer = self._client.synthesize_speech(
                Engine=self._engine,
                LanguageCode=tag,
                VoiceId=name,
                TextType="ssml",
                Text=_ssml(phrase),
                OutputFormat="pcm",
                SampleRate=str(self.rate),
            )
            with contextlib.closing(answer["AudioStream"]) as sound:
                yield from samples(sound.iter_chunks(_CHUNK))


def _ssml(phrase: Phrase) -> str:
    written = []
    for part in phrase.parts:
        text = escape(part.text)
        if part.phonemes:
            text = f'<phoneme alphabet="ipa" ph={quoteattr(part.phonemes)}>{text}</phoneme>'
        written.append(text)
    inner = "".join(written)
    if phrase.rate != 1.0:
        inner = f'<prosody rate="{phrase.rate:.0%}">{inner}</prosody>'
    return f"<speak>{inner}</speak>"


def synthesiser(options: Options) -> Synthesiser:
    """`amazon[:en-US-Joanna][?voices=NAME,NAME][&engine=neural][&region=us-east-1][&url=...][&timeout=10]`.

    Credentials are those of the library: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role.
    """
    known = tuple(filter(None, options.text("voices", "").split(",")))
    voice = options.variant or (known[0] if known else _VOICE)
    url = options.text("url", "")
    return Polly(_client(options, url), options.text("engine", "neural"), voice, url or "api", known)


def _client(options: Options, url: str) -> Any:
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise EngineMissing("amazon", "amazon") from error
    timeout = options.number("timeout", TIMEOUT, 0.05, 120)
    config = Config(connect_timeout=timeout, read_timeout=timeout, retries={"total_max_attempts": 1})
    session = boto3.Session(region_name=options.text("region", "") or None)
    if not url and session.get_credentials() is None:
        raise EngineError("amazon needs credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile")
    local = {"aws_access_key_id": "none", "aws_secret_access_key": "none"} if url.startswith("http://") else {}
    region = session.region_name or "us-east-1"
    return session.client("polly", region_name=region, endpoint_url=url or None, config=config, **local)


def _failure(error: Exception) -> EngineError:
    """An error of botocore in neutral words; its message may repeat what was said."""
    answer = getattr(error, "response", None) or {}
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if status == 429 or answer.get("Error", {}).get("Code") in _BUSY:
        after = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("retry-after", "")
        return EngineBusy("amazon is rate limited", float(after) if after.isdigit() else None)
    if status in (401, 403):
        return EngineError(f"amazon refuses the key (HTTP {status})")
    if status is not None:
        return EngineError(f"amazon answers with HTTP {status}")
    kind = type(error).__name__
    if "Timeout" in kind:
        return EngineError("amazon does not answer in time")
    return EngineError(f"amazon cannot be reached, or broke off ({kind})")
