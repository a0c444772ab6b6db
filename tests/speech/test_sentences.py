"""Where sentences end, in one text or as it comes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.speech.sentences import LONG, SentenceStream, mended, sentences, split, word_ends

TEXTS = [
    (
        "en",
        ["Hello there. ", "Dr. Smith pays $3.50 at 3 p.m. today! ", 'He said "Why?" and left. ', "The U.S. is big. "],
    ),
    ("en", ["It costs 3.5 euros. ", "ok? ", "1. First item. ", "Wait... what? ", "Done now"]),
    ("de", ["Am 3. März kommt Dr. Müller. ", "Er sagt z. B. ja. ", "Gut."]),
    ("fr", ["Bonjour M. Dupont. ", "Ça va ? ", "Oui."]),
    ("es", ["¿Qué tal? ", "¡Hola! ", "El Sr. López vive aquí."]),
    ("ja", ["こんにちは。", "元気ですか？", "はい。"]),
    ("zh", ["你好。", "你是谁？", "我是小王！"]),
    ("hi", ["नमस्ते। ", "आप कैसे हैं?"]),
    ("ar", ["مرحبا. ", "كيف حالك؟ ", "جيد."]),
]


@pytest.mark.parametrize(("language", "expected"), TEXTS)
def test_a_text_is_cut_into_its_sentences(language: str, expected: list[str]) -> None:
    assert split("".join(expected), language) == expected
    assert sentences("".join(expected), language) == [sentence.strip() for sentence in expected]


@pytest.mark.parametrize(("language", "expected"), TEXTS)
@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_stream_gives_the_same_sentences(language: str, expected: list[str], size: int) -> None:
    text, stream, out = "".join(expected), SentenceStream(language), []
    for at in range(0, len(text), size):
        out += stream.push(text[at : at + size])
    assert out + stream.end() == expected


@pytest.mark.parametrize(
    ("text", "ready"),
    [
        ("Hello there. ", ["Hello there. "]),
        ("Really?! ", ["Really?! "]),
        ("Hello there.", []),
        ("It costs 3.", []),
        ("It costs 3. ", []),
        ("I met Dr. ", []),
        ("好。", ["好。"]),
        ("「好。", []),
        ('He said "No." ', []),
    ],
)
def test_a_sentence_is_given_as_soon_as_it_is_certain(text: str, ready: list[str]) -> None:
    assert SentenceStream("zh" if "好" in text else "en").push(text) == ready


def test_text_without_an_end_is_cut_at_a_comma_or_a_space() -> None:
    stream = SentenceStream("en")
    pieces = stream.push("well, you see " * 40)
    assert pieces
    assert all(len(piece) <= LONG for piece in pieces)
    assert all(piece.endswith((", ", " ")) for piece in pieces)
    assert SentenceStream("en").push("x" * 600) == ["x" * LONG] * 2


ANY = st.text(st.sampled_from("ab.!? \n1,。」「é'\"D"), max_size=60)


@settings(deadline=None)
@given(ANY, st.integers(1, 9), st.sampled_from(["en", "ja", "de", "xx"]))
def test_no_letter_gets_lost_or_made_up(text: str, size: int, language: str) -> None:
    assert "".join(split(text, language)) == text
    stream = SentenceStream(language, longest=20)
    out = [sentence for at in range(0, len(text), size) for sentence in stream.push(text[at : at + size])]
    assert "".join(out + stream.end()).strip() == text.strip()


def test_words_end_at_spaces_and_behind_each_ideograph() -> None:
    assert word_ends("Hello you, 3.5! ") == [5, 10, 15]
    assert word_ends("你好。再见 ok") == [1, 3, 4, 5, 8]
    assert word_ends("  ") == []


def test_what_nobody_can_say_is_replaced_and_takes_as_much_room() -> None:
    assert mended("a\0b \ud83d 🙂") == "a\ufffdb \ufffd 🙂"
