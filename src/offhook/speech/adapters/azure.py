"""Azure Speech: synthesis by its documented HTTP interface, for which nothing is to be installed; recognition by its
library, see `azure_hearing`. Knows that interface only.
"""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from ...errors import EngineError
from ..engines import Float32, Recogniser, Synthesiser
from ..phrases import Abilities, Phrase
from ..registry import Options
from ..remote import TIMEOUT, api_key, samples, told
from . import azure_hearing
from .named_voices import NamedVoices, asked_for, elements

_VOICE: Final = "en-US-AvaNeural"
_PATH: Final = "/cognitiveservices/v1"
_FORMAT: Final = "raw-16khz-16bit-mono-pcm"
_CHUNK: Final = 3200  # bytes, 0.1 s

#: It is a service: it is used only where somebody names it.
LOCAL = False
abilities = Abilities(rate=(0.5, 2.0), pitch=(0.6, 1.5), phonemes=True)
"""What its neural voices do by themselves."""


class _Refusal(Exception):
    """An answer other than 200, as `offhook.speech.remote.failure` reads it; its body may repeat what was said."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(status)
        self.status_code = status
        self.headers = headers


class Azure(NamedVoices):
    """Neural voices, 16 kHz, as they are made.

    Args:
        url: Of the service, `https://REGION.tts.speech.microsoft.com`.
        key: Of the Speech resource.
        voices: Full names, such as `en-US-AvaNeural`; the usual one first.
        timeout: Seconds to wait for a connection, and for each piece.
    """

    rate = 16000
    abilities = abilities

    def __init__(self, url: str, key: str, voices: Sequence[str], timeout: float) -> None:
        super().__init__("azure", voices)
        self._url = urlsplit(url)
        self._key = key
        self._timeout = timeout
        self.name = f"azure-{self._url.netloc}-{voices[0]}"

    def _speak(self, phrase: Phrase, voice: str) -> Iterator[Float32]:
        headers = {
            "Ocp-Apim-Subscription-Key": self._key,
            "Content-Type": "application/ssml+xml",
            "X-Microsoft-OutputFormat": _FORMAT,
            "User-Agent": "offhook",
        }
        kind = http.client.HTTPConnection if self._url.scheme == "http" else http.client.HTTPSConnection
        line = kind(self._url.netloc, timeout=self._timeout)
        try:
            with told("azure"):
                line.request(
                    "POST",
                    self._url.path.rstrip("/") + _PATH,
                    _ssml(phrase, voice, self._language(voice)).encode(),
                    headers,
                )
                answer = line.getresponse()
                if answer.status != 200:
                    raise _Refusal(answer.status, dict(answer.getheaders()))
                yield from samples("azure", _pieces(answer))
        finally:
            line.close()


def _pieces(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    while data := answer.read1(_CHUNK):
        yield data
    if answer.length:  # of what was announced, so much is missing
        raise http.client.IncompleteRead(b"", answer.length)


def _ssml(phrase: Phrase, voice: str, language: str) -> str:
    inner = elements(phrase.parts)
    if phrase.rate != 1.0:
        inner = f'<prosody rate="{(phrase.rate - 1) * 100:+.0f}%">{inner}</prosody>'
    return (
        f'<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang={quoteattr(language)}>'
        f"<voice name={quoteattr(voice)}>{inner}</voice></speak>"
    )


def recogniser(options: Options) -> Recogniser:
    """`azure[?region=westeurope][&url=...][&key_env=...][&timeout=10]`; key and region as for `synthesiser`."""
    key = api_key(options, "AZURE_SPEECH_KEY")
    url = options.text("url", "").rstrip("/")
    where = {"host": "ws" + url.removeprefix("http")} if url else {"region": _region(options)}
    return azure_hearing.make({"subscription": key} | where, options.number("timeout", TIMEOUT, 0.05, 120))


def synthesiser(options: Options) -> Synthesiser:
    """`azure[:en-US-AvaNeural][?voices=NAME,NAME][&region=westeurope][&url=...][&key_env=...][&timeout=10]`.

    The key comes from AZURE_SPEECH_KEY, the region also from AZURE_SPEECH_REGION.
    """
    key = api_key(options, "AZURE_SPEECH_KEY")
    url = options.text("url", "") or f"https://{_region(options)}.tts.speech.microsoft.com"
    return Azure(url, key, asked_for(options, _VOICE), options.number("timeout", TIMEOUT, 0.05, 120))


def _region(options: Options) -> str:
    region = options.text("region", os.environ.get("AZURE_SPEECH_REGION", ""))
    if not region:
        raise EngineError("azure needs a region: set AZURE_SPEECH_REGION, or region= in the engine's URI")
    return region
