"""One page: the score of each chapter, and each case with what passed on the wire."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from ....records.report.markup import Child, Html, element, trusted
from ..case import CaseResult, TraceLine, Verdict
from ..rules import SECTIONS, split
from ..scorecard import TRACE_LINES, Scorecard

_CLASSES = {verdict: "skipped" if verdict.skipped else verdict.name.lower().replace("_", "-") for verdict in Verdict}

_SLUGS = {verdict: verdict.name.lower().replace("_", "-") for verdict in Verdict}
_OPCODES = {"opcode 8": "WebSocket close", "opcode 9": "WebSocket ping", "opcode 10": "WebSocket pong"}
#: Letters of a message that are shown at once; the whole one stands in its title.
_SHOWN = 160


def render(card: Scorecard) -> str:
    """The page as text."""
    head = element(
        "head",
        trusted('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        trusted('<meta name="color-scheme" content="light dark">'),
        element("title", f"{card.target} · AudioHook conformance"),
        element("style", trusted(_asset("check.css"))),
    )
    body = element("body", element("main", _heading(card), _chapters(card), _filters(card), _cases(card), _foot(card)),
                   element("script", trusted(_asset("check.js"))))  # fmt: skip
    return "<!doctype html>\n" + element("html", head, body, lang="en")


@cache
def _asset(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


def _heading(card: Scorecard) -> Html:
    said = ("Passed" if card.judged else "Nothing checked") if card.ok else "Failed"
    verdict = element("p", said, class_="badge ok" if card.ok and card.judged else "badge failed")
    who = "server" if card.side == "server" else "client"
    return element(
        "header",
        element("p", f"AudioHook conformance of a {who}", class_="kicker"),
        element("div", element("h1", card.target), verdict, class_="title"),
        element("p", f"{card.profile} · {_met(card)} in {card.seconds:.1f} s · seed {card.seed}", class_="soft"),
    )


def _met(card: Scorecard) -> str:
    whole = len(card.results) == len(card.cases)
    return f"{len(card.results)}{'' if whole else f' of {len(card.cases)}'} cases"


def _chapters(card: Scorecard) -> Html:
    rows = []
    for number, title in card.chapters.items():
        results = card.chapter(number)
        if not results:
            continue
        counted = [result for result in results if not result.verdict.skipped]
        good = sum(result.verdict.good for result in counted)
        bars = [
            element("i", class_=_CLASSES[verdict], style=f"flex:{count}", title=f"{count} {verdict.value}")
            for verdict in Verdict
            if (count := sum(result.verdict is verdict for result in results))
        ]
        link = element("a", f"{number} {title}", href=f"#chapter-{number}")
        score = f"{good}/{len(counted)}" if counted else "skipped"
        bar = element("span", bars, class_="bar", role="img", aria_label=_counted(results))
        rows.append(element("li", link, bar, element("b", score, title="as it should be, of those that were judged")))
    return element("ol", rows, class_="chapters")


def _counted(results: list[CaseResult]) -> str:
    counts = {verdict: sum(result.verdict is verdict for result in results) for verdict in Verdict}
    return ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count)


def _filters(card: Scorecard) -> Html:
    buttons = [
        element("button", f"{verdict} {count}", type="button", data_verdict=_SLUGS[Verdict(verdict)],
                class_=_CLASSES[Verdict(verdict)], aria_pressed="true")
        for verdict, count in card.counts.items() if count
    ]  # fmt: skip
    if any(result.verdict in (Verdict.FAILED, Verdict.NON_STRICT) for result in card.results):
        buttons.append(element("button", "Only problems", type="button", id="problems", aria_pressed="false"))
    search = element("input", type="search", id="search", placeholder="Find a case", aria_label="Find a case")
    return element("div", buttons, search, class_="filters", role="group", aria_label="Filters")


def _cases(card: Scorecard) -> Html:
    sections = []
    for number, title in card.chapters.items():
        results = card.chapter(number)
        if results:
            shown = [_case(card, result) for result in results]
            sections.append(element("section", element("h2", f"{number} {title}"), shown, id=f"chapter-{number}"))
    return element("div", sections, element("p", "No case fits.", id="none", class_="soft", hidden=True), id="cases")


def _case(card: Scorecard, result: CaseResult) -> Html:
    case, name = card.cases[result.number], _CLASSES[result.verdict]
    summary = element("summary", element("span", result.verdict.value, class_=f"verdict {name}"),
                      element("span", result.number, class_="number"),
                      element("span", _coded(result.title), class_="what"),
                      element("span", _coded(result.detail), class_="detail"))  # fmt: skip
    facts = {"Does": case.does, "Expects": case.expects, "Rule": case.rule,
             "Source": case.source.value + (", disputed" if case.disputed else ""), "Advice": case.advice}  # fmt: skip
    told = {term: _ruled(text) if term == "Rule" else _coded(text) for term, text in facts.items()}
    listed = [element("div", element("dt", term), element("dd", text)) for term, text in told.items()]
    rungs = [_rung(line) for line in result.trace[:TRACE_LINES]]
    more = len(result.trace) - TRACE_LINES
    note = element("p", f"and {more} more", class_="soft") if more > 0 else None
    ends = element("p", element("span", "client"), element("span", "server"), class_="ends")
    ladder = element("div", ends, rungs, note, class_="ladder") if rungs else None
    return element("details", summary, element("dl", listed), ladder, data_verdict=_SLUGS[result.verdict])


def _coded(text: str) -> list[Child]:
    """What stands between backticks, as code."""
    return [element("code", part) if place % 2 else part for place, part in enumerate(text.split("`"))]


def _ruled(rule: str) -> list[Child]:
    """A rule, each section of which says what it is about."""
    return [
        element("abbr", part, title=SECTIONS[part].replace("`", "")) if place % 2 else _coded(part)
        for place, part in enumerate(split(rule))
    ]


def _rung(line: TraceLine) -> Html:
    label, title = _label(line)
    ways = {"client": "client to server: ", "server": "server to client: "}
    way = element("span", ways[line.sender], class_="unseen")
    return element("p", element("time", f"{line.t:.3f}"), way, element("span", label, class_="label", title=title),
                   class_=f"rung {line.sender} {line.kind}")  # fmt: skip


def _label(line: TraceLine) -> tuple[str, str | None]:
    if line.kind == "audio":
        return f"audio, {line.size:,} bytes", None
    text = line.text or ""
    if line.kind != "text":
        return _OPCODES.get(text, text) or line.kind, None
    try:
        message = json.loads(text)
        short = f"{message['type']} {json.dumps(message.get('parameters', {}), ensure_ascii=False)}"
    except (ValueError, KeyError, TypeError, RecursionError):
        short = text or "(empty)"
    return (short if len(short) <= _SHOWN else short[:_SHOWN] + "…"), text[:4000]


def _foot(card: Scorecard) -> Html:
    return element("footer", f"Made by offhook {card.version}. This page holds all it shows.")
