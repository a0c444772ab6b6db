"""What a speech engine takes and gives on this machine, measured in a process of its own (`-m offhook.cli.measure`).

The process is there for the memory, and so that an engine that aborts takes nothing with it. Prints one JSON object.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from ..audio import ulaw
from ..audio.resample import resample
from ..errors import OffhookError, UsageError
from ..speech import registry
from ..speech.engines import Float32, Recogniser, Synthesiser

#: What synthesisers are given to say, and recognisers to hear where there are no recordings.
TEXTS: Final = (
    "Good morning, and thank you for calling.",
    "Your parcel will arrive on Friday between nine and twelve.",
    "Please tell me your order number.",
    "I could not find an account with that name. Would you like to speak to somebody?",
)
#: Recordings by Allison Smith that recognisers are given: whole sentences.
PROMPTS: Final = (
    "vm-intro", "vm-goodbye", "conf-onlyperson", "please-try-again", "pbx-invalid", "vm-password", "agent-loginok",
    "demo-abouttotry", "conf-invalidpin", "tt-allbusy", "privacy-unident", "hello",
)  # fmt: skip


DIGITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class Measured(msgspec.Struct, frozen=True, omit_defaults=True):
    """The figures of one engine.

    Attributes:
        load: Seconds until it could be used.
        memory: Mebibytes that it added to the process.
        cpu: Seconds of processor time for each second of audio.
        first: Seconds to the first result: of an utterance of usual length, or the first sound of a sentence.
        accuracy: Share of the words right, 0..1; None where nothing could be compared.
        samples: What the accuracy was measured on.
        note: Why it could not be measured, or in full.
    """

    engine: str
    kind: str
    load: float | None = None
    memory: float | None = None
    cpu: float | None = None
    first: float | None = None
    accuracy: float | None = None
    samples: str = ""
    note: str = ""


def measure(kind: str, uri: str) -> Measured:
    """Loads and uses an engine. Raises what loading and using it raises."""
    memory, began = _memory(), time.perf_counter()
    engine: Any = getattr(registry, kind)(uri)
    load = time.perf_counter() - began
    figures = {"vad": _vad, "recogniser": _recogniser, "synthesiser": _synthesiser}[kind](engine)
    figures["memory"] = figures.pop("resident", _memory()) - memory
    return Measured(engine=uri, kind=kind, load=load, **figures)


def word_errors(expected: str, heard: str) -> tuple[int, int]:
    """Words wrong, missing or too many (the least edits), and those expected. How digits are written does not count."""
    wanted, got = words(expected), words(heard)
    row = list(range(len(got) + 1))
    for index, word in enumerate(wanted, 1):
        before, row[0] = row[0], index
        for at, other in enumerate(got, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (word != other))
    return row[-1], len(wanted)


def words(text: str) -> list[str]:
    """Words to compare: lower case, without punctuation, digits as words."""
    spelled = re.sub(r"\d", lambda digit: f" {DIGITS[int(digit[0])]} ", text.lower().replace("'", ""))
    return re.findall(r"[^\W_]+", spelled)


def _vad(engine: Any) -> dict[str, Any]:
    frames = np.random.default_rng(1).uniform(-0.1, 0.1, (200, engine.frame)).astype(np.float32)
    for frame in frames[:20]:
        engine.score(frame)
    began = time.process_time()
    for frame in frames:
        engine.score(frame)
    return {"cpu": (time.process_time() - began) / (frames.size / engine.rate)}


def _recogniser(engine: Recogniser) -> dict[str, Any]:
    utterances, origin = _utterances(digits=getattr(engine, "bounded", False))
    engine.transcribe(resample(utterances[0][0], ulaw.RATE, engine.rate), None)  # the first one may set things up
    seconds = cpu = 0.0
    wrong = count = 0
    waits: list[float] = []
    for sound, text in utterances:
        pcm = resample(sound, ulaw.RATE, engine.rate)
        began, clock = time.process_time(), time.perf_counter()
        heard = engine.transcribe(pcm, None).text
        cpu += time.process_time() - began
        waits.append(time.perf_counter() - clock)
        seconds += len(sound) / ulaw.RATE
        errors, number = word_errors(text, heard)
        wrong, count = wrong + errors, count + number
    return {
        "cpu": cpu / seconds,
        "first": float(np.median(waits)),
        "accuracy": max(0.0, 1 - wrong / count),
        "samples": f"{len(utterances)} x {origin}",
    }


def _synthesiser(engine: Synthesiser) -> dict[str, Any]:
    list(engine.synthesise(TEXTS[0]))
    cpu = seconds = 0.0
    waits: list[float] = []
    sounds: list[Float32] = []
    for text in TEXTS:
        began, clock = _cpu(), time.perf_counter()
        pieces: list[Float32] = []
        for piece in engine.synthesise(text):
            if not pieces:
                waits.append(time.perf_counter() - clock)
            pieces.append(piece)
        cpu += _cpu() - began
        sounds.append(np.concatenate(pieces))
        seconds += len(sounds[-1]) / engine.rate
    memory = _memory()  # before the judge is loaded too
    heard = _understood([resample(sound, engine.rate, ulaw.RATE) for sound in sounds])
    figures: dict[str, Any] = {"resident": memory, "cpu": cpu / seconds, "first": float(np.median(waits))}
    if heard is None:
        return figures | {"note": "moonshine, which tells how well it is understood, is not installed"}
    errors = [word_errors(text, said) for text, said in zip(TEXTS, heard, strict=True)]
    wrong, count = (sum(column) for column in zip(*errors, strict=True))
    return figures | {"accuracy": max(0.0, 1 - wrong / count), "samples": f"{len(TEXTS)} x understood by moonshine"}


def _understood(sounds: Sequence[Float32]) -> list[str] | None:
    try:
        judge = registry.recogniser("moonshine")
    except OffhookError:
        return None
    line = [ulaw.to_float(ulaw.from_float(sound)) for sound in sounds]
    return [judge.transcribe(resample(sound, ulaw.RATE, judge.rate), None).text for sound in line]


def _utterances(*, digits: bool = False) -> tuple[list[tuple[Float32, str]], str]:
    """Telephone speech with its words: a person's where recordings are found, else a synthetic voice's.

    Sentences, or single digits for engines that understand nothing but a grammar.
    """
    from ..testing.recordings import Recordings

    try:
        found = Recordings.find()
    except UsageError:
        found = None
    if found is not None:
        wanted = [f"digits/{digit}" for digit in range(10)] if digits else PROMPTS
        keys = [key for key in wanted if key in found.clips]
        if not keys and not digits:
            keys = list(found.clips)
        phrases = [found.phrase(key) for key in keys]
        if phrases:
            return [(ulaw.to_float(audio), text) for audio, text in phrases], f"recorded speech ({found.source})"
    voice = registry.synthesiser("hibari")
    texts = DIGITS if digits else TEXTS
    sounds = [resample(np.concatenate(list(voice.synthesise(text))), voice.rate, ulaw.RATE) for text in texts]
    return [(ulaw.to_float(ulaw.from_float(s)), text) for s, text in zip(sounds, texts, strict=True)], "made by hibari"


def _cpu() -> float:
    """Processor time of this process and of those that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _memory() -> float:
    """Resident mebibytes of this process; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * 4096 / 2**20


def main(arguments: Sequence[str]) -> int:
    """`KIND URI`: prints figures, or why there are none."""
    kind, uri = arguments
    try:
        figures = measure(kind, uri)
    except OffhookError as error:
        figures = Measured(engine=uri, kind=kind, note=" ".join(str(error).split()))
    except Exception as error:  # an engine's own failure is a finding
        figures = Measured(engine=uri, kind=kind, note=type(error).__name__)
    sys.stdout.buffer.write(msgspec.json.encode(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
