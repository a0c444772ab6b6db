"""How bare words are written, and written ones made bare."""

from __future__ import annotations

import numpy as np
import pytest
from tests.speech.doubles import Scripted

from offhook.speech.engines import Word
from offhook.speech.writing import Bare, Written, bare, punctuated, written


def words(text: str) -> list[Word]:
    return [Word(word, index, index + 0.5, 0.9 - index / 100) for index, word in enumerate(text.split())]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("four seven two one", "4721"),
        ("my number is four oh seven double two", "My number is 40722."),
        ("it costs forty nine dollars and ninety five cents", "It costs $49.95."),
        ("twenty dollars and a coffee", "$20 and a coffee."),
        ("three percent", "3%"),
        ("one hundred and five", "105"),
        ("twenty one two", "21 2"),
        ("can i call on monday", "Can I call on Monday?"),
        ("i want one please", "I want one please."),
        ("oh yes", "Oh yes."),
        ("yes", "Yes."),
        ("one", "1"),
        ("a b c", "A B C"),
        ("x", "X"),
        ("", ""),
    ],
)
def test_english(said: str, expected: str) -> None:
    assert " ".join(word.text for word in written(words(said))) == expected


@pytest.mark.parametrize(
    ("language", "said", "expected"),
    [
        ("es-MX", "cuesta treinta y cinco", "Cuesta 35"),
        ("fr", "quatre vingt dix sept", "97"),
        ("de", "ich habe fünfundzwanzig bücher", "Ich habe 25 bücher."),
        ("ja", "hai", "Hai."),
    ],
)
def test_numbers_of_other_languages(language: str, said: str, expected: str) -> None:
    assert " ".join(word.text for word in written(words(said), language)).rstrip(".") == expected.rstrip(".")


def test_a_number_of_several_words_takes_their_time_and_the_least_confidence() -> None:
    (number,) = written(words("four seven two"))
    assert (number.start, number.end, number.confidence) == (0, 2.5, pytest.approx(0.88))


def test_bare_words_have_no_punctuation() -> None:
    assert [word.text for word in bare(words("It's $49.95, — Mr. O'Neill!"))] == [
        "it's",
        "$49.95",
        "—",
        "mr",
        "o'neill",
    ]


def test_recognisers_are_wrapped_only_as_wanted() -> None:
    pcm = np.zeros(100, np.float32)
    engine = Scripted("Yes, please.", words=tuple(words("Yes, please.")))
    assert punctuated(engine, None) is engine
    assert punctuated(engine, True) is engine, "it punctuates by itself"
    plain = punctuated(engine, False)
    assert isinstance(plain, Bare)
    assert plain.transcribe(pcm, None).text == "yes please"
    assert Bare(Scripted("Yes, please.")).transcribe(pcm, None).text == "yes please"

    class Words(Scripted):
        punctuates = False

    spoken = punctuated(Words("four two"), True)
    assert isinstance(spoken, Written)
    assert spoken.transcribe(pcm, None).text == "42"
    assert (spoken.rate, spoken.languages, spoken.waits) == (8000, ("en",), False)
