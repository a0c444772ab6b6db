"""Where callers may be handed to. Nobody may make calls at our cost: what is not listed, or not plain, is refused.

A target is a number, a name, or a SIP address with one user and one host. Parameters, headers and lists are refused
whatever the patterns say: `sip:1900@evil.example;x=@pbx.example` would otherwise pass for one at pbx.example.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

_PLAIN: Final = re.compile(r"(?:tel:)?\+?[0-9A-Za-z*#._-]{1,64}", re.ASCII)
_SIP: Final = re.compile(r"sips?:[0-9A-Za-z+*#._-]{1,64}@[0-9A-Za-z.-]{1,253}(?::\d{1,5})?", re.ASCII)


def is_plain(target: str) -> bool:
    """Whether it names one party and nothing else."""
    return bool(_PLAIN.fullmatch(target) or _SIP.fullmatch(target))


def allowed(target: str, patterns: Iterable[str]) -> bool:
    """Whether a target is among these patterns; `*` stands for any characters. `tel:` makes no difference."""
    number = target.removeprefix("tel:")
    return is_plain(target) and any(fnmatchcase(number, pattern.removeprefix("tel:")) for pattern in patterns)
