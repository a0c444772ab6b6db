"""Variables of the flow's action: strings on the wire, both ways (P4.2, P4.9)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec


def as_text(value: object) -> str:
    """Make a variable of any value: a string as it is, None empty, all else as JSON."""
    if isinstance(value, str):
        return str(value)  # of a class of its own, perhaps
    if value is None:
        return ""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:  # a peer's, nested deeper than Python writes, if not than it reads
        return ""


def as_variables(values: Mapping[str, object]) -> dict[str, str]:
    """Make variables of any values; see `as_text`."""
    return {name: as_text(value) for name, value in values.items()}


def as_config(given: Any) -> Any:
    """What an integration is configured with; where the platform passes it as text (P4.2), it is read here."""
    if isinstance(given, str):
        try:
            return msgspec.json.decode(given)
        except msgspec.DecodeError:
            pass
    return given
