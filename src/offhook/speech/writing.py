"""How recognised words are written: numbers as digits, capitals and punctuation for engines that give bare words, and
the other way round for those who want bare words of engines that punctuate.

Numbers are found by text2num in the languages that it knows; spelled digits, money and casing are rules for English.
Recognisers are wrapped, so that what they hear stays theirs. Knows words and text, no engine in particular.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ..errors import EngineMissing
from .engines import Float32, Recogniser, Transcription, Word
from .passing import Passing

_NUMBER_LANGUAGES: Final = frozenset({"en", "es", "fr", "de", "it", "pt", "nl", "da"})
_DIGITS: Final = {
    word: str(digit)
    for digit, word in enumerate("zero one two three four five six seven eight nine".split())  # noqa: SIM905
} | {"oh": "0", "o": "0"}  # fmt: skip
_PROPER: Final = frozenset(
    (  # noqa: SIM905
        "monday tuesday wednesday thursday friday saturday sunday january february april june july august september "
        "october november december english spanish french german italian"
    ).split()
)
_ASKS: Final = frozenset(
    (  # noqa: SIM905
        "who whose whom what when where which why how can could will would do does did is are am was were should may "
        "have has"
    ).split()
)
_MONEY: Final = re.compile(r"dollars?|euros?|pounds?")
_SIGNS: Final = {"dollar": "$", "euro": "€", "pound": "£"}
_CENTS: Final = frozenset({"cent", "cents", "pence"})
_EDGES: Final = '.,;:!?¿¡…"“”„«»()'


def written(words: Sequence[Word], language: str = "en") -> tuple[Word, ...]:
    """Returns bare words as they would be written; words that become one number become one word.

    `four seven two one` becomes `4721`, `it costs twenty dollars and five cents` becomes `It costs $20.05.`, and
    `can i call on monday` becomes `Can I call on Monday?`

    Args:
        words: Lower case, without punctuation.
        language: BCP 47 tag. Numbers are found in en, es, fr, de, it, pt, nl and da; the rest is English only, but for
            the capital and the full stop of a sentence.

    Raises:
        EngineMissing: text2num is not installed.
    """
    primary = language.partition("-")[0].lower()
    found = list(words)
    if primary == "en":
        found = _spelled(found)
    if primary in _NUMBER_LANGUAGES:
        found = _counted(found, primary)
    if primary == "en":
        found = [_cased(word) for word in _paid(found)]
    return _sentence(found, asks=primary == "en" and bool(words) and words[0].text in _ASKS)


def bare(words: Sequence[Word]) -> tuple[Word, ...]:
    """Returns words in lower case without the punctuation around them; words of nothing else are left out."""
    stripped = (replace(word, text=word.text.strip(_EDGES).lower()) for word in words)
    return tuple(word for word in stripped if word.text)


class Written(Passing):
    """A recogniser whose bare words are written out by `written`."""

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        heard = self.engine.transcribe(pcm, language)
        return _with(heard, written(heard.words or _untimed(heard, pcm, self.rate), heard.language))


class Bare(Passing):
    """A recogniser whose results come in lower case without punctuation."""

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        heard = self.engine.transcribe(pcm, language)
        if not heard.words:
            return replace(heard, text=" ".join(filter(None, (w.strip(_EDGES).lower() for w in heard.text.split()))))
        return _with(heard, bare(heard.words))


def punctuated(recogniser: Recogniser, wanted: bool | None) -> Recogniser:
    """Returns the recogniser with punctuation, without it, or (None) as the engine gives it."""
    if wanted is None:
        return recogniser
    if not wanted:
        return Bare(recogniser)
    return recogniser if getattr(recogniser, "punctuates", True) else Written(recogniser)


def _with(heard: Transcription, words: tuple[Word, ...]) -> Transcription:
    return replace(heard, text=" ".join(word.text for word in words), words=words)


def _untimed(heard: Transcription, pcm: Float32, rate: int) -> tuple[Word, ...]:
    from .wordtimes import spread

    texts = heard.text.split()
    spans = spread(texts, pcm, rate)
    return tuple(Word(text, a, b, heard.confidence) for text, (a, b) in zip(texts, spans, strict=True))


def _joined(words: Sequence[Word], text: str) -> Word:
    return Word(text, words[0].start, words[-1].end, min(word.confidence for word in words))


def _spelled(words: list[Word]) -> list[Word]:
    """Joins digits that are said one by one, `double` and `triple` included; a single one is left to `_counted`."""
    out: list[Word] = []
    at = 0
    while at < len(words):
        digits, upto = "", at
        while upto < len(words):
            times = {"double": 2, "triple": 3}.get(words[upto].text, 1)
            follows = upto + (times > 1)
            digit = _DIGITS.get(words[follows].text) if follows < len(words) else None
            if digit is None or (not digits and words[follows].text in ("oh", "o")):
                break
            digits += digit * times
            upto = follows + 1
        # "twenty one two": the digit behind a ten belongs to it.
        tens = bool(out) and re.fullmatch(r"(twen|thir|for|fif|six|seven|eigh|nine)ty", out[-1].text) is not None
        if len(digits) > 1 and not tens:
            out.append(_joined(words[at:upto], digits))
            at = upto
        else:
            out.append(words[at])
            at += 1
    return out


class _Token:
    def __init__(self, text: str) -> None:
        self._text = text

    def text(self) -> str:
        return self._text

    def nt_separated(self, previous: object) -> bool:
        return False

    def not_a_number_part(self) -> bool:
        return self._text.isdigit()  # joined by `_spelled` already


def _counted(words: list[Word], language: str) -> list[Word]:
    try:
        from text_to_num import find_numbers
    except ImportError as error:
        raise EngineMissing("text2num", "grammar") from error
    out: list[Word] = []
    at = 0
    alone = len(words) == 1  # "one" is the number where nothing else is said, and a word in "I want one"
    for number in find_numbers([_Token(word.text) for word in words], language, 0 if alone else 3):
        out += words[at : number.start]
        out.append(_joined(words[number.start : number.end], number.text))
        at = number.end
    return out + words[at:]


def _paid(words: list[Word]) -> list[Word]:
    """`20 dollars and 5 cents` is `$20.05`, `3 percent` is `3%`."""
    out: list[Word] = []
    at = 0
    while at < len(words):
        number, rest = words[at], words[at + 1 :]
        unit = rest[0].text if rest else ""
        if re.fullmatch(r"\d+(\.\d+)?", number.text) and unit == "percent":
            out.append(_joined(words[at : at + 2], f"{number.text}%"))
            at += 2
        elif number.text.isdigit() and _MONEY.fullmatch(unit):
            tail = rest[2:4] if len(rest) > 1 and rest[1].text == "and" else rest[1:3]
            cents = tail[0].text if len(tail) == 2 and tail[1].text in _CENTS and tail[0].text.isdigit() else ""
            small = cents if len(cents) < 3 else ""
            last = at + 1 + (words.index(tail[1]) - at - 1 if small else 0)
            sign = _SIGNS[unit.rstrip("s")]
            out.append(_joined(words[at : last + 1], f"{sign}{number.text}" + (f".{int(small):02}" if small else "")))
            at = last + 1
        else:
            out.append(number)
            at += 1
    return out


def _cased(word: Word) -> Word:
    text = word.text
    if text == "i" or text.startswith("i'"):
        return replace(word, text="I" + text[1:])
    if text in _PROPER:
        return replace(word, text=text.capitalize())
    # Spelled letters; "a" is an article unless it stands among them, which only a grammar of letters can tell.
    return replace(word, text=text.upper()) if len(text) == 1 and text.isalpha() and text != "a" else word


def _sentence(words: list[Word], *, asks: bool) -> tuple[Word, ...]:
    """A capital and a stop, unless it is nothing but numbers and letters."""
    if not any(len(word.text) > 1 and word.text.isalpha() for word in words):
        return tuple(replace(word, text=word.text.upper()) if len(word.text) == 1 else word for word in words)
    first, last = words[0], words[-1]
    words[0] = replace(first, text=first.text[:1].upper() + first.text[1:])
    words[-1] = replace(words[-1], text=words[-1].text + ("?" if asks else "." if last.text else ""))
    return tuple(words)
