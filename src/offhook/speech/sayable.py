"""Rewrites what a synthesiser's own front end reads wrongly: phone numbers, reference numbers, street names.

Meant for English text as a bot writes it. It changes only what it is sure of and leaves dates, prices, times and plain
numbers to the engine. Knows text only, no engine.
"""

from __future__ import annotations

import re

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_STREETS = {"St": "Street", "Ave": "Avenue", "Rd": "Road", "Blvd": "Boulevard", "Dr": "Drive", "Ln": "Lane"}

# +1 (317) 555-0142, 1-800-555-0199, 317.555.0142, 555-0142, +44 20 7946 0000
_PHONE = re.compile(
    r"(?<![\w$€£.,/-])"
    r"(?:\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,5}|(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}|\d{3}-\d{4})"
    r"(?![\w/-]|[.,]\d)"
)
# 123 Main St., 7 North Oak Ave
_ADDRESS = re.compile(rf"(\b\d+ (?:[A-Z][\w']+ ){{1,3}})({'|'.join(_STREETS)})\b\.?(?P<last>(?=\s+[A-Z]|\s*$))?")
# C7419, AB-1234, 7XK9: capitals and digits mixed. Not 10AM, MP3, B2B, COVID19, 1990S.
_CODE = re.compile(
    r"(?<![\w$€£.-])(?=[A-Z\d-]*[A-Z])(?=(?:[A-Z-]*\d){2})(?=(?:-?[A-Z\d]){4})(?!\d+(?:AM|PM|S)\b)(?![A-Z\d-]*[A-Z]{4})"
    r"[A-Z\d]+(?:-[A-Z\d]+)*(?![\w-])"
)
# Four digits may be a year or a number; said singly only behind a word that tells.
_NAMED = re.compile(
    r"(\b(?:number|code|id|pin|passcode|order|account|booking|case|ticket|reference|extension|ending in)"
    r"(?: (?:number|code|id|is))*:? |(?<!\w)#)(\d{3,4})(?![\w:]|[.,/-]\d)",
    re.IGNORECASE,
)
_LONG = re.compile(r"(?<![\w$€£#.,:/-])#?(\d{5,})(?![\w:/]|[.,-]\d)")


def sayable(text: str) -> str:
    """Returns `text` with phone numbers, codes and long digit strings spelled, and streets written out.

    `Your order C7419 goes to 12 Main St.` becomes `Your order C, seven four one nine goes to 12 Main Street.`
    """
    text = _ADDRESS.sub(_street, text)
    text = _PHONE.sub(lambda match: _spell_phone(match[0]), text)
    text = _CODE.sub(lambda match: _spell_code(match[0]), text)
    text = _NAMED.sub(lambda match: ("number " if match[1] == "#" else match[1]) + _spell(match[2]), text)
    return _LONG.sub(lambda match: _spell_long(match[1]), text)


def _street(match: re.Match[str]) -> str:
    ended = match[0].endswith(".") and match["last"] is not None  # the full stop also ended the sentence
    return match[1] + _STREETS[match[2]] + ("." if ended else "")


def _spell(digits: str) -> str:
    return " ".join(_DIGITS[int(digit)] for digit in digits)


def _spell_phone(written: str) -> str:
    groups = re.findall(r"\d+", written)
    return ("plus " if written.startswith("+") else "") + ", ".join(map(_spell, groups))


def _spell_code(written: str) -> str:
    runs = re.findall(r"[A-Z]+|\d+", written)
    return ", ".join(_spell(run) if run.isdigit() else " ".join(run) for run in runs)


def _spell_long(digits: str) -> str:
    """Seven digits and more come in threes, the rest with the last group, as people read them out."""
    if len(digits) < 7:
        return _spell(digits)
    cut = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    if len(cut[-1]) < 3:
        cut[-2:] = [cut[-2] + cut[-1]]
    return ", ".join(map(_spell, cut))
