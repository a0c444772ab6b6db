"""Positions and durations: integers of samples inside, ISO 8601 text on the wire, exact both ways.

One sample at 8 kHz lasts 125 microseconds, so six decimals hold every position exactly (P6.5: counted, never rounded).
"""

from __future__ import annotations

import re
from typing import Final

RATE: Final = 8000
_MICROSECONDS_PER_SAMPLE: Final = 1_000_000 // RATE
# P3.1: what the vendor's validator takes, with a bound on the length: a position in samples stays below 2**53.
_DURATION: Final = re.compile(r"PT(?:(\d{0,12})\.(\d{1,30})|(\d{1,12}))S", re.ASCII)


def parse_nanoseconds(text: str) -> int:
    """Read an ISO 8601 duration of the form `PT1.5S`.

    Returns:
        Nanoseconds, further decimals cut off.

    Raises:
        ValueError: The text is not such a duration.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("not a duration of the form PT1.5S")
    whole, fraction, alone = match.groups()
    if alone is not None:
        return int(alone) * 1_000_000_000
    return int(whole or "0") * 1_000_000_000 + int(fraction[:9].ljust(9, "0"))


def parse(text: str) -> int:
    """Read a duration as samples at 8 kHz, to the nearest.

    Raises:
        ValueError: The text is not a duration.
    """
    return (parse_nanoseconds(text) * RATE + 500_000_000) // 1_000_000_000


def _text(whole: int, fraction: str) -> str:
    fraction = fraction.rstrip("0")
    return f"PT{whole}.{fraction}S" if fraction else f"PT{whole}S"


def format(samples: int) -> str:
    """Write samples at 8 kHz as a duration; the shortest decimal, no exponent.

    Raises:
        ValueError: A negative number: the wire has none.
    """
    if samples < 0:
        raise ValueError("a duration is never negative")
    whole, rest = divmod(samples, RATE)
    return _text(whole, f"{rest * _MICROSECONDS_PER_SAMPLE:06d}")


def format_seconds(seconds: float) -> str:
    """Write seconds as a duration with the nine decimals that the vendor's client gives a round trip (P4.5)."""
    whole, rest = divmod(round(max(seconds, 0.0) * 1_000_000_000), 1_000_000_000)
    return _text(whole, f"{rest:09d}")
