"""A listening server: a reception behind a socket, and its orderly end.

Draining: the health check turns 503 so that a load balancer stops sending, new sessions are refused, running calls go
on up to a limit and are then ended with `disconnect` (P2.9, P13).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from ssl import SSLContext
from typing import Final

from .collector import settle
from .engines import EngineName
from .listen import Listening, listen
from .reception import Reception
from .wire import WireLimits

logger = logging.getLogger("offhook.session")

#: Seconds that running calls may go on after SIGTERM; the vendor's sample uses the same (P13).
DRAIN_SECONDS: Final = 180.0
#: Seconds for `disconnect`, `close` and `closed` after that.
_GOODBYE: Final = 5.0


class Server:
    """Serves one application on one port.

    Args:
        reception: Who decides.
        host: Address to listen on; None: all.
        port: 0 for any free one, see `port`.
        engine: "picows" or "websockets".
        ssl: For TLS in this process; see `ssl_context`.
    """

    def __init__(
        self,
        reception: Reception,
        *,
        host: str | None = "127.0.0.1",
        port: int = 0,
        engine: EngineName = "picows",
        ssl: SSLContext | None = None,
        limits: WireLimits | None = None,
        reuse_port: bool = False,
    ) -> None:
        self.reception = reception
        self._host = host
        self._wanted_port = port
        self._engine = engine
        self._ssl = ssl
        self._limits = limits or WireLimits()
        self._reuse_port = reuse_port
        self._listening: Listening | None = None
        self._empty = asyncio.Event()
        self._told_to_drain = asyncio.Event()
        self._told_to_end = asyncio.Event()
        self._deaf = False
        reception.on_empty = self._empty.set

    @property
    def port(self) -> int:
        assert self._listening is not None, "start() first"
        return self._listening.port

    async def start(self) -> None:
        """Listen.

        Raises:
            UsageError: The port is taken or the address is not ours.
        """
        self._listening = await listen(
            self.reception.accept,
            self._host,
            self._wanted_port,
            engine=self._engine,
            ssl=self._ssl,
            limits=self._limits,
            reuse_port=self._reuse_port,
        )

    async def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Take no new sessions, give those that are up so many seconds, then end them and stop listening."""
        self.reception.draining = True
        if self._deaf and self._listening is not None:
            self._listening.close()
        await self._until_empty(seconds)
        if self.reception.links:
            logger.warning("%d sessions are ended by the shutdown", len(self.reception.links))
            self.reception.end_all("Server shutting down")
            await self._until_empty(_GOODBYE)
        await self.close()

    def tell_to_drain(self, *, deaf: bool = False) -> None:
        """Let `run` drain, if it does not yet.

        Args:
            deaf: Stop listening at once, so that new calls come to the others on the port.
        """
        self._deaf = self._deaf or deaf
        self._told_to_drain.set()

    def tell_to_end(self) -> None:
        """Let `run` end at once."""
        self._told_to_drain.set()
        self._told_to_end.set()

    async def _until_empty(self, seconds: float) -> None:
        self._empty.clear()
        if self.reception.links:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), seconds)

    async def close(self) -> None:
        """Stop at once: sockets are dropped."""
        self.reception.draining = True
        if self._listening is not None:
            self._listening.close()
            self.reception.abort_all()
            await self._listening.wait_closed()

    async def __aenter__(self) -> Server:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def run(self, *, drain: float = DRAIN_SECONDS) -> None:
        """Serve until told to drain, by SIGTERM or SIGINT; a second signal ends at once. `start()` comes before it.

        Args:
            drain: Seconds that running calls may go on.
        """
        loop = asyncio.get_running_loop()
        signalled = False

        def on_signal() -> None:
            nonlocal signalled
            if signalled:
                self.tell_to_end()
            else:
                # One of several workers that is told alone, or by whoever tells all: the others have the new calls.
                self.tell_to_drain(deaf=self._reuse_port)
            signalled = True

        signals = (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, on_signal)
        settle()
        try:
            await self._told_to_drain.wait()
            logger.info("draining: %d sessions are up; a second signal ends them at once", len(self.reception.links))
            await self._drain_unless(self._told_to_end, drain)
        finally:
            for number in signals:
                loop.remove_signal_handler(number)
            await self.close()

    async def _drain_unless(self, hurry: asyncio.Event, seconds: float) -> None:
        draining = asyncio.create_task(self.drain(seconds))
        hurrying = asyncio.create_task(hurry.wait())
        try:
            await asyncio.wait((draining, hurrying), return_when=asyncio.FIRST_COMPLETED)
        finally:
            hurrying.cancel()
            draining.cancel()
            await asyncio.wait((draining, hurrying))
        if not draining.cancelled():
            draining.result()
