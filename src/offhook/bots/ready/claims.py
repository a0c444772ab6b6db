"""Who the caller of a session claims to be."""

from __future__ import annotations

from ..line import Line


def claimed(call: Line) -> str:
    """The input variable `speaker`, or the caller's number; of a `tel:` or `sip:` URI what names the caller."""
    number = (call.input.get("speaker") or call.participant.ani).partition(";")[0]
    return number.removeprefix("tel:").removeprefix("sip:")
