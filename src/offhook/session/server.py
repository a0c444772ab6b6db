"""A listening server: a reception behind a socket, and its orderly end.

Draining: the health check turns 503 so that a load balancer stops sending, new sessions are refused, running calls go
on up to a limit and are then ended with `disconnect` (P2.9, P13).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
from ssl import SSLContext
from typing import Final

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
        await self._until_empty(seconds)
        if self.reception.links:
            logger.warning("%d sessions are ended by the shutdown", len(self.reception.links))
            self.reception.end_all("Server shutting down")
            await self._until_empty(_GOODBYE)
        await self.close()

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
        """Serve until SIGTERM or SIGINT, then drain; a second signal ends at once. `start()` comes before it.

        Args:
            drain: Seconds that running calls may go on.
        """
        loop = asyncio.get_running_loop()
        first, second = asyncio.Event(), asyncio.Event()

        def on_signal() -> None:
            (second if first.is_set() else first).set()

        signals = (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, on_signal)
        # What is loaded by now stays: the collector need not look at it again in every call.
        gc.collect()
        gc.freeze()
        try:
            await first.wait()
            logger.info("draining: %d sessions are up; a second signal ends them at once", len(self.reception.links))
            await self._drain_unless(second, drain)
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
