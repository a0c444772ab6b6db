"""A phrase for an engine that was meant for another one: what this one cannot do is made up for on its audio.

For engines that stand in for each other; knows phrases and samples, and nothing of who fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from ..audio.stretch import stretch, warp
from .engines import Float32, Synthesiser
from .phrases import Abilities, Part, Phrase, Range, Spoken, abilities, express
from .rendering import EMPHASIS

_SAME: Final = 0.005


def adapted(
    synthesiser: Synthesiser, phrase: Phrase, *, voice: str | None = None, language: str | None = None
) -> Iterator[Spoken]:
    """Speaks any phrase by any engine, and as `express` does where the engine can do all of it.

    Otherwise each part is spoken by itself, whole, and its end is told; phonemes that the engine does not speak are
    read as their text.
    """
    can = abilities(synthesiser, voice=voice, language=language)
    if _lies_within(phrase, can):
        yield from express(synthesiser, phrase, voice=voice, language=language)
        return
    count, length = 0, 0
    for part in phrase.parts:
        if part.text.strip() or part.phonemes:
            sound = _spoken(synthesiser, part, phrase.rate, can, voice, language)
            length += len(sound)
            yield Spoken(sound, ((count + len(part.text.rstrip()), length),))
        count += len(part.text)


def _lies_within(phrase: Phrase, can: Abilities) -> bool:
    return _held(phrase.rate, can.rate) == phrase.rate and all(
        _held(part.pitch, can.pitch) == part.pitch
        and (can.phonemes or not part.phonemes)
        and (can.emphasis or not part.emphasis)
        for part in phrase.parts
    )


def _spoken(
    synthesiser: Synthesiser, part: Part, rate: float, can: Abilities, voice: str | None, language: str | None
) -> Float32:
    pitch, gain = part.pitch, 0.0
    if part.emphasis and not can.emphasis:
        slower, higher, gain = EMPHASIS[part.emphasis]
        rate, pitch, part = rate * slower, pitch * higher, replace(part, emphasis="")
    own_rate, own_pitch = _held(rate, can.rate), _held(pitch, can.pitch)
    asked = replace(part, text=part.text.rstrip(), pitch=own_pitch, phonemes=part.phonemes if can.phonemes else "")
    chunks = express(synthesiser, Phrase((asked,), own_rate), voice=voice, language=language)
    sound = np.concatenate([np.zeros(0, np.float32), *(chunk.pcm for chunk in chunks)])
    left = pitch / own_pitch
    if abs(left - 1) >= _SAME:
        sound, _ = warp(sound, [(len(sound), left)])
    pace = rate / own_rate / left
    if abs(pace - 1) >= _SAME:
        sound, _ = stretch(sound, synthesiser.rate, [(len(sound), pace)])
    return sound * np.float32(10 ** (gain / 20))


def _held(factor: float, able: Range) -> float:
    return min(max(factor, able[0]), able[1])
