"""From text to what goes down the line: synthesis in the pool, resampled, brought to one level, mu-law.

It knows engines and samples, and nothing of calls or playback.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from ..audio import ulaw
from ..audio.resample import Resampler
from . import pool as pools
from .cache import PromptCache, prompt_key
from .engines import Synthesiser
from .leveller import LEVEL, Leveller


def speak(
    synthesiser: Synthesiser,
    text: str,
    *,
    voice: str | None = None,
    language: str | None = None,
    level: float = LEVEL,
    cache: PromptCache | None = None,
    pool: pools.Pool | None = None,
) -> pools.Stream[bytes]:
    """Speaks `text` as mu-law at 8 kHz.

    Args:
        synthesiser: Any engine.
        text: Any number of sentences.
        voice: One of the engine's, or None for its default.
        language: BCP 47 tag, or None for the engine's default.
        level: Level of the voice, dBFS.
        cache: Where to look first and to keep what was made in full.
        pool: Where the engine runs; by default the pool of the process.

    Returns:
        An asynchronous iterator of chunks: as the engine makes them, typically one a sentence; two are made ahead.
        Stop it with `aclose` when the caller interrupts. It raises `EngineError` as the engine does.
    """
    make = partial(telephone, synthesiser, text, voice=voice, language=language, level=level)
    if cache is not None:
        key = prompt_key(text, voice=voice, language=language, engine=f"{synthesiser.name} at {level:g} dBFS")
        make = partial(cache.through, key, make)
    return (pool or pools.of(synthesiser)).stream(make)


def telephone(
    synthesiser: Synthesiser, text: str, *, voice: str | None, language: str | None, level: float = LEVEL
) -> Iterator[bytes]:
    """The blocking half of `speak`: yields mu-law at 8 kHz."""
    resampler = Resampler(synthesiser.rate, ulaw.RATE)
    leveller = Leveller(level)
    for pcm in synthesiser.synthesise(text, voice=voice, language=language):
        chunk = resampler.push(pcm)
        if len(chunk):
            yield ulaw.from_float(leveller.push(chunk))
    rest = resampler.push(np.zeros(0, np.float32), last=True)
    if len(rest):
        yield ulaw.from_float(leveller.push(rest))
