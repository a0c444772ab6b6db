"""Callers' turns, put together from recorded prompts: short answers, sentences, numbers with pauses, thinking aloud.

All of it is one woman's reading (Debian's Asterisk prompts, `make recordings`), so it is cleaner than callers are; the
pauses, the noise, the coughs and the order are made here, from a seed, and all of it passes a telephone's band of 200
to 3500 Hz. Sentences (4 to 14 words), short answers and beginnings of thoughts are in one half of the corpus only,
digits and letters in both: what was tuned on `dev` is measured on `test`. Words were added to the rules after `test`
had been looked at, so it is no proof any more; `fresh` is other recordings, some of other people, see there.

Of twelve turns three are short answers, four sentences, two numbers; one is thought aloud, one sentence is broken by a
pause, one is spelled. Pauses within numbers, between groups, are log-normal with a median of 0.30 s, 0.10 to 0.90 s;
while thinking ("the last caller was ... Monday") uniform from 0.4 to 1.1 s; within a sentence 0.15 to 0.45 s.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from offhook.audio import ulaw
from offhook.speech.engines import Float32
from offhook.testing import noise
from offhook.testing.recordings import Recordings

from . import fresh
from .stocks import Stock, clips_of

RATE = ulaw.RATE
Condition = tuple[str, Callable[[int, np.random.Generator], Float32] | None, float]
SHORT = [
    *(f"digits/day-{n}" for n in range(7)), *(f"digits/mon-{n}" for n in range(12)),
    *(f"digits/{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 50)),
    "digits/today", "digits/tomorrow", "digits/yesterday", "cancelled", "hello", "goodbye", "auth-thankyou",
    "im-sorry", "please-try-again", "one-moment-please", "do-not-disturb", "call-waiting", "hours", "minutes",
]  # fmt: skip
OPENERS = [
    "privacy-to-blacklist-last-caller", "queue-thereare", "conf-thereare", "queue-holdtime", "if-correct-press",
    "vm-num-i-have", "vm-onefor-full", "vm-duration", "conf-enteringno", "vm-from-extension", "confbridge-mute-in",
    "confbridge-inc-list-vol-in", "at-tone-time-exactly", "queue-quantity1", "vm-theperson", "followme/call-from",
    "vm-from-phonenumber", "confbridge-leave-in", "confbridge-menu-exit-in", "confbridge-remove-last-in",
]  # fmt: skip
GROUPS = [(3, 4), (3, 3, 4), (4, 4, 4, 4), (2, 2, 2, 2), (3, 3), (5,), (4,)]
LETTERS = [f"letters/{c}" for c in "abcdefghijklmnopqrstuvwxyz"] + [f"phonetic/{c}_p" for c in "abcdefghijklmnop"]
CONDITIONS = [("quiet", None, 0.0), ("pink", noise.pink, 25.0), ("pink", noise.pink, 18.0), ("car", noise.car, 15.0)]
SEEDS = {"dev": 1, "test": 2, "fresh": 3}
HARSH = [("pink", noise.pink, 12.0), ("car", noise.car, 8.0)]


@dataclass(frozen=True)
class Turn:
    """One turn of the caller: `start` to `end` in samples, from the first sound to the last."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Session:
    """One caller. `audio` is mu-law; `disturbances` are coughs and clicks, as (start, end)."""

    condition: str
    audio: bytes
    turns: tuple[Turn, ...]
    disturbances: tuple[tuple[int, int], ...]


def half(key: str) -> str:
    return "dev" if zlib.crc32(key.encode()) % 2 else "test"


def stock(recordings: Recordings, part: str) -> Stock:
    """What one half of the corpus has."""
    sentences = [
        key
        for key, clip in sorted(recordings.clips.items())
        if half(key) == part and 4 <= len(clip.text.split()) <= 14 and re.search(r"[^.][.!?]$", clip.text)
    ]
    return Stock(
        clips_of(recordings),
        short=[key for key in SHORT if half(key) == part],
        sentences=sentences,
        single=[key for key in sentences if not re.search(r"[.!?] ", recordings.clips[key].text)],
        openers=[key for key in OPENERS if half(key) == part],
        letters=LETTERS,
    )


class Maker:
    """Makes sessions of one caller after the other, the first of whom comes back after the last.

    Args:
        callers: What they say.
        seed: Of all that is left to chance.
    """

    def __init__(self, callers: Sequence[Stock], seed: int) -> None:
        self._callers = callers
        self._seed = seed

    def sessions(self, count: int, conditions: Sequence[Condition]) -> list[Session]:
        """So many sessions; each needs nothing of the others."""
        return [
            _Caller(self._callers[n % len(self._callers)]).session(
                np.random.default_rng([self._seed, n]), conditions[n % len(conditions)]
            )
            for n in range(count)
        ]


class _Caller:
    """Says twelve turns."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._clip = stock.clip

    def session(self, rng: np.random.Generator, condition: Condition) -> Session:
        name, colour, snr = condition
        parts: list[Float32] = [_silence(1.5)]
        at = len(parts[0])
        turns: list[Turn] = []
        disturbances: list[tuple[int, int]] = []
        gain = 10 ** (rng.uniform(-10, 0) / 20)
        kinds: list[Callable[[np.random.Generator], Float32]] = [
            self._short, self._short, self._short, self._sentence, self._sentence, self._sentence, self._sentence,
            self._number, self._number, self._thinking, self._broken, self._letters,
        ]  # fmt: skip
        for index in rng.permutation(len(kinds)):
            sound = kinds[index](rng)
            turns.append(Turn(kinds[index].__name__.strip("_"), at, at + len(sound)))
            gap = _silence(rng.uniform(2.2, 3.5))
            if rng.random() < 0.5:
                extra = noise.cough(rng) if rng.random() < 0.5 else noise.click(rng)
                where = int(rng.uniform(1.3, 1.5) * RATE)
                extra = extra[: len(gap) - where] * np.float32(rng.uniform(0.1, 0.4))
                gap[where : where + len(extra)] += extra
                disturbances.append((at + len(sound) + where, at + len(sound) + where + len(extra)))
            parts += [sound, gap]
            at += len(sound) + len(gap)
        pcm = np.concatenate(parts) * np.float32(gain)
        if colour is not None:
            level = noise.speech_level(noise.telephone(pcm)) * 10 ** (-snr / 20)
            sound = noise.telephone(colour(len(pcm), rng))
            pcm = pcm + sound * np.float32(level / np.sqrt(np.square(sound).mean()))
        label = f"{name} {snr:g} dB" if colour else name
        return Session(label, ulaw.from_float(noise.telephone(pcm)), tuple(turns), tuple(disturbances))

    def _short(self, rng: np.random.Generator) -> Float32:
        return self._clip(self._stock.short[rng.integers(len(self._stock.short))])

    def _sentence(self, rng: np.random.Generator) -> Float32:
        return self._clip(self._stock.sentences[rng.integers(len(self._stock.sentences))])

    def _number(self, rng: np.random.Generator) -> Float32:
        groups = GROUPS[rng.integers(len(GROUPS))]
        parts: list[Float32] = []
        for index, size in enumerate(groups):
            if index:
                parts.append(_silence(float(np.clip(rng.lognormal(np.log(0.30), 0.45), 0.1, 0.9))))
            for place in range(size):
                if place:
                    parts.append(_silence(rng.uniform(0.03, 0.15)))
                parts.append(self._clip(f"digits/{rng.integers(10)}"))
        return np.concatenate(parts)

    def _thinking(self, rng: np.random.Generator) -> Float32:
        rest = self._number(rng) if rng.random() < 0.4 else self._short(rng)
        opener = self._clip(self._stock.openers[rng.integers(len(self._stock.openers))])
        return np.concatenate((opener, _silence(rng.uniform(0.4, 1.1)), rest))

    def _broken(self, rng: np.random.Generator) -> Float32:
        """A sentence with a pause at its quietest place near the middle."""
        sound = self._clip(self._stock.single[rng.integers(len(self._stock.single))])
        third = len(sound) // 3
        power = np.convolve(np.square(sound[third : 2 * third]), np.ones(400), "valid")
        cut = third + int(power.argmin()) + 200
        return np.concatenate((sound[:cut], _silence(rng.uniform(0.15, 0.45)), sound[cut:]))

    def _letters(self, rng: np.random.Generator) -> Float32:
        parts: list[Float32] = []
        for index in range(int(rng.integers(3, 7))):
            if index:
                parts.append(_silence(rng.uniform(0.1, 0.3)))
            parts.append(self._clip(self._stock.letters[rng.integers(len(self._stock.letters))]))
        return np.concatenate(parts)


def _silence(seconds: float) -> Float32:
    return np.zeros(round(seconds * RATE), np.float32)


def build(part: str, sessions: int, conditions: Sequence[Condition] = CONDITIONS) -> list[Session]:
    """The sessions of one part, `dev`, `test` or `fresh`. Raises `UsageError` if there are no recordings."""
    recordings = Recordings.find()
    callers = fresh.stocks(recordings) if part == "fresh" else [stock(recordings, part)]
    return Maker(callers, SEEDS[part]).sessions(sessions, conditions)
