"""Recognition by grammar: pocketsphinx, whose wheel carries an English model, listens for digits, letters, yes and no.

It understands nothing but what the grammar holds, on 20 ms of CPU a word, and without one it understands little: with a
full language model it misheard 60 % of telephone speech. Knows that library only.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from ...errors import EngineError, EngineMissing, UsageError
from .. import grammar as grammars
from ..engines import Float32, Recogniser, Transcription, Word, speaks
from ..registry import Options
from ..writing import bare, written

_FRAMES: Final = 100  # a second
_PAD: Final = 3200  # samples of silence before and after, which the model wants
_SEARCH: Final = "offhook"
_PIECE: Final = 2048  # bytes; the model follows the channel better piece by piece than over the whole
# The mean of the features over 24 numbers said over telephone: each utterance begins with it, so that none depends on
# the one before. It is worth one letter in 26.
_CHANNEL: Final = "49.4,34.9,-31.1,42.2,-25.6,0,9.1,-23,29.8,-11.1,-1.6,11.2,-12.5"


class Sphinx:
    """pocketsphinx with a grammar; results are written out (`4721`, `Yes.`), or bare words.

    The model is made for wide-band sound: of single digits over telephone it got 8 of 10, of letters 19 of 26, of
    numbers of three to six digits 2 of 12. For numbers Moonshine with hints is the better choice. Words outside the
    grammar are often taken for one in it: `reject` is a poor guard, so ask for confirmation. The confidence is the mean
    posterior of the words.

    Args:
        grammar: JSGF, see `offhook.speech.grammar`.
        reject: Confidence below which nothing counts as understood.
        bare: Whether results are left as bare words.

    Raises:
        EngineMissing: pocketsphinx is not installed.
        UsageError: The grammar is wrong, or holds a word whose pronunciation is not known.
    """

    rate = 16000
    languages = ("en",)
    bounded = True  # to a grammar: prose is not for it

    def __init__(self, grammar: str, *, reject: float = 0.3, bare: bool = False) -> None:
        try:
            import pocketsphinx
        except ImportError as error:
            raise EngineMissing("pocketsphinx", "grammar") from error
        model = pocketsphinx.get_model_path()
        # A decoder holds one utterance at a time, and 40 MB: threads take turns.
        self._decoder: Any = pocketsphinx.Decoder(
            hmm=f"{model}/en-us/en-us", dict=f"{model}/en-us/cmudict-en-us.dict", lm=None, loglevel="FATAL"
        )
        try:
            self._decoder.add_jsgf_string(_SEARCH, grammar)
            self._decoder.activate_search(_SEARCH)
        except (RuntimeError, KeyError, ValueError) as error:
            raise UsageError(
                "pocketsphinx cannot use this grammar: see its syntax, and that its words exist"
            ) from error
        self._lock = threading.Lock()
        self._reject = reject
        self._bare = bare

    @property
    def punctuates(self) -> bool:
        """Whether results are written out."""
        return not self._bare

    def hinted(self, hints: Sequence[str]) -> Sphinx:
        """A recogniser of these phrases only."""
        return Sphinx(grammars.choices(hints), reject=self._reject, bare=self._bare)

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        if not speaks(self.languages, language):
            raise EngineError(f"pocketsphinx has an English model only, not {language}")
        padded = np.pad(np.clip(pcm, -1, 1), _PAD) * 32767
        try:
            with self._lock:
                self._decoder.set_cmn(_CHANNEL)
                self._decoder.start_utt()
                raw = padded.astype("<i2").tobytes()
                for at in range(0, len(raw), _PIECE):
                    self._decoder.process_raw(raw[at : at + _PIECE])
                self._decoder.end_utt()
                found = [_word(part, len(pcm) / self.rate) for part in self._decoder.seg() or ()]
        except RuntimeError as error:
            raise EngineError("pocketsphinx failed") from error
        words = bare([word for word in found if word is not None])
        confidence = sum(word.confidence for word in words) / max(1, len(words))
        if not words or confidence < self._reject:
            return Transcription("", confidence, (), "en")
        shown = words if self._bare else written(words)
        return Transcription(" ".join(word.text for word in shown), confidence, shown, "en")


def recogniser(options: Options) -> Recogniser:
    """Loads pocketsphinx: `sphinx[:digit|digits|letter|letters|yesno|FILE.jsgf][?choices=red,dark blue]`.

    Further settings: `reject=0.3`, `bare=0`.
    """
    phrases = options.text("choices", "")
    grammar = grammars.choices([p.strip() for p in phrases.split(",")]) if phrases else None
    return Sphinx(
        grammar or grammars.named(options.variant or "digits"),
        reject=options.number("reject", 0.3, 0, 1),
        bare=options.number("bare", 0, 0, 1) == 1,
    )


def _word(part: Any, seconds: float) -> Word | None:
    if part.word[0] in "<[+":  # silence and noises
        return None
    pad = _PAD / Sphinx.rate
    start = min(max(0.0, part.start_frame / _FRAMES - pad), seconds)
    end = min(max(start, (part.end_frame + 1) / _FRAMES - pad), seconds)
    return Word(part.word.partition("(")[0], start, end, min(1.0, max(0.001, part.prob)))
