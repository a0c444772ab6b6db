"""Grammars for short answers, in JSGF (the Java Speech Grammar Format): what callers may say where little is expected.

Knows text only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..errors import UsageError

_DIGIT = "(zero | oh | one | two | three | four | five | six | seven | eight | nine)"
_LETTER = "(" + " | ".join(f"{letter}." for letter in "abcdefghijklmnopqrstuvwxyz") + ")"

BUILT_IN: Final[dict[str, str]] = {
    "digit": _DIGIT,
    "digits": f"{_DIGIT}+",
    "letter": _LETTER,
    "letters": f"{_LETTER}+",
    "yesno": "yes | yeah | yep | yes please | correct | that's right | sure | okay | no | nope | no thanks | wrong",
}
"""Grammars by name: what their public rule says."""


def choices(phrases: Sequence[str]) -> str:
    """A grammar of a few phrases, one of which is said.

    Raises:
        UsageError: There are none, or one holds other things than words.
    """
    for phrase in phrases:
        if not re.fullmatch(r"[a-z][a-z'. -]*", phrase.lower()):
            raise UsageError(f"a grammar is made of English words, as they are spoken, not of {phrase!r}")
    if not phrases:
        raise UsageError("a grammar needs at least one phrase")
    return jsgf(" | ".join(phrase.lower() for phrase in phrases))


def named(name: str) -> str:
    """A built-in grammar, or the one in a file.

    Raises:
        UsageError: There is none of that name, or the file cannot be read or holds none.
    """
    if name in BUILT_IN:
        return jsgf(BUILT_IN[name])
    if not name.endswith((".jsgf", ".gram")):
        raise UsageError(f"there is no grammar {name!r}: take {', '.join(BUILT_IN)}, or a file NAME.jsgf")
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise UsageError(f"cannot read the grammar {name}: {error}") from error
    if not text.lstrip().startswith("#JSGF"):
        raise UsageError(f"{name} is no grammar: it must begin with '#JSGF V1.0;'")
    return text


def jsgf(rule: str) -> str:
    """A whole grammar with one public rule."""
    return f"#JSGF V1.0;\ngrammar offhook;\npublic <said> = {rule};\n"
