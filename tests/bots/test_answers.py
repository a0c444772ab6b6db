"""What counts as an answer."""

from __future__ import annotations

import pytest

from offhook.bots import YES_NO
from offhook.bots.answers import acceptor, digits_of, is_all_of
from offhook.errors import UsageError

MENU = {"sales": ["buy", "new order"], "support": ["help", "broken"], "3": ["something else"]}


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Sales.", "sales"), ("I'd like to buy something", "sales"), ("a NEW order, please", "sales"),
        ("suport", "support"), ("Three", "3"), ("number 3", "3"), ("a bicycle", None), ("", None),
        ("sales or something else", "3"), ("order new", None),
    ],
)  # fmt: skip
def test_choices(said: str, answer: str | None) -> None:
    assert acceptor(MENU)(said) == answer


def test_two_choices_that_fit_alike_are_none() -> None:
    assert acceptor(["tea", "ale"])("tea or ale") is None


@pytest.mark.parametrize(
    ("language", "said", "answer"),
    [("en", "Yeah, that's right", "yes"), ("en", "No.", "no"), ("es", "Sí, claro", "yes"), ("de", "nein danke", "no")],
)
def test_yes_and_no(language: str, said: str, answer: str) -> None:
    assert acceptor(YES_NO[language])(said) == answer


def test_a_function_decides_and_nothing_takes_everything() -> None:
    assert acceptor(lambda text: text.upper())("x") == "X"
    assert acceptor(None)("anything") == "anything"
    assert acceptor(None)("") is None


@pytest.mark.parametrize("choices", [[], {}, "yes"])
def test_choices_that_are_none(choices: object) -> None:
    with pytest.raises(UsageError):
        acceptor(choices)  # type: ignore[arg-type]


def test_all_that_is_waited_for() -> None:
    accept = acceptor(MENU)
    assert is_all_of(accept, "Sales, please")
    assert not is_all_of(accept, "Sales, and then I have a question")


def test_digits() -> None:
    assert digits_of("It's five five, 12 oh.") == "55120"
