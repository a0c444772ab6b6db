"""Dates and times of day, as `<say-as>` has them: read in any common way of writing, given as words.

It knows calendars and languages, nothing of speech.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Final

from babel import Locale
from babel.dates import format_date, get_month_names

Number = Callable[..., str]

#: Between hour and minute, and behind an hour without minutes, where the clock is not simply read out.
_CLOCK: Final = {
    "de": (" Uhr ", " Uhr"),
    "fr": (" heures ", " heures"),
    "it": (" e ", ""),
    "es": (" y ", " en punto"),
    "nl": (" uur ", " uur"),
    "pt": (" e ", " horas"),
}
_TIME = re.compile(r"(\d{1,2})(?:\s*[:.h]\s*(\d{2})(?::(\d{2}))?)?\s*(?:h|Uhr)?\s*([ap])?\.?(?:m\.?)?", re.IGNORECASE)
_ORDERS: Final = frozenset({"mdy", "dmy", "ymd", "ydm", "md", "dm", "ym", "my", "y", "m", "d"})
#: Where the month is written first.
_MONTH_FIRST: Final = frozenset({"US", "PH", "FM", "PW", "MH"})


def date(text: str, order: str, locale: Locale, number: Number) -> str | None:
    """A date in words, or None if it is none.

    Args:
        text: `2026-03-05`, `3/5/2026`, `20260305`, `5 Mar 2026`, `March 2026` and the like.
        order: `mdy`, `dmy`, `ymd`, `md`, `dm`, `my`, `ym`, `y`, `m` or `d`; empty to tell it from the text.
        locale: Whose words, and whose order of day and month.
        number: Makes words of a number: cardinal, or "ordinal" or "year".
    """
    found = _parts(text, order.lower() if order.lower() in _ORDERS else "", locale)
    if found is None:
        return None
    year, month, day = found
    try:
        whole = datetime.date(year or 2000, month or 1, day or 1)
    except ValueError:
        return None
    if locale.language == "en":
        return _english(year, month, day, american=_month_first(locale), number=number)
    if month is None:
        return str(year) if year is not None else str(day)
    if year is None:
        return (
            format_date(whole, "d MMMM" if day is None else _pattern(locale), locale).strip()
            if day
            else _name(locale, month)
        )
    return format_date(whole, "long", locale) if day is not None else f"{_name(locale, month)} {year}"


def _pattern(locale: Locale) -> str:
    """Day and month in the language's own way: its long date without the year."""
    long = locale.date_formats["long"].pattern
    return re.sub(r"(?:'[^']*'|[\s,.])*(?:y+)(?:'[^']*'|[\s,.年년])*", "", str(long)) or "d MMMM"


def _name(locale: Locale, month: int) -> str:
    return str(get_month_names("wide", "stand-alone", locale)[month])


def _english(year: int | None, month: int | None, day: int | None, *, american: bool, number: Number) -> str:
    spoken_year = number(year, "year") if year is not None else ""
    if month is None:
        return spoken_year or number(day, "ordinal")
    name = _name(Locale("en"), month)
    if day is None:
        return f"{name} {spoken_year}".strip()
    on = number(day, "ordinal")
    both = f"{name} {on}" if american else f"the {on} of {name}"
    return f"{both}, {spoken_year}" if spoken_year else both


def _month_first(locale: Locale) -> bool:
    """English without a country is taken for that of the United States, as engines do."""
    return (locale.territory or ("US" if locale.language == "en" else "")) in _MONTH_FIRST


def _parts(text: str, order: str, locale: Locale) -> tuple[int | None, int | None, int | None] | None:
    """Year, month and day."""
    pieces = re.findall(r"\d+|[^\W\d_]+", text.split("T")[0] if re.match(r"\d{4}-\d\d-\d\dT", text) else text)
    pieces = [piece for piece in pieces if piece.lower() not in ("of", "the", "de", "st", "nd", "rd", "th", "del")]
    if len(pieces) == 1 and re.fullmatch(r"\d{8}", pieces[0]):
        digits, order = pieces[0], order if len(order) == 3 else "ymd"
        widths = [4 if unit == "y" else 2 for unit in order]
        pieces = [digits[sum(widths[:at]) : sum(widths[: at + 1])] for at in range(3)]
    numbers: list[tuple[int, int]] = []  # value and width
    month = None
    for piece in pieces:
        if piece.isascii() and piece.isdigit() and len(piece) <= 4:
            numbers.append((int(piece), len(piece)))
        elif month is None and (named := _month(piece, locale)):
            month = named
        else:
            return None
    return _assigned(numbers, month, order, locale)


def _assigned(
    numbers: list[tuple[int, int]], month: int | None, order: str, locale: Locale
) -> tuple[int | None, int | None, int | None] | None:
    if month is not None:
        order = order.replace("m", "") if order else ""
        if len(numbers) == 2:
            order = order or ("yd" if numbers[0][1] == 4 else "dy")
        elif len(numbers) == 1:
            order = order or ("y" if numbers[0][1] == 4 else "d")
    elif not order:
        if len(numbers) == 3 and numbers[0][1] == 4:
            order = "ymd"
        elif len(numbers) == 2 and 4 in (numbers[0][1], numbers[1][1]):
            order = "ym" if numbers[0][1] == 4 else "my"
        elif len(numbers) == 1 and numbers[0][1] == 4:
            order = "y"
        else:
            order = ("mdy" if _month_first(locale) else "dmy")[: len(numbers)] if len(numbers) > 1 else ""
    if len(order) != len(numbers) or not (numbers or month):
        return None
    values = {unit: value for unit, (value, _) in zip(order, numbers, strict=True)}
    widths = {unit: width for unit, (_, width) in zip(order, numbers, strict=True)}
    year = values.get("y")
    if year is not None and widths["y"] <= 2:
        year += 2000 if year < 70 else 1900
    found = (year, month if month is not None else values.get("m"), values.get("d"))
    return None if found[0] == 0 or found[1] == 0 or found[2] == 0 else found


def _month(piece: str, locale: Locale) -> int | None:
    wanted = piece.lower()
    for known in (locale, Locale("en")):
        for width in ("wide", "abbreviated"):
            for number, name in get_month_names(width, locale=known).items():
                if wanted == str(name).lower().rstrip("."):
                    return int(number)
    return None


def time(text: str, style: str, language: str, number: Number) -> str | None:
    """A time of day in words, or None if it is none.

    Args:
        text: `14:30`, `2:30pm`, `9 am`, `14h30`, `14:30:15`.
        style: `hms12` reads 14:30 as half past two in the afternoon; `hms24` and others as it is written.
        language: Primary subtag.
        number: Makes words of a number.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    hour, minute, second = int(match[1]), int(match[2] or 0), match[3]
    half = (match[4] or "").lower()
    if hour > 24 or minute > 59 or int(second or 0) > 59 or (half and not 1 <= hour <= 12):
        return None
    if style == "hms12" and not half:
        half, hour = ("p" if 12 <= hour < 24 else "a"), (hour % 12 or 12)
    if language != "en":
        between, behind = _CLOCK.get(language, (":", ""))
        if half:
            hour = hour % 12 + (12 if half == "p" else 0)
        if between == ":":
            return f"{hour}:{minute:02d}"
        return f"{number(hour)}{between}{number(minute)}" if minute else f"{number(hour)}{behind}"
    spoken = number(hour)
    if minute:
        spoken += f" {'oh ' if minute < 10 else ''}{number(minute)}"
    elif not half:
        spoken += " o'clock" if 1 <= hour <= 12 else " hundred hours"
    if second and int(second):
        spoken += f" and {number(int(second))} second{'' if int(second) == 1 else 's'}"
    return spoken + (f" {half.upper()}M" if half else "")
