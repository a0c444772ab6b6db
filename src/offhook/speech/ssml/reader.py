"""From SSML text to a `Document`, with line and column of whatever is wrong.

Expat reads it. A document type is refused, and with it all entities of a document's own (the way to external files and
to text that grows without end); size and depth are bounded.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

from ...errors import SSMLError
from . import ipa, values
from .document import Audio, Block, Break, Document, Emphasised, Mark, Node, Phoneme, Pitch, Prosody, SayAs, Spoken, Sub
from .document import Text as TextNode
from .sayas import KINDS

#: Characters: half an hour of speech.
LARGEST: Final = 100_000
#: Elements within elements.
DEEPEST: Final = 50

ROOT: Final = "speak"
_EMPHASIS = {"strong": "strong", "moderate": "moderate", "reduced": "reduced", "none": None}
_GENDERS = ("male", "female", "neutral")

_ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    "speak": frozenset({"version", "xml:lang", "xml:base", "onlangfailure", "startmark", "endmark"}),
    "p": frozenset({"xml:lang", "onlangfailure"}),
    "s": frozenset({"xml:lang", "onlangfailure"}),
    "break": frozenset({"time", "strength"}),
    "prosody": frozenset({"rate", "pitch", "volume", "range", "contour", "duration"}),
    "emphasis": frozenset({"level"}),
    "say-as": frozenset({"interpret-as", "format", "detail"}),
    "sub": frozenset({"alias"}),
    "phoneme": frozenset({"ph", "alphabet", "type"}),
    "lang": frozenset({"xml:lang", "onlangfailure"}),
    "voice": frozenset(
        {"name", "gender", "languages", "age", "variant", "required", "ordering", "xml:lang", "onvoicefailure"}
    ),
    "audio": frozenset(
        {"src", "clipBegin", "clipEnd", "repeatCount", "soundLevel", "speed", "fetchtimeout", "fetchhint"}
        | {"maxage", "maxstale", "repeatDur"}
    ),
    "mark": frozenset({"name"}),
    "w": frozenset({"role", "xml:lang"}),
    "token": frozenset({"role", "xml:lang"}),
}
"""Tags that are read, with their attributes."""

#: Attributes that nothing here does: told once.
_UNDONE: Final = frozenset({"range", "contour", "duration", "age", "variant", "repeatDur", "startmark", "endmark"})
#: Tags without anything to say.
_SILENT: Final = frozenset({"lexicon", "lookup", "meta", "metadata", "desc"})
#: Tags that hold no tags.
_PLAIN: Final = frozenset({"say-as", "sub", "phoneme"})
_EMPTY: Final = frozenset({"break", "mark"})
TAGS: Final = tuple(_ATTRIBUTES)


@dataclass(slots=True)
class _Open:
    """An element whose end has not come."""

    tag: str
    attributes: dict[str, str]
    line: int
    column: int
    children: list[Node] = field(default_factory=list)

    def wrong(self, what: str) -> SSMLError:
        return SSMLError(self.line, self.column, what)

    def value(self, name: str, read: Callable[[str], Any]) -> Any:
        """An attribute as `read` understands it."""
        try:
            return read(self.attributes[name])
        except ValueError as error:
            raise self.wrong(f'{name}="{_short(self.attributes[name])}" of <{self.tag}> {error}') from None

    @property
    def text(self) -> str:
        return "".join(child.text for child in self.children if isinstance(child, TextNode))


def parse(source: str) -> Document:
    """Reads SSML. Text that does not begin with `<speak` or `<?xml` is taken as what would stand within `<speak>`.

    Raises:
        SSMLError: It is not well-formed, or not SSML, or too large; nothing else is raised.
    """
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._wrapped = not source.lstrip("\ufeff \t\r\n").startswith(("<speak", "<?xml"))
        # The encoding is ours, whatever a declaration says. Entities stay off: a document type is refused.
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._open: list[_Open] = []
        self._skipping = 0
        self._ignored: dict[str, None] = {}
        self._document: Document | None = None

    def read(self) -> Document:
        source = self._source
        if len(source) > LARGEST:
            raise SSMLError(1, 1, f"it has {len(source)} characters; {LARGEST} are the most")
        try:
            body = source.lstrip("\ufeff \t\r\n") if not self._wrapped else f"<speak>{source}</speak>"
            self._skipped = source[: len(source) - len(body)] if not self._wrapped else ""
            data = body.encode()
        except UnicodeEncodeError as error:
            line = body.count("\n", 0, error.start) + 1
            raise SSMLError(line, error.start - body.rfind("\n", 0, error.start), "half of a character") from None
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as error:
            raise self._malformed(error) from None
        assert self._document is not None
        return self._document

    def _place(self, line: int, column: int) -> tuple[int, int]:
        """Line and column in what was given, both from 1."""
        if line == 1 and self._wrapped:
            column = max(0, column - len("<speak>"))
        elif line == 1:
            column += len(self._skipped) - (self._skipped.rfind("\n") + 1)
        return line + self._skipped.count("\n"), column + 1

    def _here(self) -> tuple[int, int]:
        return self._place(self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber)

    def _malformed(self, error: expat.ExpatError) -> SSMLError:
        line, column = self._place(error.lineno, error.offset)
        message = expat.ErrorString(error.code) or "it is not well-formed"
        match message:
            case "mismatched tag" if self._open and not (self._wrapped and len(self._open) == 1):
                inner = self._open[-1]
                message = f"<{inner.tag}> of line {inner.line}, column {inner.column} is not closed here"
            case "undefined entity":
                message = "this entity is unknown; XML has &amp; &lt; &gt; &quot; &apos; and &#160; by number"
            case "not well-formed (invalid token)":
                message = "this cannot stand here; in text, & is written &amp; and < is written &lt;"
            case "no element found" if self._open:
                message = f"it ends while <{self._open[-1].tag}> is open"
        return SSMLError(line, column, message)

    # What expat reports.

    def _doctype(self, *_: object) -> None:
        raise SSMLError(*self._here(), "a document type is not allowed: SSML needs none, and no entities of its own")

    def _characters(self, text: str) -> None:
        if not self._skipping:
            self._open[-1].children.append(TextNode(text))

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        line, column = self._here()
        opened = _Open(tag, attributes, line, column)
        if len(self._open) + self._skipping >= DEEPEST:
            raise opened.wrong(f"more than {DEEPEST} tags within each other")
        if self._skipping or tag in _SILENT:
            if not self._skipping and tag != "desc":
                self._ignored[f"<{tag}>"] = None
            self._skipping += 1
            return
        self._check(opened)
        self._open.append(opened)

    def _check(self, opened: _Open) -> None:
        tag, around = opened.tag, self._open[-1] if self._open else None
        if around is None and tag != ROOT:
            raise opened.wrong(f"it begins with <{tag}> in place of <speak>")
        if around is not None and tag == ROOT:
            raise opened.wrong("<speak> within <speak>")
        if around is not None and around.tag in _PLAIN | _EMPTY:
            holds = "no tags" if around.tag in _PLAIN else "nothing: write it as <break/>".replace("break", around.tag)
            raise opened.wrong(f"<{tag}> within <{around.tag}>, which holds {holds}")
        if ":" in tag:
            self._ignored[f"<{tag}>"] = None
            return
        if tag not in _ATTRIBUTES:
            raise opened.wrong(f"<{tag}> is not a tag of SSML{_meant(tag, _ATTRIBUTES)}")
        for name in opened.attributes:
            if name in _UNDONE:
                self._ignored[f"{name} of <{tag}>"] = None
            elif name not in _ATTRIBUTES[tag] and ":" not in name and name != "xmlns":
                raise opened.wrong(f"<{tag}> has no attribute {_short(name)!r}{_meant(name, _ATTRIBUTES[tag])}")

    def _end(self, tag: str) -> None:
        if self._skipping:
            self._skipping -= 1
            return
        closed = self._open.pop()
        if tag == ROOT:
            language = closed.attributes.get("xml:lang") or None
            self._document = Document(tuple(closed.children), language, tuple(self._ignored))
        elif (node := self._node(closed)) is not None:
            self._open[-1].children.append(node)
        else:
            self._open[-1].children.extend(closed.children)

    def _node(self, closed: _Open) -> Node | None:
        """What an element says; None if it is only its children."""
        children, attributes = tuple(closed.children), closed.attributes
        match closed.tag:
            case "p" | "s" as kind:
                return Block(children, kind, attributes.get("xml:lang") or None)
            case "break" | "mark":
                return _empty(closed)
            case "emphasis":
                level = attributes.get("level", "moderate")
                if level not in _EMPHASIS:
                    raise closed.wrong(f'level="{_short(level)}" of <emphasis> is none of {", ".join(_EMPHASIS)}')
                return Emphasised(children, _EMPHASIS[level])  # type: ignore[arg-type]
            case "prosody":
                return _prosody(closed, children)
            case "say-as" | "sub" | "phoneme":
                return self._read_as(closed)
            case "lang" | "voice":
                return _spoken(closed, children)
            case "audio":
                return _audio(closed, children)
            case _:
                return None

    def _read_as(self, closed: _Open) -> Node:
        attributes, text = closed.attributes, closed.text
        if closed.tag == "sub":
            if "alias" not in attributes:
                raise closed.wrong("<sub> needs an alias: what is said in place of its text")
            return Sub(text, attributes["alias"])
        if closed.tag == "phoneme":
            alphabet = attributes.get("alphabet") or "ipa"
            if not attributes.get("ph", "").strip():
                raise closed.wrong("<phoneme> needs ph: how its text is pronounced")
            if alphabet not in ipa.ALPHABETS:
                self._ignored[f'<phoneme alphabet="{_short(alphabet)}">'] = None
                return Phoneme(text, "")
            return Phoneme(text, closed.value("ph", ipa.ALPHABETS[alphabet]))
        kind = attributes.get("interpret-as", "")
        if not kind:
            raise closed.wrong("<say-as> needs interpret-as: what its text is")
        if kind not in KINDS:
            raise closed.wrong(f'interpret-as="{_short(kind)}" of <say-as> is none of {", ".join(sorted(KINDS))}')
        return SayAs(text, kind, attributes.get("format", ""), attributes.get("detail", ""))


def _empty(closed: _Open) -> Node:
    if closed.text.strip():
        raise closed.wrong(f"<{closed.tag}> holds nothing: write it as <{closed.tag}/>")
    if closed.tag == "mark":
        if not closed.attributes.get("name"):
            raise closed.wrong("<mark> needs a name")
        return Mark(closed.attributes["name"])
    time, strength = closed.attributes.get("time"), closed.attributes.get("strength")
    if "time" in closed.attributes:
        return Break(closed.value("time", lambda written: values.pause(written, strength)))
    if "strength" in closed.attributes:
        return Break(closed.value("strength", lambda written: values.pause(time, written)))
    return Break(values.pause(None, None))


def _prosody(closed: _Open, children: tuple[Node, ...]) -> Prosody:
    has = closed.attributes
    return Prosody(
        children,
        closed.value("rate", values.rate) if "rate" in has else 1.0,
        closed.value("pitch", values.pitch) if "pitch" in has else Pitch(),
        closed.value("volume", values.volume) if "volume" in has else 0.0,
    )


def _spoken(closed: _Open, children: tuple[Node, ...]) -> Spoken:
    attributes = closed.attributes
    if closed.tag == "lang":
        if not attributes.get("xml:lang"):
            raise closed.wrong("<lang> needs xml:lang, such as es-ES")
        return Spoken(children, attributes["xml:lang"])
    gender = attributes.get("gender")
    if gender is not None and gender not in _GENDERS:
        raise closed.wrong(f'gender="{_short(gender)}" of <voice> is none of {", ".join(_GENDERS)}')
    # SSML 1.1 has a list of languages, with accents behind a colon; 1.0 had xml:lang.
    languages = attributes.get("languages", "").split()
    language = attributes.get("xml:lang") or (languages[0].partition(":")[0] if languages else None)
    names = tuple(attributes.get("name", "").split())
    if not (names or language or gender or attributes.keys() & {"age", "variant"}):
        raise closed.wrong("<voice> needs a name, a gender or a language")
    return Spoken(children, language, names, gender)  # type: ignore[arg-type]


def _audio(closed: _Open, children: tuple[Node, ...]) -> Audio:
    has = closed.attributes
    if not has.get("src", "").strip():
        raise closed.wrong("<audio> needs src: the path of a sound file")
    begin = closed.value("clipBegin", values.seconds) if "clipBegin" in has else 0.0
    end = closed.value("clipEnd", values.seconds) if "clipEnd" in has else None
    if end is not None and end <= begin:
        raise closed.wrong("clipEnd of <audio> does not lie behind its clipBegin")
    return Audio(
        has["src"].strip(),
        children,
        begin,
        end,
        closed.value("repeatCount", values.count) if "repeatCount" in has else 1,
        closed.value("soundLevel", values.decibels) if "soundLevel" in has else 0.0,
        closed.value("speed", values.rate) if "speed" in has else 1.0,
        closed.line,
        closed.column,
    )


def _short(written: str) -> str:
    return written if len(written) <= 40 else written[:37] + "..."


def _meant(written: str, known: Mapping[str, object] | frozenset[str]) -> str:
    close = difflib.get_close_matches(written, list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(sorted(known))}"
