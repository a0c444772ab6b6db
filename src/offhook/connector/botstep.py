"""The step that connects a caller to a bot, and to the next one when it fails: the heart of a flow.

A bot fails by not answering, by breaking the protocol or the line, by saying so, or by dead air. Whatever it is, each
decision that follows is an event with its reason, and the caller hears the comfort sound until somebody speaks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from ..errors import UsageError
from . import failures
from .context import CallContext
from .deadair import DeadAir
from .engagement import Engagement
from .failures import Trouble
from .happenings import Decided
from .integrations import Integration, Integrations
from .policy import Failure, Fallback, Outcome, Success
from .sitting import Sitting
from .strand import Strand

#: Seconds that the flow waits for `closed` once the bot is done; the session goes on closing behind its back.
_CLOSED: Final = 2.0


class BotStep:
    """One run of `audio_connector`.

    Args:
        call: What the call's parts share.
        integrations: Where names are looked up.
        fallback: What to do about failures.
        comfort: The sound for waiting, mu-law; empty for silence.
        connector_id, inputs, language: As in `Strand`.
        timeout: Seconds for the whole conversation; None: the integration's own limit.

    Attributes:
        strand: The bot that has its turn.
        paused: Whether bots are paused by us: whichever comes begins so.
    """

    def __init__(
        self,
        call: CallContext,
        integrations: Integrations,
        fallback: Fallback,
        comfort: bytes,
        *,
        connector_id: str,
        inputs: Mapping[str, object],
        language: str | None,
        timeout: float | None,
        paused: bool = False,
    ) -> None:
        self._call = call
        self._integrations = integrations
        self._fallback = fallback
        self._comfort = comfort
        self._connector_id = connector_id
        self._inputs = inputs
        self._language = language
        self._timeout = timeout
        self._dead_air = DeadAir(1.0)
        self._strands: list[Strand] = []
        self.strand: Strand | None = None
        self.paused = paused

    async def run(self, name: str) -> Outcome:
        """Connect the caller; returns when a bot is done, or none is left."""
        last = Trouble(failures.CONFIGURATION, "there is no integration to connect to")
        self._waiting(True)
        try:
            for place, each in enumerate([name, *self._fallback.integrations]):
                if place:
                    why = f"{last.type}: {last.message}"
                    call = self._call
                    call.emit(Decided("next-integration", why, each, t=call.t, position=call.line.position))
                outcome = await self._integration(each)
                if isinstance(outcome, Success):
                    return outcome
                last = outcome
                if last.type == failures.TOO_LONG:
                    break  # the caller has had the time that there is
            return Failure(last.type, last.message)
        finally:
            self._call.line.end_comfort()

    async def _integration(self, name: str) -> Success | Trouble:
        try:
            integration = self._usable(name)
        except UsageError as error:
            return Trouble(failures.CONFIGURATION, str(error))
        strand = Strand(
            self._call,
            integration,
            name,
            connector_id=self._connector_id,
            inputs=self._inputs,
            language=self._language,
        )
        self._strands.append(strand)
        if self.paused:
            strand.pause()
        self.strand = self._call.line.voice = strand
        work = Engagement(strand, self._fallback, watch=self._listen, waiting=self._waiting, timeout=self._timeout)
        try:
            outcome = await work.run()
            return outcome if isinstance(outcome, Trouble) else await self._done(outcome, name)
        finally:
            self._call.line.watch = None
            if self._call.line.voice is strand:
                self._call.line.voice = None
            self.strand = None
            strand.leave()

    def _usable(self, name: str) -> Integration:
        integration = self._integrations.get(name)
        if not integration.active:
            raise UsageError(f"integration {name} is not active")
        if not integration.product.speaks:
            raise UsageError(f"integration {name} is a {integration.profile}: no bot that a caller can talk to")
        return integration

    async def _done(self, sitting: Sitting, name: str) -> Success:
        try:
            async with asyncio.timeout(_CLOSED):
                await sitting.ended.wait()
        except TimeoutError:
            pass
        return Success(sitting.output, name)

    async def _listen(self, sitting: Sitting) -> Trouble | None:
        """Wait for dead air."""
        limit = self._fallback.dead_air
        if limit is None:
            return await asyncio.shield(sitting.failing)
        silence: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._dead_air = watch = DeadAir(limit)

        def listen(said: bytes, heard: bytes) -> None:
            watch.tick(said, heard)
            if watch.over and not silence.done():
                silence.set_result(None)

        self._call.line.watch = listen
        try:
            await silence
        finally:
            self._call.line.watch = None
        return Trouble(failures.DEAD_AIR, f"the caller heard nothing for {limit:g} s after speaking", operational=2)

    def _waiting(self, on: bool) -> None:
        if on:
            self._call.line.comfort(self._comfort)
        else:
            self._call.line.end_comfort()

    def key(self, digit: str) -> None:
        """The caller has pressed a key: the bot's."""
        self._dead_air.key()
        if self.strand is not None:
            self.strand.key(digit)

    def pause(self, on: bool) -> None:
        """Begin or end a pause of the client."""
        self.paused = on
        if self.strand is not None:
            (self.strand.pause if on else self.strand.resume)()

    def update(self, language: str) -> None:
        """The conversation goes on in another language."""
        self._language = language
        if self.strand is not None:
            self.strand.update(language)

    async def closed(self) -> None:
        """Return when all sessions of the step are over."""
        for strand in self._strands:
            await strand.closed()
