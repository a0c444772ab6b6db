"""SSML, one for all engines: read, laid out in steps, and said by whatever engine there is.

What is understood follows SSML 1.1 (W3C Recommendation, 7 September 2010). Engines that can do more than read text get
the pace, the pitch and the phonemes (`offhook.speech.phrases`); for others that is made up for on their audio.
"""

from __future__ import annotations

from functools import cached_property
from xml.sax.saxutils import escape

from .document import Document
from .reader import parse

__all__ = ["SSML", "Document", "is_ssml", "parse"]


def is_ssml(text: str) -> bool:
    """Whether text is taken for SSML: if it begins with `<speak`."""
    return text.lstrip().startswith("<speak")


class SSML:
    """Something to say, with markup.

    Args:
        source: SSML. Where it does not begin with `<speak`, it is what would stand within that.
        values: Texts for the fields in the source: `SSML("Hello {name}", name="Tom & Jerry")`. What they hold is said
            as it is, never taken for markup. Without any, braces mean nothing.

    Raises:
        SSMLError: It is wrong; says where.
        KeyError: The source has a field without a value.
    """

    def __init__(self, source: str, **values: object) -> None:
        if values:
            quotes = {'"': "&quot;", "'": "&apos;"}
            source = source.format_map({name: escape(str(value), quotes) for name, value in values.items()})
        self.source = source
        self.document  # noqa: B018 - so that what is wrong is told where it is written

    @cached_property
    def document(self) -> Document:
        return parse(self.source)

    @property
    def text(self) -> str:
        """Its text without the tags."""
        return self.document.text

    def __str__(self) -> str:
        return self.source

    def __repr__(self) -> str:
        return f"SSML({self.source!r})"
