"""Writes `cases.md`, the catalogue of the conformance suite: python docs/make_cases.py"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from offhook.testing.conformance.case import ALL, Case, Suite
from offhook.testing.conformance.rules import SECTIONS
from offhook.testing.conformance.suites import client_suite, server_suite

PAGE = Path(__file__).parent / "cases.md"


def row(case: Case[Any]) -> str:
    about = "all" if case.profiles == ALL else ", ".join(sorted(case.profiles))
    source = case.source.value + (", disputed" if case.disputed else "")
    cells = case.number, case.title, case.does, case.expects, case.rule, source, about
    return "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |"


def chapters(suite: Suite[Any]) -> list[str]:
    parts = []
    for number, title in suite.chapters.items():
        rows = [row(case) for case in suite if case.chapter == number]
        names = "case", "what is true where it passes", "does", "expects", "rule", "source", "profiles"
        head = f"| {' | '.join(names)} |\n" + "|---" * len(names) + "|"
        parts += [f"### {number} {title}", "\n".join([head, *rows])]
    return parts


def page() -> str:
    servers, clients = server_suite(), client_suite()
    parts = [
        "# The cases of `offhook check`",
        "Made by `python docs/make_cases.py` from the suites that run. P and a number name a section of the project's "
        "collection of facts about AudioHook, in which each fact has its source; they are listed at the end.",
        f"## For servers: {len(servers)} cases",
        *chapters(servers),
        f"## For clients: {len(clients)} cases",
        *chapters(clients),
        "## What rules refer to",
        "\n".join(["| section | about |\n|---|---|", *(f"| {name} | {about} |" for name, about in SECTIONS.items())]),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
