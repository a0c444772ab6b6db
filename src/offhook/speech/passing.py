"""The base of recognisers that stand in front of another one and change only what it says."""

from __future__ import annotations

from typing import Any

from .engines import Float32, Recogniser, Transcription


class Passing:
    """Passes on everything that is asked of a recogniser, what only some of them have included.

    Args:
        engine: The recogniser behind it.
    """

    def __init__(self, engine: Recogniser) -> None:
        self.engine = engine

    @property
    def rate(self) -> int:
        return self.engine.rate

    @property
    def languages(self) -> tuple[str, ...]:
        return self.engine.languages

    @property
    def waits(self) -> bool:
        """Whether the engine waits for another machine, see `offhook.speech.pool.of`."""
        return bool(getattr(self.engine, "waits", False))

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        return self.engine.transcribe(pcm, language)

    def __getattr__(self, name: str) -> Any:
        # Streams would pass by what a wrapper does to results.
        if name in ("engine", "stream"):
            raise AttributeError(name)
        return getattr(self.engine, name)
