"""Engines and a pool that do exactly what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from offhook.audio import ulaw
from offhook.speech.engines import Float32, Transcription, Word
from offhook.speech.pool import Pool

FRAME = 160
"""20 ms at 8 kHz."""


def silence(seconds: float) -> bytes:
    return ulaw.silence(round(seconds * ulaw.RATE))


def voice(seconds: float) -> bytes:
    """What `LoudIsVoice` takes for speech."""
    return bytes([0x90, 0x10]) * round(seconds * ulaw.RATE / 2)


class LoudIsVoice:
    """Voice activity at 8 kHz that calls everything loud a voice."""

    rate = ulaw.RATE
    frame = FRAME

    def __init__(self) -> None:
        self.resets = 0

    def score(self, pcm: Float32) -> float:
        assert len(pcm) == self.frame
        return 1.0 if float(np.abs(pcm).mean()) > 0.01 else 0.0

    def reset(self) -> None:
        self.resets += 1


@dataclass
class Scripted:
    """A recogniser that says `text`, or raises, and remembers what it was given."""

    text: str = "yes"
    error: Exception | None = None
    words: tuple[Word, ...] = ()
    heard: list[tuple[Float32, str | None]] = field(default_factory=list)
    rate: int = ulaw.RATE
    languages: tuple[str, ...] = ("en",)

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        self.heard.append((pcm, language))
        if self.error is not None:
            raise self.error
        return Transcription(self.text, 0.9 if self.text else 0.0, self.words, "en")


@dataclass(eq=False)
class Job:
    """Work handed to a `HandPool`."""

    work: Callable[[], Any]
    future: asyncio.Future[Any]

    async def run(self) -> None:
        """Does it, and lets the loop tell those who wait."""
        if not self.future.cancelled():
            try:
                self.future.set_result(self.work())
            except Exception as error:
                self.future.set_exception(error)
        await asyncio.sleep(0)


class HandPool(Pool):
    """A pool without threads: the test runs each job when it wants to."""

    def __init__(self) -> None:
        super().__init__(1)
        self.jobs: list[Job] = []
        self.full = False

    @property
    def busy(self) -> bool:
        return self.full

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        future = asyncio.get_running_loop().create_future()
        self.jobs.append(Job(lambda: function(*args, **kwargs), future))
        return future


@dataclass
class Tones:
    """A synthesiser that speaks each word as 0.1 s of a tone and counts the pieces it was asked for."""

    rate: int = 24000
    amplitude: float = 0.05
    error: Exception | None = None
    made: list[str] = field(default_factory=list)
    languages: tuple[str, ...] = ("en",)
    voices: tuple[str, ...] = ("tone",)
    name: str = "tones-1"

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        for word in text.split():
            if self.error is not None:
                raise self.error
            self.made.append(word)
            time = np.arange(self.rate // 10) / self.rate
            yield (self.amplitude * np.sin(2 * np.pi * 500 * time)).astype(np.float32)
