"""Synthesis by SVOX Pico, through py-nanotts, whose wheel carries six voices: small, quick and robotic.

Knows that library only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from ...errors import EngineError, EngineMissing, UsageError
from ..engines import Float32, Synthesiser, speaks
from ..pool import Pool
from ..registry import Options
from ..samples import from_pcm16
from ..sayable import sayable
from ..sentences import sentences

_VOICES = ("en-US", "en-GB", "de-DE", "es-ES", "fr-FR", "it-IT")


_pools: dict[int, Pool] = {}


def _alone() -> Pool:
    """The one thread of the library in this process.

    Two at once spoil each other's sound, and in turns from several threads the same text comes out differently, which
    looks like memory that the library does not clear.
    """
    pool = _pools.get(os.getpid())  # threads do not survive a fork
    return pool if pool is not None else _pools.setdefault(os.getpid(), Pool(1))


class Pico:
    """Pico at 16 kHz: English of two countries, German, Spanish, French, Italian. 6 ms of CPU a second of speech.

    Args:
        voice: Named as its language; used where `synthesise` is given neither voice nor language.
        speed: 1 is the natural pace.

    Raises:
        EngineMissing: py-nanotts is not installed.
        UsageError: There is no such voice.
    """

    rate = 16000

    def __init__(self, voice: str = "en-US", speed: float = 1.0) -> None:
        try:
            from py_nanotts import NanoTTS
        except ImportError as error:
            raise EngineMissing("pico", "pico") from error
        if voice not in _VOICES:
            raise UsageError(f"pico has no voice {voice!r}; it has: {', '.join(_VOICES)}")
        self._engine: Any = NanoTTS()
        self._speed = speed
        self.voices: tuple[str, ...] = (voice, *(other for other in _VOICES if other != voice))
        self.languages = self.voices
        self.name = f"pico-{version('py-nanotts')}-{voice}-{speed:g}"

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        if voice is not None and voice not in self.voices:
            raise EngineError(f"pico has no voice {voice!r}; it has: {', '.join(self.voices)}")
        return self._sentences(text, voice or self._voice_for(language))

    def _voice_for(self, language: str | None) -> str:
        exact = [voice for voice in self.voices if language is not None and voice.lower() == language.lower()]
        near = [voice for voice in self.voices if speaks((voice,), language)]
        if not near:
            raise EngineError(f"pico does not speak {language}; it speaks: {', '.join(self.languages)}")
        return (exact or near)[0]

    def _sentences(self, text: str, voice: str) -> Iterator[Float32]:
        for sentence in sentences(sayable(text) if voice.startswith("en") else text):
            # Angle brackets begin Pico's own tags; text is never markup here.
            plain = sentence.replace("<", " ").replace(">", " ")
            try:
                speed = None if self._speed == 1 else self._speed
                raw = _alone().hand_in(self._engine.speak, plain, voice=voice, speed=speed).result()
            except Exception as error:
                raise EngineError(f"pico failed: {type(error).__name__}") from error
            if raw:
                yield from_pcm16(raw)


def synthesiser(options: Options) -> Synthesiser:
    """Loads Pico: `pico[:en-US][?speed=1]`."""
    return Pico(options.variant or "en-US", options.number("speed", 1.0, 0.5, 2.0))
