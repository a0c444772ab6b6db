"""English synthesis by hibari, a small network distilled from Kokoro whose wheel carries one voice.

Nothing is ever downloaded: hibari's other voices can be used once somebody has fetched them with hibari's own command.
Knows that library only.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ...errors import EngineError, EngineMissing
from ..engines import Float32, Synthesiser, speaks
from ..registry import Options
from ..sayable import sayable
from ..weights import checked

# Words get lost at higher speeds: Moonshine misheard 0.5 % of them at 0.7, 0.7 % at 1, 5 % at 1.2 and 20 % at 1.4.
_SLOWEST, _FASTEST = 0.7, 1.2


class Hibari:
    """Hibari at 24 kHz, sentence by sentence; the same text always gives the same sound.

    A short sentence takes some 20 ms of CPU, a second of speech about 11 ms.

    Args:
        voice: Used where `synthesise` is given none.
        speed: 1 is the natural pace; from 0.7 to 1.2.

    Raises:
        EngineMissing: hibari-tts is not installed.
        EngineError: The voice is not on this machine, or its file is not the one that hibari names.
    """

    rate = 24000

    def __init__(self, voice: str = "heart", speed: float = 1.0) -> None:
        try:
            from hibari.voices import VOICES
        except ImportError as error:
            raise EngineMissing("hibari", "speech") from error
        self._registered: dict[str, Any] = VOICES
        self._speed = speed
        self._lock = threading.Lock()
        self._loaded: dict[str, Any] = {}
        self._voice(voice)
        others = [name for name in VOICES if name != voice and self._file(name) is not None]
        self.voices: tuple[str, ...] = (voice, *others)
        self.languages: tuple[str, ...] = tuple(dict.fromkeys(VOICES[name]["language"] for name in self.voices))
        self.name = f"hibari-{version('hibari-tts')}-{voice}-{speed:g}"

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        if not speaks(self.languages, language):
            raise EngineError(f"hibari speaks English only, not {language}")
        return self._sentences(self._voice(voice or self.voices[0]), sayable(text))

    def _sentences(self, speaker: Any, text: str) -> Iterator[Float32]:
        for sentence in speaker.split_sentences(text):
            yield from (audio for audio in speaker.stream(sentence, self._speed, seed=0) if len(audio))

    def _voice(self, name: str) -> Any:
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]

    def _load(self, name: str) -> Any:
        from hibari import Hibari as Model

        if name not in self._registered:
            raise EngineError(f"hibari has no voice {name!r}; it has: {', '.join(self._registered)}")
        path = self._file(name)
        if path is None:
            raise EngineError(f"voice {name!r} is not on this machine; run once: hibari --voice {name} -o x.wav hello")
        model = Model(name, str(checked(path, self._registered[name]["sha256"])), threads=1)
        model("Hello, Offhook.", seed=0)  # loads dictionaries, and the net for words that are in none: some 400 ms
        return model

    def _file(self, name: str) -> Path | None:
        from hibari.voices import voice_path

        try:
            return Path(voice_path(name, download_missing=False))
        except FileNotFoundError:
            return None


def synthesiser(options: Options) -> Synthesiser:
    """Loads hibari: `hibari[:heart][?voice=heart][&speed=1]`."""
    voice = options.text("voice", options.variant or "heart")
    return Hibari(voice, options.number("speed", 1.0, _SLOWEST, _FASTEST))
