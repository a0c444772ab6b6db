"""Variables of the flow's action: strings on the wire, both ways (P4.2, P4.9)."""

from __future__ import annotations

import json
from collections.abc import Mapping


def as_text(value: object) -> str:
    """Make a variable of any value: a string as it is, None empty, all else as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:  # a peer's, nested deeper than Python writes, if not than it reads
        return ""


def as_variables(values: Mapping[str, object]) -> dict[str, str]:
    """Make variables of any values; see `as_text`."""
    return {name: as_text(value) for name, value in values.items()}
