"""Attribute values of SSML as numbers: times, rates, pitches, volumes.

Names of rates and pitches mean what the large speech services make of them; the specification leaves it open. Each
function raises ValueError with the end of a sentence about the value.
"""

from __future__ import annotations

import math
import re
from typing import Final

from .document import Pitch

#: Seconds: a caller takes a longer pause for a dead line.
LONGEST_BREAK: Final = 60.0
#: Bounds of a rate and of a pitch, as factors.
LEAST, MOST = 0.25, 4.0
#: Most dB of gain: speech stands 20 dB below full scale.
LOUDEST: Final = 12.0

_TIME = re.compile(r"\+?(\d+(?:\.\d*)?|\.\d+)\s*(ms|s)")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")

_STRENGTHS = {"none": 0.0, "x-weak": 0.25, "weak": 0.5, "medium": 0.75, "strong": 1.0, "x-strong": 1.25}
_RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.75}
_PITCHES = {"x-low": 0.6, "low": 0.8, "medium": 1.0, "default": 1.0, "high": 1.2, "x-high": 1.45}
_VOLUMES = {
    "silent": -math.inf,
    "x-soft": -12.0,
    "soft": -6.0,
    "medium": 0.0,
    "default": 0.0,
    "loud": 4.0,
    "x-loud": 8.0,
}


def seconds(written: str) -> float:
    """`250ms`, `1.5s`."""
    match = _TIME.fullmatch(written.strip())
    if match is None:
        raise ValueError("is no time; write it like 500ms or 1.5s")
    return float(match[1]) / (1000 if match[2] == "ms" else 1)


def pause(time: str | None, strength: str | None) -> float:
    """Seconds of a `<break>`: its time, or else what its strength stands for."""
    if time is not None:
        length = seconds(time)
        if length > LONGEST_BREAK:
            raise ValueError(f"is longer than the {LONGEST_BREAK:g} s that a pause may last")
        return length
    return _named(strength or "medium", _STRENGTHS)


def rate(written: str) -> float:
    """`slow`, `80%`, `+10%`, `1.2`: a factor."""
    text = written.strip()
    if text in _RATES:
        return _RATES[text]
    number = _number(text.removesuffix("%"), _RATES, "80%, +10% or 1.2")
    if text.endswith("%"):
        number = (100.0 + number if text[0] in "+-" else number) / 100.0
    return _bounded(number)


def pitch(written: str) -> Pitch:
    """`high`, `+10%`, `-2st`, `+20Hz`, `180Hz`."""
    text = written.strip()
    if text in _PITCHES:
        return Pitch(_PITCHES[text])
    unit = next((unit for unit in ("%", "st", "Hz") if text.endswith(unit)), "")
    number = _number(text.removesuffix(unit), _PITCHES, "+10%, -2st or +20Hz")
    relative = text[0] in "+-"
    match unit:
        case "%":
            return Pitch(_bounded(1 + number / 100 if relative else number / 100))
        case "st":
            return Pitch(_bounded(2 ** (max(-99.0, min(99.0, number)) / 12)))
        case "Hz" if relative:
            return Pitch(shift=number)
        case "Hz" if 20 <= number <= 1000:
            return Pitch(hertz=number)
        case "Hz":
            raise ValueError("is no pitch of a voice; 20Hz to 1000Hz are")
        case _:
            return Pitch(_bounded(number))


def volume(written: str) -> float:
    """`soft`, `+3dB`, `50` (of 100), `-20%`: dB."""
    text = written.strip()
    if text in _VOLUMES:
        return _VOLUMES[text]
    unit = next((unit for unit in ("dB", "%") if text.endswith(unit)), "")
    number = _number(text.removesuffix(unit), _VOLUMES, "+3dB or -20%")
    if unit != "dB":
        share = (100.0 + number if text[0] in "+-" else number) / 100.0
        if share < 0:
            raise ValueError("is less than nothing")
        number = 20 * math.log10(share) if share else -math.inf
    if number > LOUDEST:
        raise ValueError(f"is more than the {LOUDEST:+g}dB that a line carries")
    return number


def decibels(written: str) -> float:
    """`+6dB`."""
    if not written.strip().endswith("dB"):
        raise ValueError("is no level; write it like -6dB")
    return volume(written)


def count(written: str) -> int:
    """A whole number from 1 to 100."""
    if not written.strip().isascii() or not written.strip().isdigit() or not 1 <= int(written.strip()[:9]) <= 100:
        raise ValueError("is no number from 1 to 100")
    return int(written)


def _named(written: str, names: dict[str, float]) -> float:
    if written.strip() not in names:
        raise ValueError(f"is none of {', '.join(names)}")
    return names[written.strip()]


def _number(written: str, names: dict[str, float], examples: str) -> float:
    if not _NUMBER.fullmatch(written) or len(written) > 20:
        raise ValueError(f"is not understood; write one of {', '.join(names)}, or like {examples}")
    return float(written)


def _bounded(factor: float) -> float:
    if not LEAST <= factor <= MOST:
        raise ValueError(f"is not between {LEAST:.0%} and {MOST:.0%}")
    return factor
