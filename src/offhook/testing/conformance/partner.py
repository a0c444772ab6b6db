"""What a client case works with: the partner's place, from the upgrade on, well-behaved until told otherwise."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ...protocol import Profile
from ...session.head import Head, HeadReader
from ...session.wire import WireLimits
from .case import Failure, Notes, TraceLine
from .line import SOON, Line, Message
from .socket import RawSocket

#: What a client may send while a case waits for something else.
_STREAM = ("ping", "dtmf", "playback_started", "playback_completed", "discarded", "update")
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Claim = Callable[[float], Awaitable[Streams | None]]
"""Waits so many seconds for another connection."""


class Partner:
    """The partner's side of one case: one connection of the client under test.

    Attributes:
        target: Path and query of the request.
        headers: Its fields, names in lower case.
        secret: Of the key that the client was given; empty if it was given none.
        seed: For random input.
        notes: What the case observes besides its verdict.
        trace: Everything that passed on the wire.
        opening: Parameters of `open`, once it came.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        profile: Profile,
        secret: bytes = b"",
        *,
        seed: int = 0,
        claim: Claim | None = None,
    ) -> None:
        self.profile = profile
        self.secret = secret
        self.seed = seed
        self.notes = Notes()
        self.trace: list[TraceLine] = []
        self.began = time.monotonic()
        self.target = ""
        self.headers: Mapping[str, str] = {}
        self.opening: Message = {}
        self._reader = reader
        self._writer = writer
        self._claim = claim
        self._others: list[Partner] = []
        self.socket = RawSocket(reader, writer, "server", self.trace, self.began)

    # Upgrade.

    async def request(self) -> None:
        """Read the upgrade request, without answering it.

        Raises:
            Failure: It is none.
        """
        got = HeadReader(WireLimits()).feed(await self._reader.readuntil(b"\r\n\r\n"))
        if not isinstance(got, Head):
            raise Failure("did not send an upgrade request")
        self.target, self.headers = got.target, got.headers
        self.trace.append(TraceLine(0.0, "client", "http", 0, f"GET {got.target} HTTP/1.1"))

    def answer(self, status: int, reason: str, **fields: str) -> None:
        """Answer the request with another status than 101 and end the connection."""
        more = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        head = f"HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\nConnection: close\r\n{more}\r\n"
        self.trace.append(TraceLine(self._t, "server", "http", len(head), f"HTTP/1.1 {status} {reason}"))
        self.socket.write(head.encode())

    async def accept(self, *, wrong: bool = False) -> Line:
        """Accept the upgrade, if need be wrongly: a line on which `open` is still to come."""
        await self.request()
        key = self.headers.get("sec-websocket-key", "").encode() + (b"x" if wrong else b"")
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()
        head = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
        )
        self.trace.append(TraceLine(self._t, "server", "http", len(head), "HTTP/1.1 101 Switching Protocols"))
        self.socket.write(head.encode())
        self.socket.begin()
        return Line(self.socket, "server", self.headers.get("audiohook-session-id", ""))

    @property
    def _t(self) -> float:
        return round(time.monotonic() - self.began, 6)

    # Opening.

    async def opened(self, line: Line | None = None, **changes: Any) -> Line:
        """Accept, wait for `open`, answer `opened` with the first offer; `changes` replace or remove keys.

        Raises:
            Failure: No `open` comes.
        """
        line = line or await self.accept()
        self.opening = (await line.expect("open", within=5.0, passing=())).get("parameters", {})
        parameters: Message = {"startPaused": False, "media": self.opening.get("media", [])[:1]} | changes
        await line.send("opened", {name: value for name, value in parameters.items() if value is not None})
        return line

    # Judging.

    async def alive(self, line: Line) -> None:
        """Expect that a `pause` is followed, and so a session that goes on; it is taken back.

        Raises:
            Failure: It is not.
        """
        await line.send("pause")
        await line.expect("paused", passing=_STREAM)
        await line.send("resume")
        await line.expect("resumed", "paused", passing=_STREAM)

    async def left_alone(self) -> None:
        """Expect that the client closes the connection, whose upgrade was refused, and sends nothing more.

        Raises:
            Failure: It stays, or sends something.
        """
        try:
            async with asyncio.timeout(SOON):
                more = await self._reader.read(1)
        except TimeoutError:
            raise Failure(f"the connection is still open after {SOON:g} s") from None
        if more:
            raise Failure("sent more on a connection that was refused")

    async def pong(self, line: Line) -> Message:
        """Wait for a ping and answer it; returns it.

        Raises:
            Failure: None comes within the interval.
        """
        ping = await line.expect("ping", within=7.0, passing=("playback_started", "playback_completed", "dtmf"))
        await line.send("pong")
        return ping

    async def closing(self, line: Line, *reasons: str, within: float = SOON) -> Message:
        """Wait for `close` for one of these reasons, answer `closed`, and expect the client to let the socket go.

        Raises:
            Failure: Something else happens.
        """
        close = await line.expect("close", within=within)
        reason = close.get("parameters", {}).get("reason")
        if reasons and reason not in reasons:
            raise Failure(f"`close` has reason {reason!r}, expected {' or '.join(reasons)}")
        await line.send("closed")
        await line.gone(within=5.0)
        return close

    async def complaint(self, line: Line, *codes: int, fatal: bool = True, within: float = SOON) -> Message:
        """Wait for `error` with one of these codes and, if fatal, for `close` reason `error` behind it.

        Raises:
            Failure: Something else happens.
        """
        error = await line.expect("error", within=within)
        code = error.get("parameters", {}).get("code")
        if codes and code not in codes:
            raise Failure(f"`error` has code {code}, expected {' or '.join(str(c) for c in codes)}")
        if fatal:
            await self.closing(line, "error")
        return error

    async def goodbye(self, line: Line, **parameters: Any) -> None:
        """End a session that went well: `disconnect`, `close`, `closed`."""
        await line.send("disconnect", {"reason": "completed"} | parameters)
        await self.closing(line, "disconnect")

    async def leave(self) -> None:
        for each in (self, *self._others):
            await each.socket.leave()

    async def another(self, within: float) -> Partner | None:
        """The next connection of the client, which this case takes, too; None if none comes in time."""
        if self._claim is None:
            return None
        got = await self._claim(within)
        if got is None:
            return None
        other = Partner(*got, self.profile, self.secret, seed=self.seed)
        other.notes, other.trace, other.began = self.notes, self.trace, self.began
        other.socket = RawSocket(*got, "server", self.trace, self.began)
        self._others.append(other)
        return other
