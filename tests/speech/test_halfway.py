"""Where a sentence is cut that an engine left half said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.speech.halfway import Halfway, Pace, unsaid

RATE = 8000


def word(seconds: float = 0.3) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * 400 * time)).astype(np.float32)


GAP = np.zeros(round(0.06 * RATE), np.float32)


def given_out(halfway: Halfway, pieces: list[np.ndarray], *, cut: bool) -> np.ndarray:
    out = [chunk for piece in pieces for chunk in halfway.push(piece)]
    out += halfway.cut() if cut else halfway.rest()
    return np.concatenate(out) if out else np.zeros(0, np.float32)


@given(st.lists(st.integers(0, 9000), max_size=6))
def test_a_whole_sentence_comes_out_as_it_went_in(sizes: list[int]) -> None:
    pieces = [np.random.default_rng(size).standard_normal(size).astype(np.float32) for size in sizes]
    whole = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    assert np.array_equal(given_out(Halfway(RATE), pieces, cut=False), whole)


def test_a_word_half_said_is_taken_back_to_the_gap_before_it() -> None:
    sound = np.concatenate([word(), GAP, word(), GAP, word(0.1)])
    out = given_out(Halfway(RATE), [sound], cut=True)
    ends = len(word()) * 2 + len(GAP)
    assert ends <= len(out) <= ends + len(GAP)


def test_the_cut_makes_no_click() -> None:
    out = given_out(Halfway(RATE), [word(1.0)], cut=True)
    assert abs(float(out[-1])) < 0.02


def test_the_words_that_are_left_follow_from_the_voice() -> None:
    pace = Pace()
    pace.learn("twelve letters", 1.0)  # 13 a second
    text = "alpha bravo charlie delta echo"
    assert unsaid(text, 0.0, pace) == text
    assert unsaid(text, 10 / 13, pace) == "charlie delta echo"
    assert unsaid(text, 12 / 13, pace) == "charlie delta echo"
    assert unsaid(text, 15 / 13, pace) == "delta echo"
    assert unsaid(text, 9.0, pace) == ""


def test_a_pace_is_learned_and_reasonable_before() -> None:
    pace = Pace()
    assert 12 < pace.letters_a_second < 18
    pace.learn("x" * 30, 1.0)
    pace.learn("x" * 10, 1.0)
    pace.learn("ignored", 0.0)
    assert pace.letters_a_second == pytest.approx(20)
