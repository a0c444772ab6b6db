"""A well-behaved client, and ways to break it in one place: what it gets to see, what leaves, what it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec
from tests.testing.conformance.raw_server import RawClient

from offhook.connector import Call, Dial, new_session, opening
from offhook.errors import OffhookError
from offhook.protocol import ClientSession, Profile, ReconnectRequested, State
from offhook.protocol.messages import CloseReason, ContinuedSession
from offhook.session.client import Credentials, request_headers
from offhook.session.connection import Connection
from offhook.session.dial import dial, parse_uri
from offhook.session.wire import Wire
from offhook.testing.conformance.case import Case, CaseResult
from offhook.testing.conformance.listener import ClientCheck
from offhook.testing.conformance.partner import Partner
from offhook.testing.misbehaving.flaw import Data

#: Clients at a time. They share one event loop, which on a busy machine comes round the later the more there are: a
#: client whose own clock falls behind rightly fails the cases about time, so those are given few at a time.
AT_ONCE, TIMED_AT_ONCE = 25, 3
URI = "ws://127.0.0.1:{port}/api/v1/audiohook/ws"


class ClientFlaw:
    """No flaw at all; mutants override what they break."""

    #: What is done otherwise than RFC 6455 says, by a raw client; empty for a right one.
    how = ""
    #: Whether it never closes a connection by itself.
    keeps = False
    #: Seconds that it looks at a connection before it closes it.
    linger = 0.0
    #: Whether it opens a new session when it is asked to reconnect: the reason for which it closes the old one.
    reconnects: CloseReason | None = None

    def headers(self, fields: dict[str, str]) -> dict[str, str]:
        """What is sent of the platform's fields."""
        return fields

    def seen(self, data: Data, session: ClientSession) -> Iterable[Data]:
        """What the session gets to see of a message of the server."""
        return (data,)

    def leaves(self, data: Data, session: ClientSession) -> Iterable[Data]:
        """What really leaves of a message of the session."""
        return (data,)

    def drops(self, data: Data, session: ClientSession) -> bool:
        """Whether the connection is dropped in place of reading this."""
        return False

    def connected(self, link: ClientLink) -> None:
        """The WebSocket is open."""

    def lost(self, link: ClientLink, code: int) -> None:
        """The connection is gone."""


class ClientLink:
    """Stands between an engine and a connection; a `Receiver` to one and a `Wire` to the other."""

    def __init__(self, connection: Connection, flaw: ClientFlaw) -> None:
        session = connection.session
        assert isinstance(session, ClientSession)
        self.connection, self.flaw, self.session = connection, flaw, session
        self.wire: Wire

    def connected(self, wire: Wire) -> None:
        self.wire = wire
        self.flaw.connected(self)
        self.connection.connected(self)

    def received(self, data: Data) -> None:
        if self.flaw.drops(data, self.session):
            self.wire.abort()
            return
        for item in self.flaw.seen(data, self.session):
            self.connection.received(item)

    def lost(self, code: int, reason: str) -> None:
        self.flaw.lost(self, code)
        self.connection.lost(code, reason)

    def send(self, data: Data) -> None:
        for item in self.flaw.leaves(data, self.session):
            self.wire.send(item)

    def close(self, code: int = 1000, reason: str = "") -> None:
        if self.flaw.linger:
            asyncio.get_running_loop().call_later(self.flaw.linger, self._let_go, code, reason)
        else:
            self._let_go(code, reason)

    def _let_go(self, code: int, reason: str) -> None:
        if not self.flaw.keeps:
            self.wire.close(code, reason)

    def abort(self) -> None:
        if not self.flaw.keeps:
            self.wire.abort()

    @property
    def backlog(self) -> int:
        return self.wire.backlog


async def run_client(
    uri: str, profile: Profile, flaw: ClientFlaw | None = None, *, key: str = "", secret: bytes = b""
) -> None:
    """Call once, talk and press a key, and stay until the server ends the call, half a minute at most."""
    chosen = flaw or ClientFlaw()
    tasks: list[asyncio.Task[None]] = []

    async def connect(connection: Connection) -> None:
        session = connection.session
        assert isinstance(session, ClientSession)
        fields = chosen.headers(request_headers(uri, session, Credentials(key, secret)))
        session.open()
        link = ClientLink(connection, chosen)
        if chosen.how:
            address = parse_uri(uri)
            raw = asyncio.create_task(RawClient(chosen.how).run(address.port, address.target, fields, link))
            tasks.append(raw)
        else:
            await dial(uri, link, headers=fields)

    call = Call(new_session(opening(profile, input={"tier": "gold"} if profile.speaks else {}), profile), connect)
    try:
        async with call:
            if chosen.reconnects:
                tasks.append(asyncio.create_task(take_over(call, profile, connect, chosen.reconnects)))
            if profile.speaks:
                await call.dtmf("5")
            await asyncio.wait_for(call.result(), 30)
    except (OffhookError, TimeoutError):
        pass
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def take_over(call: Call, profile: Profile, connect: Dial, reason: CloseReason) -> None:
    """Follow a `reconnect` with a session that goes on, and close the one before."""
    async for event in call.events():
        if not isinstance(event, ReconnectRequested):
            continue
        old = call.session
        named = ContinuedSession(old.id, old._seq, old._peer_seq)
        parameters = msgspec.structs.replace(opening(profile), continued_sessions=(named,))
        async with Call(new_session(parameters, profile), connect) as new:
            old.close(reason)
            call.link.connection.flush()
            await new.result()
        return


async def run_cases(
    cases: list[Case[Partner]],
    profile: Profile,
    flaw: ClientFlaw | None = None,
    *,
    key: str = "",
    secret: bytes = b"",
    at_once: int = AT_ONCE,
) -> dict[str, CaseResult]:
    """Let a client meet cases, many at once; results by number."""
    check = ClientCheck(cases, profile, secret=secret)
    async with await check.serve("127.0.0.1", 0) as server:
        uri = URI.format(port=server.sockets[0].getsockname()[1])
        wanted = len(cases) - len(check.results)

        async def loop() -> None:
            while not check.done.is_set():
                await run_client(uri, profile, flaw, key=key, secret=secret)
                await asyncio.sleep(0.05)

        clients = [asyncio.create_task(loop()) for _ in range(min(wanted, at_once))]
        await check.done.wait()
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
    return {result.number: result for result in check.results}


class Switches(ClientFlaw):
    """No flaw: changes the language of the conversation once, where the server says the first thing behind `opened`."""

    def __init__(self) -> None:
        self.done: set[str] = set()

    def seen(self, data: Data, session: ClientSession) -> Iterable[Data]:
        if session.state is State.OPEN and isinstance(data, str) and session.id not in self.done:
            self.done.add(session.id)
            session.update("de-DE")
        return (data,)
