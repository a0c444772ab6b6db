"""From a document to steps in the order in which they are heard: sentences, pauses, sounds, marks.

The text of all sentences together is the document's, to the letter. Kinds of text (`<say-as>`) have become words here,
and what is said in place of sounds that cannot be played stands where they would. It knows no engine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ..sentences import split
from .document import (
    Audio,
    Block,
    Break,
    Document,
    Emphasised,
    Mark,
    Node,
    Phoneme,
    Pitch,
    Prosody,
    SayAs,
    Spoken,
    Sub,
    Text,
)
from .sayas import say_as
from .steps import NATURAL, Manner, Pause, Run, Sound, Speech, Step, Voice
from .values import LEAST, LOUDEST, MOST

#: Seconds between sentences, and between paragraphs.
SENTENCE_GAP: Final = 0.35
PARAGRAPH_GAP: Final = 0.8

Load: TypeAlias = Callable[[Audio], bytes | None]
"""Gives a sound as mu-law at 8 kHz, or None if what stands in for it is to be said."""


def plan(document: Document, load: Load, *, language: str | None = None) -> tuple[list[Step], tuple[str, ...]]:
    """Lays out a document.

    Args:
        document: From `reader.parse`.
        load: Gets the sounds.
        language: Of what stands under no `xml:lang`.

    Returns:
        The steps, and what was asked for and is not done, in words that hold nothing of the text.

    Raises:
        EngineMissing: There is a `<say-as>`, and the libraries that it needs are not installed.
        OffhookError: Whatever `load` raises.
    """
    layout = _Layout(load, Voice(language=document.language or language))
    layout.walk(document.children, layout.voice, NATURAL)
    return list(_tidy(layout.finish())), (*document.ignored, *layout.undone)


def plain(text: str, language: str | None = None) -> list[Step]:
    """Lays out text without markup."""
    layout = _Layout(lambda audio: None, Voice(language=language))
    layout.say(text, text, NATURAL)
    return list(_tidy(layout.finish()))


@dataclass(slots=True)
class _Draft:
    """A run on its way; white space of the document is added behind it."""

    text: str
    spoken: str
    manner: Manner
    phonemes: str = ""
    whole: bool = False  # it is never cut

    @property
    def masked(self) -> str:
        """As the cutter of sentences sees it: no dot within tells of an end."""
        body = self.text.rstrip()
        return "x" * len(body) + self.text[len(body) :] if self.whole else self.text


@dataclass
class _Layout:
    load: Load
    voice: Voice
    undone: dict[str, None] = field(default_factory=dict)
    _steps: list[Step | _Group] = field(default_factory=list)
    _group: list[_Draft | Mark] = field(default_factory=list)  # of one voice, without a pause
    _last: _Draft | None = None  # the last one of the document, wherever it is
    _spaced: bool = True  # nothing, or white space, is the end of the text so far

    def walk(self, nodes: Iterable[Node], voice: Voice, manner: Manner) -> None:
        for node in nodes:
            self._turn_to(voice)
            match node:
                case Text(text):
                    self.say(text, text, manner)
                case Sub(text, alias):
                    self._say_whole(text, " ".join(alias.split()), manner)
                case Phoneme(text, phonemes):
                    self._say_whole(text, " ".join(text.split()), manner, phonemes)
                case SayAs():
                    self._say_as(node, manner)
                case Break(seconds):
                    self._space()
                    self._put(Pause(seconds))
                case Mark():
                    self._group.append(node)
                case Audio():
                    self._sound(node, voice, manner)
                case Block(children, kind, language):
                    self._block(children, kind, dataclasses.replace(voice, language=language or voice.language), manner)
                case Prosody(children) | Emphasised(children):
                    self.walk(children, voice, _within(manner, node))
                case Spoken(children):
                    self.walk(children, _other(voice, node), manner)
        self._turn_to(voice)

    def say(self, text: str, spoken: str, manner: Manner) -> None:
        """Text with its white space, which is collapsed."""
        words = text.split()
        if not text[:1].strip() and text:
            self._space()
        if words:
            body = " ".join(words)
            self._add(_Draft(body, body, manner))
            if text[-1].isspace():
                self._space()

    def finish(self) -> list[Step | _Group]:
        self._flush()
        return self._steps

    def _say_whole(self, text: str, spoken: str, manner: Manner, phonemes: str = "") -> None:
        if text[:1].isspace():
            self._space()
        body = " ".join(text.split())
        if body or spoken:
            self._add(_Draft(body, spoken, manner, phonemes, whole=True))
        if text[-1:].isspace():
            self._space()

    def _say_as(self, node: SayAs, manner: Manner) -> None:
        spoken = say_as(
            node.text, node.interpret, format=node.format, detail=node.detail, language=self.voice.language or "en"
        )
        if spoken is None:
            self.undone[f'text of <say-as interpret-as="{node.interpret}"> that is none'] = None
        self._say_whole(node.text, " ".join(node.text.split()) if spoken is None else spoken, manner)

    def _sound(self, node: Audio, voice: Voice, manner: Manner) -> None:
        audio = self.load(node)
        self._space()
        if audio is None:
            self.walk(node.fallback, voice, manner)
        else:
            self._put(Sound(audio))
        self._space()

    def _block(self, children: tuple[Node, ...], kind: str, voice: Voice, manner: Manner) -> None:
        gap = Pause(PARAGRAPH_GAP if kind == "p" else SENTENCE_GAP, soft=True)
        self._space()
        self._put(gap)
        self.walk(children, voice, manner)
        self._space()
        self._put(gap)

    def _add(self, draft: _Draft) -> None:
        self._group.append(draft)
        self._last = draft
        self._spaced = not draft.text and self._spaced

    def _space(self) -> None:
        if not self._spaced and self._last is not None:
            self._last.text += " "
            self._last.spoken += " "
            self._spaced = True

    def _put(self, step: Step) -> None:
        self._flush()
        self._steps.append(step)

    def _turn_to(self, voice: Voice) -> None:
        if voice != self.voice:
            self._flush()
            self.voice = voice

    def _flush(self) -> None:
        """Ends what one voice says without a pause. It is cut at the very end: white space may still come behind it."""
        group, self._group = self._group, []
        if group:
            self._steps.append(_Group(tuple(group), self.voice))


@dataclass(frozen=True)
class _Group:
    members: tuple[_Draft | Mark, ...]
    voice: Voice

    def steps(self) -> Iterator[Step]:
        """Its sentences, with a soft pause between any two."""
        masked = "".join(member.masked for member in self.members if isinstance(member, _Draft))
        ends, at = [], 0
        for sentence in split(masked, self.voice.language) or [masked]:
            at += len(sentence)
            ends.append(at)
        start = 0
        pieces = _Pieces(self.members)
        for number, end in enumerate(ends):
            before, runs, marks, behind = pieces.take(start, end, last=number == len(ends) - 1)
            yield from before
            if runs:
                yield Speech(runs, self.voice, marks)
            if number < len(ends) - 1:
                yield Pause(SENTENCE_GAP / _pace(runs), soft=True)
            yield from behind
            start = end


class _Pieces:
    """Drafts and marks of a group, cut from front to back."""

    def __init__(self, members: tuple[_Draft | Mark, ...]) -> None:
        self._placed: list[tuple[int, _Draft | Mark]] = []
        at = 0
        for member in members:
            self._placed.append((at, member))
            at += len(member.text) if isinstance(member, _Draft) else 0

    def take(
        self, start: int, end: int, *, last: bool
    ) -> tuple[list[Mark], tuple[Run, ...], tuple[tuple[int, str], ...], list[Mark]]:
        """What lies from `start` to `end`: marks before the text, runs, marks within, and marks behind it."""
        runs: list[Run] = []
        found: list[tuple[int, str]] = []
        while self._placed and (self._placed[0][0] < end or last or self._stays(end)):
            at, member = self._placed.pop(0)
            if isinstance(member, Mark):
                found.append((at - start, member.name))
                continue
            rest = end - at
            if rest < len(member.text):
                cut = dataclasses.replace(member, text=member.text[rest:], spoken=member.spoken[rest:])
                self._placed.insert(0, (end, cut))
                member = dataclasses.replace(member, text=member.text[:rest], spoken=member.spoken[:rest])
            runs.append(Run(member.text, member.spoken, member.manner, member.phonemes))
            if at + len(member.text) >= end and not last and not self._stays(end):
                break
        length = len("".join(run.text for run in runs).rstrip())
        before = [Mark(name) for at, name in found if at <= 0]
        within = tuple((at, name) for at, name in found if 0 < at < length)
        behind = [Mark(name) for at, name in found if at > 0 and at >= length]
        return before, tuple(runs), within, behind

    def _stays(self, end: int) -> bool:
        """Whether what comes next is an empty draft at the very end, which would be lost."""
        at, member = self._placed[0] if self._placed else (0, None)
        return isinstance(member, _Draft) and at == end and not member.text


def _pace(runs: tuple[Run, ...]) -> float:
    return runs[-1].manner.rate if runs else 1.0


def _tidy(steps: list[Step | _Group]) -> Iterator[Step]:
    """Groups as sentences; of pauses side by side a soft one gives way, two others add up; none soft at either end."""
    waiting: Pause | None = None
    begun = False
    for step in _opened(steps):
        if isinstance(step, Pause):
            if waiting is None:
                waiting = step
            elif waiting.soft == step.soft:
                waiting = Pause(
                    max(waiting.seconds, step.seconds) if step.soft else waiting.seconds + step.seconds, step.soft
                )
            elif waiting.soft:
                waiting = step
            continue
        if isinstance(step, Mark):
            if waiting is not None and not waiting.soft:
                yield waiting
                waiting = None
            yield step
            continue
        if waiting is not None and (begun or not waiting.soft):
            yield waiting
        waiting, begun = None, True
        yield step
    if waiting is not None and not waiting.soft:
        yield waiting


def _opened(steps: list[Step | _Group]) -> Iterator[Step]:
    for step in steps:
        if isinstance(step, _Group):
            yield from step.steps()
        else:
            yield step


def _within(manner: Manner, node: Prosody | Emphasised) -> Manner:
    if isinstance(node, Emphasised):
        return dataclasses.replace(manner, emphasis=node.level)
    inner, outer = node.pitch, manner.pitch
    if inner.hertz:
        pitch = inner
    elif outer.hertz:
        pitch = Pitch(hertz=outer.hertz * inner.factor + inner.shift)
    else:
        pitch = Pitch(_bounded(outer.factor * inner.factor), outer.shift + inner.shift)
    return dataclasses.replace(
        manner, rate=_bounded(manner.rate * node.rate), pitch=pitch, gain=min(manner.gain + node.gain, LOUDEST)
    )


def _bounded(factor: float) -> float:
    return min(max(factor, LEAST), MOST)


def _other(voice: Voice, node: Spoken) -> Voice:
    """A voice that is named or described is a new one; a language alone keeps it where it speaks that language."""
    if node.names or node.gender:
        return Voice(node.names, node.gender, node.language or voice.language)
    return dataclasses.replace(voice, language=node.language or voice.language)
