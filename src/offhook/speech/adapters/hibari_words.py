"""From text to hibari's phonemes, word by word, so that it is known which sounds belong to which letters.

hibari's alphabet is that of misaki: IPA with one letter for each English diphthong and affricate, and stress marks
before the vowel. Knows that library only.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ..phrases import Phrase
from ..sayable import sayable
from ..sentences import word_ends

_STOPS: Final = ",;:—.!?…"
#: Signs of the alphabet that make no sound of their own.
SILENT: Final = _STOPS + '"“”() '

#: What the network was trained on is IPA but for these; longer signs first.
_MISAKI: Final = (
    ("͡", ""), ("tʃ", "ʧ"), ("dʒ", "ʤ"), ("ts", "ʦ"), ("dz", "ʣ"),
    ("eɪ", "A"), ("aɪ", "I"), ("ɔɪ", "Y"), ("oʊ", "O"), ("əʊ", "O"), ("aʊ", "W"),
    ("ɜːɹ", "ɜɹ"), ("ɜːr", "ɜɹ"), ("ɝː", "ɜɹ"), ("ɝ", "ɜɹ"), ("ɚ", "əɹ"), ("ɜː", "ɜɹ"), ("r", "ɹ"), ("g", "ɡ"),
    ("ɫ", "l"), ("l̩", "ᵊl"), ("n̩", "ᵊn"), ("m̩", "ᵊm"), ("ɒ", "ɑ"), ("e", "ɛ"), ("ɾ", "T"), ("ʔ", "t"), ("ɐ", "ə"),
    ("ʌ", "ʌ"), ("ː", ""), ("ˑ", ""), (".", ""), ("‿", ""), ("'", "ˈ"), ("ʰ", ""), ("̃", ""),
)  # fmt: skip
_VOWELS: Final = "AIOQWYaeiouæɑɒɔəɛɜɪʊʌᵊᵻɐɨɯøœyɤ"
_STRESSED = re.compile(rf"([ˈˌ])([^{_VOWELS}ˈˌ ]*)(?=[{_VOWELS}])")


@dataclass(frozen=True, slots=True)
class Word:
    """Phonemes of a word with the stops and the space behind it.

    Attributes:
        phonemes: In hibari's alphabet.
        end: Characters of the text that have been said with it; None where its letters cannot be told apart.
    """

    phonemes: str
    end: int | None


def pitched(phrase: Phrase, g2p: Any) -> list[tuple[Word, float]]:
    """The words of a phrase, each with its pitch; their ends count from the beginning of the phrase."""
    out: list[tuple[Word, float]] = []
    before = 0
    for part in phrase.parts:
        body = part.text.rstrip()
        gap = " " if len(body) < len(part.text) else ""
        if part.phonemes:
            words = [Word(from_ipa(part.phonemes), len(body))]
        else:
            words = words_of(part.text, sayable(part.text), g2p)
        if words and gap and not words[-1].phonemes.endswith(" "):
            words[-1] = Word(words[-1].phonemes + gap, words[-1].end)
        out.extend((Word(word.phonemes, None if word.end is None else before + word.end), part.pitch) for word in words)
        before += len(part.text)
    return out


def chunks(words: list[tuple[Word, float]], most: int) -> Iterator[list[tuple[Word, float]]]:
    """Words of `most` phonemes at most; what is longer is cut behind its last stop, or anywhere."""
    chunk: list[tuple[Word, float]] = []
    size = stop = 0
    for word in words:
        if chunk and size + len(word[0].phonemes) > most:
            yield chunk[: stop or len(chunk)]
            chunk = chunk[stop or len(chunk) :]
            size, stop = sum(len(word.phonemes) for word, _ in chunk), 0
        chunk.append(word)
        size += len(word[0].phonemes)
        said = word[0].phonemes.rstrip('"”’) ')
        if said.endswith(tuple(_STOPS)):
            stop = len(chunk)
    if chunk:
        yield chunk


def words_of(text: str, spoken: str, g2p: Any) -> list[Word]:
    """The words of a text as they are pronounced.

    Args:
        text: As it was given.
        spoken: The same made sayable: with numbers and names written so that hibari reads them.
        g2p: hibari's.
    """
    from hibari.g2p.normalize import normalize

    names, sounds = [], []
    name = sound = ""
    for token in g2p.phonemize_tokens(g2p.tokenize(normalize(spoken))):
        name += token.text
        sound += token.phonemes or ""
        if token.whitespace:
            names.append(name)
            sounds.append(sound + " ")
            name = sound = ""
    if name:
        names.append(name)
        sounds.append(sound)
    return [Word(sound, end) for sound, end in zip(sounds, _placed(text, names), strict=True)]


def _placed(text: str, names: list[str]) -> list[int | None]:
    """Where in the text each of the words that are pronounced ends, as far as they are the same."""
    ends = word_ends(text)
    written = [_bare(text[start:end]) for start, end in zip([0, *ends], ends, strict=False)]
    said = [_bare(name) for name in names]
    placed: list[int | None] = [None] * len(names)
    for block in difflib.SequenceMatcher(None, written, said, autojunk=False).get_matching_blocks():
        for offset in range(block.size):
            placed[block.b + offset] = ends[block.a + offset]
            if offset == 0 and block.b and block.a and placed[block.b - 1] is None:
                placed[block.b - 1] = ends[block.a - 1]  # what was said otherwise ends where the same goes on
    if placed and ends:
        placed[-1] = ends[-1]
    return placed


def _bare(word: str) -> str:
    return "".join(filter(str.isalnum, word)).lower()


def from_ipa(ipa: str) -> str:
    """IPA in hibari's alphabet: `həˈloʊ` is `həlˈO`."""
    for sign, ours in _MISAKI:
        ipa = ipa.replace(sign, ours)
    return _STRESSED.sub(r"\2\1", ipa)
