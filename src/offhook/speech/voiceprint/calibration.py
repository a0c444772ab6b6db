"""From how alike two voices are to what that means: thresholds and a probability, measured on recorded voices.

The figures are those of `benchmarks/voiceprint.py` on 26 voices over mu-law at 8 kHz (6 people, 20 synthetic voices of
Kokoro; 2.5 to 5 s of voice in an utterance). They are on the kind side: one channel and one session for each voice, and
most of the people differ in language too. Noise and echo that were not there at the enrolment make everybody less like
themselves (0.92 falls to 0.72), so a voice is rejected only far below where the two kinds part. Run the benchmark on
recordings of your own callers before you lean on a threshold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where genuine speakers and others part, for templates of so many utterances.

    Attributes:
        middle: Likeness at which both kinds of error are equally frequent.
        error: How frequent, 0 to 1: the equal error rate.
        accept: From here on, a voice is taken for the speaker's.
        reject: Below, it is taken for somebody else's. Between the two is doubt.
    """

    middle: float
    error: float
    accept: float
    reject: float


BY_UTTERANCES: Final = {
    1: Threshold(0.77, 0.025, accept=0.81, reject=0.60),
    3: Threshold(0.825, 0.008, accept=0.84, reject=0.62),
}
_SLOPE: Final = 50.0
"""Of the logistic curve through the measured scores; likeness 0.02 beside `middle` is odds of e to one."""


def threshold(utterances: int) -> Threshold:
    """The one for a template of so many utterances."""
    return BY_UTTERANCES[3 if utterances >= 3 else 1]


def probability(likeness: float, utterances: int) -> float:
    """That it is the speaker, if half of those who claim to be are: 0 to 1."""
    return 1.0 / (1.0 + math.exp(-_SLOPE * (likeness - threshold(utterances).middle)))


def equal_error(genuine: Scores, others: Scores) -> tuple[float, float]:
    """The equal error rate of two sets of scores.

    Returns:
        The rate, 0 to 1, and the score at which misses and false acceptances are equally frequent.
    """
    scores = np.sort(np.concatenate([genuine, others]))
    missed = np.searchsorted(np.sort(genuine), scores) / len(genuine)
    admitted = 1.0 - np.searchsorted(np.sort(others), scores) / len(others)
    best = int(np.abs(missed - admitted).argmin())
    return float(missed[best] + admitted[best]) / 2.0, float(scores[best])
