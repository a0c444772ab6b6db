"""What a run of the suite has shown, and how it is told to programs: JSON, and JUnit's XML for CI."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .case import Case, CaseResult, Side, Verdict

#: Trace lines of one case that are kept: some cases send thousands.
TRACE_LINES = 200


@dataclass(frozen=True)
class Scorecard:
    """One run.

    Attributes:
        side: Which side was under test.
        target: Its URI, or where we listened.
        profile: Name of the product.
        version: Of Offhook.
        seed: Of random input.
        seconds: How long it took.
        cases: What was run, by number.
        results: In the order of the cases.
    """

    side: Side
    target: str
    profile: str
    version: str
    seed: int
    seconds: float
    cases: dict[str, Case[Any]]
    chapters: dict[int, str]
    results: Sequence[CaseResult]

    @property
    def counts(self) -> dict[str, int]:
        """How many cases of each verdict."""
        found = Counter(result.verdict for result in self.results)
        return {verdict.value: found[verdict] for verdict in Verdict}

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not any(result.verdict is Verdict.FAILED for result in self.results)

    @property
    def judged(self) -> bool:
        """Whether any case was: where all were skipped, nothing is known."""
        return not all(result.verdict.skipped for result in self.results)

    def chapter(self, number: int) -> list[CaseResult]:
        """Results of one chapter."""
        return [result for result in self.results if self.cases[result.number].chapter == number]

    def as_object(self, *, traces: bool = True) -> dict[str, Any]:
        """For JSON."""
        return {
            "ok": self.ok,
            "side": self.side,
            "target": self.target,
            "profile": self.profile,
            "offhook": self.version,
            "seed": self.seed,
            "seconds": round(self.seconds, 3),
            "counts": self.counts,
            "unfinished": len(self.cases) - len(self.results),
            "cases": [self._case(result, traces=traces) for result in self.results],
        }

    def _case(self, result: CaseResult, *, traces: bool) -> dict[str, Any]:
        case = self.cases[result.number]
        told: dict[str, Any] = {
            "number": result.number,
            "chapter": self.chapters[case.chapter],
            "title": case.title,
            "verdict": result.verdict.value,
            "detail": result.detail,
            "seconds": round(result.seconds, 3),
            "does": case.does,
            "expects": case.expects,
            "rule": case.rule,
            "source": case.source.value,
            "disputed": case.disputed,
            "advice": case.advice,
        }
        if traces:
            told["trace"] = [
                {"t": line.t, "sender": line.sender, "kind": line.kind, "size": line.size, "text": line.text}
                for line in result.trace[:TRACE_LINES]
            ]
        return told

    def as_junit(self) -> bytes:
        """A test suite to a chapter, as CI servers read it. NON-STRICT passes, with its detail as output."""
        root = ElementTree.Element("testsuites", name=f"offhook check {self.target}")
        for number, title in self.chapters.items():
            results = self.chapter(number)
            if results:
                _suite(root, f"{number} {title}", results, self.cases)
        written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
        return written


def _suite(root: ElementTree.Element, name: str, results: Sequence[CaseResult], cases: dict[str, Case[Any]]) -> None:
    found = Counter(result.verdict for result in results)
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=name,
        tests=str(len(results)),
        failures=str(found[Verdict.FAILED]),
        skipped=str(sum(result.verdict.skipped for result in results)),
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    for result in results:
        title = f"{result.number} {result.title}"
        made = ElementTree.SubElement(suite, "testcase", name=title, classname=name, time=f"{result.seconds:.3f}")
        detail = "".join(letter for letter in result.detail if letter.isprintable())
        if result.verdict is Verdict.FAILED:
            failure = ElementTree.SubElement(made, "failure", message=detail)
            failure.text = f"{cases[result.number].expects}\n{cases[result.number].rule}\n{cases[result.number].advice}"
        elif result.verdict.skipped:
            ElementTree.SubElement(made, "skipped", message=f"{result.verdict.value}: {detail}")
        elif detail:
            ElementTree.SubElement(made, "system-out").text = f"{result.verdict.value}: {detail}"
