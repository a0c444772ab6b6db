"""What is heard, in order: sentences and the manner in which they are said, pauses, sounds, marks."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from .document import OWN_PITCH, Emphasis, Gender, Mark, Pitch


@dataclass(frozen=True, slots=True)
class Manner:
    """How something is said: `rate` is a factor, `gain` in dB."""

    rate: float = 1.0
    pitch: Pitch = OWN_PITCH
    gain: float = 0.0
    emphasis: Emphasis | None = None


NATURAL: Final = Manner()


@dataclass(frozen=True, slots=True)
class Voice:
    """Who says something: names in the order of preference, gender, language; empty and None leave it open."""

    names: tuple[str, ...] = ()
    gender: Gender | None = None
    language: str | None = None


ANY: Final = Voice()


@dataclass(frozen=True, slots=True)
class Run:
    """Text that is said in one manner: `text` as it is written, `spoken` as it is read, or else `phonemes` (IPA)."""

    text: str
    spoken: str
    manner: Manner = NATURAL
    phonemes: str = ""


@dataclass(frozen=True, slots=True)
class Speech:
    """A sentence, or as much of one as one voice says between two pauses.

    Attributes:
        runs: What is said.
        voice: Who says it.
        marks: Marks within, with the count of characters of `text` before each.
    """

    runs: tuple[Run, ...]
    voice: Voice = ANY
    marks: tuple[tuple[int, str], ...] = ()

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)

    def followed_by(self, space: str) -> Speech:
        """The same with white space behind it."""
        last = self.runs[-1]
        spaced = dataclasses.replace(last, text=last.text + space, spoken=last.spoken + space)
        return dataclasses.replace(self, runs=(*self.runs[:-1], spaced))


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence between what is heard before and behind it; a `soft` one is there for lack of a better."""

    seconds: float
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Sound:
    """mu-law at 8 kHz, as it is played."""

    audio: bytes


Step: TypeAlias = Speech | Pause | Sound | Mark


def text_of(steps: Iterable[Step]) -> str:
    """What is said in the steps, as it is written."""
    return "".join(step.text for step in steps if isinstance(step, Speech)).strip()


_WORD = re.compile(r"\w")


def is_sayable(text: str) -> bool:
    """Whether there is anything to pronounce in a text."""
    return _WORD.search(text) is not None
