"""Whether words sound finished."""

from __future__ import annotations

import pytest

from offhook.speech.finality import Finality, finality


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("Yes.", None, "finished"), ("I would like to book a table.", "en-US", "finished"),
        ("What time is it?", "en", "finished"), ("Tomorrow,", "en", "finished"), ("Sí.", "es-MX", "finished"),
        ("My number is", "en", "open"), ("Monday and", "en", "open"), ("It is the", "en", "open"),
        ("You are currently caller number", "en", "open"), ("well...", "en", "open"), ("Mi nombre es", "es", "open"),
        ("Four, two, six, six.", "en", "digits"), ("555 1234", "en", "digits"), ("B, C, D.", "en", "digits"),
        ("five five five", "en", "open"), ("acht drei", "de", "open"), ("alpha, bravo, charlie.", "en", "digits"),
        ("Three.", "en", "unsure"), ("42.", "en", "unsure"), ("", None, "unsure"), ("Agent login.", "en", "unsure"),
        ("You are entering conference number.", "en", "digits"), ("It rings at extensions.", "en", "digits"),
        ("To leave a message, dial a number.", "en", "digits"), ("There are more than.", "en", "open"),
        ("Is it an invalid number?", "en", "finished"), ("You dialled the wrong extension?", "en", "finished"),
        ("To mute yourself.", "en", "digits"), ("To mute yourself, press the key.", "en", "finished"),
        ("Yes, I am.", "en", "finished"), ("No, they have.", "en", "finished"), ("Yes, my name is.", "en", "open"),
        ("Where are you from?", "en", "unsure"), ("Well, I have.", "en", "open"), ("Let me see.", "en", "open"),
        ("I'd like.", "en", "open"), ("John dot", "en", "open"), ("Hold on.", "en", "open"),
        ("If this is correct.", "en", "open"), ("If I may, yes.", "en", "finished"),
        ("If this is correct. Then do it.", "en", "finished"), ("I am here. To mute yourself.", "en", "digits"),
        ("Wenn ich das darf.", "de", "open"),
        ("Para pagar mi cuenta.", "es", "digits"), ("When is it open?", "en", "finished"),
        ("9.6.0.", "en", "open"), ("At 9.30 or so.", "en", "finished"), ("five five five one two", "en", "digits"),
        ("555 123 4567", "en", "unsure"), ("4111 1111 1111 1111", "en", "unsure"),
        ("dobrý den", "cs", "unsure"), ("I think so", "en", "unsure"),
    ],
)  # fmt: skip
def test_finality(text: str, language: str | None, found: Finality) -> None:
    assert finality(text, language) == found


def test_what_was_hardly_understood_is_not_taken_for_finished() -> None:
    assert finality("I would like to book a table.", "en", 0.5) == "unsure"
    assert finality("My number is", "en", 0.5) == "open"


@pytest.mark.parametrize(("text", "sounds"), [("No.", "digits"), ("Nope", "digits"), ("Yes.", "finished")])
def test_a_bare_no_is_often_gone_on_from(text: str, sounds: str) -> None:
    """ "No, tomorrow at ten", with a pause behind the first word, as the caller of the demo says it."""
    assert finality(text) == sounds
