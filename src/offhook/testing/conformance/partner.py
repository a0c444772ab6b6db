"""What a client case works with: the partner's place, from the upgrade on, well-behaved until told otherwise."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
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
Write = Callable[[RawSocket, bytes], Awaitable[None]]


@dataclass(eq=False)
class Claim:
    """A case waits for another connection.

    Attributes:
        session: Id of the session that the connection should take over from; empty: any connection will do.
        connection: Where it is handed over.
    """

    session: str
    connection: asyncio.Future[Partner]

    @property
    def open(self) -> bool:
        return not self.connection.done()


class Partner:
    """The partner's side of one case: one connection of the client under test.

    Args:
        request: Its head, as it came.
        claims: Of all cases, where this one adds its own.

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
        request: bytes,
        secret: bytes = b"",
        *,
        seed: int = 0,
        claims: list[Claim] | None = None,
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
        self._request = request
        self._claims = [] if claims is None else claims
        self._others: list[Partner] = []
        self._accepted: Line | None = None
        self.socket = RawSocket(reader, writer, "server", self.trace, self.began)

    # Upgrade.

    def request(self) -> None:
        """Read the upgrade request, without answering it.

        Raises:
            Failure: It is none.
        """
        got = HeadReader(WireLimits()).feed(self._request)
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

    async def accept(self, *, wrong: bool = False, more: str = "", write: Write | None = None) -> Line:
        """Accept the upgrade, if need be wrongly: a line on which `open` is still to come.

        Args:
            wrong: Give a digest that is not the key's.
            more: Further fields of the answer, each with its line end.
            write: Puts the answer on the socket; None: at once.
        """
        if self._accepted is not None:
            return self._accepted
        self.request()
        key = self.headers.get("sec-websocket-key", "").encode() + (b"x" if wrong else b"")
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()
        head = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
        )
        self.trace.append(TraceLine(self._t, "server", "http", len(head), "HTTP/1.1 101 Switching Protocols"))
        if write is None:
            self.socket.write(head.encode())
        else:
            await write(self.socket, head.encode())
        self.socket.begin()
        self._accepted = Line(self.socket, "server", self.headers.get("audiohook-session-id", ""))
        return self._accepted

    async def continued(self) -> set[str]:
        """Ids of the sessions that this one takes over from, by its `open`; "" where an entry is none.

        The case that gets the connection will meet the same `open` again.
        """
        try:
            line = await self.accept()
            message = json.loads(str(await line.socket.peek(5.0)))
            named = message["parameters"].get("continuedSessions") or []
        except (Failure, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return set()  # whatever it is, its case will say so
        entries = named if isinstance(named, list) else [named]
        return {str(each.get("id")) if isinstance(each, dict) else "" for each in entries}

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
        ping = await line.expect(
            "ping", within=7.0, passing=("playback_started", "playback_completed", "dtmf", "update")
        )
        await line.send("pong")
        return ping

    async def closing(
        self, line: Line, *reasons: str, within: float = SOON, passing: Sequence[str] | None = None
    ) -> Message:
        """Wait for `close` for one of these reasons, answer `closed`, and expect the client to let the socket go.

        `passing` as for `Line.expect`.

        Raises:
            Failure: Something else happens.
        """
        close = await line.expect("close", within=within, passing=passing)
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

    async def goodbye(self, line: Line, *, passing: Sequence[str] | None = None, **parameters: Any) -> None:
        """End a session that went well: `disconnect`, `close`, `closed`; `passing` as for `Line.expect`."""
        await line.send("disconnect", {"reason": "completed"} | parameters)
        await self.closing(line, "disconnect", passing=passing)

    async def leave(self) -> None:
        for each in (self, *self._others):
            await each.socket.leave()

    async def another(
        self, within: float, *, after: Line | None = None, meanwhile: Coroutine[Any, Any, None] | None = None
    ) -> Partner | None:
        """A further connection of the client, which this case takes, too; None if none comes in time.

        Args:
            within: Seconds.
            after: A session that goes on in the new one, and is kept up: no other connection is taken. None: the next.
            meanwhile: Done first, while a connection may come already.
        """
        claim = Claim("" if after is None else after.id, asyncio.get_running_loop().create_future())
        self._claims.append(claim)
        tending: set[asyncio.Task[None]] = set()
        try:
            if meanwhile is not None:
                await meanwhile
            if after is not None:
                tending.add(asyncio.create_task(after.tend()))
            await asyncio.wait((claim.connection,), timeout=within)
        finally:
            for task in tending:
                task.cancel()
            await asyncio.gather(*tending, return_exceptions=True)
            self._claims.remove(claim)
            if not claim.connection.cancel():
                self._others.append(claim.connection.result())
        if claim.connection.cancelled():
            return None
        self._others[-1]._join(self)
        return self._others[-1]

    def _join(self, case: Partner) -> None:
        """Write down what passes in the notes and the trace of the partner that has a case."""
        later = self.began - case.began
        case.trace += [replace(line, t=round(line.t + later, 6)) for line in self.trace]
        case.trace.sort(key=lambda line: line.t)
        self.notes, self.trace, self.began = case.notes, case.trace, case.began
        self.socket.trace, self.socket.began = case.trace, case.began
