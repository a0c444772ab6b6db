"""What counts as an answer to a question: choices, found in what the caller said.

Words are compared as they are spoken: without case and punctuation, numbers as digits. It knows no call and no engine.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from ..errors import UsageError

Accept = Callable[[str], str | None]
"""Takes what was said and returns the answer that it is; None if it is none."""

Choices = Mapping[str, Iterable[str]] | Iterable[str] | Accept
"""Answers, each with the ways to say it; or just the answers; or a function."""

YES_NO: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "en": {
        "yes": (
            "yes",
            "yeah",
            "yep",
            "yup",
            "sure",
            "correct",
            "that's right",
            "right",
            "please do",
            "okay",
            "ok",
        ),
        "no": ("no", "nope", "nah", "wrong", "incorrect", "not really", "don't"),
    },
    "es": {"yes": ("sí", "si", "claro", "correcto", "vale", "de acuerdo"), "no": ("no", "incorrecto")},
    "fr": {"yes": ("oui", "ouais", "d'accord", "exact", "bien sûr"), "no": ("non", "pas du tout")},
    "it": {"yes": ("sì", "si", "certo", "esatto", "va bene", "d'accordo"), "no": ("no", "per niente")},
    "de": {"yes": ("ja", "jawohl", "genau", "richtig", "gerne", "stimmt"), "no": ("nein", "nö", "falsch")},
}
"""Choices for questions that are answered yes or no, by language."""

_SAME: Final = 0.8  # of two words that are taken for one: recognisers mishear a sound in ten
_SHORT: Final = 4  # letters; shorter words must be the same
_NUMBERS: Final = {
    word: str(number)
    for words in (
        "zero one two three four five six seven eight nine ten eleven twelve",
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez",
        "zéro un deux trois quatre cinq six sept huit neuf dix",
        "null eins zwei drei vier fünf sechs sieben acht neun zehn",
    )
    for number, word in enumerate(words.split())
} | {"oh": "0", "zwo": "2", "ein": "1", "eine": "1"}


def acceptor(choices: Choices | None) -> Accept:
    """A function that finds the answer. Without choices, whatever was said is one.

    The choice that takes the most of what was said wins; if two choices fit equally well, none is taken.

    Raises:
        UsageError: There are no choices, or they are a text.
    """
    if choices is None:
        return lambda text: text or None
    if callable(choices):
        return choices
    if isinstance(choices, str):
        raise UsageError(f"choices are a list or a mapping, not a text: [{choices!r}]")
    ways = {
        answer: [_words(way) for way in (answer, *said)]
        for answer, said in (choices.items() if isinstance(choices, Mapping) else ((choice, ()) for choice in choices))
    }
    if not ways:
        raise UsageError("a question needs choices, or None to take whatever is said")
    return lambda text: _find(_words(text), ways)


def is_all_of(accept: Accept, text: str) -> bool:
    """Whether a text is an answer and not much besides, so that nothing more need be waited for."""
    return accept(text) is not None and len(_words(text)) <= 3


def digits_of(text: str) -> str:
    """The digits that were said one by one or in groups: "five five, 1 2" gives 5512; other words are passed over."""
    return "".join(word for word in _words(text) if word.isdigit())


def _words(text: str) -> list[str]:
    words = re.findall(r"[\w']+", text.lower().replace("\u2019", "'").replace("-", " "))
    return [_NUMBERS.get(word, word) for word in words]


def _find(said: list[str], ways: Mapping[str, list[list[str]]]) -> str | None:
    scores = {answer: max(_score(said, way) for way in each) for answer, each in ways.items()}
    best = max(scores.values())
    winners = [answer for answer, score in scores.items() if score == best]
    return winners[0] if best > 0 and len(winners) == 1 else None


def _score(said: list[str], way: list[str]) -> float:
    """Letters of the way of saying it that are found, words in their order and together; 0 if one is missing."""
    best = 0.0
    for at in range(len(said) - len(way) + 1):
        likeness = [_alike(word, wanted) for word, wanted in zip(said[at:], way, strict=False)]
        if way and all(likeness):
            best = max(best, sum(len(word) * like for word, like in zip(way, likeness, strict=True)))
    return best


def _alike(word: str, wanted: str) -> float:
    if word == wanted:
        return 1.0
    if min(len(word), len(wanted)) < _SHORT or word.isdigit() or wanted.isdigit():
        return 0.0
    ratio = difflib.SequenceMatcher(None, word, wanted).ratio()
    return ratio if ratio >= _SAME else 0.0
