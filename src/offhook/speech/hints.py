"""What a caller is likely to say, brought to bear on what was recognised.

Some engines take hints themselves; what they, and those that do not, still get slightly wrong is replaced by the hint
that it resembles. In measurements a bonus for hinted tokens gave Moonshine nothing; comparing afterwards does. Knows
text only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

from ..errors import EngineMissing
from .engines import Float32, Recogniser, Transcription, Word
from .passing import Passing

CLOSE: Final = 0.78
"""How alike, 0..1, words must be to a hint to be replaced by it."""


@runtime_checkable
class TakesHints(Protocol):
    """A recogniser that can be told what to expect."""

    def hinted(self, hints: Sequence[str]) -> Recogniser:
        """Returns a recogniser that expects these words and names, and shares all that is large with this one."""


def hinted(recogniser: Recogniser, hints: Sequence[str], *, close: float = CLOSE) -> Recogniser:
    """Returns a recogniser that expects certain words and names: as a call's recogniser, or for one turn.

    Args:
        recogniser: Any; the hints are given to it too if it takes them.
        hints: As they are to be written: `Ashford`, `River Street Books`, `yes`.
        close: How alike words must be to a hint, see `CLOSE`.

    Raises:
        EngineMissing: rapidfuzz is not installed.
    """
    inner = recogniser.hinted(hints) if isinstance(recogniser, TakesHints) else recogniser
    return _Hinted(inner, hints, close)


def corrected(words: Sequence[Word], hints: Sequence[str], close: float = CLOSE) -> tuple[Word, ...]:
    """Returns the words with each run that resembles a hint replaced by it, the best ones first.

    A hint of n words is compared with runs of n - 1 to n + 2 words, letters and digits only. Punctuation around a run
    is kept.
    """
    try:
        from rapidfuzz import fuzz
    except ImportError as error:
        raise EngineMissing("rapidfuzz", "speech") from error
    plain = [_plain(word.text) for word in words]
    candidates: list[tuple[float, int, int, str]] = []
    for hint in hints:
        wanted, size = _plain(hint), len(hint.split())
        if not wanted:
            continue
        for length in range(max(1, size - 1), size + 3):
            for start in range(len(words) - length + 1):
                run = "".join(plain[start : start + length])
                score = fuzz.ratio(run, wanted, score_cutoff=close * 100) / 100
                if score:
                    candidates.append((score, start, length, hint))
    out: list[Word | None] = list(words)
    taken: set[int] = set()
    for _, start, length, hint in sorted(candidates, key=lambda found: (-found[0], found[2], found[1])):
        places = range(start, start + length)
        if taken.isdisjoint(places):
            taken.update(places)
            out[start : start + length] = _rewritten(words[start : start + length], hint)
    return tuple(word for word in out if word is not None)


class _Hinted(Passing):
    def __init__(self, engine: Recogniser, hints: Sequence[str], close: float) -> None:
        super().__init__(engine)
        self._hints = tuple(hints)
        self._close = close

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        heard = self.engine.transcribe(pcm, language)
        words = heard.words or tuple(Word(text, 0.0, 0.0, heard.confidence) for text in heard.text.split())
        fixed = corrected(words, self._hints, self._close)
        return replace(heard, text=" ".join(word.text for word in fixed), words=fixed if heard.words else ())


def _plain(text: str) -> str:
    return re.sub(r"[\W_]", "", text).lower()


def _rewritten(run: Sequence[Word], hint: str) -> list[Word | None]:
    """The hint as words over the time of the run, padded with None to the run's length."""
    before = re.match(r"[^\w]*", run[0].text)
    after = re.search(r"[^\w]*$", run[-1].text)
    texts = hint.split()
    start, end = run[0].start, run[-1].end
    confidence = min(word.confidence for word in run)
    step = (end - start) / len(texts)
    if len(texts) == len(run):
        spans = [(word.start, word.end) for word in run]
    else:
        spans = [(start + step * index, start + step * (index + 1)) for index in range(len(texts))]
    words = [Word(text, a, b, confidence) for text, (a, b) in zip(texts, spans, strict=True)]
    words[0] = replace(words[0], text=(before[0] if before else "") + words[0].text)
    words[-1] = replace(words[-1], text=words[-1].text + (after[0] if after else ""))
    if len(words) > len(run):  # more words than places: the last place takes the rest
        kept, rest = words[: len(run) - 1], words[len(run) - 1 :]
        joined = Word(" ".join(w.text for w in rest), rest[0].start, rest[-1].end, confidence)
        return [*kept, joined]
    return [*words, *([None] * (len(run) - len(words)))]
