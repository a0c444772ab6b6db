"""Which words of a text a caller has heard, by samples."""

from __future__ import annotations

import pytest

from offhook.bots.saying import Saying
from offhook.speech.rendering import Piece


def saying(*pieces: tuple[str, int], complete: bool = False) -> Saying:
    made = Saying("".join(text for text, _ in pieces), "", frozenset())
    made.start = made.end = 5000
    for text, samples in pieces:
        made.add(Piece(bytes(samples), text))
    made.complete = complete
    return made


def test_text_of_which_no_sound_was_made_was_not_heard() -> None:
    assert saying(("One two.", 0), complete=True).heard(0) == ""


@pytest.mark.parametrize(
    ("samples", "heard"),
    [
        (-5, ""),
        (0, ""),
        (4000, "One two"),
        (8000, "One two three."),
        (8001, "One two three."),
        (12_000, "One two three. Four"),
        (16_000, "One two three. Four five."),
    ],
)
def test_words_count_once_they_are_over(samples: int, heard: str) -> None:
    whole = saying(("One two three. ", 4000), ("", 4000), ("Four five.", 8000), complete=True)
    assert whole.heard(samples) == heard
    assert whole.length == 16_000


def test_all_that_was_made_is_not_all_that_was_to_be_said() -> None:
    begun = Saying("One. Two.", "", frozenset())
    begun.add(Piece(bytes(100), "One. "))
    assert begun.heard(100) == "One."
    begun.add(Piece(bytes(100), "Two."))
    begun.complete = True
    assert begun.heard(200) == "One. Two."


def test_words_that_come_behind_their_audio_belong_to_it() -> None:
    growing = Saying(None, "", frozenset())
    growing.add(Piece(bytes(4000)))
    growing.add(Piece(b"", "One ", joins=True))
    growing.add(Piece(bytes(4000)))
    growing.add(Piece(b"", "two.", joins=True))
    assert growing.text == "One two."
    assert [growing.heard(samples) for samples in (0, 4000, 8000)] == ["", "One", "One two."]
    growing.add(Piece(b"", times=((3, 6000), (8, 7500))))
    assert [growing.heard(samples) for samples in (5999, 6000, 7500)] == ["", "One", "One two."]


def test_sound_has_no_words() -> None:
    assert saying(("", 8000), complete=True).heard(4000) == ""
    assert Saying("", "", frozenset()).heard(0) == ""
