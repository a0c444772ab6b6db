"""Silence at the ends of a sentence is cut, and nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from offhook.speech.edges import LEAD, TAIL, Edges

VOICE = (0.2 * np.sin(2 * np.pi * 200 * np.arange(4000) / 8000)).astype(np.float32)


def silence(samples: int) -> np.ndarray:
    return np.zeros(samples, np.float32)


def cut(sound: np.ndarray, sizes: list[int]) -> tuple[np.ndarray, int]:
    edges, out, at = Edges(), [], 0
    for size in sizes:
        out.append(edges.push(sound[at : at + size]))
        at += size
    out.append(edges.push(sound[at:], last=True))
    return np.concatenate(out), edges.lead


@given(st.integers(0, 4000), st.integers(0, 4000), st.integers(0, 4000), st.lists(st.integers(0, 3000), max_size=8))
def test_margins_stay_and_pauses_within_do(before: int, between: int, behind: int, sizes: list[int]) -> None:
    sound = np.concatenate((silence(before), VOICE, silence(between), VOICE, silence(behind)))
    out, lead = cut(sound, sizes)
    assert before - LEAD - 80 <= lead <= max(0, before - LEAD + 80)
    end = len(sound) - behind
    assert np.array_equal(out, sound[lead : lead + len(out)]), "what is left is the sound itself"
    assert min(end + TAIL, len(sound)) - 160 <= lead + len(out) <= min(end + TAIL + 160, len(sound))


def test_silence_alone_leaves_nothing() -> None:
    out, _ = cut(silence(8000), [1000, 1000])
    assert len(out) <= TAIL


def test_voice_is_given_on_at_once() -> None:
    edges = Edges()
    assert len(edges.push(np.concatenate((silence(2000), VOICE)))) == LEAD + len(VOICE)
    assert len(edges.push(silence(2000))) == 0, "it may be the end"
    assert len(edges.push(VOICE)) == 2000 + len(VOICE)
