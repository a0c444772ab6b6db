"""How right words are counted."""

from __future__ import annotations

import pytest

from offhook.cli.measure import measure, word_errors, words
from offhook.errors import UsageError


@pytest.mark.parametrize(
    ("expected", "heard", "errors"),
    [
        ("It's four, seven.", "its 47", (0, 3)),
        ("one two three", "one three", (1, 3)),
        ("one two three", "one two or three", (1, 3)),
        ("one two three", "one too three", (1, 3)),
        ("one two", "", (2, 2)),
        ("one", "a b c", (3, 1)),
    ],
)
def test_errors_are_the_least_edits(expected: str, heard: str, errors: tuple[int, int]) -> None:
    assert word_errors(expected, heard) == errors


def test_words() -> None:
    assert words("Don't, 12 São!") == ["dont", "one", "two", "são"]


def test_a_grammar_is_measured_by_digits() -> None:
    figures = measure("recogniser", "sphinx:digit")
    assert figures.samples.startswith("10 x ")
    assert figures.accuracy is not None
    assert figures.accuracy > 0.4


def test_what_cannot_be_loaded_is_raised() -> None:
    with pytest.raises(UsageError):
        measure("recogniser", "hibari")
