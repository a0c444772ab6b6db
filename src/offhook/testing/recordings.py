"""Recorded human speech with known words, for callers that are played from files: where it lies on this machine, and
how single recordings are joined into what one person says in one turn.

Two sources are known. The prompts of Debian's `asterisk-core-sounds-en-wav` are spoken by one woman, from digits to
whole sentences; `make recordings` unpacks them into `build/recordings`. Where they cannot be had, the two readings in
the moonshine-voice wheel, by a man, serve. Knows files and mu-law; nothing of calls.
"""

from __future__ import annotations

import gzip
import importlib.util
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ..audio import ulaw, wav
from ..errors import UsageError

Source = Literal["asterisk", "moonshine"]

_PACKED = Path("usr/share/asterisk/sounds")
_SYSTEM = "/" / _PACKED
_BUILD = Path("build/recordings")
_VOICE = "en_US_f_Allison"
_TEXTS = "core-sounds-en.txt.gz"

_ASTERISK = "Debian asterisk-core-sounds-en-wav, Allison Smith, CC-BY-SA-3.0"
_MOONSHINE = "moonshine-voice wheel, two_cities.wav and beckett.wav, MIT"

_HEARD = 64
"""Magnitude (of 32768) that counts as speech: the studio's floor lies below 15, the softest consonants above 60."""

_EDGE = ulaw.RATE // 50
"""Samples that stay before and after the speech, so that no consonant is clipped."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording, or a piece of a longer one: `start` and `end` in seconds, `gain` as a factor."""

    path: Path
    text: str
    start: float = 0.0
    end: float | None = None
    gain: float = 1.0


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the caller says in one turn: mu-law at 8 kHz, and its words."""

    audio: bytes
    text: str

    @property
    def seconds(self) -> float:
        return len(self.audio) / ulaw.RATE


@dataclass(frozen=True)
class Recordings:
    """Recordings of one speaker, by key.

    Attributes:
        source: Which set this is: they have no key in common.
        origin: Where it comes from, who speaks, and its licence, as one line to show.
        clips: What there is: keys as in Asterisk (`hello`, `digits/4`), or those of the wheel (`best-of-times`).
    """

    source: Source
    origin: str
    clips: Mapping[str, Clip]

    @classmethod
    def find(cls, directory: Path | None = None) -> Recordings:
        """The recordings of this machine.

        Args:
            directory: Where the Debian packages were unpacked, or a folder that holds `en_US_f_Allison`. Without it,
                `OFFHOOK_RECORDINGS` names it. Without either: ./build/recordings, then those that are installed, then
                those in the moonshine-voice wheel.

        Raises:
            UsageError: there are none, or none in the folder that was named.
        """
        if directory is None and (variable := os.environ.get("OFFHOOK_RECORDINGS")):
            directory = Path(variable)
        for folder in (_BUILD, _SYSTEM) if directory is None else (directory,):
            if clips := _asterisk(folder.absolute()):  # whoever uses them may change the working folder
                return cls("asterisk", _ASTERISK, clips)
        if directory is not None:
            raise UsageError(
                f"there are no recordings of {_VOICE} with their {_TEXTS} in {directory}: run `make recordings`, "
                "which fills build/recordings, or name another folder"
            )
        if clips := _moonshine():
            return cls("moonshine", _MOONSHINE, clips)
        raise UsageError(
            "there is no recorded speech on this machine: run `make recordings` (Debian, Ubuntu), "
            "or pip install 'offhook[speech]'"
        )

    def phrase(self, key: str) -> tuple[bytes, str]:
        """One recording as mu-law at 8 kHz, without the silence around the speech, and its words.

        Raises:
            UsageError: there is no such recording.
            AudioFileError: its file cannot be read.
        """
        clip = self.clips.get(key)
        if clip is None:
            raise UsageError(f"there is no recording {key!r} in {self.origin}")
        audio = wav.read_ulaw(clip.path, channels=1)[0]
        end = None if clip.end is None else round(clip.end * ulaw.RATE)
        audio = audio[round(clip.start * ulaw.RATE) : end]
        if clip.gain != 1:
            audio = ulaw.from_float(ulaw.to_float(audio) * np.float32(clip.gain))
        return _trim(audio), clip.text

    def utterance(self, keys: Iterable[str | float], gap: float = 0.15) -> Utterance:
        """Recordings joined to one turn.

        Args:
            keys: Recordings in order. A number between two of them is the pause there, in seconds, in place of `gap`.
            gap: Seconds of silence between two recordings. From 0.06 to 0.28 s, the digits of a number were one turn to
                earshot with 0.5 s of silence, and one number to Moonshine.

        Raises:
            UsageError: there is no such recording.
            AudioFileError: a file cannot be read.
        """
        audio = bytearray()
        words: list[str] = []
        pause = gap
        for key in keys:
            if not isinstance(key, str):
                pause = key
                continue
            speech, text = self.phrase(key)
            if words:
                audio += ulaw.silence(round(pause * ulaw.RATE))
            audio += speech
            words.append(text)
            pause = gap
        return Utterance(bytes(audio), " ".join(words))


def _trim(audio: bytes) -> bytes:
    heard = np.flatnonzero(np.abs(ulaw.decode(audio)) > _HEARD)
    if not heard.size:
        return audio
    return audio[max(int(heard[0]) - _EDGE, 0) : int(heard[-1]) + 1 + _EDGE]


def _asterisk(folder: Path) -> dict[str, Clip]:
    """The prompts below a root that the packages were unpacked to, or in a folder of Asterisk sounds."""
    for sounds in (folder, folder / _PACKED):
        # Both packages keep this distance, installed or unpacked; a folder of one's own may hold the list itself.
        for texts in (sounds / _TEXTS, sounds.parent.parent / "doc/asterisk-core-sounds-en" / _TEXTS):
            if (sounds / _VOICE).is_dir() and texts.is_file():
                found = {key: Clip(sounds / _VOICE / f"{key}.wav", text) for key, text in _texts(texts).items()}
                return {key: clip for key, clip in found.items() if clip.path.is_file()}
    return {}


def _texts(path: Path) -> dict[str, str]:
    """What is said in each prompt, from lines `key: text`. Sounds that are not speech have no text and are left out."""
    try:
        lines = gzip.decompress(path.read_bytes()).decode("utf-8", "replace").splitlines()
    except (OSError, EOFError) as error:
        raise UsageError(f"cannot read {path}: {error}; run `make recordings` again") from error
    texts: dict[str, str] = {}
    for line in lines:
        key, colon, text = line.partition(": ")
        # "... for ..." is the middle of a sentence; "[beep]", "(silence)" and "at [@]" hold remarks.
        said = " ".join(re.sub(r"\.{3}|[\[(<].*", " ", text).split())
        if colon and said and not key.startswith(";"):
            texts[key] = said
    return texts


def _moonshine() -> dict[str, Clip]:
    """Pieces of the two readings in the wheel, cut in their pauses and brought to one level.

    The wheel's other voices are left alone: their pauses are digital silence, so they may be synthetic.
    """
    spec = importlib.util.find_spec("moonshine_voice")
    if spec is None or spec.origin is None:
        return {}
    assets = Path(spec.origin).parent / "assets"
    dickens, beckett = assets / "two_cities.wav", assets / "beckett.wav"
    if not (dickens.is_file() and beckett.is_file()):
        return {}
    return {
        "best-of-times": Clip(dickens, "It was the best of times, it was the worst of times.", 1.15, 4.6, gain=5),
        "age-of-wisdom": Clip(dickens, "It was the age of wisdom, it was the age of foolishness.", 4.95, 8.1, gain=5),
        "before-us": Clip(dickens, "We had everything before us, we had nothing before us.", 21.0, 24.05, gain=5),
        "no-matter": Clip(beckett, "No matter.", 3.46, 4.18, gain=2.5),
        "try-again": Clip(beckett, "Try again.", 4.84, 5.9, gain=2.5),
    }
