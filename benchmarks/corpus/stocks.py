"""What callers' turns are put together from: recordings, sorted by what they are good for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from offhook.audio import ulaw
from offhook.speech.engines import Float32
from offhook.testing.recordings import Recordings

Clips = Callable[[str], Float32]
"""Gives a recording by its key: 8 kHz, from its first sound to its last."""


@dataclass(frozen=True)
class Stock:
    """One person's recordings, or what is to pass for that. All but `clip` are keys.

    Attributes:
        clip: Gives each of them.
        short: Answers of a word or three.
        sentences: Whole sentences, some with another behind.
        single: Of those, the ones that are one sentence.
        openers: What somebody says before stopping to think.
        letters: Single letters, or words of the spelling alphabet.
    """

    clip: Clips
    short: Sequence[str]
    sentences: Sequence[str]
    single: Sequence[str]
    openers: Sequence[str]
    letters: Sequence[str]


def clips_of(recordings: Recordings) -> Clips:
    """The prompts, each read once."""
    return cache(lambda key: ulaw.to_float(recordings.phrase(key)[0]))
