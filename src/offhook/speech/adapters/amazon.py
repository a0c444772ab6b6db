"""Synthesis by Amazon Polly, through the official library. Knows that library only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from ...audio import ulaw
from ...errors import EngineBusy, EngineError, EngineMissing
from ..engines import Float32, Synthesiser
from ..phrases import Abilities, Phrase
from ..registry import Options
from ..remote import TIMEOUT, samples, told
from .named_voices import NamedVoices, asked_for, elements

_VOICE = "en-US-Joanna"
_CHUNK = 3200  # bytes, 0.2 s
_BUSY = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"})

#: It is a service: it is used only where somebody names it.
LOCAL = False
#: Of neural voices; standard ones could do more.
abilities = Abilities(rate=(0.5, 2.0), phonemes=True)


class Polly(NamedVoices):
    """Voices at the line's rate, linear: it is brought to one level before it becomes mu-law.

    Args:
        client: A boto3 client of `polly`.
        engine: `neural`, `standard`, or another one of the service that takes SSML.
        voices: Language and name, such as `en-US-Joanna`; the usual one first.
        where: Names the server in cache keys.
    """

    rate = ulaw.RATE
    abilities = abilities

    def __init__(self, client: Any, engine: str, voices: Sequence[str], where: str) -> None:
        super().__init__("amazon", voices)
        self._client = client
        self._engine = engine
        self.name = f"amazon-{where}-{engine}-{voices[0]}"

    def _speak(self, phrase: Phrase, voice: str) -> Iterator[Float32]:
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
                yield from samples("amazon", sound.iter_chunks(_CHUNK))


def _ssml(phrase: Phrase) -> str:
    inner = elements(phrase.parts)
    if phrase.rate != 1.0:
        inner = f'<prosody rate="{phrase.rate:.0%}">{inner}</prosody>'
    return f"<speak>{inner}</speak>"


def synthesiser(options: Options) -> Synthesiser:
    """`amazon[:en-US-Joanna][?voices=NAME,NAME][&engine=neural][&region=us-east-1][&url=...][&timeout=10]`.

    Credentials are those of the library: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role.
    """
    url = options.text("url", "")
    return Polly(_client(options, url), options.text("engine", "neural"), asked_for(options, _VOICE), url or "api")


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
