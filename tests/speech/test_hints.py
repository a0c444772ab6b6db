"""What was recognised, compared with what was likely to be said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from tests.speech.doubles import Scripted

from offhook.speech.engines import Word
from offhook.speech.hints import corrected, hinted


def words(text: str) -> list[Word]:
    return [Word(word, index, index + 1, 0.9) for index, word in enumerate(text.split())]


@pytest.mark.parametrize(
    ("heard", "hints", "expected"),
    [
        ("I live in Ash Ford.", ["Ashford"], "I live in Ashford."),
        ("River street look, please", ["River Street Books"], "River Street Books, please"),
        ("Is Kaitlin there?", ["Caitlin"], "Is Caitlin there?"),
        ("an agent please", ["River Street Books", "Ashford"], "an agent please"),
        ("Ashfort and Ash Ford", ["Ashford"], "Ashford and Ashford"),
        ("C 74 19", ["C7419"], "C7419"),
        ("", ["Ashford"], ""),
        ("yes", [""], "yes"),
    ],
)
def test_what_resembles_a_hint_becomes_it(heard: str, hints: list[str], expected: str) -> None:
    assert " ".join(word.text for word in corrected(words(heard), hints)) == expected


def test_times_stay_in_order_and_within_the_run() -> None:
    fixed = corrected(words("at riverstreet books now"), ["River Street Books"])
    assert [(word.text, word.start, word.end) for word in fixed] == [
        ("at", 0, 1),
        ("River", 1, pytest.approx(5 / 3)),
        ("Street Books", pytest.approx(5 / 3), 3),
        ("now", 3, 4),
    ]


def test_engines_that_take_hints_get_them() -> None:
    class Primed(Scripted):
        def hinted(self, hints: Sequence[str]) -> Primed:
            return Primed(f"primed with {hints[0]}")

    pcm = np.zeros(10, np.float32)
    assert hinted(Primed(), ["Ashford"]).transcribe(pcm, None).text == "primed with Ashford"
    assert hinted(Scripted("Ash Ford"), ["Ashford"]).transcribe(pcm, None).text == "Ashford"
    strict = hinted(Scripted("Ashfort"), ["Ashford"], close=0.99)
    assert strict.transcribe(pcm, None).text == "Ashfort"
