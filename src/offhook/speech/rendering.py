"""From a sentence and the manner in which it is said to mu-law, by whatever engine there is.

An engine does what it can by itself (`offhook.speech.phrases`); the rest is done on its audio: pace and pitch by
overlap-add, loudness as gain. Silence at either end is cut, so that pauses are as long as was asked for and the first
word is heard at once. It knows engines and samples, and nothing of calls.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np

from ..audio import ulaw
from ..audio.resample import Resampler
from ..audio.stretch import fundamental, stretch, warp
from .alignment import timed
from .cache import PromptCache
from .edges import LEAD, TAIL, Edges
from .engines import Float32, Synthesiser
from .leveller import LEVEL, Leveller, rounded
from .phrases import Abilities, Part, Phrase, abilities, express
from .reports import report
from .sentences import word_ends
from .ssml.steps import Manner, Run, Speech, is_sayable
from .ssml.values import LEAST, LOUDEST, MOST

Times: TypeAlias = tuple[tuple[int, int], ...]
"""Pairs of a count of characters and the sample by which they have been said."""

#: Changes with whatever in this module changes the sound.
VERSION: Final = 1

#: Rate, pitch and dB for each degree of emphasis.
EMPHASIS: Final = {"strong": (0.85, 1.12, 3.0), "moderate": (0.92, 1.06, 1.5), "reduced": (1.1, 0.97, -3.0)}
#: Seconds in which a change of loudness happens.
_RAMP: Final = 0.010
_SAME: Final = 0.005
#: Samples that stay on either side where a sentence is said in several takes.
_JOINT: Final = ulaw.RATE // 100


@dataclass(frozen=True, slots=True)
class Actor:
    """Who says something: an engine, one of its voices or None for its default, and the language to ask it for."""

    synthesiser: Synthesiser
    voice: str | None = None
    language: str | None = None

    @property
    def tongue(self) -> str:
        """The language in which it is said, as far as is known; "" if nothing is."""
        return self.language or next(iter(self.synthesiser.languages), "")


@dataclass(frozen=True, slots=True)
class Piece:
    """Audio of something said, and the text that begins with it; "" where it goes on with the text before.

    Attributes:
        audio: mu-law at 8 kHz.
        text: As it is written, with the white space behind it.
        joins: Whether the text is the rest of the one before, whose audio is under way.
        times: Of the text that this piece belongs to: counts of characters, and the samples from the beginning of the
            text by which these have been said. Where there are none, they are guessed.
        mark: Name of a mark that stands before the audio.
        script: All that is to be said, where that is only known now.
    """

    audio: bytes
    text: str = ""
    times: Times = ()
    mark: str = ""
    script: str = ""
    joins: bool = False


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is left of a manner once emphasis is part of it: factors, and dB."""

    rate: float
    pitch: float
    gain: float

    @property
    def is_plain(self) -> bool:
        return abs(self.rate - 1) < _SAME and abs(self.pitch - 1) < _SAME


@dataclass(slots=True)
class _Take:
    """Runs that are spoken in one go, and what the engine is asked for."""

    runs: list[Run]
    phrase: Phrase
    rests: list[_Wish]
    times: list[tuple[int, int]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)

    @property
    def can_stream(self) -> bool:
        return all(rest.is_plain and rest.gain == self.rests[0].gain for rest in self.rests)


def render(speech: Speech, actor: Actor, *, level: float = LEVEL, cache: PromptCache | None = None) -> Iterator[Piece]:
    """Says a sentence. It blocks; run it in the pool.

    Args:
        speech: From a plan.
        actor: Who says it.
        level: Of the voice before any gain, dBFS.
        cache: Where to look first, and to keep what was made in full.

    Raises:
        EngineError: As the engine does.
    """
    text = speech.text
    if not is_sayable("".join(run.spoken + run.phonemes for run in speech.runs)):
        yield Piece(b"", text)
        return
    if cache is None:
        yield from _pieces(speech, _made(speech, actor, level))
        return
    key = prompt_key(speech, actor, level)
    kept = cache.get(key)
    whole = _unpacked(kept) if kept is not None else None
    if whole is not None:
        yield from _pieces(speech, iter((whole,)))
        return
    audio: list[bytes] = []
    times: Times = ()
    for chunk in _made(speech, actor, level):
        audio.append(chunk[0])
        times = chunk[1] or times
        yield from _pieces(speech, iter((chunk,)), begins=len(audio) == 1)
    whole_sound = b"".join(audio)
    if whole_sound:  # or what failed once would stay silent
        cache.put(key, _packed(whole_sound, times))


def prompt_key(speech: Speech, actor: Actor, level: float = LEVEL) -> str:
    """Names a prompt by everything that changes its sound."""
    told = [
        VERSION,
        actor.synthesiser.name,
        actor.voice,
        actor.language,
        level,
        [[run.spoken, run.text, run.phonemes, dataclasses.astuple(run.manner)] for run in speech.runs],
        speech.marks if not abilities(actor.synthesiser, voice=actor.voice, language=actor.language).timing else (),
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


_Chunk = tuple[bytes, Times]
"""mu-law, and times of the whole sentence, which come with its last chunk at the latest."""


def _pieces(speech: Speech, chunks: Iterator[_Chunk], begins: bool = True) -> Iterator[Piece]:
    """Chunks as pieces, cut at the marks."""
    text = speech.text if begins else ""
    for audio, times in chunks:
        at = 0
        for count, name in speech.marks:
            sample = min(max(_sample_of(times, count), at), len(audio))
            yield Piece(audio[at:sample], text, times)
            yield Piece(b"", "", (), name)
            at, text = sample, ""
        yield Piece(audio[at:], text, times)
        text = ""


def _sample_of(times: Times, count: int) -> int:
    """Where the audio of the character behind `count` begins: at the end of the word before."""
    return max((sample for end, sample in times if end <= count), default=0)


def _made(speech: Speech, actor: Actor, level: float) -> Iterator[_Chunk]:
    made = 0
    for chunk in _in_takes(speech, actor, level):
        made += len(chunk[0])
        yield chunk
    if not made:
        report(actor.synthesiser.name, "made no sound of a sentence: the caller hears nothing of it")


def _in_takes(speech: Speech, actor: Actor, level: float) -> Iterator[_Chunk]:
    can = abilities(actor.synthesiser, voice=actor.voice, language=actor.language)
    takes = list(_takes(speech, actor, can))
    if len(takes) == 1 and takes[0].can_stream and not speech.marks:
        yield from _streamed(takes[0], actor, level)
        return
    audio: list[bytes] = []
    times: list[tuple[int, int]] = []
    before = 0
    for number, take in enumerate(takes):
        edges = Edges(_JOINT if number else LEAD, TAIL if number == len(takes) - 1 else _JOINT)
        sound = _whole(take, actor, level, edges)
        made = sum(len(chunk) for chunk in audio)
        times.extend((before + count, made + sample) for count, sample in take.times)
        audio.append(ulaw.from_float(sound))
        before += len(take.text)
    yield b"".join(audio), tuple(times)


def _takes(speech: Speech, actor: Actor, can: Abilities) -> Iterator[_Take]:
    """One take, where the engine tells when each word is over; otherwise one for each manner, and cut at marks."""
    runs = list(speech.runs)
    if any(run.phonemes for run in runs) and not can.phonemes:
        report(actor.synthesiser.name, "speaks no phonemes: the text of <phoneme> is read as it is written")
    if can.timing:
        yield _take(runs, actor, can)
        return
    group: list[Run] = []
    for run, begins in _cut(runs, {count for count, _ in speech.marks}):
        if group and (begins or run.manner != group[-1].manner):
            yield _take(group, actor, can)
            group = []
        group.append(run)
    if group:
        yield _take(group, actor, can)


def _cut(runs: list[Run], places: set[int]) -> Iterator[tuple[Run, bool]]:
    """Runs cut at places in their text, and whether each begins at one. Text that is read otherwise has none within."""
    at = 0
    for run in runs:
        inner = sorted(place - at for place in places if at < place < at + len(run.text) and run.text == run.spoken)
        for start, end in zip([0, *inner], [*inner, len(run.text)], strict=True):
            spoken = run.spoken[start:end] if inner else run.spoken
            yield dataclasses.replace(run, text=run.text[start:end], spoken=spoken), at + start in places
        at += len(run.text)


def _take(runs: list[Run], actor: Actor, can: Abilities) -> _Take:
    wishes = [_wish(run.manner, can) for run in runs]
    rates = {wish.rate for wish in wishes}
    rate = min(max(wishes[0].rate, can.rate[0]), can.rate[1]) if len(rates) == 1 else 1.0
    if any(run.manner.pitch.hertz or run.manner.pitch.shift for run in runs):
        base = _own_pitch(runs, actor, can)
        wishes = [
            dataclasses.replace(wish, pitch=_factor(run, wish, base)) for run, wish in zip(runs, wishes, strict=True)
        ]
    parts, rests = [], []
    for run, wish in zip(runs, wishes, strict=True):
        pitch = min(max(wish.pitch, can.pitch[0]), can.pitch[1])
        stressed = run.manner.emphasis if can.emphasis else None
        parts.append(Part(run.spoken, run.phonemes if can.phonemes else "", pitch, stressed or ""))
        rests.append(_Wish(wish.rate / rate, wish.pitch / pitch, wish.gain))
    parts[-1] = dataclasses.replace(parts[-1], text=parts[-1].text.rstrip())
    return _Take(runs, Phrase(tuple(parts), rate), rests)


def _wish(manner: Manner, can: Abilities) -> _Wish:
    rate, pitch, gain = (1.0, 1.0, 0.0)
    if manner.emphasis is not None and not can.emphasis:
        rate, pitch, gain = EMPHASIS[manner.emphasis]
    return _Wish(
        min(max(rate * manner.rate, LEAST), MOST),
        min(max(pitch * manner.pitch.factor, LEAST), MOST),
        min(gain + manner.gain, LOUDEST),
    )


def _factor(run: Run, wish: _Wish, base: float) -> float:
    pitch = run.manner.pitch
    stress = wish.pitch / pitch.factor
    factor = pitch.hertz / base if pitch.hertz else pitch.factor + pitch.shift / base
    return min(max(stress * factor, LEAST), MOST)


def _own_pitch(runs: list[Run], actor: Actor, can: Abilities) -> float:
    """The pitch at which the engine says this of its own accord, Hz."""
    phrase = Phrase(tuple(Part(run.spoken, run.phonemes if can.phonemes else "") for run in runs))
    chunks = [spoken.pcm for spoken in express(actor.synthesiser, phrase, voice=actor.voice, language=actor.language)]
    sound = np.concatenate(chunks) if chunks else np.zeros(0, np.float32)
    return fundamental(sound, actor.synthesiser.rate) or 150.0


def _streamed(take: _Take, actor: Actor, level: float) -> Iterator[_Chunk]:
    """As the engine makes it; the times come with the last chunk."""
    resampler, leveller, edges = Resampler(actor.synthesiser.rate, ulaw.RATE), Leveller(level), Edges()
    scale = ulaw.RATE / actor.synthesiser.rate
    gain = take.rests[0].gain
    spoken: list[tuple[int, int]] = []
    sounds: list[Float32] = []
    for chunk in express(actor.synthesiser, take.phrase, voice=actor.voice, language=actor.language):
        spoken.extend((count, round(sample * scale)) for count, sample in chunk.times)
        sounds.append(leveller.push(edges.push(resampler.push(chunk.pcm))))
        if len(sounds[-1]):
            yield ulaw.from_float(_gained(sounds[-1], gain)), ()
    sounds.append(leveller.push(edges.push(resampler.push(np.zeros(0, np.float32), last=True), last=True)))
    _place(take, [(count, sample - edges.lead) for count, sample in spoken], np.concatenate(sounds), actor.tongue)
    yield ulaw.from_float(_gained(sounds[-1], gain)), tuple(take.times)


def _whole(take: _Take, actor: Actor, level: float, edges: Edges) -> Float32:
    """All of a take, with what the engine does not do by itself."""
    rate = actor.synthesiser.rate
    chunks = list(express(actor.synthesiser, take.phrase, voice=actor.voice, language=actor.language))
    sound = np.concatenate([chunk.pcm for chunk in chunks]) if chunks else np.zeros(0, np.float32)
    spoken = [time for chunk in chunks for time in chunk.times]
    ends = _run_ends(take, spoken, len(sound))
    if any(abs(rest.pitch - 1) >= _SAME for rest in take.rests):
        sound, gone = warp(sound, [(end, rest.pitch) for end, rest in zip(ends, take.rests, strict=True)])
        ends, spoken = [gone(end) for end in ends], [(count, gone(sample)) for count, sample in spoken]
    if any(abs(rest.rate / rest.pitch - 1) >= _SAME for rest in take.rests):
        sound, gone = stretch(
            sound, rate, [(end, rest.rate / rest.pitch) for end, rest in zip(ends, take.rests, strict=True)]
        )
        ends, spoken = [gone(end) for end in ends], [(count, gone(sample)) for count, sample in spoken]
    scale = ulaw.RATE / rate
    lane = edges.push(Resampler(rate, ulaw.RATE).push(sound, last=True), last=True)
    lane = Leveller(level).push(lane)
    places = [round(end * scale) - edges.lead for end in ends]
    lane = rounded(lane * _gains([rest.gain for rest in take.rests], places, len(lane)))
    _place(take, [(count, round(sample * scale) - edges.lead) for count, sample in spoken], lane, actor.tongue)
    return lane


def _run_ends(take: _Take, spoken: list[tuple[int, int]], length: int) -> list[int]:
    """Where each run ends in the engine's audio: where it says, or all at the end if there is but one manner."""
    if not spoken:
        return [length] * len(take.runs)
    counts, samples = [0, *(count for count, _ in spoken)], [0, *(sample for _, sample in spoken)]
    ends, at = [], 0
    for part in take.phrase.parts:
        at += len(part.text)
        ends.append(round(float(np.interp(at - (len(part.text) - len(part.text.rstrip())), counts, samples))))
    return [*ends[:-1], length]


def _place(take: _Take, spoken: list[tuple[int, int]], sound: Float32, language: str) -> None:
    """Sets the times of a take: for the end of each word as it is written, the sample by which it has been said."""
    ends = word_ends(take.text)
    if not spoken:
        spoken = timed(take.phrase.text, sound, language)
    written, said = [0.0], [0.0]
    for run, part in zip(take.runs, take.phrase.parts, strict=True):
        written.append(written[-1] + max(len(run.text.rstrip()), 1e-6))
        said.append(said[-1] + len(part.text.rstrip()))
        written.append(written[-2] + max(len(run.text), 1e-6))
        said.append(said[-2] + len(part.text))
    counts, samples = [0, *(count for count, _ in spoken)], [0, *(sample for _, sample in spoken)]
    places = np.interp(np.interp(ends, written, said), counts, samples)
    take.times = [(end, min(max(round(float(place)), 0), len(sound))) for end, place in zip(ends, places, strict=True)]


def _gains(gains: list[float], ends: list[int], length: int) -> Float32:
    """A factor for each sample, with ramps between the runs."""
    factors = [0.0 if gain == -math.inf else 10 ** (gain / 20) for gain in gains]
    at, values = [], []
    ramp = _RAMP * ulaw.RATE / 2
    for place, (before, after) in zip(ends, itertools.pairwise(factors), strict=False):
        at += [place - ramp, place + ramp]
        values += [before, after]
    if not at:
        return np.full(length, factors[0], np.float32)
    return np.interp(np.arange(length), at, values).astype(np.float32)


def _gained(sound: Float32, gain: float) -> Float32:
    if gain == 0.0:
        return sound
    return rounded(sound * np.float32(0.0 if gain == -math.inf else 10 ** (gain / 20)))


def _packed(audio: bytes, times: Times) -> bytes:
    flat = [number for time in times for number in time]
    return struct.pack(f"<I{len(flat)}I", len(times), *flat) + audio


def _unpacked(kept: bytes) -> _Chunk | None:
    if len(kept) < 4:
        return None
    (count,) = struct.unpack_from("<I", kept)
    if len(kept) < 4 + 8 * count:
        return None
    flat = struct.unpack_from(f"<{2 * count}I", kept, 4)
    return kept[4 + 8 * count :], tuple(zip(flat[::2], flat[1::2], strict=True))
