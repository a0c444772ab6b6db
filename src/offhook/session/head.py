"""The head of an HTTP/1.1 request, read strictly and without I/O, and the few bytes of HTTP that we write ourselves.

It knows what RFC 9112 and RFC 6455 ask of a request, not who may come in: it must not know keys, signatures or sockets.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple

from .wire import Refusal, WireLimits, tokens

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rf"({_TOKEN}) ([!-~]+) HTTP/([0-9])\.([0-9])")
_NAME = re.compile(_TOKEN)
_ALLOWED = b"\t\r\n" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
_BLANKS = " \t"
_AROUND_TARGET = len("OPTIONS  HTTP/1.1")
# The spelling of senders that we know; any other name is looked at and lowered, at three times the price.
_USUAL: Mapping[str, str] = {
    name: name.lower()
    for name in (
        "Host", "Connection", "Upgrade", "Sec-WebSocket-Version", "Sec-WebSocket-Key", "Sec-WebSocket-Extensions",
        "User-Agent", "Audiohook-Organization-Id", "Audiohook-Session-Id", "Audiohook-Correlation-Id",
        "Audiohook-Retry-Attempt", "X-API-KEY", "Signature-Input", "Signature", "X-Forwarded-For", "X-Forwarded-Proto",
        "X-Forwarded-Port", "X-Amzn-Trace-Id",
    )
}  # fmt: skip
_USUAL = {**_USUAL, **{name: name for name in _USUAL.values()}}
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Head(NamedTuple):
    """A request head that was understood; fields as in `UpgradeRequest`."""

    target: str
    headers: Mapping[str, str]
    rest: bytes
    """What came behind the blank line, in the same reads."""


class HeadReader:
    """Gathers a request head from any pieces and parses it once it is whole."""

    __slots__ = ("_buffer", "_limits")

    def __init__(self, limits: WireLimits) -> None:
        self._limits = limits
        self._buffer = bytearray()

    @property
    def started(self) -> bool:
        """Whether any byte has come."""
        return bool(self._buffer)

    def feed(self, data: bytes | memoryview) -> Head | Refusal | None:
        """Take the next bytes.

        Returns:
            The head; the answer to a request that cannot be one; None while more has to come.
        """
        seen = max(0, len(self._buffer) - 3)
        self._buffer += data
        if self._buffer and not self._buffer[:1].isalpha():
            return _bad("this port speaks HTTP")  # most often a TLS client on a plain port
        line_end = self._buffer.find(b"\r\n", 0, self._limits.max_target + _AROUND_TARGET + 2)
        if line_end < 0 and len(self._buffer) > self._limits.max_target + _AROUND_TARGET:
            return Refusal(414)
        end = self._buffer.find(b"\r\n\r\n", seen)
        if end < 0:
            return Refusal(431) if len(self._buffer) > self._limits.max_head else None
        if end > self._limits.max_head:
            return Refusal(431)
        parsed = _parse(bytes(self._buffer[:end]), self._limits)
        return parsed if isinstance(parsed, Refusal) else Head(*parsed, bytes(self._buffer[end + 4 :]))


def upgrade_head(key: str) -> bytes:
    """The plainest upgrade request with that key.

    An engine answers this one in place of what the client sent, which has been judged here already: engines differ in
    what they take (folded fields, `Connection: keep-alive, Upgrade`), and a request must not be read in two ways.
    """
    return (
        "GET / HTTP/1.1\r\nHost: offhook\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


def response(refusal: Refusal) -> bytes:
    """The bytes of an answer after which the connection is closed."""
    reason = refusal.reason or _PHRASES.get(refusal.status, "")
    fields = [("Date", formatdate(usegmt=True)), ("Connection", "close"), ("Content-Length", str(len(refusal.body)))]
    if refusal.body:
        fields.append(("Content-Type", refusal.content_type))
    fields.extend(refusal.headers)
    lines = [f"HTTP/1.1 {refusal.status} {reason}", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace") + refusal.body


def _parse(head: bytes, limits: WireLimits) -> tuple[str, Mapping[str, str]] | Refusal:
    lines = head.decode("latin-1").split("\r\n")
    breaks = len(lines) - 1
    if head.translate(None, _ALLOWED) or head.count(b"\r") != breaks or head.count(b"\n") != breaks:
        return _bad("control characters")
    request = _REQUEST_LINE.fullmatch(lines[0])
    if request is None:
        return _bad("malformed request line")
    method, target, major, minor = request.groups()
    if major != "1":
        return Refusal(505)
    if len(target) > limits.max_target:
        return Refusal(414)
    if method != "GET":
        return Refusal(405, headers=(("Allow", "GET"),))
    if not target.startswith("/") or "#" in target:
        return _bad("the request target must be a path")
    del lines[0]
    if b"\n " in head or b"\n\t" in head:
        if lines[0].startswith((" ", "\t")):
            return _bad("a fold with nothing before it")
        lines = _unfolded(lines)
    headers = _fields(lines, limits.max_headers)
    if isinstance(headers, Refusal):
        return headers
    return _check(headers, old=minor == "0") or (target, headers)


def _unfolded(lines: list[str]) -> list[str]:
    """Without obs-folds: each is one more piece of the value before it (P2.5 rule 3)."""
    whole: list[str] = []
    for line in lines:
        if line.startswith((" ", "\t")):
            whole[-1] = f"{whole[-1].rstrip(_BLANKS)} {line.strip(_BLANKS)}"
        else:
            whole.append(line)
    return whole


def _fields(lines: list[str], most: int) -> dict[str, str] | Refusal:
    if len(lines) > most:
        return Refusal(431)
    headers: dict[str, str] = {}
    for line in lines:
        spelled, colon, value = line.partition(":")
        name = _USUAL.get(spelled)
        if name is None or not colon:
            if not colon or _NAME.fullmatch(spelled) is None:
                return _bad("malformed header field")
            name = spelled.lower()
        value = value.strip(_BLANKS)
        if name in headers:
            if name == "host":
                return _bad("a request has exactly one Host")
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return headers


def _check(headers: Mapping[str, str], *, old: bool) -> Refusal | None:
    if "host" not in headers and not old:
        return _bad("a request has exactly one Host")
    if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
        return Refusal(413, body=b"a request has no body here\n")
    if "websocket" not in tokens(headers.get("upgrade", "")):
        return None
    if old:
        return Refusal(505, body=b"a WebSocket needs HTTP/1.1; a proxy in between may have to be told so\n")
    if "upgrade" not in tokens(headers.get("connection", "")):
        return _bad("Connection does not say Upgrade; a proxy in between may have dropped it")
    if headers.get("sec-websocket-version") != "13":
        return Refusal(426, headers=(("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")))
    if not _is_key(headers.get("sec-websocket-key", "")):
        return _bad("Sec-WebSocket-Key is not 16 bytes in base64")
    return None


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key.encode("latin-1"), validate=True)) == 16
    except binascii.Error:
        return False


def _bad(why: str) -> Refusal:
    return Refusal(400, body=f"{why}\n".encode())
