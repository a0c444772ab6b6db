"""Markdown files taken apart at their headings, each section with its plain text and its HTML.

Parsed by markdown-it-py, which is here with rich. HTML in a file is shown as text, and links can only lead to where
links lead: what an agent's browser gets is paragraphs, lists, emphasis, code and links.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from markdown_it.token import Token

#: Letters of an excerpt, at most.
_EXCERPT: Final = 400


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading.

    Attributes:
        file: Path below the folder, with slashes.
        title: Of the file: its first heading of the first level, or its name.
        heading: Empty for what stands before the first heading.
        anchor: Of the heading, as most sites that show Markdown make it.
        text: Plain.
        html: The same, marked up.
    """

    file: str
    title: str
    heading: str
    anchor: str
    text: str
    html: str

    @property
    def excerpt(self) -> str:
        """Its beginning, cut behind a word."""
        if len(self.text) <= _EXCERPT:
            return self.text
        return self.text[:_EXCERPT].rsplit(None, 1)[0] + " ..."


def split(text: str, file: str) -> list[Section]:
    """The sections of a file that hold any text, in order.

    Args:
        text: Markdown; a block of settings between lines of `---` at its beginning is passed over.
        file: Its path, to be put into each section.
    """
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    text = re.sub(r"\A---\n.*?\n---\n", "", text.replace("\r\n", "\n"), count=1, flags=re.DOTALL)
    parts: list[tuple[str, str, list[Token]]] = [("", "", [])]
    tokens = reader.parse(text)
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.type == "heading_open" and token.level == 0:
            parts.append((token.tag, _plain(tokens[at + 1 : at + 2]), []))
            at += 3  # the opening, the words, the closing
        else:
            parts[-1][2].append(token)
            at += 1
    title = next((heading for tag, heading, _ in parts if tag == "h1"), file.rsplit("/", 1)[-1].removesuffix(".md"))
    return [
        Section(file, title, heading, _anchor(heading), plain, reader.renderer.render(body, reader.options, {}).strip())
        for _, heading, body in parts
        if (plain := _plain(body))
    ]


def _plain(tokens: list[Token]) -> str:
    words: list[str] = []
    for token in tokens:
        if token.type in ("fence", "code_block"):
            words.append(token.content)
        words += [_shown(child) for child in token.children or ()]
        if token.children:
            words.append(" ")
    return " ".join("".join(words).split())


def _shown(token: Token) -> str:
    if token.type in ("text", "code_inline"):
        return token.content
    return " " if token.type in ("softbreak", "hardbreak") else ""


def _anchor(heading: str) -> str:
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading.casefold()).strip())
