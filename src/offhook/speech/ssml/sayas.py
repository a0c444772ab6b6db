"""`<say-as>` for engines that know nothing of it: digits, numbers, money, dates and times as words of the language.

Numbers become words by num2words, dates and names of currencies and units come from CLDR by way of Babel. English is
written out in full; of other languages a date keeps its numerals where an engine reads them by rules of grammar that
no table has (German `5. März`). What is no number, date or time is left as it is written: it comes from somebody's
data, and a call must go on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

from ...errors import EngineMissing

EXTRA: Final = "ssml"

_SIGNS = {
    "@": "at", ".": "dot", "-": "dash", "_": "underscore", "/": "slash", "+": "plus", "#": "hash", "*": "star",
    "&": "and", "%": "percent", "$": "dollar", ":": "colon", ",": "comma", "=": "equals", "!": "exclamation mark",
    "?": "question mark", "'": "apostrophe", "\\": "backslash",
}  # fmt: skip
_PLUS = {"en": "plus", "de": "plus", "fr": "plus", "es": "más", "it": "più", "pt": "mais", "nl": "plus"}
_AND = {"en": "and", "de": "und", "fr": "et", "es": "con", "it": "e", "pt": "e", "nl": "en"}
_POINT = {"en": "point", "de": "Komma", "fr": "virgule", "es": "coma", "it": "virgola", "pt": "vírgula", "nl": "komma"}
_CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₽": "RUB", "zł": "PLN"}
_MONEY = re.compile(
    r"(?P<sign>-?)\s*(?P<before>[A-Z]{3}|\D{1,2}?)?\s*(?P<amount>-?\d[\d.,' ]*)\s*(?P<after>[A-Z]{3}|\D{1,2})?"
)
_UNITS = {
    "kg": "mass-kilogram", "g": "mass-gram", "mg": "mass-milligram", "lb": "mass-pound", "lbs": "mass-pound",
    "oz": "mass-ounce", "km": "length-kilometer", "m": "length-meter", "cm": "length-centimeter",
    "mm": "length-millimeter", "mi": "length-mile", "ft": "length-foot", "in": "length-inch", "yd": "length-yard",
    "l": "volume-liter", "L": "volume-liter", "ml": "volume-milliliter", "mL": "volume-milliliter",
    "gal": "volume-gallon", "°C": "temperature-celsius", "°F": "temperature-fahrenheit", "kB": "digital-kilobyte",
    "MB": "digital-megabyte", "GB": "digital-gigabyte", "TB": "digital-terabyte", "km/h": "speed-kilometer-per-hour",
    "mph": "speed-mile-per-hour", "kW": "power-kilowatt", "kWh": "energy-kilowatt-hour", "%": "concentr-percent",
    "d": "duration-day", "h": "duration-hour", "min": "duration-minute", "s": "duration-second",
    "ms": "duration-millisecond",
}  # fmt: skip


def say_as(text: str, interpret: str, *, format: str = "", detail: str = "", language: str = "en") -> str | None:
    """What to read in place of `text`, or None if it is not of that kind.

    Args:
        text: As it is written in the document.
        interpret: One of `KINDS`.
        format: Of dates (`mdy`, `ymd`, `my` and so on) and times (`hms12`, `hms24`).
        detail: Not used by any kind but `digits` (how many stand together).
        language: BCP 47 tag.

    Raises:
        EngineMissing: The extra with the libraries is not installed.
    """
    written = " ".join(text.split())
    if not written:
        return written
    return KINDS[interpret](written, format or detail, Tongue(language))


class Tongue:
    """A language as num2words and Babel know it."""

    def __init__(self, language: str) -> None:
        self.tag = language.replace("_", "-")
        self.primary = self.tag.partition("-")[0].lower()
        try:
            import num2words
            from babel import Locale, UnknownLocaleError
        except ImportError as error:
            raise EngineMissing("what <say-as> needs (num2words and Babel)", EXTRA) from error
        self._words: Any = num2words.num2words
        self.locale: Any
        try:
            self.locale = Locale.parse(self.tag, sep="-")
        except (ValueError, UnknownLocaleError):
            try:
                self.locale = Locale.parse(self.primary)
            except (ValueError, UnknownLocaleError):
                self.locale = Locale.parse("en")

    def number(self, value: int | Decimal, kind: str = "cardinal") -> str:
        """In words; in digits if the language is not known."""
        if not -(10**15) < value < 10**15:
            return str(value)
        try:
            return str(self._words(value, lang=self.primary, to=kind))
        except (NotImplementedError, ValueError, TypeError, OverflowError, KeyError, IndexError):
            return str(value)

    def money(self, amount: Decimal, currency: str) -> str:
        whole, cents = divmod(int(amount * 100), 100)
        try:
            spoken = self._words(
                float(amount), lang=self.primary, to="currency", currency=currency, separator="|", adjective=False
            )
            units, _, rest = str(spoken).partition("|")
        except (NotImplementedError, ValueError, TypeError, KeyError, IndexError):
            from babel.numbers import get_currency_name

            value = Decimal(whole) if not cents else amount
            return f"{self.number(value)} {get_currency_name(currency, count=value, locale=self.locale)}"
        if self.primary == "en" and currency == "EUR" and whole != 1:
            units = re.sub(r"\beuro\b", "euros", units)  # num2words has it without a plural
        units, rest = units.strip(), rest.strip()
        if not cents:
            return units
        return rest if not whole else f"{units} {_AND.get(self.primary, '')} {rest}".replace("  ", " ")

    def spell(self, digits: str) -> str:
        return " ".join(self.number(int(digit)) for digit in digits)


Kind = Callable[[str, str, Tongue], str | None]


def _characters(text: str, format: str, tongue: Tongue) -> str | None:
    names = []
    for sign in text:
        if sign.isascii() and sign.isdigit():
            names.append(tongue.number(int(sign)))
        elif sign.isalpha():
            names.append(sign.upper() if len(sign.upper()) == 1 else sign)
        elif not sign.isspace():
            names.append(_SIGNS.get(sign, sign) if tongue.primary == "en" else sign)
    return ", ".join(names)


def _digits(text: str, format: str, tongue: Tongue) -> str | None:
    digits = re.sub(r"[\s.,()/-]", "", text)
    if not (digits.isascii() and digits.isdigit()):
        return None
    size = int(format) if format.isascii() and format.isdigit() and int(format[:3]) else _group(len(digits))
    return ", ".join(tongue.spell(digits[at : at + size]) for at in range(0, len(digits), size))


def _group(count: int) -> int:
    """Seven digits and more come in threes or fours, as people read them out."""
    return count if count < 6 else 4 if count % 4 == 0 else 3


def _telephone(text: str, format: str, tongue: Tongue) -> str | None:
    number, _, extension = re.sub(r"(?i)\s*(?:ext(?:ension|\.)?|x)\s*(?=\d+$)", "x", text).partition("x")
    groups = re.findall(r"\d+|[A-Za-z]+", number)
    if not any(group.isdigit() for group in groups) or re.search(r"[^\d\sA-Za-z+()./-]", number):
        return None
    if len(groups) == 1 and groups[0].isdigit() and len(groups[0]) in (7, 10, 11) and tongue.primary == "en":
        digits = groups[0]
        groups = [part for part in (digits[:-10], digits[-10:-7], digits[-7:-4], digits[-4:]) if part]
    spoken = [tongue.spell(group) if group.isdigit() else ", ".join(group.upper()) for group in groups]
    if number.lstrip().startswith("+"):
        spoken[0] = f"{_PLUS.get(tongue.primary, '+')} {spoken[0]}"
    if extension:
        spoken.append(f"extension {tongue.spell(extension)}" if tongue.primary == "en" else tongue.spell(extension))
    return ", ".join(spoken)


def _value(text: str, tongue: Tongue) -> Decimal | None:
    """A number as it is written in the language; a single separator with three digits behind it parts thousands."""
    text = re.sub(r"[\s']", "", text)
    match = re.fullmatch(r"([+-]?)(\d[\d.,]*)", text)
    if match is None or len(text) > 30:
        return None
    digits = match[2].rstrip(".,")
    last = max(digits.rfind("."), digits.rfind(","))
    if last >= 0:
        sign, decimals = digits[last], digits[last + 1 :]
        # Where it is the only one of its kind, what Babel says of the language decides.
        decimal = tongue.locale.number_symbols.get("latn", tongue.locale.number_symbols).get("decimal", ".")
        if digits.count(sign) > 1 or (len(decimals) == 3 and sign != decimal):
            digits = re.sub(r"[.,]", "", digits)
        else:
            digits = re.sub(r"[.,]", "", digits[:last]) + "." + decimals
    try:
        return Decimal(match[1] + digits)
    except InvalidOperation:
        return None


def _cardinal(text: str, format: str, tongue: Tongue) -> str | None:
    value = _value(text, tongue)
    if value is None:
        return None
    if value == value.to_integral_value():
        return tongue.number(int(value))
    whole, _, decimals = str(abs(value)).partition(".")
    point = _POINT.get(tongue.primary)
    if point is None:
        return tongue.number(value)
    minus = "minus " if value < 0 else ""
    return f"{minus}{tongue.number(int(whole))} {point} {tongue.spell(decimals)}"


def _ordinal(text: str, format: str, tongue: Tongue) -> str | None:
    match = re.fullmatch(r"(\d{1,12})\s*(?:st|nd|rd|th|\.|º|ª|°|o|a|e|er|re|ème|eme)?", text)
    return tongue.number(int(match[1]), "ordinal") if match else None


def _year(text: str, format: str, tongue: Tongue) -> str | None:
    return tongue.number(int(text), "year") if re.fullmatch(r"\d{1,4}", text) else None


def _fraction(text: str, format: str, tongue: Tongue) -> str | None:
    match = re.fullmatch(r"(?:(\d{1,9})[\s+]+)?(\d{1,9})\s*[/⁄]\s*(\d{1,9})", text)
    if match is None or not int(match[3]):
        return None
    above, below = int(match[2]), int(match[3])
    if tongue.primary != "en":
        part = f"{tongue.number(above)} / {tongue.number(below)}"
    else:
        noun = {2: "half", 4: "quarter"}.get(below) or tongue.number(below, "ordinal")
        plural = "halves" if below == 2 else noun + "s"
        part = f"{tongue.number(above)} {noun if Fraction(above, 1) == 1 else plural}"
    return f"{tongue.number(int(match[1]))} {_AND.get(tongue.primary, '')} {part}" if match[1] else part


def _currency(text: str, format: str, tongue: Tongue) -> str | None:
    match = _MONEY.fullmatch(text)
    if match is None:
        return None
    amount = _value(match["amount"], tongue)
    named = (match["before"] or match["after"] or format).strip()
    currency = _CURRENCIES.get(named, named)
    if amount is None or not re.fullmatch("[A-Z]{3}", currency):
        return None
    minus = "minus " if (amount < 0) != bool(match["sign"]) else ""
    return minus + tongue.money(abs(amount).quantize(Decimal("0.01")), currency)


def _unit(text: str, format: str, tongue: Tongue) -> str | None:
    match = re.fullmatch(r"([+-]?\d[\d.,']*)\s*(\D+)", text)
    unit = _UNITS.get(match[2].strip()) if match else None
    value = _value(match[1], tongue) if match else None
    if unit is None or value is None:
        return None
    from babel.units import format_unit

    spoken = format_unit(value, unit, length="long", locale=tongue.locale)
    written, words = re.search(r"[\d.,\s  ]*\d", spoken), _cardinal(str(match[1]), "", tongue) if match else None
    return spoken.replace(written[0], f"{words}") if written and words else spoken


def _date(text: str, format: str, tongue: Tongue) -> str | None:
    from . import dates

    return dates.date(text, format, tongue.locale, tongue.number)


def _time(text: str, format: str, tongue: Tongue) -> str | None:
    from . import dates

    return dates.time(text, format, tongue.primary, tongue.number)


def _plain(text: str, format: str, tongue: Tongue) -> str | None:
    return text


KINDS: Final[dict[str, Kind]] = {
    "characters": _characters,
    "spell-out": _characters,
    "verbatim": _characters,
    "digits": _digits,
    "telephone": _telephone,
    "cardinal": _cardinal,
    "number": _cardinal,
    "ordinal": _ordinal,
    "year": _year,
    "fraction": _fraction,
    "currency": _currency,
    "unit": _unit,
    "date": _date,
    "time": _time,
    "address": _plain,
    "name": _plain,
}
"""How text of each kind is read: the values of `interpret-as`."""
