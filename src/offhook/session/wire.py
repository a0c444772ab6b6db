"""The seam between a WebSocket engine and the session shells: what either side may ask of the other.

Everything here is synchronous and small: no await, queue, task or log line stands between a socket and a session. It
must not know AudioHook, nor which engine is in use; the session must not know frames, HTTP or TLS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol


class Wire(Protocol):
    """One open WebSocket. No call blocks; each may come from inside `Receiver.received`, and after `Receiver.lost`."""

    def send(self, data: str | bytes) -> None:
        """Send one text (str) or binary (bytes) message. Dropped silently once the WebSocket is closing."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Start the close handshake, behind what was sent. Nothing is received after it; `lost` still comes.

        Args:
            code: One that RFC 6455 allows in a close frame: 1000 to 1003, 1007 to 1014, 3000 to 4999.
            reason: Cut to 123 bytes of UTF-8.
        """

    def abort(self) -> None:
        """Drop the TCP connection at once; `lost` follows."""

    @property
    def backlog(self) -> int:
        """Bytes sent that the kernel has not taken yet: a peer that reads too slowly."""


class Receiver(Protocol):
    """What an engine calls: `connected` once, `received` per message, `lost` once.

    A receiver may also have `writable(self, ready: bool) -> None`: False when the backlog has passed
    `WireLimits.max_backlog`, True when most of it has left. It may have `audio(self, data: bytes) -> bool`, the short
    way of whole binary messages: False if it does not take this one, which then goes to `received`. A server's may have
    `subprotocol`, which is then granted in the answer to the upgrade: it has seen that the client asks for it. A
    receiver that raises ends its WebSocket with 1011.
    """

    def connected(self, wire: Wire) -> None:
        """The WebSocket is open; `wire` may be used at once."""

    def received(self, data: str | bytes) -> None:
        """One whole message: fragments are joined, text was valid UTF-8."""

    def lost(self, code: int, reason: str) -> None:
        """The connection is gone.

        Args:
            code: Of the peer's close frame; 1005 if that had none; 1006 if none came. Where the engine ended the
                WebSocket because of what the peer sent, the code it did that with (1002, 1007 or 1009).
            reason: Text beside the code, often empty.
        """


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """The head of an HTTP GET request: a WebSocket upgrade, or a plain one (a health check).

    Attributes:
        target: Path and query exactly as on the request line (P2.5 rule 2).
        headers: Lower-case names. Values are trimmed, folds are one space, repeated fields are joined with ", " (P2.5
            rule 3). Bytes beyond ASCII stand as latin-1.
        peer: "address:port" of the socket's other end.
        secure: TLS ends in this process.
    """

    target: str
    headers: Mapping[str, str]
    peer: str = ""
    secure: bool = False

    @property
    def path(self) -> str:
        """The target up to the first question mark."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The target behind the first question mark, empty without one."""
        return self.target.partition("?")[2]

    @property
    def websocket(self) -> bool:
        """Whether the client asks for a WebSocket. The gate has then checked the other fields that RFC 6455 wants."""
        return "websocket" in tokens(self.headers.get("upgrade", ""))


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer in place of a WebSocket, after which the connection is closed.

    Attributes:
        status: HTTP status.
        reason: Phrase on the status line; empty: the usual one of the status.
        body: Bytes behind the head.
        content_type: Of the body.
        delay: Seconds from the arrival of the request to the answer (P2.6 step 18).
        headers: Further fields, names as they are to be sent.
    """

    status: int
    reason: str = ""
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    delay: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()


Accept = Callable[[UpgradeRequest], Receiver | Refusal]
"""Decides on a request. One that is not `websocket` has to be refused (status 200 counts): it cannot be received."""


@dataclass(frozen=True, slots=True)
class WireLimits:
    """What one connection may cost.

    Attributes:
        max_message: Bytes of a message. Above AudioHook's own 65,535, so that the session can answer such a frame in
            its own words; beyond this one the WebSocket ends with 1009 and the payload is not kept.
        max_backlog: Bytes that may wait for a slow peer before `Receiver.writable(False)`.
        max_head: Bytes of a request head (431).
        max_target: Bytes of path and query (414).
        max_headers: Fields of a request head (431).
        max_waiting: Connections of one listener that have no WebSocket yet; the oldest makes room for the next.
        head_timeout: Seconds for TLS, and again for the request head (408).
        close_timeout: Seconds that a peer has to finish a close handshake, or to take in an answer.
    """

    max_message: int = 262_144
    max_backlog: int = 262_144
    max_head: int = 16_384
    max_target: int = 4_096
    max_headers: int = 64
    max_waiting: int = 1_024
    head_timeout: float = 5.0
    close_timeout: float = 5.0


@lru_cache(maxsize=32)
def tokens(value: str) -> tuple[str, ...]:
    """The members of a comma-separated header value, in lower case."""
    return tuple([member.strip(" \t") for member in value.lower().split(",")])
