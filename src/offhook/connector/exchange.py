"""The connector: takes calls from legs, finds the flow of each, and sees the call through to its end.

One call is one task with one TaskGroup that owns all others of it. Nothing that goes wrong in a call gets out of it.
"""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from fnmatch import fnmatchcase
from functools import partial
from types import TracebackType
from typing import Final, Literal, Self

from ..errors import CallEnded, UsageError, wordless
from ..records.events import Event
from ..records.store import CallStore
from ..records.usage import EVERY, Meter
from . import happenings
from .context import CallContext, Dialling, clock, over_socket
from .endpoints import Endpoints
from .happenings import Happenings
from .integrations import Integrations
from .legs import Dialler, PhoneLeg
from .line import Line
from .parameters import ORGANIZATION
from .phonecall import PhoneCall
from .policy import Fallback
from .recorder import LineRecording
from .targets import allowed

logger = logging.getLogger("offhook.connector")

Flow = Callable[[PhoneCall], Awaitable[object]]
Ending = Literal["caller", "flow", "transfer", "error", "shutdown", "refused"]

#: Seconds that a flow has to clear up after a hang-up.
_GRACE: Final = 5.0
MAX_CALLS: Final = 500


class Connector:
    """Answers calls.

    Args:
        integrations: Bots and monitors; an empty set in memory if not given.
        store: Where sessions are kept; None: nothing is.
        recordings: Where flows record to; None: they cannot.
        meter: Counts usage.
        dial: How servers are reached; over sockets if not given.
        fallback: What flows do that say nothing of their own, and what becomes of a caller whose flow has failed.
        transfer_targets: Patterns of targets that callers may be handed to: `sip:*@pbx.example`, `+1555*`. None are
            allowed if none are given, so that nobody can make calls at our cost.
        max_calls: Calls at once; further ones hear busy.
        organization: UUID in all sessions.
        language: Of calls.

    Attributes:
        calls: Those that are on.
        draining: No new calls are taken.
        bridge: Places calls for transfers, and callers are joined to them; None: their legs transfer them (REFER).
    """

    def __init__(
        self,
        integrations: Integrations | None = None,
        *,
        store: CallStore | None = None,
        recordings: CallStore | None = None,
        meter: Meter | None = None,
        dial: Dialling = over_socket,
        fallback: Fallback | None = None,
        transfer_targets: Sequence[str] = (),
        max_calls: int = MAX_CALLS,
        organization: str = ORGANIZATION,
        language: str | None = "en-US",
    ) -> None:
        self.integrations = integrations or Integrations()
        self.store = store
        self.recordings = recordings
        self.meter = meter
        self.dial = dial
        self.fallback = fallback or Fallback()
        self.transfer_targets = tuple(transfer_targets)
        self.max_calls = max_calls
        self.organization = organization
        self.language = language
        self.calls: set[PhoneCall] = set()
        self.draining = False
        self.bridge: Dialler | None = None
        self.endpoints = Endpoints(clock)
        self._flows: list[tuple[str, Flow, str]] = []
        self._observers: list[Callable[[str, Event], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._works: dict[PhoneCall, asyncio.Task[None]] = {}
        self._counting: asyncio.Task[None] | None = None

    def flow(self, *numbers: str) -> Callable[[Flow], Flow]:
        """Make a coroutine the flow of calls to these numbers: `@connector.flow("+15550001111", "+1555*")`.

        A number beats a pattern, and a longer pattern a shorter one. Without any, it is the flow of all others.
        """

        def decorate(flow: Flow) -> Flow:
            self.add_flow(flow, *numbers)
            return flow

        return decorate

    def add_flow(self, flow: Flow, *numbers: str, name: str = "") -> None:
        """The same as a plain call."""
        name = name or getattr(flow, "__name__", "flow")
        for number in numbers or ("*",):
            self._flows.append((_plain(number), flow, name))

    def watch(self, observer: Callable[[str, Event], None]) -> None:
        """Call it with each event of each call from now on, and the UUID of the conversation before it."""
        self._observers.append(observer)

    @property
    def flow_count(self) -> int:
        """How many numbers and patterns have a flow."""
        return len(self._flows)

    def flow_for(self, dnis: str) -> tuple[Flow, str] | None:
        """The flow of calls to a number, and its name."""
        number = _plain(dnis)
        fitting = [each for each in self._flows if each[0] == number or fnmatchcase(number, each[0])]
        if not fitting:
            return None
        _, flow, name = max(fitting, key=lambda each: (each[0] == number, len(each[0].replace("*", ""))))
        return flow, name

    def may_transfer(self, target: str) -> bool:
        """Whether callers may be handed to this target."""
        return allowed(target, self.transfer_targets)

    # Calls.

    def take(self, leg: PhoneLeg) -> asyncio.Task[None]:
        """A call has arrived: see it through, in a task of its own."""
        task = asyncio.create_task(self.answer(leg), name=f"call by {leg.caller.kind}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def answer(self, leg: PhoneLeg) -> None:
        """See a call through. It raises nothing."""
        line = Line(leg)
        conversation = str(uuid.uuid4())
        news = Happenings(tuple(partial(observer, conversation) for observer in self._observers))
        context = CallContext(
            leg.caller,
            line,
            news,
            self.organization,
            self.dial,
            self.endpoints,
            self.store,
            self.meter,
            self.language,
            conversation,
        )
        line.on_comfort = lambda on: news.emit(happenings.Comforted(on, t=context.t, position=line.position))
        found = self.flow_for(leg.caller.dnis)
        caller = leg.caller
        news.emit(
            happenings.CallArrived(
                context.conversation,
                caller.kind,
                found[1] if found else "",
                caller.ani,
                caller.dnis,
                caller.ani_name,
                t=context.t,
            )
        )
        by: Ending = "refused"
        reason = ""
        try:
            if found is None:
                reason = "no flow for this number"
                leg.hang_up("no-route")
            elif self.draining or len(self.calls) >= self.max_calls:
                reason = "draining" if self.draining else "too many calls"
                leg.hang_up("busy")
            else:
                by, reason = await self._carry(context, found[0])
        except Exception as error:
            logger.error("call %s failed", context.conversation, exc_info=wordless(error, logger))
            by, reason = "error", "the connector failed"
            leg.hang_up("error")
        finally:
            over = context.over_at if context.over_at is not None else context.t
            news.emit(happenings.CallOver(by, reason, t=over, position=line.position))
            news.end()

    async def _carry(self, context: CallContext, flow: Flow) -> tuple[Ending, str]:
        line, leg = context.line, context.line.leg
        gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as tasks:
            call = PhoneCall(
                context,
                self.integrations,
                tasks,
                may_transfer=self.may_transfer,
                dial=self.bridge,
                fallback=self.fallback,
                recording=LineRecording(self.recordings),
            )
            self.calls.add(call)
            listener = _Listener(call, gone)
            leg.attach(listener)
            line.on_trouble = lambda: listener.hung_up("the leg failed")
            try:
                await leg.answer()
                context.emit(happenings.CallAnswered(t=context.t))
                line.start()
                work = self._works[call] = tasks.create_task(self._guarded(call, flow), name="flow")
                await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    call.over = call.over or "caller"
                    work.cancel()
                    await asyncio.wait((work,), timeout=_GRACE)
                return self._ending(call, work, gone)
            except CallEnded:
                call.over = "caller"
                return "caller", "gone before it was answered"
            finally:
                context.over_at = context.t  # sessions may take longer to close than callers wait
                line.stop()
                leg.hang_up("normal")
                self._works.pop(call, None)
                self.calls.discard(call)
                call.over = call.over or "flow"
                await call.finish()

    def _ending(self, call: PhoneCall, work: asyncio.Task[None], gone: asyncio.Future[str]) -> tuple[Ending, str]:
        if call.over == "transfer":
            return "transfer", ""
        if gone.done():
            return "caller", gone.result()
        if work.cancelled():
            return "shutdown", ""
        error = call.failed
        return ("error", error) if error else ("flow", "")

    async def _guarded(self, call: PhoneCall, flow: Flow) -> None:
        """Run a flow. What it raises is logged, and its caller is not left alone with it."""
        try:
            await flow(call)
            return
        except CallEnded:
            return
        except UsageError as error:
            call.failed = str(error)
            logger.error("the flow of call %s failed: %s", call.id, error)
        except Exception as error:
            call.failed = type(error).__name__
            logger.error("the flow of call %s failed", call.id, exc_info=wordless(error, logger))
        if not call.over:
            try:
                await call.last_resorts(self.fallback, f"FlowError: {call.failed}")
            except Exception as error:
                logger.error("neither could its fallback be carried out", exc_info=wordless(error, logger))

    # Life.

    async def __aenter__(self) -> Self:
        if self.meter is not None:
            self._counting = asyncio.create_task(self._count(self.meter))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drain(0.0)
        if self._counting is not None:
            self._counting.cancel()
            await asyncio.wait((self._counting,))

    async def _count(self, meter: Meter) -> None:
        while True:
            await asyncio.sleep(EVERY)
            meter.checkpoint()

    async def drain(self, seconds: float) -> None:
        """Take no more calls, give those that are on so many seconds, then end them."""
        self.draining = True
        if self._tasks and seconds > 0:
            await asyncio.wait(tuple(self._tasks), timeout=seconds)
        for work in self._works.values():
            work.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))


class _Listener:
    """Hands what a leg tells to its call."""

    def __init__(self, call: PhoneCall, gone: asyncio.Future[str]) -> None:
        self._gone = gone
        self.key = call.key
        self.held = call.held

    def hung_up(self, reason: str) -> None:
        if not self._gone.done():
            self._gone.set_result(reason)


def _plain(number: str) -> str:
    """A number without its scheme, or the user of an address: what patterns of flows are compared with."""
    number = re.sub(r"^(tel|sips?):", "", number.strip())
    return number.partition("@")[0] if not number.startswith("@") else number
