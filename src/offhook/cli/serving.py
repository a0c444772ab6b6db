"""One process that serves: the bot or monitor of a file, its records and its watch. `serve` says how many there are."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
import uvloop

from ..bots.host import Host
from ..bots.line import Line
from ..bots.sinks import SinkTimes
from ..records import events as happenings
from ..records.store import CallStore, Keep
from ..session.board import Board
from ..session.listen import ssl_context
from ..session.reception import MOST_SESSIONS, Reception, ServerLimits, SignatureRules
from ..session.server import Server
from ..session.watch import Watch
from ..speech import pool
from .access import Access
from .logs import Output
from .ready import served

logger = logging.getLogger("offhook")


class Serving:
    """Serves in this process.

    Args:
        target: `FILE`, `FILE:NAME` or the name of a ready-made monitor.
        options: Of `offhook serve`.
        access: Who may come in, and where from.
        board: Of all workers; None: there is this process only.
        number: Which worker this is, from 1.
        workers: How many there are.

    Raises:
        UsageError: The file or an option is no good.
    """

    def __init__(
        self,
        target: str,
        options: dict[str, Any],
        access: Access,
        *,
        board: Board | None = None,
        number: int = 1,
        workers: int = 1,
    ) -> None:
        self._options = options
        self._access = access
        self._workers = workers
        self._number = number if workers > 1 else None
        self.host: Host = served(target, options)
        self._board = board or Board.alone(len(access.keys or ()))
        self._output = Output()
        if options["as_json"]:
            self.host.watch(_EventLines(self._output, self._number), messages=False)
        if options["keep"]:
            self.host.store = CallStore(Path(options["keep"]), Keep.of(options["keep_what"]))
            self.host.store.prepare()
        self.host.sinks = SinkTimes(self.host.lines, all=options["debug"])
        if workers > 1:
            # Engines of all workers share the cores.
            pool.share(max(1, pool.available_cores() // workers))

    def run(self, port: int, started: Callable[[Server, asyncio.AbstractEventLoop], None]) -> None:
        """Serve until told to stop.

        Args:
            port: To listen on.
            started: Called when the server listens, in its loop.
        """
        try:
            uvloop.run(self._run(port, started))
        finally:
            if self.host.store is not None:
                self.host.store.close()

    async def _run(self, port: int, started: Callable[[Server, asyncio.AbstractEventLoop], None]) -> None:
        options, host = self._options, self.host
        tls = ssl_context(options["tls_cert"], options["tls_key"]) if options["tls_cert"] else None
        reception = Reception(
            host,
            keys=self._access.keys,
            path=options["path"],
            limits=self._limits(),
            trust_proxy=options["trust_proxy"],
            rules=self._rules(),
            board=self._board,
            metrics=not options["no_metrics"],
        )
        server = Server(
            reception,
            host=self._access.address,
            port=port,
            engine=options["engine"],
            ssl=tls,
            reuse_port=self._workers > 1,
        )
        await server.start()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self.report)
        watch = Watch(self._board.own, lambda: self._each_second(reception)).start()
        started(server, loop)
        # Engines load in threads: calls that come meanwhile are answered and held.
        loading = asyncio.create_task(host.load())
        try:
            await server.run(drain=options["drain"])
        finally:
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)
            await host.quiet()
            watch.publish()
            watch.stop()
            if options["debug"]:
                self.report()

    def _each_second(self, reception: Reception) -> None:
        reception.publish()
        self.host.sinks.look()

    def _limits(self) -> ServerLimits:
        most = self._options["max_sessions"] or MOST_SESSIONS * self._workers
        return ServerLimits(most, self._options["max_sessions_per_key"])

    def _rules(self) -> SignatureRules:
        replay: Literal["enforce", "log", "off"] = self._options["replay"]
        return SignatureRules(max_age=self._options["max_age"], skew=self._options["skew"], replay=replay)

    def report(self) -> None:
        """Tell how long sinks take."""
        times = self.host.sinks.times()
        if self._options["as_json"]:
            line: dict[str, object] = {"event": "sinks", "sinks": times}
            self._output.write(msgspec.json.encode({"worker": self._number} | line if self._number else line).decode())
        else:
            logger.info("time of sinks\n%s", self.host.sinks.table())


class _EventLines:
    """Writes events as JSON lines, until nobody reads them any more: calls go on without.

    Args:
        output: Where to.
        worker: Number of the worker, if there are several.
    """

    def __init__(self, output: Output, worker: int | None) -> None:
        self._output = output
        self._start = f'{{"worker":{worker},' if worker else "{"

    def __call__(self, line: Line, event: happenings.AnyEvent) -> None:
        if not self._output or isinstance(event, happenings.MessageSeen):
            return
        payload = happenings.encode(happenings.redacted(event)).decode()
        named = isinstance(event, happenings.CallStarted)  # it holds the session itself
        session = "" if named else f'"session":"{_plain(line.session_id)}",'
        self._output.write(f"{self._start}{session}{payload[1:]}")


def _plain(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum() or letter == "-")
