"""What a synthesiser may offer beyond reading text: a pace, a pitch, sounds given as phonemes, and when each word ends.

None of it is needed: a synthesiser with `synthesise` alone is complete, and `offhook.speech.rendering` makes up for the
rest on its audio. One that can do more has two members more, `abilities` and `express`, and gets everything by the
latter. It knows no engine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias, cast

import numpy as np

from .engines import Float32, Synthesiser

Range: TypeAlias = tuple[float, float]
_NATURAL: Final[Range] = (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a synthesiser does by itself, and well.

    Attributes:
        rate: Least and greatest factor of the pace.
        pitch: Least and greatest factor of the pitch, for each part of a phrase.
        phonemes: Whether it speaks IPA.
        emphasis: Whether it stresses a part on its own.
        timing: Whether it tells where in its audio words end.
        genders: Gender of each of its voices that has one.
    """

    rate: Range = _NATURAL
    pitch: Range = _NATURAL
    phonemes: bool = False
    emphasis: bool = False
    timing: bool = False
    genders: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """Text of a phrase that is said in one manner.

    Attributes:
        text: What is read, with the white space behind it.
        phonemes: IPA to pronounce in its place; only for an engine with `phonemes`.
        pitch: Factor, within the engine's `pitch`.
        emphasis: Only for an engine with `emphasis`.
    """

    text: str
    phonemes: str = ""
    pitch: float = 1.0
    emphasis: Literal["", "strong", "moderate", "reduced"] = ""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence or less, to be said in one go. `rate` lies within the engine's."""

    parts: tuple[Part, ...]
    rate: float = 1.0

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)

    def after(self, count: int) -> Phrase:
        """What is left behind its first so many characters. A part that is cut is read as its text."""
        parts = []
        for part in self.parts:
            if count < len(part.text):
                parts.append(dataclasses.replace(part, text=part.text[count:], phonemes="") if count > 0 else part)
            count -= len(part.text)
        return Phrase(tuple(parts), self.rate)


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """Audio of a phrase.

    Attributes:
        pcm: At the engine's rate.
        times: Pairs of a count of characters of the phrase's text, and the samples from the beginning of the phrase by
            which these have been said; both grow. As many as are known, from an engine with `timing`.
    """

    pcm: Float32
    times: tuple[tuple[int, int], ...] = ()


class Expressive(Synthesiser, Protocol):
    """A synthesiser that can do more than read text."""

    @property
    def abilities(self) -> Abilities: ...

    def express(self, phrase: Phrase, *, voice: str | None = None, language: str | None = None) -> Iterator[Spoken]:
        """Speaks a phrase, a piece at a time; otherwise as `synthesise`."""


class Delegating(Synthesiser, Protocol):
    """A synthesiser made of others: what it can do depends on which of them will speak."""

    def abilities_for(self, voice: str | None, language: str | None) -> Abilities: ...


def abilities(synthesiser: Synthesiser, *, voice: str | None = None, language: str | None = None) -> Abilities:
    """What it can do with that voice in that language; nothing but read, if it does not say."""
    if hasattr(synthesiser, "abilities_for"):
        return cast("Delegating", synthesiser).abilities_for(voice, language)
    return cast("Abilities", getattr(synthesiser, "abilities", None) or Abilities())


def express(
    synthesiser: Synthesiser, phrase: Phrase, *, voice: str | None = None, language: str | None = None
) -> Iterator[Spoken]:
    """Has any synthesiser speak a phrase: one that can only read gets its text, and what it cannot do is left out."""
    if getattr(synthesiser, "express", None) is not None:
        yield from cast("Expressive", synthesiser).express(phrase, voice=voice, language=language)
    else:
        for pcm in synthesiser.synthesise(phrase.text, voice=voice, language=language):
            yield Spoken(np.asarray(pcm, np.float32))
