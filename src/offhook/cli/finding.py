"""Finds AudioHook messages in whatever an engineer has: message files, logs of any kind, traces of ours.

It tells where each stood and, if that is known, who sent it and when; what it says is `explain`'s business.
"""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ..protocol import PROFILES, Profile, Role
from ..protocol.trace import TraceMessage, read
from .envelope import looks_like_message

#: Below so many levels no logger wraps a message.
_DEPTH: Final = 8
#: Characters that a message hardly exceeds (P3.3).
_WINDOW: Final = 65_536
#: Braces of other kinds are passed over without a try.
_BRACE: Final = re.compile(r'\{(?=\s*["}])')
_BROKEN: Final = re.compile(r'[^{]{0,200}"(version|serverseq|clientseq|seq)"\s*:')


@dataclass(frozen=True, slots=True)
class Found:
    """One message.

    Attributes:
        line: Where it begins, from 1.
        body: The message; empty for audio and for what is no JSON.
        size: Bytes on the wire.
        audio: Whether it is a binary message.
        sender: If the file tells.
        t: Seconds, if the file tells.
        broken: Why it is no message.
    """

    line: int
    body: Mapping[str, object]
    size: int
    audio: bool = False
    sender: Role | None = None
    t: float | None = None
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """All messages of one file; profile and session where it is a trace."""

    messages: tuple[Found, ...]
    profile: Profile | None = None
    session: str | None = None


def find(data: bytes) -> Findings:
    """Find the messages in the contents of a file.

    Raises:
        TraceError: It is a trace, and damaged.
    """
    first = data.lstrip()[:200].partition(b"\n")[0]
    if first.startswith(b"{") and b'"offhook_trace"' in first:
        trace = read(data.lstrip().splitlines())
        found = tuple(_traced(number, message) for number, message in enumerate(trace.messages, 2))
        return Findings(found, PROFILES.get(trace.header.profile), trace.header.session or None)
    return Findings(tuple(_in_text(data.decode("utf-8-sig", "replace"))))


def _traced(line: int, message: TraceMessage) -> Found:
    sender, data = Role(message.sender), message.data
    if isinstance(data, bytes):
        return Found(line, {}, len(data), audio=True, sender=sender, t=message.t)
    size = len(data.encode(errors="replace"))
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        return Found(line, {}, size, sender=sender, t=message.t, broken="it is no JSON object")
    return Found(line, body, size, sender=sender, t=message.t)


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")


_decoder: Final = json.JSONDecoder(parse_constant=_refuse)


def _in_text(text: str) -> Iterator[Found]:
    """All messages in a text, whatever stands between them."""
    starts = [match.end() for match in re.finditer("\n", text)]
    at = 0
    while brace := _BRACE.search(text, at):
        at = brace.start()
        line = bisect.bisect_right(starts, at) + 1
        try:
            value, end = _decode(text, at)
        except (ValueError, RecursionError) as error:
            if _BROKEN.match(text, at + 1):
                yield Found(line, {}, 0, broken=f"it is no JSON ({_reason(error, line)})")
            at += 1
            continue
        yield from (Found(line, body, size) for body, size in _messages(value, text[at:end], 0))
        at = end


def _decode(text: str, at: int) -> tuple[object, int]:
    """The JSON value that begins there, and where it ends; what fails costs no more in a long text than in a short one.

    Raises:
        ValueError: There is none; line and column of a `JSONDecodeError` are counted from `at`.
        RecursionError: It is nested too deeply.
    """
    window = text[at : at + _WINDOW]
    try:
        value, end = _decoder.raw_decode(window)
    except json.JSONDecodeError as error:
        cut = error.pos > _WINDOW - 16 or error.msg.startswith("Unterminated")
        if len(window) < _WINDOW or not cut:
            raise
        value, end = _decoder.raw_decode(text[at:])
    return value, at + end


def _reason(error: ValueError | RecursionError, line: int) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {line + error.lineno - 1}, column {error.colno}: {error.msg.removesuffix(' at')}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _messages(value: object, text: str, depth: int) -> Iterator[tuple[Mapping[str, object], int]]:
    """The messages in one JSON value: itself, or what a logger has wrapped, as an object or as text of one."""
    if depth > _DEPTH:
        return
    if isinstance(value, dict) and looks_like_message(value):
        yield value, _size(value, text)
    elif isinstance(value, dict | list):
        inner: Iterable[object] = value.values() if isinstance(value, dict) else value
        for item in inner:
            yield from _messages(item, "", depth + 1)
    elif isinstance(value, str) and "{" in value and '"' in value:
        for found in _in_text(value):
            if not found.broken:
                yield found.body, found.size


def _size(value: Mapping[str, object], text: str) -> int:
    """Bytes on the wire: as it stands where it is on one line, else as it is written without blanks."""
    if not text or "\n" in text:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode("utf-8", "replace"))
