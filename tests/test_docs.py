"""The documentation is true: generated pages are fresh, links lead somewhere, commands and options exist."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import tomllib
from pathlib import Path

import click
import pytest

from offhook.bots import BargeInPolicy
from offhook.cli.main import VERBS, cli
from offhook.connector.settings import of_tables
from offhook.speech.turns import TurnPolicy
from offhook.testing.conformance.suites import client_suite, server_suite

ROOT = Path(__file__).parent.parent
SUBVERBS = (
    "new", "sign", "verify", "show", "replay", "install", "key", "enrol", "list", "erase", "add", "test", "activate",
    "remove",
)  # fmt: skip
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize(("name", "file"), [("states", "states"), ("cases", "cases"), ("metrics", "serving")])
def test_pages_are_drawn_from_what_runs(name: str, file: str) -> None:
    spec = importlib.util.spec_from_file_location(f"make_{name}", ROOT / "docs" / f"make_{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / f"{file}.md").read_text() == module.page(), f"run: python docs/make_{name}.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def options_of(words: list[str]) -> set[str]:
    context = click.Context(cli)
    command: click.Command | None = cli
    for word in words:
        if not isinstance(command, click.Group):
            break
        command = command.get_command(context, word)
        assert command is not None, f"there is no verb {' '.join(words)}"
    assert command is not None
    return {option for parameter in command.params for option in parameter.opts}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_commands_and_their_options_exist(page: Path) -> None:
    for line in re.findall(rf"offhook ((?:{'|'.join(VERBS)})[^`\n]*)", page.read_text()):
        words = line.replace("\\|", " ").split()
        known = options_of(words[:1] + [word for word in words[1:2] if word in SUBVERBS])
        used = {word.split("=")[0].rstrip(",.;)") for word in words if word.startswith("--")}
        assert used - known - {"--help"} == set(), line


def test_cases_that_are_named_by_topic_exist() -> None:
    page = (ROOT / "docs" / "conformance.md").read_text()
    rows = re.findall(r"^\| [^|]+ \| ([\d.,; -]+) \| ([\d.,; -]+) \|$", page, re.MULTILINE)
    assert len(rows) > 30
    for suite, cells in ((server_suite(), [row[0] for row in rows]), (client_suite(), [row[1] for row in rows])):
        named = {number for cell in cells for number in re.findall(r"\d+\.\d+", cell)}
        assert named <= {case.number for case in suite}


def test_settings_on_the_pages_can_be_read() -> None:
    for page in PAGES:
        for block in re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL):
            of_tables(tomllib.loads(block), page)


def test_every_verb_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [verb for verb in VERBS if f"offhook {verb}" not in readme] == []


def test_the_table_of_settings_is_true() -> None:
    policies = [TurnPolicy(), TurnPolicy.eager(), TurnPolicy.patient()]
    rows = [
        f"| `TurnPolicy.{field.name}` | {' | '.join(str(getattr(policy, field.name)) for policy in policies)} |"
        for field in dataclasses.fields(TurnPolicy)
    ]
    rows += [f"| `BargeInPolicy.{field.name}` | {field.default} | | |" for field in dataclasses.fields(BargeInPolicy)]
    page = (ROOT / "docs" / "turns.md").read_text()
    assert [line for line in page.splitlines() if line.startswith("| `")] == rows
