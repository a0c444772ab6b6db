"""Opens sessions: dials, signs, sends `open`. What comes of it is the caller's of this module to handle, by events."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ssl import SSLContext

from ..protocol import ClientSession, Event
from .connection import Connection
from .dial import dial
from .engines import EngineName
from .keys import sign_request


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the integration is configured with. An empty secret leaves requests unsigned (P2.4)."""

    key: str = ""
    secret: bytes = b""

    def __repr__(self) -> str:
        return f"Credentials({'signed' if self.secret else 'unsigned'})"


def request_headers(
    uri: str, session: ClientSession, credentials: Credentials, retry_attempt: int = 0
) -> dict[str, str]:
    """The header fields of an upgrade request (P2.2), signed now."""
    return sign_request(
        uri,
        credentials.key,
        credentials.secret,
        session.parameters.organization_id,
        session.id,
        str(uuid.uuid4()),
        time.time(),
        retry_attempt=retry_attempt,
    )


async def open_session(
    uri: str,
    session: ClientSession,
    on_event: Callable[[Event], None],
    *,
    credentials: Credentials | None = None,
    headers: Mapping[str, str] | None = None,
    engine: EngineName = "picows",
    ssl: SSLContext | None = None,
    timeout: float = 5.0,  # noqa: ASYNC109  # of `dial`
    via: tuple[str, int] | None = None,
    connection: Connection | None = None,
) -> Connection:
    """Dial a server and send `open`; returns once it is under way, before `opened`.

    Args:
        uri: `ws://` or `wss://`.
        session: Fresh; `open()` is called here.
        on_event: Gets all events of the session.
        credentials: Key and secret of the integration.
        headers: In place of the platform's own: for tests of servers.
        via: Of `dial`.
        connection: Made by the caller, with a tap or a source already on it.

    Raises:
        UsageError: The URI.
        UpgradeRejected: The server answered with another status than 101.
        ConnectionLost: Nobody answers.
    """
    connection = connection or Connection(session, on_event)
    fields = request_headers(uri, session, credentials or Credentials()) if headers is None else dict(headers)
    session.open()
    await dial(uri, connection, headers=fields, engine=engine, ssl=ssl, timeout=timeout, via=via)
    return connection


def new_session_id() -> str:
    """A session id as the platform makes them."""
    return str(uuid.uuid4())
