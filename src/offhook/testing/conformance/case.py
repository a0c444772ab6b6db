"""What a conformance case is: a number, what it does and expects, the rule and its source, and a verdict.

A case is a coroutine. It ends quietly if all was as expected, or raises `Failure`; what is sloppy but works with the
production platform it notes with `Notes.non_strict`. Cases know the wire only: whoever wrote the other end.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Literal, TypeVar

from ...errors import UsageError
from ...protocol import PROFILES

Side = Literal["server", "client"]
"""Which side is under test."""

P = TypeVar("P")


class Verdict(enum.StrEnum):
    """How a case ended; the worse ones later."""

    OK = "OK"
    INFO = "INFO"
    SKIPPED_PROFILE = "SKIPPED (profile)"
    SKIPPED_KEY = "SKIPPED (no key)"
    SKIPPED_UNSEEN = "SKIPPED (not seen)"
    NON_STRICT = "NON-STRICT"
    FAILED = "FAILED"

    @property
    def skipped(self) -> bool:
        """Whether it says nothing about the other end: another product's case, no key was given, or the behaviour that
        the case is about did not show."""
        return self in (Verdict.SKIPPED_PROFILE, Verdict.SKIPPED_KEY, Verdict.SKIPPED_UNSEEN)

    @property
    def good(self) -> bool:
        """Whether the case was judged, and all was as it should be."""
        return self in (Verdict.OK, Verdict.INFO)


class Source(enum.StrEnum):
    """Where a rule comes from. Only the first two make a case fail."""

    VENDOR = "vendor's documentation"
    REFERENCE = "vendor's reference code"
    OBSERVED = "observed in the field"
    INFERRED = "inferred"


class Failure(Exception):
    """The other end did not do what the case expects; the text says what it did instead."""


class Skip(Exception):
    """The case does not apply to this end, as its behaviour so far shows; the text says why."""

    verdict = Verdict.SKIPPED_UNSEEN


class Unsigned(Skip):
    """The case is about signatures, and there is no key to sign or to verify with."""

    verdict = Verdict.SKIPPED_KEY


@dataclass
class Notes:
    """What a case observed besides."""

    non_strict: list[str] = field(default_factory=list)
    info: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Case(Generic[P]):
    """One case.

    Attributes:
        number: Chapter and place in it, such as "3.2".
        title: What is true where the case passes.
        does: What the case does, one sentence.
        expects: What it expects, one sentence.
        rule: The rule, with its section of the protocol.
        source: Where the rule comes from.
        advice: How to repair an end that fails, one sentence.
        profiles: Names of the products that it is about.
        disputed: Sources disagree: the worst verdict is NON-STRICT.
        run: Runs it with what stands for the peer.
        seconds: How long it may take before it has failed.
    """

    number: str
    title: str
    does: str
    expects: str
    rule: str
    source: Source
    advice: str
    profiles: frozenset[str]
    disputed: bool
    seconds: float
    run: Callable[[P], Awaitable[None]]

    @property
    def chapter(self) -> int:
        return int(self.number.partition(".")[0])

    @property
    def order(self) -> tuple[int, int]:
        chapter, place = self.number.split(".")
        return int(chapter), int(place)

    @property
    def worst(self) -> Verdict:
        """The verdict of a case that does not hold."""
        binding = self.source in (Source.VENDOR, Source.REFERENCE) and not self.disputed
        return Verdict.FAILED if binding else Verdict.NON_STRICT


ALL: Final = frozenset(PROFILES)
SPOKEN: Final = frozenset({"connector"})
LISTENING: Final = ALL - SPOKEN


class Suite(Generic[P]):
    """Cases of one side, by number."""

    def __init__(self, side: Side, chapters: dict[int, str]) -> None:
        self.side: Side = side
        self.chapters = chapters
        self._cases: dict[str, Case[P]] = {}

    def case(
        self,
        number: str,
        title: str,
        *,
        does: str,
        expects: str,
        rule: str,
        source: Source,
        advice: str,
        profiles: frozenset[str] = ALL,
        disputed: bool = False,
        seconds: float = 20.0,
    ) -> Callable[[Callable[[P], Awaitable[None]]], Callable[[P], Awaitable[None]]]:
        """Add a coroutine function as a case."""

        def add(run: Callable[[P], Awaitable[None]]) -> Callable[[P], Awaitable[None]]:
            made = Case(number, title, does, expects, rule, source, advice, profiles, disputed, seconds, run)
            if number in self._cases or made.chapter not in self.chapters:
                raise ValueError(f"case {number} is there already, or its chapter is not")
            self._cases[number] = made
            return run

        return add

    def __iter__(self) -> Iterator[Case[P]]:
        return iter(sorted(self._cases.values(), key=lambda case: case.order))

    def __len__(self) -> int:
        return len(self._cases)

    def __getitem__(self, number: str) -> Case[P]:
        return self._cases[number]

    def select(self, patterns: Sequence[str] | None) -> list[Case[P]]:
        """Cases by number: "3.2", "5.*" or "5"; all of them for None.

        Raises:
            UsageError: A pattern fits none.
        """
        if patterns is None:
            return list(self)
        chosen: dict[str, Case[P]] = {}
        for pattern in patterns:
            fitting = [case for case in self if _fits(case, pattern)]
            if not fitting:
                raise UsageError(f"there is no case {pattern!r}: write a number such as 3.2, or a chapter such as 5.*")
            chosen |= {case.number: case for case in fitting}
        return sorted(chosen.values(), key=lambda case: case.order)


def _fits(case: Case[P], pattern: str) -> bool:
    return case.number == pattern or pattern.removesuffix(".*") == str(case.chapter)


@dataclass(frozen=True)
class TraceLine:
    """One thing that passed on the wire of a case. `size` in bytes; `text` is None for audio and control frames."""

    t: float
    sender: Literal["client", "server"]
    kind: Literal["text", "audio", "http", "frame", "socket"]
    size: int
    text: str | None = None


@dataclass(frozen=True)
class CaseResult:
    """How one case ended."""

    number: str
    title: str
    verdict: Verdict
    detail: str
    seconds: float
    trace: tuple[TraceLine, ...] = ()


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of some verdicts; OK if there is none."""
    order = list(Verdict)
    return max(verdicts, key=order.index, default=Verdict.OK)
