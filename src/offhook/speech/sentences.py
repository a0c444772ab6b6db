"""Text cut into sentences, in any language: at once, or as it comes from a language model.

Where sentences end is told by sentencex, which knows abbreviations and stops of some 300 languages. It knows text only.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

#: Characters without an end of a sentence after which streamed text is spoken up to a comma, or to a space.
LONG: Final = 240

_STOPS: Final = ".!?…。！？．｡।॥؟۔։።।"
_CLOSING: Final = "\"'”’»)]}」』）】〉》"
_WIDE_STOPS: Final = "。！？．｡"
_UNSAYABLE = re.compile("[\0\ud800-\udfff]")
_SOFT = re.compile(r"[,;:–—、，；：،؛]\s*|\s+")
#: "1. First", "b) Second": the mark of an item belongs to it.
_ITEM = re.compile(r"\s*(?:\d{1,3}|[A-Za-z])[.)]\s+")


def mended(text: str) -> str:
    """Text without halves of characters, as a model's answer may have them, and without NUL: nobody could say it."""
    return _UNSAYABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def split(text: str, language: str | None = None) -> list[str]:
    """The sentences of a text with the white space behind each; joined they are the text.

    Args:
        text: Any text.
        language: BCP 47 tag; English if not given.
    """
    from sentencex import segment

    out: list[str] = []
    tag = (language or "en").replace("_", "-").partition("-")[0].lower()
    end = 0
    for sentence in segment(tag, text):
        at = text.find(sentence, end)
        if at < 0:  # it never alters text; should it, nothing of it gets lost
            break
        piece, end = text[end : at + len(sentence)], at + len(sentence)
        if out and (not piece.strip() or not out[-1].strip() or _ITEM.fullmatch(out[-1])):
            out[-1] += piece
        else:
            out.append(piece)
    if end < len(text):
        out.append(text[end:])
    return out


def sentences(text: str, language: str | None = None) -> list[str]:
    """The sentences of a text without the white space around them."""
    return [sentence.strip() for sentence in split(text, language) if sentence.strip()]


def word_ends(text: str) -> list[int]:
    """Where words end, as counts of characters: behind each run without white space, and each ideograph or kana."""
    ends = []
    for at, letter in enumerate(text, 1):
        if letter.isspace():
            continue
        if at == len(text) or text[at].isspace() or (_is_wide(letter) and not _joins(text[at])):
            ends.append(at)
    return ends


def _joins(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "PM"


def _is_wide(letter: str) -> bool:
    """Of a script that is written without spaces."""
    return unicodedata.east_asian_width(letter) in "WF" or "฀" <= letter <= "๿" or "ក" <= letter <= "៿"


class SentenceStream:
    """Cuts text that comes piece by piece, each sentence as soon as it is certain that it is over.

    Args:
        language: BCP 47 tag; English if not given.
        longest: Characters after which text without a stop is cut at a comma or a space.
    """

    def __init__(self, language: str | None = None, longest: int = LONG) -> None:
        self._language = language
        self._longest = longest
        self._rest = ""

    def push(self, text: str) -> list[str]:
        """Returns the sentences that are complete now, with the white space behind each."""
        self._rest += text
        out = []
        if any(stop in text for stop in _STOPS) or any(letter.isspace() for letter in text) or self._rest != text:
            *complete, last = split(self._rest, self._language) or [""]
            # What comes next may join the last two: "3." and "5", "p." and "m.".
            while complete and not _is_certain(complete[-1], last):
                last = complete.pop() + last
            if _is_over(last):
                complete.append(last)
                last = ""
            out, self._rest = complete, last
        while len(self._rest) > self._longest:
            out.append(self._cut())
        return [sentence for sentence in out if sentence]

    def end(self) -> list[str]:
        """Returns what is left: nothing more comes."""
        rest, self._rest = self._rest, ""
        return split(rest, self._language) if rest.strip() else []

    def _cut(self) -> str:
        limit = self._longest
        ends = [match.end() for match in _SOFT.finditer(self._rest, limit // 2, limit)]
        commas = [end for end in ends if not self._rest[end - 1 : end].isspace() or self._rest[end - 2] in ",;:–—،؛"]
        at = (commas or ends or [limit])[-1]
        piece, self._rest = self._rest[:at], self._rest[at:]
        return piece


def _is_certain(sentence: str, following: str) -> bool:
    """Whether a sentence stays one whatever comes: where its end leaves doubts, the word behind it must be complete."""
    return _is_over(sentence) or len(following.split(None, 1)) > 1 or following.rstrip() not in ("", following)


def _is_over(sentence: str) -> bool:
    """Whether a sentence is over though nothing is known of what follows: behind an end that leaves no doubt.

    A full stop may be that of an abbreviation or a number, unless a longer word stands before it and a space behind.
    """
    body = sentence.rstrip()
    bare = body.rstrip(_CLOSING)
    if not bare:
        return False
    if bare[-1] in _WIDE_STOPS:
        return body != bare or sentence != body or not _opens_quote(bare)
    if body == sentence or body != bare:
        return False  # more of the word may follow, or a closing quote; or the sentence around a quotation
    if bare[-1] in "!?؟।॥۔":
        return True
    word = re.split(r"[\s.]", bare[:-1])[-1]
    return bare[-1] == "." and len(word) > 4 and word.isalpha() and word.islower()


def _opens_quote(text: str) -> bool:
    """Whether a quotation is open, whose end may follow."""
    return any(text.count(opening) > text.count(closing) for opening, closing in ("「」", "『』", "“”", "（）", "《》"))
