"""Synthesis by espeak-ng, in a hundred languages, as a program of its own: it is GPL, so it is never linked.

Knows its command line only.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator

from ...errors import EngineError, EngineMissing
from ..engines import Float32, Synthesiser
from ..processes import output
from ..registry import Options
from ..samples import from_pcm16
from ..sentences import sentences

_RATE = 22050
_HEADER = 44


class Espeak:
    """espeak-ng at 22.05 kHz: robotic, quick (6 ms of CPU a second of speech, and some 10 ms to start it).

    Args:
        voice: Named as espeak-ng names its languages.
        speed: 1 is the natural pace, 175 words a minute.

    Raises:
        EngineMissing: The program is not installed.
        EngineError: It lacks the voice.
    """

    rate = _RATE

    def __init__(self, voice: str = "en-us", speed: float = 1.0) -> None:
        program = shutil.which("espeak-ng")
        if program is None:
            raise EngineMissing("espeak-ng", "", "apt-get install espeak-ng")
        self._program = program
        self._speed = speed
        listed = subprocess.run([program, "--voices"], capture_output=True, text=True, check=False, timeout=20).stdout
        known = tuple(dict.fromkeys(re.findall(r"^ *\d+ +(\S+)", listed, re.MULTILINE)))
        if voice not in known:
            raise EngineError(f"espeak-ng has no voice {voice!r}; see: espeak-ng --voices")
        self.voices: tuple[str, ...] = (voice, *(other for other in known if other != voice))
        self.languages = self.voices
        said = re.search(r"(\d+\.\d+\S*)", subprocess.run([program, "--version"], capture_output=True, text=True,
                                                          check=False, timeout=20).stdout)  # fmt: skip
        self.name = f"espeak-{said[1] if said else 'ng'}-{voice}-{speed:g}"

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        if voice is not None and voice not in self.voices:
            raise EngineError(f"espeak-ng has no voice {voice!r}")
        return self._sentences(text, voice or self._voice_for(language))

    def _voice_for(self, language: str | None) -> str:
        if language is None:
            return self.voices[0]
        tag = language.lower().replace("_", "-")
        primary = tag.partition("-")[0]
        wanted = [voice for voice in self.voices if voice.lower() == tag]
        near = [voice for voice in self.voices if voice.partition("-")[0].lower() == primary]
        if not (wanted or near):
            raise EngineError(f"espeak-ng does not speak {language}")
        return (wanted or near)[0]

    def _sentences(self, text: str, voice: str) -> Iterator[Float32]:
        command = [self._program, "--stdin", "--stdout", "-b", "1", "-v", voice, "-s", str(round(175 * self._speed))]
        for sentence in sentences(text):
            header = _HEADER
            for data in output(command, sentence, engine="espeak-ng"):
                sound, header = data[header:], max(0, header - len(data))
                if sound:
                    yield from_pcm16(sound)


def synthesiser(options: Options) -> Synthesiser:
    """Finds espeak-ng: `espeak[:en-us][?speed=1]`."""
    return Espeak(options.variant or "en-us", options.number("speed", 1.0, 0.4, 2.5))
