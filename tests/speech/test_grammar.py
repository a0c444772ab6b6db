"""Grammars as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from offhook.errors import UsageError
from offhook.speech.grammar import BUILT_IN, choices, named


def test_grammars_are_whole() -> None:
    for text in (*map(named, BUILT_IN), choices(["Red", "dark blue"])):
        assert text.startswith("#JSGF V1.0;\ngrammar ")
        assert text.count("public <") == 1
    assert "red | dark blue" in choices(["Red", "dark blue"])


def test_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "menu.jsgf"
    file.write_text("#JSGF V1.0; grammar menu; public <m> = sales | service;")
    assert named(str(file)) == file.read_text()
    file.write_text("sales | service")
    with pytest.raises(UsageError, match="must begin with"):
        named(str(file))
    with pytest.raises(UsageError, match="cannot read"):
        named(str(tmp_path / "none.jsgf"))
    with pytest.raises(UsageError, match="digits"):
        named("colours")


@pytest.mark.parametrize("phrases", [[], ["4711"], ["red; public <x> = no"], [""]])
def test_what_is_no_phrase_is_refused(phrases: list[str]) -> None:
    with pytest.raises(UsageError):
        choices(phrases)
