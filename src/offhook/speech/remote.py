"""What adapters of services share: their errors in our words, their keys, and their bytes as samples.

A service's message may repeat what was said to it, so of its errors only the kind and the status are told. Knows no
service in particular; most libraries use HTTP, and errors with a status and headers.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import wave
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from ..audio import mpeg
from ..errors import EngineBusy, EngineError
from .engines import Float32
from .registry import Options
from .samples import from_pcm16, to_pcm16

TIMEOUT = 10.0
"""Seconds without a byte after which a service is given up."""
UNTOLD = 0.8
"""The confidence of what a service understood that tells none."""
_QUIET = 1e-3  # peak below which there is nothing worth sending: services invent words for silence
_SHORTEST = 0.1
#: How files of sound begin that some servers send whatever they are asked for.
_FILES = {
    b"RIFF": "a WAV file", b"OggS": "an Ogg file", b"ID3": "an MP3 file", b"fLaC": "a FLAC file",
    b"FORM": "an AIFF file", b".snd": "an AU file", b"\x1aE\xdf\xa3": "a WebM file",
}  # fmt: skip
_PRINTABLE = frozenset(b"\t\r\n") | frozenset(range(0x20, 0x7F))
_RATE = re.compile(r";\s*rate\s*=\s*\"?(\d{1,9})\b", re.IGNORECASE)
_ENOUGH = 16  # bytes that tell what it is


@contextlib.contextmanager
def told(service: str, in_words: Callable[[Exception], EngineError] | None = None) -> Iterator[None]:
    """Raises whatever a service's library raises as an `EngineError` in neutral words, or `EngineBusy`.

    Args:
        service: Its name.
        in_words: What makes the error of a library that does not tell it by HTTP; `failure` by default.
    """
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        plain = in_words(error) if in_words else failure(service, error)
        raise plain from None  # the chain would carry their message into a log


def failure(service: str, error: Exception) -> EngineError:
    """The error of a service's library in neutral words."""
    status = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
    if status == 429:
        return EngineBusy(f"{service} is rate limited (HTTP 429)", _retry_after(error))
    if status in (401, 403):
        return EngineError(f"{service} refuses the key (HTTP {status})")
    if isinstance(status, int):
        return EngineError(f"{service} answers with HTTP {status}")
    kind = type(error).__name__
    if "Timeout" in kind or isinstance(error, TimeoutError):
        return EngineError(f"{service} does not answer in time")
    return EngineError(f"{service} cannot be reached, or broke off ({kind})")


def _retry_after(error: Exception) -> float | None:
    headers: Mapping[str, str] = (
        getattr(error, "headers", None) or getattr(getattr(error, "response", None), "headers", None) or {}
    )
    written = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    try:
        return max(0.0, float(written)) if written is not None else None
    except ValueError:
        return None  # a date: clocks differ, so our own rest is taken


def api_key(options: Options, variable: str) -> str:
    """The key of a service: from the environment variable that the setting `key_env` names, never from a URI itself.

    Raises:
        EngineError: There is none, and the service is not one of our own (`url`).
    """
    name = options.text("key_env", variable)
    key = os.environ.get(name, "")
    if not key and not options.text("url", ""):
        raise EngineError(f"{options.engine} needs a key: set {name}, or url= for a server that needs none")
    return key or "none"


def worth_sending(pcm: Float32, rate: int) -> bool:
    """Whether there is anything in it that could be speech."""
    return len(pcm) >= rate * _SHORTEST and float(np.abs(pcm).max()) >= _QUIET


def as_wav(pcm: Float32, rate: int) -> bytes:
    """A WAV file, 16 bit mono."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(to_pcm16(pcm))
    return file.getvalue()


def samples(service: str, chunks: Iterable[bytes]) -> Iterator[Float32]:
    """Bytes as they come, cut anywhere, as whole 16 bit samples.

    Raises:
        EngineError: They are no raw sound, which a caller would hear as noise; or there are none.
    """
    rest, told = b"", False
    for chunk in chunks:
        rest += chunk
        if not told and len(rest) < max(_ENOUGH, mpeg.frame_length(rest) + mpeg.HEAD):
            continue
        if not told:
            _check_raw(service, rest)
            told = True
        whole = len(rest) - len(rest) % 2
        if whole:
            yield from_pcm16(rest[:whole])
        rest = rest[whole:]
    if told:
        return
    _check_raw(service, rest)
    if len(rest) < 2:
        raise EngineError(f"{service} answers without a sound")
    yield from_pcm16(rest[: len(rest) - len(rest) % 2])


def check_rate(service: str, content_type: str, rate: int) -> None:
    """Hold what a service says of its raw sound (`audio/pcm; rate=16000`) against what it was asked for.

    Raises:
        EngineError: It has another rate, and would be heard too fast or too slow.
    """
    found = _RATE.search(content_type)
    if found and int(found[1]) != rate:
        raise EngineError(f"{service} answers with sound of {int(found[1])} Hz in place of {rate} Hz")


def _check_raw(service: str, beginning: bytes) -> None:
    kind = next((name for magic, name in _FILES.items() if beginning.startswith(magic)), "")
    if not kind and (frames := mpeg.kind(beginning)):
        kind = f"{frames} frames"
    if not kind and beginning and all(byte in _PRINTABLE for byte in beginning[:_ENOUGH]):
        kind = "text"  # of a proxy, say: as samples it would be the loudest of all noises
    if kind:
        raise EngineError(f"{service} answers with {kind} in place of raw sound")
