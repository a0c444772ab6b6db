"""A whole run: starts the processes, begins it for all at one time, collects what they see, looks at the server."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ...errors import OffhookError, UsageError
from .plan import Plan
from .resources import check_ports, make_room
from .server import Cost, Watched
from .tally import CallRow, Tally
from .worker import LONGEST_LINE, Order, Ready, Second, decode

#: Seconds between the last process that is ready and the first call.
_BEFORE: Final = 0.2
#: Calls that are kept one by one; of those beyond only these many that failed.
KEPT: Final = 20_000
_KEPT_FAILED: Final = 2_000


@dataclass
class Seen:
    """A run as its processes have told it so far.

    Attributes:
        plan: What was to be.
        seconds: By number, of all processes together.
        cpu: By number: the processor time of each process.
        calls: Those that are over, one by one.
        left_out: How many more there were.
        costs: The server's cost at the beginning of each second and at the end.
        interrupted: Whether it was stopped before its time.
        began: When it began, in seconds since 1970.
    """

    plan: Plan
    seconds: dict[int, Tally] = field(default_factory=dict)
    cpu: dict[int, dict[int, float]] = field(default_factory=dict)
    calls: list[CallRow] = field(default_factory=list)
    left_out: int = 0
    costs: dict[int, Cost] = field(default_factory=dict)
    interrupted: bool = False
    began: float = 0.0

    def add(self, process: int, second: Second) -> None:
        """Take what a process has told."""
        self.seconds.setdefault(second.number, Tally()).merge(second.tally)
        self.cpu.setdefault(second.number, {})[process] = second.tally.cpu
        for row in second.calls:
            if len(self.calls) < KEPT + (_KEPT_FAILED if row.outcome == "failed" else 0):
                self.calls.append(row)
            else:
                self.left_out += 1


async def run(plan: Plan, *, pid: int | None = None, on_second: Callable[[Seen], None] | None = None) -> Seen:
    """Carry out a plan.

    The first SIGINT hangs up all calls properly and reports what there is; a second one does not wait for that.

    Args:
        plan: Checked.
        pid: Server's process to look at.
        on_second: Called about once a second with what there is.

    Raises:
        UsageError: The plan cannot be carried out on this machine.
        OffhookError: A process of the load has died.
    """
    check_ports(plan.calls)
    make_room(4 * plan.processes)
    watched = None if pid is None else Watched(pid)
    seen = Seen(plan)
    workers: list[_Worker] = []
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        for worker in workers:
            worker.kill() if seen.interrupted else worker.say("stop")
        seen.interrupted = True

    loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        for number in range(plan.processes):
            worker = await _Worker.start(plan, number)
            workers.append(worker)
        await asyncio.gather(*(worker.ready() for worker in workers))
        start = time.monotonic() + _BEFORE
        seen.began = time.time() + _BEFORE
        for worker in workers:
            worker.say(f"go {start!r}")
        if seen.interrupted:
            interrupt()
        looking = asyncio.create_task(_look(seen, start, watched, on_second))
        try:
            await asyncio.gather(*(worker.listen(seen) for worker in workers))
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        if watched is not None:
            seen.costs[max(seen.costs, default=-1) + 1] = watched.look()
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        for worker in workers:
            worker.kill()
        await asyncio.gather(*(worker.wait() for worker in workers))
    return seen


async def _look(seen: Seen, start: float, watched: Watched | None, on_second: Callable[[Seen], None] | None) -> None:
    second = 0
    while True:
        await asyncio.sleep(max(0.0, start + second - time.monotonic()))
        if watched is not None:
            seen.costs[second] = watched.look()
        if on_second is not None:
            on_second(seen)
        second += 1


class _Worker:
    """One process."""

    def __init__(self, process: asyncio.subprocess.Process, number: int) -> None:
        self._process = process
        self._number = number

    @classmethod
    async def start(cls, plan: Plan, number: int) -> _Worker:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "offhook.testing.load.worker", stdin=-1, stdout=-1, limit=LONGEST_LINE
        )
        worker = cls(process, number)
        worker.say(msgspec.json.encode(Order(plan, number)).decode())
        return worker

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        if self._process.returncode is None and not self._process.stdin.is_closing():
            self._process.stdin.write(line.encode() + b"\n")

    async def ready(self) -> None:
        said = await self._read()
        if not isinstance(said, Ready):
            raise OffhookError("a process of the load did not start")
        if said.error:
            raise UsageError(said.error)

    async def listen(self, seen: Seen) -> None:
        """Take all that it tells."""
        while (said := await self._read()) is not None:
            if isinstance(said, Second):
                seen.add(self._number, said)
        if await self._process.wait() != 0 and not seen.interrupted:
            raise OffhookError("a process of the load has died: see what it said above")

    async def _read(self) -> Ready | Second | None:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        return decode(line) if line.endswith(b"\n") else None

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    async def wait(self) -> None:
        await self._process.wait()
