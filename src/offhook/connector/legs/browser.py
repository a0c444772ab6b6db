"""The browser leg: a web page whose microphone and loudspeaker are the caller, over one WebSocket.

Binary messages are 20 ms of mu-law each way; text is JSON. The page says `start`, `key`, `hold`, `level` (samples that
it has not played yet) and `hangup`; it is told `answered`, `flush` and `ended`. The page itself is served beside it.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from ...session.wire import Receiver, Refusal, UpgradeRequest, WireLimits
from . import Caller, Switchboard
from .socket import KEYS, Arrival, SocketLeg
from .socket_door import SocketDoor
from .tables import HostName, Site, SocketTable, in_url

logger = logging.getLogger("offhook.connector")

PATH: Final = "/talk"
_PAGE: Final = Path(__file__).parent / "page"
_FILES: Final = {
    "/": ("talk.html", "text/html; charset=utf-8"),
    "/talk.js": ("talk.js", "text/javascript; charset=utf-8"),
    "/worklet.js": ("worklet.js", "text/javascript; charset=utf-8"),
    "/talk.css": ("talk.css", "text/css; charset=utf-8"),
}
_HEADERS: Final = (
    (
        "Content-Security-Policy",
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    ("Permissions-Policy", "microphone=(self)"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
)
#: A page sends 160 bytes at a time; none of its words is long.
_LIMITS: Final = WireLimits(max_message=4_096, max_head=8_192)
#: Samples that a page may say it has not played: more is no news that could be used.
_MOST: Final = 80_000


class _Word(msgspec.Struct):
    type: str
    digit: str = ""
    on: bool = False
    samples: int = 0


_words: Final = msgspec.json.Decoder(_Word)


class BrowserLeg(SocketLeg):
    """One page with a call. It is a call from the page's first word on."""

    def __init__(self, caller: Caller, arrival: Arrival) -> None:
        super().__init__(caller, arrival)
        self._level = 0

    @property
    def ahead(self) -> int:
        """See `PhoneLeg`."""
        return self._level

    def _on_message(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            if self.answered and not self._holds:  # what a microphone hears on hold is meant for nobody
                self.inlet.push(data)
            return None
        try:
            word = _words.decode(data)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return logger.debug("a page said something that is no word of ours")
        match word.type:
            case "start" if not self._begun:
                self._begin(self.caller)
            case "key" if word.digit in KEYS:
                self._tell(lambda listener: listener.key(word.digit))
            case "hold":
                self._holds = word.on
                self._tell(lambda listener: listener.held(word.on))
            case "level":
                self._level = min(max(word.samples, 0), _MOST)
            case "hangup":
                self._over("hung up")
            case _:
                pass
        return None

    def _send_audio(self, heard: bytes) -> None:
        assert self._wire is not None
        self._wire.send(heard)

    def _say(self, **word: object) -> None:
        if self._wire is not None:
            self._wire.send(msgspec.json.encode(word).decode())

    def _say_flush(self) -> None:
        self._level = 0
        self._say(type="flush")

    def _say_answered(self) -> None:
        self._say(type="answered")

    def _say_ended(self, cause: str) -> None:
        self._say(type="ended", cause=cause)


class TalkPage(SocketDoor):
    """Serves the page and takes its calls.

    Args:
        arrival: Takes each call.
        number: What is called, if the page's address does not say (`?number=+1555…`).
        max_calls: Pages that may have a connection at once.
        names: Hosts that the page is served as, beside addresses and `localhost`.
        origins: Other sites whose pages may call; the page's own always may.
    """

    def __init__(
        self,
        arrival: Arrival,
        *,
        number: str = "talk",
        max_calls: int = 20,
        names: Sequence[str] = (),
        origins: Sequence[str] = (),
    ) -> None:
        super().__init__(PATH, max_calls, _LIMITS)
        self._arrival = arrival
        self._number = number
        self._names = frozenset(("localhost", *(name.lower() for name in names)))
        self._origins = frozenset(origin.lower() for origin in origins)

    def accept(self, request: UpgradeRequest) -> Receiver | Refusal:
        """See `wire.Accept`."""
        if not self._is_ours(request.headers.get("host")):
            return Refusal(403, body=b"this page is not served by that name: list it in names of [legs.talk]\n")
        if not request.websocket:
            found = _FILES.get(request.path)
            if found is None:
                return Refusal(404)
            name, kind = found
            return Refusal(200, body=(_PAGE / name).read_bytes(), content_type=kind, headers=_HEADERS)
        return super().accept(request)

    def _refusal(self, request: UpgradeRequest) -> Refusal | None:
        return None if self._may_call(request) else Refusal(403, body=b"this site may not call from here\n")

    def _leg(self, request: UpgradeRequest) -> BrowserLeg:
        return BrowserLeg(Caller(ani="browser", dnis=self._dnis(request), kind="browser"), self._arrival)

    def _may_call(self, request: UpgradeRequest) -> bool:
        """A page of another site must not use a visitor's microphone and our bots; programs send no origin."""
        origin = request.headers.get("origin")
        if origin is None or origin.lower() in self._origins:
            return True
        scheme, _, site = origin.partition("://")
        here = _host(scheme, request.headers.get("host", ""))
        return here is not None and here == _host(scheme, site)

    def _is_ours(self, host: str | None) -> bool:
        """A name of another site may lead here, so that its pages count as ours; an address or no name cannot."""
        if host is None:
            return True
        found = _host("http", host)
        return found is not None and (found[0] in self._names or _is_address(found[0]))

    def _dnis(self, request: UpgradeRequest) -> str:
        given = parse_qs(request.query).get("number", [""])[0]
        return given[:64] or self._number


def _host(scheme: str, text: str) -> tuple[str, int] | None:
    """Host and port, as a URL of this scheme or `Host` has them; None for what is neither."""
    try:
        url = urlsplit(f"{scheme}://{text}")
        port = url.port or (443 if scheme.lower() == "https" else 80)
    except ValueError:
        return None
    return (url.hostname, port) if url.hostname and url.netloc == text and "@" not in text else None


def _is_address(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False


class Table(SocketTable, frozen=True, kw_only=True):
    """`[legs.talk]`: the page with a call button. `names`: what it is served as, behind a proxy, say, beside addresses,
    `localhost` and `host`. `origins`: other sites whose pages may call."""

    number: str = "talk"
    names: tuple[HostName, ...] = ()
    origins: tuple[Site, ...] = ()


@asynccontextmanager
async def serve(table: Table, board: Switchboard) -> AsyncIterator[str]:
    """See `doors.Kind`."""
    ssl = table.ssl()
    page = TalkPage(
        board.take,
        number=table.number,
        max_calls=table.max_calls,
        names=(table.host, *table.names),
        origins=table.origins,
    )
    port = await page.start(table.host, table.port, ssl)
    try:
        yield f"talk at {'https' if ssl else 'http'}://{in_url(table.host)}:{port}/"
    finally:
        await page.close()
