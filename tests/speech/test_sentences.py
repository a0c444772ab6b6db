"""Where sentences end, in whole text and in text that comes in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.speech.sentences import SentenceStream, sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello there. It costs 3.50 now!", ["Hello there.", "It costs 3.50 now!"]),
        ('J. Smith said "no." Right? yes', ['J. Smith said "no."', "Right?", "yes"]),
        ("Wait... what?!", ["Wait...", "what?!"]),
        ("One\n\ntwo", ["One", "two"]),
        ("  ", []),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_stream_gives_sentences_as_soon_as_they_are_certain() -> None:
    stream = SentenceStream()
    got = [stream.push(piece) for piece in ("It costs 3", ".", "50. And", " then. ", "Go", "!")]
    assert got == [[], [], ["It costs 3.50."], [], ["And then."], []]
    assert stream.rest() == "Go!"
    assert stream.rest() == ""


@given(st.lists(st.text(alphabet="ab .!?3\n", max_size=8), max_size=12))
def test_no_word_is_lost_or_said_twice_however_it_is_cut(pieces: list[str]) -> None:
    stream = SentenceStream()
    got = [sentence for piece in pieces for sentence in stream.push(piece)] + [stream.rest()]
    assert " ".join(got).split() == "".join(pieces).split()
