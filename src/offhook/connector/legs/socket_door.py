"""What listens for legs on WebSockets: one path, so many calls at once, and all of them ended when it closes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from ssl import SSLContext

from ...session.listen import Listening, listen
from ...session.wire import Receiver, Refusal, UpgradeRequest, WireLimits
from .socket import SocketLeg


class SocketDoor(ABC):
    """Takes the connections of one kind of leg.

    Args:
        path: Path of the WebSocket.
        max_calls: Connections at once; those beyond are answered with 503.
        limits: What one connection may cost.
    """

    def __init__(self, path: str, max_calls: int, limits: WireLimits) -> None:
        self._path = path
        self._max_calls = max_calls
        self._limits = limits
        self._legs: set[SocketLeg] = set()
        self._listening: Listening | None = None

    async def start(self, host: str | None, port: int, ssl: SSLContext | None = None) -> int:
        """Listen, by TLS if there is a context; returns the port.

        Raises:
            UsageError: The port cannot be had, or strangers could call.
        """
        self._check(host)
        self._listening = await listen(self.accept, host, port, ssl=ssl, limits=self._limits)
        return self._listening.port

    async def close(self) -> None:
        """Stop listening, and end the calls that are up."""
        if self._listening is not None:
            self._listening.close()
            for leg in tuple(self._legs):
                leg.drop()
            await self._listening.wait_closed()

    def accept(self, request: UpgradeRequest) -> Receiver | Refusal:
        """See `wire.Accept`."""
        if request.path != self._path:
            return Refusal(404)
        if not request.websocket:
            return Refusal(426, headers=(("Upgrade", "websocket"),))
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        if len(self._legs) >= self._max_calls:
            return Refusal(503, body=b"all lines are busy\n")
        leg = self._leg(request)
        self._legs.add(leg)
        leg.left = self._legs.discard
        return leg

    @abstractmethod
    def _leg(self, request: UpgradeRequest) -> SocketLeg:
        """The leg of a connection that is taken."""

    def _check(self, host: str | None) -> None:  # noqa: B027 (a kind may have nothing to ask)
        """See whether it may listen there. Raises `UsageError`."""

    def _refusal(self, request: UpgradeRequest) -> Refusal | None:
        """Why this one may not call, if so."""
        return None
