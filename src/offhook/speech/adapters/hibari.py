"""English synthesis by hibari, a small network distilled from Kokoro whose wheel carries one voice.

Nothing is ever downloaded: hibari's other voices can be used once somebody has fetched them with hibari's own command.
Knows that library only.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ...errors import EngineError, EngineMissing
from ..engines import Float32, Synthesiser, speaks
from ..phrases import Abilities, Part, Phrase, Spoken
from ..registry import Options
from ..sentences import split
from ..weights import checked
from .hibari_model import Colour, Model
from .hibari_words import SILENT, chunks, pitched

# Words get lost at higher speeds: Moonshine misheard 0.5 % of them at 0.7, 0.7 % at 1, 5 % at 1.2 and 20 % at 1.4.
_SLOWEST, _FASTEST = 0.7, 1.2

#: Voices made of another one, by what stands behind its name and `+`: 3.0 % and 1.5 % of words were misheard.
_COLOURS = {"": Colour(), "low": Colour(0.68, 0.85), "high": Colour(1.3, 1.12)}

#: Phonemes that the network takes at once.
_MOST_PHONEMES = 400

abilities = Abilities(
    rate=(_SLOWEST, 1.0),
    pitch=(0.8, 1.5),
    phonemes=True,
    timing=True,
    genders={"heart": "female", "heart+low": "male"},
)
"""What hibari does by itself."""


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
        self._loaded: dict[str, Model] = {}
        self._voice(voice)
        others = [name for name in VOICES if name != voice and self._file(name) is not None]
        named = (voice, *others)
        self.voices: tuple[str, ...] = named + tuple(
            f"{name}+{colour}" for colour in _COLOURS if colour for name in named
        )
        self.languages: tuple[str, ...] = tuple(dict.fromkeys(VOICES[name]["language"] for name in named))
        self.abilities = dataclasses.replace(abilities, genders=self._genders())
        self.name = f"hibari-{version('hibari-tts')}-{voice}-{speed:g}"

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        phrases = [self.express(Phrase((Part(one),)), voice=voice, language=language) for one in split(text)]
        return (spoken.pcm for phrase in phrases for spoken in phrase)

    def express(self, phrase: Phrase, *, voice: str | None = None, language: str | None = None) -> Iterator[Spoken]:
        if not speaks(self.languages, language):
            raise EngineError(f"hibari speaks English only, not {language}")
        name, _, colour = (voice or self.voices[0]).partition("+")
        if colour not in _COLOURS:
            raise EngineError(f"hibari has no voice {voice!r}; it has: {', '.join(self.voices)}")
        return self._spoken(self._voice(name), phrase, _COLOURS[colour])

    def _spoken(self, model: Model, phrase: Phrase, colour: Colour) -> Iterator[Spoken]:
        made = 0
        for chunk in chunks(pitched(phrase, model.g2p), _MOST_PHONEMES):
            phonemes = "".join(word.phonemes for word, _ in chunk).rstrip()
            pitches = [pitch for word, pitch in chunk for _ in word.phonemes]
            sounded = model.sound(phonemes, pitches, speed=self._speed * phrase.rate, colour=colour)
            if not len(sounded.pcm):
                continue
            times, at = [], 0
            for word, _ in chunk:
                last = at + len(word.phonemes.rstrip(SILENT))
                at += len(word.phonemes)
                last = min(last, len(sounded.ends))  # behind the last sound: a word without any, such as an emoji
                if word.end is not None and last:
                    times.append((word.end, made + int(sounded.ends[last - 1])))
            made += len(sounded.pcm)
            yield Spoken(sounded.pcm, tuple(times))

    def _voice(self, name: str) -> Model:
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]

    def _load(self, name: str) -> Model:
        if name not in self._registered:
            raise EngineError(f"hibari has no voice {name!r}; it has: {', '.join(self._registered)}")
        path = self._file(name)
        if path is None:
            raise EngineError(f"voice {name!r} is not on this machine; run once: hibari --voice {name} -o x.wav hello")
        model = Model(name, checked(path, self._registered[name]["sha256"]))
        # Loads dictionaries, and the net for words that are in none: some 400 ms.
        list(self._spoken(model, Phrase((Part("Hello, Offhook."),)), Colour()))
        return model

    def _genders(self) -> dict[str, str]:
        found = {}
        for voice in self.voices:
            name, _, colour = voice.partition("+")
            if colour != "high":
                found[voice] = "male" if colour == "low" else self._registered[name].get("gender", "female")
        return found

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
