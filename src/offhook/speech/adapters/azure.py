"""Azure Speech: synthesis by its documented HTTP interface, for which nothing is to be installed; recognition by its
library, see `azure_hearing`. Knows that interface only.
"""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit
from xml.sax.saxutils import escape, quoteattr

from ...errors import EngineError
from ..engines import Float32, Recogniser, Synthesiser, speaks
from ..phrases import Abilities, Part, Phrase, Spoken
from ..registry import Options
from ..remote import TIMEOUT, api_key, samples, told
from ..sentences import split
from . import azure_hearing

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


class Azure:
    """Neural voices, 16 kHz, as they are made.

    Args:
        url: Of the service, `https://REGION.tts.speech.microsoft.com`.
        key: Of the Speech resource.
        voice: Its full name, such as `en-US-AvaNeural`.
        timeout: Seconds to wait for a connection, and for each piece.
        known: Further voices that may be asked for.
    """

    rate = 16000
    waits = True
    abilities = abilities

    def __init__(self, url: str, key: str, voice: str, timeout: float, known: Sequence[str] = ()) -> None:
        self._url = urlsplit(url)
        self._key = key
        self._timeout = timeout
        self.voices: tuple[str, ...] = (voice, *(other for other in known if other != voice))
        self.languages: tuple[str, ...] = tuple(dict.fromkeys(map(_language, self.voices)))
        self.name = f"azure-{self._url.netloc}-{voice}"

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        chosen = self._chosen(voice, language)
        return (pcm for one in split(text, language) for pcm in self._speak(Phrase((Part(one),)), chosen))

    def express(self, phrase: Phrase, *, voice: str | None = None, language: str | None = None) -> Iterator[Spoken]:
        """See `offhook.speech.phrases.Expressive`."""
        chosen = self._chosen(voice, language)
        return (Spoken(pcm) for pcm in self._speak(phrase, chosen))

    def _chosen(self, voice: str | None, language: str | None) -> str:
        if voice is None:
            fitting = [name for name in self.voices if speaks((_language(name),), language)]
            if not fitting:
                raise EngineError(f"azure: no voice set by voice= and voices= speaks {language}")
            return fitting[0]
        if voice not in self.voices:
            raise EngineError(f"azure: {voice!r} is none of the voices set by voice= and voices=")
        return voice

    def _speak(self, phrase: Phrase, voice: str) -> Iterator[Float32]:
        if not phrase.text.strip():
            return
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
                line.request("POST", self._url.path.rstrip("/") + _PATH, _ssml(phrase, voice).encode(), headers)
                answer = line.getresponse()
                if answer.status != 200:
                    raise _Refusal(answer.status, dict(answer.getheaders()))
                yield from samples(_pieces(answer))
        finally:
            line.close()


def _pieces(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    while data := answer.read1(_CHUNK):
        yield data
    if answer.length:  # of what was announced, so much is missing
        raise http.client.IncompleteRead(b"", answer.length)


def _ssml(phrase: Phrase, voice: str) -> str:
    written = []
    for part in phrase.parts:
        text = escape(part.text)
        if part.phonemes:
            text = f'<phoneme alphabet="ipa" ph={quoteattr(part.phonemes)}>{text}</phoneme>'
        if part.pitch != 1.0:
            text = f'<prosody pitch="{(part.pitch - 1) * 100:+.0f}%">{text}</prosody>'
        written.append(text)
    inner = "".join(written)
    if phrase.rate != 1.0:
        inner = f'<prosody rate="{(phrase.rate - 1) * 100:+.0f}%">{inner}</prosody>'
    return (
        f'<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang={quoteattr(_language(voice))}>'
        f"<voice name={quoteattr(voice)}>{inner}</voice></speak>"
    )


def _language(voice: str) -> str:
    """Of `en-US-AvaNeural`, `en-US`."""
    return voice.rpartition("-")[0]


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
    known = tuple(filter(None, options.text("voices", "").split(",")))
    voice = options.variant or (known[0] if known else _VOICE)
    key = api_key(options, "AZURE_SPEECH_KEY")
    url = options.text("url", "") or f"https://{_region(options)}.tts.speech.microsoft.com"
    return Azure(url, key, voice, options.number("timeout", TIMEOUT, 0.05, 120), known)


def _region(options: Options) -> str:
    region = options.text("region", os.environ.get("AZURE_SPEECH_REGION", ""))
    if not region:
        raise EngineError("azure needs a region: set AZURE_SPEECH_REGION, or region= in the engine's URI")
    return region
