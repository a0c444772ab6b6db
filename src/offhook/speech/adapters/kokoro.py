"""English synthesis by Kokoro, American and British voices; words become phonemes by hibari's dictionaries.

It sounds better than hibari and costs some fifty times as much: about a second of one core for a second of speech.
`offhook engines install kokoro` gets it. Knows onnxruntime and hibari's phonemes.
"""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from ...errors import EngineError, EngineMissing
from ..engines import Float32, Synthesiser, speaks
from ..phrases import Abilities, Part, Phrase, Spoken
from ..registry import Options
from ..sentences import split
from ..weights import checked, package_folder
from . import kokoro_install as installed
from .hibari_words import chunks, pitched

#: Phonemes that the network takes at once, with a sign at either end: there is a style for each length.
_STYLES: Final = 510
_MOST_PHONEMES: Final = 400
_SLOWEST, _FASTEST = 0.7, 1.3
_DEFAULT: Final = "af_heart"

_GENDERS: Final = {name: "female" if name[1] == "f" else "male" for name in installed.VOICES}
abilities = Abilities(rate=(_SLOWEST, _FASTEST), phonemes=True, genders=_GENDERS)
"""What Kokoro does by itself."""


class Kokoro:
    """Kokoro-82M, int8, at 24 kHz, sentence by sentence.

    Args:
        voice: Used where `synthesise` is given none that speaks the language: `af_heart`, `bm_george`; the first letter
            is a for American and b for British, the second f for women and m for men.
        speed: 1 is the natural pace; from 0.7 to 1.3.
        threads: Cores that one sentence may use.

    Raises:
        EngineMissing: The model, hibari-tts or onnxruntime is not installed.
        EngineError: There is no such voice, or the files are not those that were measured.
    """

    rate = 24000

    def __init__(self, voice: str = _DEFAULT, speed: float = 1.0, threads: int = 1) -> None:
        try:
            import hibari.g2p  # noqa: F401
            import onnxruntime
        except ImportError as error:
            raise EngineMissing("kokoro", "speech") from error
        if voice not in installed.VOICES:
            raise EngineError(f"kokoro has no voice {voice!r}; it has: {', '.join(installed.VOICES)}")
        folder = installed.folder()
        if not (folder / installed.VOICES_FILE).is_file():
            raise EngineMissing("kokoro", "speech", "offhook engines install kokoro")
        model = checked(folder / installed.MODEL_FILE, installed.MODEL_SHA256)
        styles = checked(folder / installed.VOICES_FILE, installed.VOICES_SHA256)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        self._network: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._styles = np.fromfile(styles, "<f4").reshape(len(installed.VOICES), _STYLES, 1, 256)
        alphabet = package_folder("hibari", engine="kokoro", extra="speech") / "assets/vocab.json"
        self._alphabet: dict[str, int] = json.loads(alphabet.read_bytes())  # hibari's network has learnt from Kokoro
        self._speed = speed
        self._lock = threading.Lock()
        self.voices: tuple[str, ...] = (voice, *(other for other in installed.VOICES if other != voice))
        self.languages: tuple[str, ...] = tuple(dict.fromkeys(map(_language, self.voices)))
        self.abilities = abilities
        self.name = f"kokoro-1.0-{voice}-{speed:g}"

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        phrases = [self.express(Phrase((Part(one),)), voice=voice, language=language) for one in split(text)]
        return (spoken.pcm for phrase in phrases for spoken in phrase)

    def express(self, phrase: Phrase, *, voice: str | None = None, language: str | None = None) -> Iterator[Spoken]:
        """See `offhook.speech.phrases.Expressive`."""
        if not speaks(self.languages, language):
            raise EngineError(f"kokoro speaks English only here, not {language}")
        if voice is None:
            wanted = (language or "").replace("_", "-").lower()
            voice = next((name for name in self.voices if _language(name).lower() == wanted), self.voices[0])
        if voice not in self.voices:
            raise EngineError(f"kokoro has no voice {voice!r}; it has: {', '.join(self.voices)}")
        return self._spoken(voice, phrase)

    def _spoken(self, voice: str, phrase: Phrase) -> Iterator[Spoken]:
        with self._lock:
            g2p = _g2p(voice[0] == "b")
            words = pitched(phrase, g2p)
        for chunk in chunks(words, _MOST_PHONEMES):
            phonemes = "".join(word.phonemes for word, _ in chunk).rstrip()
            ids = [self._alphabet[sign] for sign in phonemes if sign in self._alphabet]
            if not ids:
                continue
            (pcm,) = self._network.run(
                ["audio"],
                {
                    "tokens": np.asarray([[0, *ids, 0]], np.int64),
                    "style": self._styles[installed.VOICES.index(voice), min(len(ids), _STYLES - 1)],
                    "speed": np.asarray([self._speed * phrase.rate], np.float32),
                },
            )
            yield Spoken(np.asarray(pcm, np.float32))


@functools.cache
def _g2p(british: bool) -> Any:
    from hibari.g2p import G2P

    return G2P(british=british)


def _language(voice: str) -> str:
    return "en-GB" if voice[0] == "b" else "en-US"


def synthesiser(options: Options) -> Synthesiser:
    """Loads Kokoro: `kokoro[:af_heart][?voice=af_heart][&speed=1][&threads=1]`."""
    voice = options.text("voice", options.variant or _DEFAULT)
    speed = options.number("speed", 1.0, _SLOWEST, _FASTEST)
    return Kokoro(voice, speed, int(options.number("threads", 1, 1, 64)))
