"""The parent of several workers: starts them, starts those again that die, passes orders on, and ends with the last.

It serves nothing and loads no user code. Workers are fresh processes and no forks: engines have threads and locks, and
a fork would have the locks without the threads. Each worker has a line to the parent (see `lifeline`), and what it
writes to standard output and error comes through the parent, so that lines stay whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import IO, Final

from . import figures
from .board import Board
from .relay import Relay

logger = logging.getLogger("offhook.session")

#: Seconds after which a worker that died is started again, at first and at most; doubled each time until it has lived
#: for `_SETTLED` seconds.
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 30.0
_SETTLED: Final = 60.0
#: A worker that gives no sign of life for so long has lost its calls already (P8.1: the platform pings every 5 s).
HUNG: Final = 30.0
#: Starts in a row that may fail while no worker is up.
_TRIES: Final = 5
#: Seconds beyond the drain in which handlers and records end; and after an order to end at once.
_PARTING: Final = 30.0
_AT_ONCE: Final = 15.0


class _Worker:
    """One row of the board, and the process that has it now."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: asyncio.subprocess.Process | None = None
        self.line: socket.socket | None = None
        self.ready = False
        self.failures = 0
        self.pause = _FIRST_PAUSE

    def order(self, word: str) -> None:
        """Send a word; a worker that is gone does not hear it."""
        if self.line is not None:
            with contextlib.suppress(OSError):
                self.line.send(word.encode() + b"\n")

    def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()


class Supervisor:
    """Runs workers.

    Args:
        board: A row for each.
        command: Starts one, when the number of its line's file descriptor is added.
        assignment: What to tell each first: one line, by its number.
        on_ready: Called once with what the first worker serves, when all have started.
        drain: Seconds that running calls may go on after SIGTERM.
        hung: Seconds without a sign of life after which a worker is killed.
        stdout: Where the workers' output goes.
        stderr: The same.
    """

    def __init__(
        self,
        board: Board,
        command: Sequence[str],
        assignment: Callable[[int], bytes],
        on_ready: Callable[[str, list[int]], None],
        *,
        drain: float,
        hung: float = HUNG,
        stdout: IO[bytes] | None = None,
        stderr: IO[bytes] | None = None,
    ) -> None:
        self._board = board
        self._command = command
        self._assignment = assignment
        self._on_ready = on_ready
        self._drain = drain
        self._hung = hung
        self._relays = (Relay(stdout or sys.stdout.buffer), Relay(stderr or sys.stderr.buffer))
        self._workers = [_Worker(number) for number in range(1, len(board.rows) + 1)]
        self._signals = 0
        self._code = 0
        self._name = ""
        self._stopping: asyncio.Event
        self._up: asyncio.Event

    async def run(self) -> int:
        """Serve until told to drain; returns the exit code.

        The first worker starts alone: if it cannot, what it says of that is said once.
        """
        loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._up = asyncio.Event()
        handlers: dict[int, Callable[[], None]] = {
            signal.SIGTERM: self._on_signal, signal.SIGINT: self._on_signal, signal.SIGUSR1: self._on_report,
        }  # fmt: skip
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        keeping = [asyncio.create_task(self._keep(self._workers[0]))]
        watching = asyncio.create_task(self._watch())
        try:
            up = asyncio.create_task(self._up.wait())
            await asyncio.wait((up, keeping[0]), return_when=asyncio.FIRST_COMPLETED)
            up.cancel()
            if self._up.is_set():
                keeping += [asyncio.create_task(self._keep(worker)) for worker in self._workers[1:]]
            await asyncio.gather(*keeping)
        finally:
            watching.cancel()
            for number in handlers:
                loop.remove_signal_handler(number)
            for worker in self._workers:
                worker.kill()
        return self._code

    # One worker.

    async def _keep(self, worker: _Worker) -> None:
        """Have a process in a row, until all is over."""
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._live(worker)
            sessions = int(self._board.rows[worker.number - 1].get(figures.SESSIONS))
            self._board.rows[worker.number - 1].clear()
            was_ready, worker.ready = worker.ready, False
            if self._stopping.is_set():
                if code not in (0, None):
                    logger.warning("worker %d ended with %s", worker.number, _ending(code))
                return
            if not was_ready and self._gives_up(worker, code):
                return
            if time.monotonic() - began > _SETTLED:
                worker.pause = _FIRST_PAUSE
            pause = 0.0 if was_ready and code == 0 else worker.pause
            logger.log(
                logging.INFO if code == 0 else logging.ERROR,
                "worker %d ended with %s%s: another takes its place in %g s",
                worker.number, _ending(code), f", and {sessions} sessions with it" if sessions else "", pause,
            )  # fmt: skip
            self._board.rows[worker.number - 1].add(figures.RESTARTS)
            worker.pause = min(2 * worker.pause, _LONGEST_PAUSE)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    def _gives_up(self, worker: _Worker, code: int) -> bool:
        """Whether a worker that did not come up ends all: the very first try, or many with nobody up."""
        worker.failures += 1
        others = any(other.ready for other in self._workers)
        if self._up.is_set() and (others or worker.failures < _TRIES):
            return False
        if code < 0:
            logger.error("worker %d could not start: it ended with %s", worker.number, _ending(code))
        self._code = code if code > 0 else 1
        self._stop("end")
        return True

    async def _live(self, worker: _Worker) -> int:
        """One life of a worker, from start to end; returns its exit code."""
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        pipes = [await relay.open(loop) for relay in self._relays]
        try:
            worker.process = await asyncio.create_subprocess_exec(
                *self._command, str(theirs.fileno()),
                stdin=subprocess.DEVNULL, stdout=pipes[0].end, stderr=pipes[1].end,
                pass_fds=(theirs.fileno(), self._board.fd),
                # Ctrl-C at a terminal goes to a whole group: the parent alone decides what it means.
                process_group=0,
            )  # fmt: skip
        finally:
            theirs.close()
            for pipe in pipes:
                os.close(pipe.end)
        if self._stopping.is_set():
            worker.kill()
        worker.line = ours
        reading = asyncio.create_task(self._until_ready(worker, ours))
        try:
            code = await worker.process.wait()
            for pipe in pipes:
                await pipe.over()
            return code
        finally:
            reading.cancel()
            worker.line = None
            ours.close()

    async def _until_ready(self, worker: _Worker, line: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(line, self._assignment(worker.number) + b"\n")
            name = (await loop.sock_recv(line, 1024)).decode().strip()
        except OSError:
            return
        if not name:
            return
        worker.ready, worker.failures = True, 0
        self._name = self._name or name
        self._up.set()
        if self._stopping.is_set():
            worker.order("drain")
        elif self._name and all(each.ready for each in self._workers):
            pids = [each.process.pid for each in self._workers if each.process is not None]
            self._on_ready(self._name, pids)
            self._on_ready = lambda *_: None

    async def _watch(self) -> None:
        """Kill workers that hang: what rings at them would hang as well."""
        while True:
            await asyncio.sleep(min(1.0, self._hung))
            for worker in self._workers:
                silent = time.monotonic() - self._board.rows[worker.number - 1].beat
                if worker.ready and silent > self._hung:
                    logger.error("worker %d gives no sign of life for %.0f s: it is killed", worker.number, silent)
                    worker.kill()

    # All of them.

    def _on_signal(self) -> None:
        self._signals += 1
        if self._signals == 1:
            logger.info("draining: %d sessions are up; a second signal ends them at once", self._board.sessions)
            self._stop("drain")
        elif self._signals == 2:
            self._stop("end")
        else:
            self._kill()

    def _on_report(self) -> None:
        for worker in self._workers:
            worker.order("report")

    def _stop(self, order: str) -> None:
        self._stopping.set()
        for worker in self._workers:
            if worker.ready:
                worker.order(order)
            else:
                worker.kill()  # it has no calls
        seconds = self._drain + _PARTING if order == "drain" else _AT_ONCE
        asyncio.get_running_loop().call_later(seconds, self._kill)

    def _kill(self) -> None:
        for worker in self._workers:
            if worker.process is not None and worker.process.returncode is None:
                logger.warning("worker %d did not end in time: it is killed", worker.number)
                worker.kill()


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
