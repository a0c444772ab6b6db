"""Whether somebody said the words that were asked for: as good as a recogniser hears over a telephone, not better."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

#: Share of the words that may be wrong: Moonshine's word error rate on telephone prompts is 6 %, on short ones more.
TOLERANCE: Final = 0.25


def same_words(wanted: str, heard: str) -> bool:
    """Whether what was heard is the phrase, in that order, give or take a word in four and letters in a word."""
    want, got = _words(wanted), _words(heard)
    if not want or not got:
        return False
    return _distance(want, got) <= TOLERANCE * len(want)


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(
        r"[^\W_]+", "".join(letter for letter in plain if not unicodedata.combining(letter)).replace("'", "")
    )


def _distance(want: list[str], got: list[str]) -> float:
    """Word edit distance; one word for another costs as much as their letters differ."""
    row = [float(count) for count in range(len(got) + 1)]
    for word in want:
        before, row[0] = row[0], row[0] + 1
        for at, other in enumerate(got, 1):
            least = min(row[at] + 1, row[at - 1] + 1, before + _unlike(word, other))
            before, row[at] = row[at], least
    return row[-1]


def _unlike(word: str, other: str) -> float:
    """0 for the same word, 1 for another one; between for one letter in four or fewer that differ."""
    if word == other:
        return 0.0
    row = list(range(len(other) + 1))
    for letter in word:
        before, row[0] = row[0], row[0] + 1
        for at, its in enumerate(other, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (letter != its))
    share = row[-1] / max(len(word), len(other))
    return share if share <= 0.25 else 1.0
