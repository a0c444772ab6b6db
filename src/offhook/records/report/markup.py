"""HTML from values, escaped unless it is known to be markup already. Knows nothing of calls.

Whatever is a plain `str` came from somewhere and is escaped; only `Html` is not, and only this module makes it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec


class Html(str):
    """Text that is safe to stand in a page."""

    __slots__ = ()


Child = str | int | Iterable["Child"] | None


def element(tag: str, *children: Child, **attributes: str | float | bool | None) -> Html:
    """One element with its children.

    Attributes lose a trailing underscore (`class_`); other underscores become hyphens. None and False leave one out.
    """
    written = "".join(_attribute(name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items())
    return Html(f"<{tag}{written}>{content(*children)}</{tag}>")


def content(*children: Child) -> Html:
    """Children one after the other, each escaped unless it is `Html`."""
    return Html("".join(_flat(children)))


def _flat(children: Iterable[Child]) -> Iterator[str]:
    for child in children:
        if isinstance(child, Html):
            yield child
        elif isinstance(child, str | int):
            yield html.escape(str(child))
        elif child is not None:
            yield from _flat(child)


def _attribute(name: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'


def data_block(id: str, value: object) -> Html:
    """A value as JSON that scripts of the page can read, and that cannot end its own element."""
    text = msgspec.json.encode(value).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Html(f'<script type="application/json" id="{html.escape(id)}">{text}</script>')


def trusted(text: str) -> Html:
    """Our own style sheets, scripts and drawings; never anything from a call."""
    return Html(text)


def fill(template: str, parts: Mapping[str, Html | Iterable[bytes]]) -> Iterator[bytes]:
    """Put parts in the places marked `{{name}}`, each once; what a part holds is not looked at again.

    Raises:
        KeyError: The template names a part that is not there.
    """
    for index, piece in enumerate(re.split(r"\{\{(\w+)\}\}", template)):
        part = parts[piece] if index % 2 else Html(piece)
        if isinstance(part, Html):
            yield part.encode(errors="replace")
        else:
            yield from part
