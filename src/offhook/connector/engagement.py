"""A strand at work: attempts with retries, one endpoint after the other, and sessions that go on in new ones.

Bots and monitors share it. It makes no decision about a call: what happens after it has given up is the caller's of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from . import failures, happenings
from .failures import Trouble
from .policy import Fallback
from .sitting import AttemptFailed, Sitting
from .strand import Strand

Watch = Callable[[Sitting], Awaitable[Trouble | None]]
"""Waits until a session fails in a way that the session itself does not know of: dead air, say."""
Action = Literal["retry", "next-endpoint", "next-integration", "prompt", "transfer", "hang-up", "reconnect"]


class Engagement:
    """One strand, until it is done or nothing helps any more.

    Args:
        strand: The bot's or the monitor's.
        policy: How often and how long to try.
        watch: See `Watch`; None: nothing but the session counts.
        waiting: Called with True when the caller has to wait for a session, with False when one is open.
        timeout: Seconds for a conversation, from `opened` on; None: no limit but the integration's.
    """

    def __init__(
        self,
        strand: Strand,
        policy: Fallback,
        *,
        watch: Watch | None = None,
        waiting: Callable[[bool], None] = lambda on: None,
        timeout: float | None = None,
    ) -> None:
        self._strand = strand
        self._policy = policy
        self._watch = watch
        self._waiting = waiting
        limits = [each for each in (timeout, strand.integration.longest) if each is not None]
        self._limit = min(limits, default=None)
        self._until = 0.0

    async def run(self) -> Sitting | Trouble:
        """Connect, and wait for the end: the last session if it ended well, else what it died of."""
        strand, call = self._strand, self._strand.call
        self._until = asyncio.get_running_loop().time() + self._policy.patience
        trouble = Trouble(failures.NO_RESOURCE, "no endpoint was tried")
        for number, place in enumerate(call.endpoints.order(strand.integration)):
            if number:
                self.decide("next-endpoint", trouble, place.region or place.uri)
            outcome = await self._endpoint(place.uri)
            if isinstance(outcome, Sitting):
                return outcome
            trouble = outcome
            call.endpoints.failed(place.uri)
            call.operational(trouble, strand.integration.name)
            # The same key will be refused elsewhere too; and a caller has waited for one bot only so long.
            over = trouble.type in (failures.UNAUTHORIZED, failures.TOO_LONG)
            if over or asyncio.get_running_loop().time() >= self._until:
                break
        return trouble

    async def _endpoint(self, uri: str) -> Sitting | Trouble:
        try:
            sitting = await self._attempts(uri)
        except AttemptFailed as error:
            return error.trouble
        trouble: Trouble | None
        try:
            async with asyncio.timeout(self._limit):
                sitting, trouble = await self._sessions(sitting)
        except TimeoutError:
            trouble = Trouble(failures.TOO_LONG, f"the session took longer than {self._limit:g} s")
        if trouble is None:
            return sitting
        self._waiting(True)
        self._strand.leave()
        self._until = asyncio.get_running_loop().time() + self._policy.patience
        return trouble

    async def _attempts(self, uri: str) -> Sitting:
        """Open a session, with retries. Raises `AttemptFailed`."""
        retry = 0
        while True:
            try:
                async with asyncio.timeout_at(self._until):
                    return await self._strand.attempt(uri)
            except AttemptFailed as error:
                trouble = error.trouble
            except TimeoutError:
                late = f"no session within {self._policy.patience:g} s"
                raise AttemptFailed(Trouble(failures.TIMEOUT, late, operational=2)) from None
            retry += 1
            pause = self._policy.pause_before(retry)
            late_then = asyncio.get_running_loop().time() + pause >= self._until
            if not trouble.retry or retry > self._policy.retries or late_then:
                raise AttemptFailed(trouble)
            self.decide("retry", trouble, uri)
            await asyncio.sleep(pause)

    async def _sessions(self, sitting: Sitting) -> tuple[Sitting, Trouble | None]:
        """One session after the other, where the integration reconnects; returns the last, and what it died of."""
        reconnects = may_ask = self._strand.integration.reconnect
        while True:
            self._waiting(False)
            trouble = await self._failing(sitting, may_ask=may_ask)
            planned = not sitting.failing.done() and sitting.asked.done() and may_ask
            if trouble is None or not (planned or (reconnects and trouble.resume)):
                return sitting, trouble
            self.decide("reconnect", trouble, sitting.uri)
            self._waiting(not planned)
            self._strand.continues(sitting, planned=planned, reason=trouble.message)
            self._until = asyncio.get_running_loop().time() + self._policy.patience
            try:
                sitting, may_ask = await self._attempts(sitting.uri), True
            except AttemptFailed:
                if not planned or sitting.failing.done():
                    return sitting, trouble
                may_ask = False  # P8.6: the old session goes on; it is not asked about again

    async def _failing(self, sitting: Sitting, *, may_ask: bool) -> Trouble | None:
        """Wait for the session's end, for what `watch` finds, or for the server's wish for a new session."""
        seen = None if self._watch is None else asyncio.ensure_future(self._watch(sitting))
        wanted = {sitting.failing, seen, sitting.asked if may_ask else None} - {None}
        try:
            await asyncio.wait(wanted, return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var]
        finally:
            if seen is not None and not seen.done():
                seen.cancel()
                await asyncio.wait((seen,))
        if sitting.failing.done():
            return sitting.failing.result()
        if seen is not None and not seen.cancelled():
            return seen.result()
        return Trouble(failures.LOST, sitting.asked.result(), resume=True)

    def decide(self, action: Action, trouble: Trouble, target: str = "") -> None:
        """Say what is done, and why."""
        call, why = self._strand.call, f"{trouble.type}: {trouble.message}"
        call.emit(happenings.Decided(action, why, target, t=call.t, position=call.line.position))
