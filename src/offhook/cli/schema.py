"""Kinds of JSON values: what is wrong with one, in a sentence with its rule, and what it says, in words.

Where `protocol.codec` only tells good from bad, this names every fault, for people who look for one. It knows nothing
of AudioHook's messages; `explain` builds them of these kinds.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from ..protocol import position
from ..protocol.limits import NULL_UUID


class Fault(NamedTuple):
    """Something wrong with a message.

    Attributes:
        what: What was found.
        rule: What the protocol says.
        harmless: It is odd, and most peers pass over it.
    """

    what: str
    rule: str
    harmless: bool = False

    def __str__(self) -> str:
        return f"{self.what}: {self.rule}"


Faults = Iterator[Fault]


class Kind(NamedTuple):
    """A kind of value. `faults` takes the value's path in the message, and the value."""

    faults: Callable[[str, object], Faults]
    words: Callable[[object], str]


class Field(NamedTuple):
    """One key of an object."""

    kind: Kind
    required: bool = True


def said(value: object, limit: int = 60) -> str:
    """A value as JSON, safe for a terminal and cut to a bearable length."""
    text = printable(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def printable(text: str) -> str:
    """A peer's text without what could steer a terminal: control characters stand as escapes."""
    if text.isprintable():
        return text
    escape = "unicode_escape"
    return "".join(c if c.isprintable() else c.encode(escape, "surrogatepass").decode() for c in text)


def _plain(is_one: Callable[[object], bool], rule: str, words: Callable[[object], str] = said) -> Kind:
    def faults(path: str, value: object) -> Faults:
        if not is_one(value):
            yield Fault(f"`{path}` is {said(value)}", rule)

    return Kind(faults, words)


def _whole(value: object, low: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= low


_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)


def is_uuid(value: object) -> bool:
    """Whether a value is a UUID, of whatever variant (P15 row 24)."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def seconds(value: object) -> float | None:
    """A duration in seconds; None if it is none."""
    try:
        return position.parse_nanoseconds(value) / 1e9 if isinstance(value, str) else None
    except ValueError:
        return None


def _in_seconds(value: object) -> str:
    length = seconds(value)
    return said(value) if length is None else f"{length:.9g} s"


def _words(value: object) -> str:
    return printable(value) if isinstance(value, str) and value else "(empty)" if value == "" else said(value)


TEXT: Final = _plain(lambda value: isinstance(value, str), "it is a string", _words)
UUID: Final = _plain(is_uuid, "it is a UUID", lambda value: "null" if value == NULL_UUID else _words(value))
DURATION: Final = _plain(
    lambda value: seconds(value) is not None, "a duration is seconds in the form PT1.5S", _in_seconds
)
FLAG: Final = _plain(lambda value: isinstance(value, bool), "it is true or false", lambda v: "yes" if v else "no")
WHOLE: Final = _plain(_whole, "it is a whole number, 0 or more")
NUMBER: Final = _plain(lambda value: isinstance(value, int | float) and not isinstance(value, bool), "it is a number")
ANYTHING: Final = _plain(lambda value: True, "")


def share(value: object) -> bool:
    """Whether a value is a number from 0 to 1."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


SHARE: Final = _plain(share, "it is a number from 0 to 1")

_TAG: Final = re.compile(r"[A-Za-z]{2,3}-[A-Za-z]{2,3}", re.ASCII)
_ANY_TAG: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", re.ASCII)


def _language(path: str, value: object) -> Faults:
    if not isinstance(value, str) or _ANY_TAG.fullmatch(value) is None:
        yield Fault(f"`{path}` is {said(value)}", "a language is a tag like en-US")
    elif _TAG.fullmatch(value) is None:
        yield Fault(f"`{path}` is {said(value)}", "the vendor's own code takes tags of two parts only", harmless=True)


LANGUAGE: Final = Kind(_language, _words)


def choice(meanings: Mapping[object, str], rule: str = "", odd: Mapping[object, str] | None = None) -> Kind:
    """One of a few values.

    Args:
        meanings: In words, by value.
        rule: In place of the list of the values.
        odd: Further values, and why they are odd.
    """
    listed = rule or f"it is one of {', '.join(map(said, meanings))}"

    def faults(path: str, value: object) -> Faults:
        known = not isinstance(value, bool | list | dict) and value in meanings
        if known:
            return
        if odd and isinstance(value, str) and value in odd:
            yield Fault(f"`{path}` is {said(value)}", odd[value], harmless=True)
            return
        texts = [name for name in meanings if isinstance(name, str)]
        near = difflib.get_close_matches(value, texts, 1) if isinstance(value, str) else []
        yield Fault(f"`{path}` is {said(value)}", listed + (f"; meant is {said(near[0])}" if near else ""))

    def words(value: object) -> str:
        meaning = "" if isinstance(value, list | dict) else meanings.get(value, "")
        return f"{_words(value)} ({meaning})" if meaning else _words(value)

    return Kind(faults, words)


def array(of: Kind, at_most: int | None = None, rule: str = "", empty: str = "none") -> Kind:
    """An array of one kind of values."""

    def faults(path: str, value: object) -> Faults:
        if not isinstance(value, list):
            yield Fault(f"`{path}` is {said(value)}", "it is an array")
            return
        if at_most is not None and len(value) > at_most:
            yield Fault(f"`{path}` has {len(value)} elements", rule)
        for number, item in enumerate(value):
            yield from of.faults(f"{path}[{number}]", item)

    def words(value: object) -> str:
        return "; ".join(map(of.words, value)) or empty if isinstance(value, list) else said(value)

    return Kind(faults, words)


def variables() -> Kind:
    """An object whose values are all strings."""

    def faults(path: str, value: object) -> Faults:
        if not isinstance(value, dict):
            yield Fault(f"`{path}` is {said(value)}", "it is an object of strings")
            return
        for name, item in value.items():
            if not isinstance(item, str):
                yield Fault(
                    f"`{path}.{printable(name)}` is {said(item)}", "variables are strings; write others as JSON text"
                )

    def words(value: object) -> str:
        if not isinstance(value, dict):
            return said(value)
        return ", ".join(f"{printable(name)} = {said(item, 200)}" for name, item in value.items()) or "none"

    return Kind(faults, words)


def record(
    fields: Mapping[str, Field],
    *,
    meant: Mapping[str, str] | None = None,
    strict: bool = False,
    words: Callable[[Mapping[str, object]], str] | None = None,
) -> Kind:
    """An object with known keys.

    Args:
        fields: By key.
        meant: What a key that is no field was probably to be.
        strict: An unknown key breaks it; otherwise it is odd.
        words: How to say it; by default its fields one after the other.
    """
    synonyms = meant or {}

    def faults(path: str, value: object) -> Faults:
        if not isinstance(value, dict):
            yield Fault(f"`{path}` is {said(value)}", "it is an object")
            return
        mistaken = {synonyms[key] for key in value if key in synonyms}
        for name, field in fields.items():
            if name in value:
                yield from field.kind.faults(f"{path}.{name}", value[name])
            elif field.required and name not in mistaken:
                yield Fault(f"`{path}.{name}` is missing", "it is required")
        for key in value:
            if key in synonyms:
                yield Fault(f"`{path}.{key}` does not exist", f"AudioHook calls it `{synonyms[key]}`")
            elif key not in fields:
                rule = "a peer may refuse keys that it does not know" if strict else "no such key is documented"
                yield Fault(f"`{path}.{printable(key)}` does not exist", rule, harmless=not strict)

    def each(value: Mapping[str, object]) -> str:
        known = [(name, field) for name, field in fields.items() if name in value]
        return ", ".join(f"{name} {field.kind.words(value[name])}" for name, field in known)

    def in_words(value: object) -> str:
        return (words or each)(value) if isinstance(value, dict) else said(value)

    return Kind(faults, in_words)
