"""Words laid over the voiced part of an utterance."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.speech.wordtimes import spread

RATE = 8000


def sound(*stretches: tuple[float, float]) -> np.ndarray:
    """Noise of so many seconds and so much amplitude, one after another."""
    random = np.random.default_rng(3)
    pieces = [random.uniform(-1, 1, round(seconds * RATE)) * amplitude for seconds, amplitude in stretches]
    return np.concatenate(pieces).astype(np.float32)


def test_words_get_time_by_their_length() -> None:
    times = spread(["to", "be,", "together"], sound((0.5, 0), (1.2, 0.1), (0.5, 0)), RATE)
    assert times == [pytest.approx(span) for span in [(0.5, 0.7), (0.7, 0.9), (0.9, 1.7)]]


def test_pauses_belong_to_no_word() -> None:
    times = spread(["four", "five"], sound((0.4, 0.1), (1.0, 0.0001), (0.4, 0.1)), RATE)
    assert times == [pytest.approx(span) for span in [(0.0, 0.4), (1.4, 1.8)]]


def test_nothing_gives_nothing() -> None:
    assert spread([], sound((1, 0.1)), RATE) == []
    assert spread(["word"], np.zeros(0, np.float32), RATE) == [(0.0, 0.0)]


@given(
    st.lists(st.text(max_size=12), min_size=1, max_size=40),
    st.lists(st.tuples(st.floats(0.001, 1.0), st.sampled_from([0.0, 0.001, 0.1, 1.0])), min_size=1, max_size=6),
    st.sampled_from([8000, 16000]),
)
def test_times_increase_and_stay_within_the_audio(
    words: list[str], stretches: list[tuple[float, float]], rate: int
) -> None:
    pcm = sound(*stretches)
    times = spread(words, pcm, rate)
    assert len(times) == len(words)
    assert times[0][0] >= 0
    assert times[-1][1] <= len(pcm) / rate + 1e-9
    assert all(start < end for start, end in times)
    assert all(first[1] <= second[0] + 1e-9 for first, second in itertools.pairwise(times))
