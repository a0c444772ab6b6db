"""When each word of a sentence has been said, for engines that do not tell. Knows samples and text, and hibari's times.

English is laid beside hibari's reading of the same text, whose times are known, by dynamic time warping: what sounds
alike was said at the same time. Without hibari, in other languages, and where the two are too unlike, the letters and
the audible part of the sentence tell. `benchmarks/heard.py` measures both.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from ..audio import ulaw
from ..audio.resample import resample
from ..errors import OffhookError
from .edges import Edges
from .engines import Float32, Synthesiser, speaks
from .phrases import Part, Phrase, abilities, express
from .sentences import word_ends

Pairs = list[tuple[int, int]]
"""Counts of characters, and the samples at 8 kHz by which these have been said."""

_Floats = npt.NDArray[np.float64]

_HOP: Final = ulaw.RATE // 100
_WINDOW: Final = 3 * _HOP
_FFT: Final = 256
_BANDS: Final = 22
_CEPSTRA: Final = 8
#: Price of a step in which only one of the two goes on. Of 40 sentences by espeak-ng, at no moment of 38 was the
#: count of words more than one off; with 1 it was 33, with 0 18, with 14 33: it strays, or is too straight for a pause.
_STRAYING: Final = 3.0
#: Mean price of the path from which on the two are not the same words.
_UNLIKE: Final = 5.0
#: Letters a second, digits counted as words, beyond which nobody reads that text aloud: it is not worth comparing.
_SLOWEST: Final = 4.0
_FASTEST: Final = 30.0
#: Seconds above which it would take too long: the table grows with the square.
_LONGEST: Final = 20.0


class Reader(Protocol):
    """Reads a text aloud and knows when each word is over."""

    def __call__(self, text: str) -> tuple[Float32, Pairs]: ...


def timed(text: str, sound: Float32, language: str, reader: Reader | None = None) -> Pairs:
    """When the words of a sentence have been said.

    Args:
        text: As it was given to the engine.
        sound: What it made of it, 8 kHz, without the silence at both ends.
        language: BCP 47 tag of what was asked for.
        reader: Who reads it for comparison; hibari if not given.

    Returns:
        For the end of each word a pair, or for some of them; both values grow.
    """
    if not np.isfinite(sound).all():  # an engine's mistake, which must not end the sentence
        sound = np.nan_to_num(sound, posinf=0.0, neginf=0.0)
    pace = sum(map(_weight, text)) * ulaw.RATE / max(1, len(sound))
    readable = _SLOWEST <= pace <= _FASTEST and len(sound) <= _LONGEST * ulaw.RATE
    if readable and speaks(("en",), language or "?"):
        reading = reader or _hibari()
        pairs = reading and _compared(text, sound, reading)
        if pairs:
            return pairs
    return by_letters(text, sound)


def prepare(synthesiser: Synthesiser) -> None:
    """Load ahead what its sentences will be compared with, if they will be: or the first one would wait for it."""
    if speaks(synthesiser.languages, "en") and not abilities(synthesiser).timing:
        _hibari()


def by_letters(text: str, sound: Float32) -> Pairs:
    """As if each letter took the same share of the time in which there is voice."""
    ends = word_ends(text)
    block = ulaw.RATE // 50
    powers = np.square(sound[: len(sound) // block * block].reshape(-1, block)).mean(axis=1)
    if not len(powers) or not powers.max():
        return [(end, len(sound)) for end in ends]
    voiced = np.concatenate(((0,), np.cumsum(powers > powers.max() * 1e-3)))
    letters = np.concatenate(((0,), np.cumsum([_weight(letter) for letter in text])))
    shares = letters[ends] / max(int(letters[-1]), 1) * voiced[-1]
    samples = [min(int(np.searchsorted(voiced, share)) * block, len(sound)) for share in shares]
    return list(zip(ends, samples, strict=True))


def _weight(letter: str) -> int:
    """How many letters a character is read as: a digit is a word, and so, more often than not, is a sign of money."""
    if letter.isdigit() or letter in "$€£¥%&+@#":
        return 5
    return int(letter.isalnum())


@cache
def _hibari() -> Reader | None:
    """hibari as a reader; None if it is not there. Loads once, some 0.5 s and 80 MB."""
    from .adapters.hibari import Hibari

    lock = threading.Lock()
    try:
        hibari = Hibari()
    except OffhookError:
        return None

    def read(text: str) -> tuple[Float32, Pairs]:
        with lock:
            spoken = list(express(hibari, Phrase((Part(text),))))
        pcm = np.concatenate([np.zeros(0, np.float32), *(each.pcm for each in spoken)])
        scale = ulaw.RATE / hibari.rate
        edges = Edges()
        sound = edges.push(resample(pcm, hibari.rate, ulaw.RATE), last=True)
        times = [time for each in spoken for time in each.times]
        return sound, [(count, max(0, round(sample * scale) - edges.lead)) for count, sample in times]

    return read


def _compared(text: str, sound: Float32, reader: Reader) -> Pairs:
    """The reader's times, moved to where the same sounds are; empty if they are not the same words."""
    try:
        reading, pairs = reader(text)
    except OffhookError:
        return []
    if not pairs or not len(reading) or len(reading) > _LONGEST * ulaw.RATE:
        return []
    ours, theirs, price = _path(_features(reading), _features(sound))
    if price > _UNLIKE:
        return []
    frames, first = np.unique(ours, return_index=True)
    counts = np.diff(np.append(first, len(ours)))
    matched = np.add.reduceat(theirs, first) / counts  # the middle of what goes with each of our frames
    middle = _WINDOW / 2
    moved = np.interp([(sample - middle) / _HOP for _, sample in pairs], frames, matched) * _HOP + middle
    return [(count, min(round(float(at)), len(sound))) for (count, _), at in zip(pairs, moved, strict=True)]


def _features(sound: Float32) -> _Floats:
    """For each 10 ms the colour of the sound, alike for all voices, and its loudness. What is silent has no colour."""
    sound = np.pad(sound, (0, max(0, _WINDOW - len(sound))))
    frames = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP] * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(frames, _FFT)) ** 2 @ _bands().T
    energy = np.log(power + 1e-6 * power.max() + 1e-20)
    loud = energy.mean(axis=1)
    top = np.percentile(loud, 95)
    voice = np.clip((loud - (top - 7)) / 3, 0, 1)
    order = np.arange(1, _CEPSTRA + 1)[:, None]
    cepstra = energy @ np.cos(np.pi * order * (np.arange(_BANDS) + 0.5) / _BANDS).T
    voiced = cepstra[voice > 0.5]
    cepstra = (cepstra - voiced.mean(axis=0)) / (voiced.std(axis=0) + 1e-6)
    colour = cepstra * voice[:, None] * np.sqrt(12 / _CEPSTRA)
    return np.hstack([colour, 2 * np.clip((loud - top) / 2, -3.5, 1)[:, None]])


@cache
def _bands() -> _Floats:
    """Triangles of equal width in mel over the telephone's band."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (100, 3800))
    edges = 700 * (10 ** (np.linspace(low, high, _BANDS + 2) / 2595) - 1) * _FFT / ulaw.RATE
    bins = np.arange(_FFT // 2 + 1)
    rising = (bins - edges[:-2, None]) / np.maximum(edges[1:-1] - edges[:-2], 1)[:, None]
    falling = (edges[2:, None] - bins) / np.maximum(edges[2:] - edges[1:-1], 1)[:, None]
    bands: _Floats = np.clip(np.minimum(rising, falling), 0, None)
    return bands


def _path(ours: _Floats, theirs: _Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], float]:
    """The cheapest way through both from beginning to end: pairs of frames, and what a step costs on average."""
    rows, columns = len(ours), len(theirs)
    apart = np.square(ours).sum(axis=1)[:, None] + np.square(theirs).sum(axis=1) - 2 * ours @ theirs.T
    distance = np.sqrt(np.maximum(apart, 0))
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0
    step = np.zeros((rows + 1, columns + 1), np.int8)
    for diagonal in range(2, rows + columns + 1):  # its cells do not depend on each other
        i = np.arange(max(1, diagonal - columns), min(rows, diagonal - 1) + 1)
        j = diagonal - i
        here = distance[i - 1, j - 1]
        ways = np.stack(
            (total[i - 1, j - 1] + 2 * here, total[i - 1, j] + here + _STRAYING, total[i, j - 1] + here + _STRAYING)
        )
        step[i, j] = best = ways.argmin(axis=0)
        total[i, j] = ways[best, np.arange(len(i))]
    row, column = rows, columns
    path = []
    while row and column:
        path.append((row - 1, column - 1))
        way = step[row, column]
        row, column = row - (way != 2), column - (way != 1)
    pairs = np.asarray(path[::-1], np.int64)
    return pairs[:, 0], pairs[:, 1], float(total[rows, columns]) / (rows + columns)
