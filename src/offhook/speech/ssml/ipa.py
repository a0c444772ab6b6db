"""Alphabets for `<phoneme>`: the International Phonetic Alphabet, and X-SAMPA, which writes it in ASCII.

The table is that of J. C. Wells, "Computer-coding the IPA" (1995, revised 2000), as far as its sounds are those of the
languages that engines here speak. Each function raises ValueError with the end of a sentence about the value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

_XSAMPA: Final = {
    **{letter: letter for letter in "abcdefhijklmnopqrstuvwxyz"},
    "g": "ɡ", "A": "ɑ", "B": "β", "C": "ç", "D": "ð", "E": "ɛ", "F": "ɱ", "G": "ɣ", "H": "ɥ", "I": "ɪ", "J": "ɲ",
    "K": "ɬ", "L": "ʎ", "M": "ɯ", "N": "ŋ", "O": "ɔ", "P": "ʋ", "Q": "ɒ", "R": "ʁ", "S": "ʃ", "T": "θ", "U": "ʊ",
    "V": "ʌ", "W": "ʍ", "X": "χ", "Y": "ʏ", "Z": "ʒ", "1": "ɨ", "2": "ø", "3": "ɜ", "4": "ɾ", "5": "ɫ", "6": "ɐ",
    "7": "ɤ", "8": "ɵ", "9": "œ", "@": "ə", "{": "æ", "}": "ʉ", "&": "ɶ", "?": "ʔ",
    "t`": "ʈ", "d`": "ɖ", "n`": "ɳ", "r`": "ɽ", "s`": "ʂ", "z`": "ʐ", "l`": "ɭ", "@`": "ɚ", "3`": "ɝ",
    "r\\": "ɹ", "r\\`": "ɻ", "j\\": "ʝ", "x\\": "ɧ", "s\\": "ɕ", "z\\": "ʑ", "h\\": "ɦ", "B\\": "ʙ", "R\\": "ʀ",
    "L\\": "ʟ", "N\\": "ɴ", "G\\": "ɢ", "J\\": "ɟ", "X\\": "ħ", "M\\": "ɰ", "K\\": "ɮ", "p\\": "ɸ", "v\\": "ʋ",
    "l\\": "ɺ", "I\\": "ᵻ", "U\\": "ᵿ", "3\\": "ɞ", "@\\": "ɘ",
    '"': "ˈ", "%": "ˌ", ":": "ː", ":\\": "ˑ", "_h": "ʰ", "_j": "ʲ", "'": "ʲ", "_w": "ʷ", "~": "̃", "_~": "̃", "=": "̩",
    "_=": "̩", ".": ".", "|": "|", "||": "‖", "-": "", "_": "͡", " ": " ",
}  # fmt: skip
_LONGEST_FIRST = re.compile("|".join(re.escape(sign) for sign in sorted(_XSAMPA, key=len, reverse=True)))


def checked(written: str) -> str:
    """IPA as it is written, if it is some: letters, marks and modifiers, composed."""
    text = unicodedata.normalize("NFC", " ".join(written.split()))
    for sign in text:
        if unicodedata.category(sign)[0] not in "LM" and sign not in " .ˈˌːˑ|‖‿̩͡ˊˋ˥˦˧˨˩↓↑→↗↘'’":
            raise ValueError(f"is no IPA: {sign!r} is none of its signs")
    return text


def from_xsampa(written: str) -> str:
    """X-SAMPA as IPA: `h@"loU` is `həˈloʊ`."""
    text = " ".join(written.split())
    out, at = [], 0
    while at < len(text):
        match = _LONGEST_FIRST.match(text, at)
        if match is None:
            raise ValueError(f"is no X-SAMPA: {text[at]!r} is none of its signs")
        out.append(_XSAMPA[match[0]])
        at = match.end()
    return unicodedata.normalize("NFC", "".join(out))


ALPHABETS: Final[dict[str, Callable[[str], str]]] = {
    "ipa": checked,
    "x-sampa": from_xsampa,
    "xsampa": from_xsampa,
    "x-SAMPA": from_xsampa,
}
