"""Which WebSocket engines there are, and what each of them does: take over a server's connection, or dial.

An engine is a module. It is imported when it is asked for, so that only the one in use has to be installed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from ssl import SSLContext
from typing import Literal, NamedTuple, Protocol

from ..errors import ConnectionLost, UpgradeRejected, UsageError
from .wire import Receiver, Wire, WireLimits

EngineName = Literal["picows", "websockets"]

_STATUS_LINE = re.compile(rb"HTTP/\d\.\d (\d{3})(?: ([^\r\n]*))?")


class Address(NamedTuple):
    """Where a WebSocket URI leads."""

    secure: bool
    host: str
    port: int
    target: str
    """Path and query exactly as in the URI: what `@request-target` signs."""
    authority: str
    """Lower-case host, and the port unless it is the scheme's own: the `Host` field, and what `@authority` signs."""
    via: tuple[str, int] | None = None
    """Host and port to connect to in place of its own: something that passes on what it gets."""

    @property
    def socket(self) -> tuple[str, int]:
        """Where to connect."""
        return self.via or (self.host, self.port)


class Engine(Protocol):
    """The module of an engine."""

    def upgrade(
        self,
        socket: asyncio.Transport,
        head: bytes,
        receiver: Receiver,
        limits: WireLimits,
        ended: Callable[[], None],
    ) -> None:
        """Take over a server's connection.

        Args:
            socket: Its protocol becomes the engine's.
            head: A plain upgrade request, and behind it what the client has sent since.
            receiver: Gets the WebSocket.
            limits: For messages, backlog and close.
            ended: Called when the connection is gone.
        """

    async def dial(
        self,
        address: Address,
        receiver: Receiver,
        headers: Mapping[str, str],
        context: SSLContext | None,
        limits: WireLimits,
    ) -> Wire:
        """Connect, upgrade, and return once `receiver` is connected. Whatever goes wrong, the socket is dropped.

        Raises:
            UpgradeRejected: An HTTP status other than 101.
            ConnectionLost: The answer is no upgrade.
            OSError: From the sockets below, TLS included.
        """


def load_engine(name: str) -> Engine:
    """The engine of that name.

    Raises:
        UsageError: There is none, or it is not installed.
    """
    try:
        if name == "picows":
            from . import engine_picows

            return engine_picows
        if name == "websockets":
            from . import engine_websockets

            return engine_websockets
    except ImportError as error:
        raise UsageError(f"the WebSocket engine {name} cannot be loaded ({error}): pip install {name}") from error
    raise UsageError(f"there is no WebSocket engine {name!r}: use picows or websockets")


def rejection(head: bytes, trouble: str) -> UpgradeRejected | ConnectionLost:
    """The error for a server that did not upgrade.

    Args:
        head: What it answered, as far as that is known.
        trouble: The engine's words for what is wrong with it.
    """
    status = _STATUS_LINE.match(head)
    if status is None or status[1] == b"101":
        return ConnectionLost(f"the answer is no WebSocket upgrade: {trouble}")
    return UpgradeRejected(int(status[1]), (status[2] or b"").decode("latin-1").strip())
