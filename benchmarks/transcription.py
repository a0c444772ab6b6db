"""How well does the transcription monitor understand what both sides say? Word error rate and offsets, by damage.

    python benchmarks/transcription.py [prompts]         (60 if not given; make recordings fetches them)

Prompts read by a person go down both channels of a stereo call, a second apart, through the monitor's own listeners and
the default engines. Words are compared without case and punctuation, contractions written out, numbers digit by digit.
The offset of an utterance is compared with where the prompt lies in the call. CPU is the process's, one thread.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from offhook.audio import ulaw
from offhook.bots import Engines
from offhook.errors import OffhookError
from offhook.speech.engines import Float32
from offhook.speech.heard import Heard, ListenerEvent
from offhook.speech.listening import Listener
from offhook.speech.pool import Pool
from offhook.testing.recordings import Recordings

GAP: Final = ulaw.RATE
FRAME: Final = 1600
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NUMBERS = {word: n for n, word in enumerate(_ONES.split())} | {word: 10 * n for n, word in enumerate(_TENS.split(), 2)}
_LONG = {"'d": " would", "'m": " am", "'ve": " have", "'re": " are", "'ll": " will", "n't": " not", "it's": "it is"}
_SAME = {"ok": "okay", "voice mail": "voicemail", "call back": "callback", "good bye": "goodbye", "e-mail": "email"}


def words(text: str) -> list[str]:
    """The words of a text as they are compared."""
    text = text.casefold().replace("\u2019", "'")
    for written, plain in (_LONG | _SAME).items():
        text = re.sub(rf"{re.escape(written)}\b", plain, text)
    found = re.findall(r"\d|[a-z]+", re.sub(r"(?<=\d),(?=\d{3})", "", text).replace("'", ""))
    made: list[str] = []
    for word in found:
        number = _NUMBERS.get(word)
        if number is None:
            made.append(word)
        elif number < 10 and made and made[-1] == "tens":
            made[-1] = str(number)
        else:
            made += list(str(number)) if number < 20 else [str(number // 10), "tens"]
    return ["0" if word == "tens" else word for word in made]


def distance(want: list[str], got: list[str]) -> int:
    row = list(range(len(got) + 1))
    for word in want:
        before, row[0] = row[0], row[0] + 1
        for at, other in enumerate(got, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (word != other))
    return row[-1]


def _noisy(decibels: float) -> Callable[[Float32, np.random.Generator], Float32]:
    def damage(pcm: Float32, rng: np.random.Generator) -> Float32:
        spectrum = np.fft.rfft(rng.standard_normal(len(pcm)))
        spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(len(pcm), 1 / ulaw.RATE), 50.0))
        noise = np.fft.irfft(spectrum, len(pcm))
        loud = pcm[np.abs(pcm) > 0.01]
        level = np.sqrt(np.square(loud).mean()) * 10 ** (-decibels / 20)
        return (pcm + noise / np.sqrt(np.square(noise).mean()) * level).astype(np.float32)

    return damage


def _lossy(pcm: Float32, rng: np.random.Generator) -> Float32:
    kept = np.repeat(rng.random(len(pcm) // 160 + 1) >= 0.03, 160)[: len(pcm)]
    return (pcm * kept).astype(np.float32)


DAMAGE: Final[dict[str, Callable[[Float32, np.random.Generator], Float32]]] = {
    "clean": lambda pcm, _: pcm,
    "pink noise, 20 dB": _noisy(20),
    "pink noise, 10 dB": _noisy(10),
    "3 % of packets lost": _lossy,
}


class Side:
    """One channel of the call: what is said where, and what was understood."""

    def __init__(self, said: list[tuple[bytes, str]], at: int) -> None:
        self.spans: list[tuple[int, int, str]] = []
        audio = bytearray(ulaw.silence(at))
        for speech, text in said:
            self.spans.append((len(audio), len(audio) + len(speech), text))
            audio += speech + ulaw.silence(GAP)
        self.audio = bytes(audio)
        self.heard: list[Heard] = []

    def note(self, event: ListenerEvent) -> None:
        if isinstance(event, Heard) and event.final:
            self.heard.append(event)

    def judge(self) -> list[tuple[int, int, float | None]]:
        """For each prompt: words, errors, and seconds that its offset is off; None if nothing was understood."""
        rows: list[tuple[int, int, float | None]] = []
        for start, end, text in self.spans:
            inside = [each for each in self.heard if start - GAP // 2 <= (each.start + each.end) // 2 < end + GAP // 2]
            want = words(text)
            errors = distance(want, words(" ".join(each.text for each in inside)))
            rows.append((len(want), errors, abs(inside[0].start - start) / ulaw.RATE if inside else None))
        return rows


async def run(prompts: list[tuple[bytes, str]], damage: Callable[[Float32, np.random.Generator], Float32]) -> str:
    rng = np.random.default_rng(7)
    spoiled = [(ulaw.from_float(np.clip(damage(ulaw.to_float(speech), rng), -1, 1)), text) for speech, text in prompts]
    sides = [Side(spoiled[::2], 0), Side(spoiled[1::2], GAP // 2)]
    engines, pool = Engines(), Pool(1)
    recogniser = await engines.recogniser()
    listeners = [
        Listener(side.note, vad=await engines.detector(), recogniser=recogniser, pool=pool, language="en-US")
        for side in sides
    ]
    length = max(len(side.audio) for side in sides) + GAP
    began = time.process_time()
    for at in range(0, length, FRAME):
        for side, listener in zip(sides, listeners, strict=True):
            listener.feed((side.audio[at : at + FRAME] + ulaw.silence(FRAME))[:FRAME], at)
        await asyncio.sleep(0)
    for listener in listeners:
        listener.flush()
        await listener.drain()
        listener.close()
    took = time.process_time() - began
    pool.close()
    rows = [row for side in sides for row in side.judge()]
    off = sorted(row[2] for row in rows if row[2] is not None)
    rate = 100 * sum(row[1] for row in rows) / sum(row[0] for row in rows)
    exact = 100 * sum(row[1] == 0 for row in rows) / len(rows)
    return (
        f"{rate:6.1f} %   {exact:5.0f} %   {off[len(off) // 2]:6.2f} s  {off[int(len(off) * 0.95)]:6.2f} s   "
        f"{len(rows) - len(off):4d}   {took / (length / ulaw.RATE):7.3f}"
    )


async def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    try:
        found = Recordings.find()
    except OffhookError as error:
        print(f"skipped: {error}")
        return
    keys = [key for key, clip in sorted(found.clips.items()) if 4 <= len(clip.text.split()) <= 20]
    keys = [keys[at] for at in np.random.default_rng(3).permutation(len(keys))[:count]]
    prompts = [(speech.audio, speech.text) for speech in (found.utterance([key]) for key in keys)]
    print(f"{len(prompts)} prompts on two channels; {found.origin}")
    print(f"{'':22}word errors   exact   offset p50     p95   missed   CPU/s")
    for name, damage in DAMAGE.items():
        print(f"{name:22}{await run(prompts, damage)}")


if __name__ == "__main__":
    asyncio.run(main())
