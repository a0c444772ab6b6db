"""What SSML says, as a tree of small frozen values; made by `reader.parse`, turned into steps by `plan.plan`.

Attributes hold checked values in one unit each: seconds, decibels, factors. It knows no engine and no sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Emphasis: TypeAlias = Literal["strong", "moderate", "reduced"]
Gender: TypeAlias = Literal["male", "female", "neutral"]


@dataclass(frozen=True, slots=True)
class Pitch:
    """How high a voice is: `factor` of its own pitch and `shift` Hz more; or `hertz`, whatever its own pitch is."""

    factor: float = 1.0
    shift: float = 0.0
    hertz: float = 0.0


OWN_PITCH: Final = Pitch()


@dataclass(frozen=True, slots=True)
class Text:
    """Characters as they are written, with their white space."""

    text: str


@dataclass(frozen=True, slots=True)
class Break:
    """A pause of so many seconds; 0 asks for none where an engine would make one."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A place that is reported when it has been heard."""

    name: str


@dataclass(frozen=True, slots=True)
class SayAs:
    """Text of a kind that has to be read in its own way."""

    text: str
    interpret: str
    format: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Sub:
    """Text that is read as `alias`."""

    text: str
    alias: str


@dataclass(frozen=True, slots=True)
class Phoneme:
    """Text that is pronounced as `ipa` (International Phonetic Alphabet), or as it is written if that is empty."""

    text: str
    ipa: str


@dataclass(frozen=True, slots=True)
class Audio:
    """A sound file, or what is said in its place if it cannot be played.

    Attributes:
        source: As it is written.
        fallback: What stands between the tags.
        begin: Seconds that are left out.
        end: Where it ends, seconds; None for its end.
        repeat: How often it is played.
        gain: dB.
        speed: 2 is twice as fast.
        line: Where the tag begins.
        column: Where in the line.
    """

    source: str
    fallback: tuple[Node, ...] = ()
    begin: float = 0.0
    end: float | None = None
    repeat: int = 1
    gain: float = 0.0
    speed: float = 1.0
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or a sentence: what comes before and behind it belongs to other sentences."""

    children: tuple[Node, ...]
    kind: Literal["p", "s"]
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Prosody:
    """`rate` is a factor of the pace, `gain` is in dB (minus infinity for silence)."""

    children: tuple[Node, ...]
    rate: float = 1.0
    pitch: Pitch = OWN_PITCH
    gain: float = 0.0


@dataclass(frozen=True, slots=True)
class Emphasised:
    """Text with more or less weight; None takes the weight away that is around it."""

    children: tuple[Node, ...]
    level: Emphasis | None


@dataclass(frozen=True, slots=True)
class Spoken:
    """Text in another voice or language, or both; fields that are empty change nothing.

    Attributes:
        children: The text.
        language: BCP 47 tag.
        names: Voices, the preferred one first.
        gender: Of the voice.
    """

    children: tuple[Node, ...]
    language: str | None = None
    names: tuple[str, ...] = ()
    gender: Gender | None = None


Node: TypeAlias = Text | Break | Mark | SayAs | Sub | Phoneme | Audio | Block | Prosody | Emphasised | Spoken


@dataclass(frozen=True, slots=True)
class Document:
    """One `<speak>`.

    Attributes:
        children: What stands in it.
        language: Its `xml:lang`, None if it has none.
        ignored: What it asks for that nothing here does, such as `<lexicon>` or a vendor's tags: told once.
    """

    children: tuple[Node, ...]
    language: str | None = None
    ignored: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Its text without tags as a reader sees it, white space collapsed, without what stands in for sounds."""
        return " ".join("".join(_written(self.children)).split())


def _written(nodes: tuple[Node, ...]) -> Iterator[str]:
    for node in nodes:
        match node:
            case Text(text) | SayAs(text) | Sub(text) | Phoneme(text):
                yield text
            case Block(children):
                yield " "
                yield from _written(children)
                yield " "
            case Prosody(children) | Emphasised(children) | Spoken(children):
                yield from _written(children)
            case Break() | Audio():
                yield " "
