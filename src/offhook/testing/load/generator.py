"""One process of a load: places its calls on schedule, keeps them up, hangs up, and tells every second what was seen.

A place holds one call at a time. Its first call begins by the ramp. A call that has ended well before its place's time
is up is followed by another; one that has failed is not.
"""

from __future__ import annotations

import asyncio
import gc
import ssl as tls
import time
from collections.abc import Callable
from typing import Final

from ...session.client import Credentials, open_session
from ...session.engines import load_engine
from ...session.keys import decode_secret
from .call import Call, Dial, Line, Shared
from .plan import Plan
from .sound import make_sound
from .tally import CallRow, Tally
from .wheel import Wheel

#: Seconds that calls have to end once they were hung up: the protocol's ten for `closed`, and some.
_PATIENCE: Final = 12.0
#: Seconds that the server has to let go of the last sockets.
_PARTING: Final = 1.0
#: Seconds before the server's own end of a call is followed by another, so that one that ends at once is no storm.
_AGAIN: Final = 1.0
#: Calls that are hung up in one turn of the loop.
_AT_ONCE: Final = 50

OnSecond = Callable[[int, Tally, list[CallRow]], None]
"""Told at the end of each second of the run: its number, what was seen in it, the calls that ended in it."""


class Generator:
    """The calls of one process.

    Args:
        plan: The run.
        process: Which of its processes this is, from 0.
        start: When the run begins, by `clock`.
        on_second: Told every second.
        dial: How to reach the server; None: over a socket.
        clock: That of the loop, shared by all processes.
    """

    def __init__(
        self,
        plan: Plan,
        process: int,
        start: float,
        on_second: OnSecond,
        *,
        dial: Dial | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan = plan
        self._numbers = plan.numbers(process)
        self._on_second = on_second
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._calls: dict[int, Call] = {}
        self._rows: list[CallRow] = []
        self._dialling: set[asyncio.Task[None]] = set()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._done: set[int] = set()  # places whose time is up
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._second = 0
        self._cpu = time.process_time()
        self._shared = Shared(
            plan=plan,
            product=plan.product,
            sound=make_sound(plan.frame_ms, plan.wav, marked=plan.echoes),
            wheel=Wheel(plan.frame_ms / 1000, clock),
            dial=dial or over_socket(plan),
            clock=clock,
            start=start,
            on_end=self._ended,
            tally=Tally(),
        )

    async def run(self) -> None:
        """Carry out the plan; returns when all calls are over and all was told."""
        ticking = asyncio.create_task(self._tick())
        try:
            await self._until(0.0)
            ending = asyncio.create_task(self._hang_up_in_turn())
            await self._place_in_turn()
            gc.collect()
            gc.freeze()  # what lives as long as the run is not looked through again
            await ending
            await self._settle()
        finally:
            ticking.cancel()
            self._shared.wheel.stop()
            for timer in self._timers.values():
                timer.cancel()
        self._tell()

    @property
    def start(self) -> float:
        """When the run begins; may be changed until it does."""
        return self._shared.start

    @start.setter
    def start(self, start: float) -> None:
        self._shared.start = start

    def stop(self) -> None:
        """Place no more calls, and hang up all that are on."""
        self._stopping.set()

    # Beginning.

    async def _place_in_turn(self) -> None:
        for number in self._numbers:
            if not await self._until(self._plan.begins(number)):
                return
            self._place(number)

    def _place(self, number: int) -> None:
        self._timers.pop(number, None)
        call = self._calls[number] = Call(number, self._shared)
        task = self._loop.create_task(call.place())
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)
        if self._plan.call_seconds is not None:
            self._timers[number] = self._loop.call_later(self._plan.call_seconds, call.hang_up)

    def _ended(self, call: Call) -> None:
        assert call.row is not None
        self._rows.append(call.row)
        del self._calls[call.number]
        timer = self._timers.pop(call.number, None)
        if timer is not None:
            timer.cancel()
        if call.row.outcome != "failed" and not self._is_done(call.number):
            wait = 0.0 if call.row.outcome == "hangup" else max(0.0, _AGAIN - call.row.seconds)
            self._timers[call.number] = self._loop.call_later(wait, self._place_again, call.number)
        self._changed.set()

    def _place_again(self, number: int) -> None:
        if not self._is_done(number):
            self._place(number)

    def _is_done(self, number: int) -> bool:
        return self._stopping.is_set() or number in self._done

    # Ending.

    async def _hang_up_in_turn(self) -> None:
        """In the order and at the pace in which they were placed."""
        for number in self._numbers:
            if not await self._until(self._plan.begins(number) + self._plan.hold):
                break
            self._hang_up(number)
        for count, number in enumerate(list(self._calls)):
            self._hang_up(number)
            if count % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)

    def _hang_up(self, number: int) -> None:
        self._done.add(number)
        call = self._calls.get(number)
        if call is not None:
            call.hang_up()

    async def _settle(self) -> None:
        """Wait until all calls have ended."""
        deadline = self._clock() + _PATIENCE
        await self._wait(lambda: not self._calls, deadline)
        for task in tuple(self._dialling):
            task.cancel()
        await asyncio.gather(*self._dialling, return_exceptions=True)
        for call in list(self._calls.values()):
            call.abort("the server did not end the call")
        await self._wait(lambda: self._shared.sockets <= 0, self._clock() + _PARTING)

    async def _wait(self, done: Callable[[], bool], deadline: float) -> None:
        while not done() and (left := deadline - self._clock()) > 0:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), min(left, 0.05))
            except TimeoutError:
                pass

    # Time.

    @property
    def _elapsed(self) -> float:
        return self._clock() - self._shared.start

    async def _until(self, elapsed: float) -> bool:
        """Wait for a time of the run; False if it is stopped before."""
        delay = elapsed - self._elapsed
        if delay <= 0:
            await asyncio.sleep(0)  # behind schedule: others have their turn all the same
        elif not self._stopping.is_set():
            try:
                await asyncio.wait_for(self._stopping.wait(), delay)
            except TimeoutError:
                pass
        return not self._stopping.is_set()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._second + 1 - self._elapsed)
            if self._elapsed >= self._second + 1:
                self._tell()

    def _tell(self) -> None:
        tally, self._shared.tally = self._shared.tally, Tally()
        rows, self._rows = self._rows, []
        cpu = time.process_time()
        tally.cpu, self._cpu = cpu - self._cpu, cpu
        second, self._second = self._second, max(self._second + 1, int(self._elapsed))
        self._on_second(second, tally, rows)


def over_socket(plan: Plan) -> Dial:
    """Dial a plan's server over sockets."""
    load_engine("picows")
    credentials = Credentials(plan.key, decode_secret(plan.secret) if plan.secret else b"")
    context = _context(plan)

    async def dial(line: Line) -> None:
        await open_session(
            plan.uri,
            line.session,
            lambda event: None,  # the line has its listener
            credentials=credentials,
            ssl=context,
            timeout=plan.timeout,
            connection=line,
        )

    return dial


def _context(plan: Plan) -> tls.SSLContext | None:
    """One for all calls: to read the system's authorities takes longer than a call."""
    if not plan.uri.startswith("wss:"):
        return None
    context = tls.create_default_context()
    context.minimum_version = tls.TLSVersion.TLSv1_2  # P2.3
    if plan.insecure:
        context.check_hostname = False
        context.verify_mode = tls.CERT_NONE
    return context
