"""A call as its flow sees it: what can be done with a caller, step by step.

A flow is one coroutine. It returns when the call is to end; a caller who hangs up cancels it. What it starts and does
not finish ends with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager

from ..audio import wav
from ..errors import CallEnded, UsageError
from ..records.events import Event
from . import happenings
from .botstep import BotStep
from .bridge import join
from .context import CallContext
from .fanout import Monitoring
from .integrations import Integrations
from .keypad import Keypad
from .legs import Caller, Cause, Dialler, TransferFailed
from .policy import Failure, Fallback, Outcome, Success
from .prompts import hear, sound_of, sound_or
from .recorder import LineRecording
from .sounds import hold_sound
from .synthesis import synthesise


class PhoneCall:
    """One call; `Connector` makes it. Steps that last end early when the caller hangs up: the flow is cancelled.

    Args:
        context: What the call's parts share.
        integrations: Where bots and monitors are looked up.
        may_transfer: Which targets are allowed.
        dial: Places calls that callers are joined to; None: transfers are left to the leg.
        fallback: What steps do that say nothing of their own.

    Attributes:
        variables: What `set` has kept, and the outputs of bots: the flow's own memory.
        over: Who has ended the call: `caller`, `flow` or `transfer`; empty while it goes on.
        failed: What the flow has raised, if it has.
    """

    def __init__(
        self,
        context: CallContext,
        integrations: Integrations,
        tasks: asyncio.TaskGroup,
        *,
        may_transfer: Callable[[str], bool],
        dial: Dialler | None = None,
        fallback: Fallback,
        recording: LineRecording,
    ) -> None:
        self.variables: dict[str, str] = {}
        self._context = context
        self._integrations = integrations
        self._tasks = tasks
        self._may_transfer = may_transfer
        self._dial = dial
        self._fallback = fallback
        self._recording = recording
        self._keypad = Keypad()
        self._bot: BotStep | None = None
        self._steps: list[BotStep] = []
        self._monitors: list[Monitoring] = []
        self._quiet: set[str] = set()
        self.over = ""
        self.failed = ""

    @property
    def id(self) -> str:
        """UUID of the conversation, the same in all sessions of the call."""
        return self._context.conversation

    @property
    def caller(self) -> Caller:
        """Who calls whom. Personal."""
        return self._context.caller

    @property
    def language(self) -> str | None:
        """Of the call. When it is changed, the bot and the monitors that are on are told so."""
        return self._context.language

    @language.setter
    def language(self, tag: str) -> None:
        self._context.language = tag
        if self._bot is not None:
            self._bot.update(tag)
        for monitor in self._monitors:
            monitor.strand.update(tag)

    @property
    def monitors(self) -> tuple[Monitoring, ...]:
        """All that were started, those that have ended too."""
        return tuple(self._monitors)

    def events(self) -> AsyncIterator[Event]:
        """All that happens in the call: sessions, decisions, and what bots and monitors send. See `happenings`."""
        return self._context.happenings.read()

    # Steps.

    async def audio_connector(
        self,
        integration: str,
        connector_id: str = "",
        inputs: Mapping[str, object] | None = None,
        *,
        language: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (the limit is the step's own, with its own outcome)
        fallback: Fallback | None = None,
    ) -> Outcome:
        """Connect the caller to a bot, and wait until it is done.

        Args:
            integration: Its name.
            connector_id: Appended to the integration's URI as it is (P2.1).
            inputs: Input variables; values that are no strings are sent as JSON.
            language: Of the session; the call's if not given.
            timeout: Seconds for the conversation; the integration's own limit if that is shorter.
            fallback: What to do when the bot fails; the connector's own if not given.

        Returns:
            `Success` with the bot's output variables, or `Failure`; the flow goes on after both.

        Raises:
            CallEnded: The call is over.
        """
        self._check()
        policy = fallback or self._fallback
        comfort = await sound_or(policy.comfort, hold_sound(), self.note)
        step = self._bot = BotStep(
            self._context,
            self._integrations,
            policy,
            comfort,
            connector_id=connector_id,
            inputs=inputs or {},
            language=language,
            timeout=timeout,
            paused=bool(self._quiet),
        )
        self._steps.append(step)
        with self._step("audio_connector", integration) as tell:
            try:
                outcome = await step.run(integration)
            finally:
                self._bot = None
            if isinstance(outcome, Success):
                self.variables |= outcome.outputs
                tell("success", outcome.integration)
            else:
                tell("failure", f"{outcome.error_type}: {outcome.error_message}")
        if isinstance(outcome, Failure):
            await self.last_resorts(policy, f"{outcome.error_type}: {outcome.error_message}")
        return outcome

    async def last_resorts(self, policy: Fallback, why: str) -> None:
        """What is left when no bot is: prompt, transfer, hang-up, as far as the fallback has them."""
        prompt = policy.prompt
        if prompt is not None:
            self._decide("prompt", why)
            await self.play(await sound_or(prompt, b"", self.note))
        if policy.transfer:
            self._decide("transfer", why, policy.transfer)
            if await self.transfer(policy.transfer):
                return
        if policy.hang_up:
            self._decide("hang-up", why)
            await self.hangup()
        elif prompt is None and not policy.transfer:
            self._decide("give-up", why)

    async def play(self, sound: wav.StrPath | bytes) -> bool:
        """Let the caller hear a sound to its end: a WAV file of any rate, or mu-law. False if it was cut short.

        Raises:
            CallEnded: The call is over.
            AudioFileError: The file cannot be read.
        """
        self._check()
        audio = await sound_of(sound)
        with self._step("play") as tell:
            done = await hear(self._context.line, audio)
            tell("done" if done else "cut")
        return done

    async def say(self, text: str) -> bool:
        """Let the caller hear words, in the call's language, by the default speech engine; otherwise as `play`.

        Raises:
            CallEnded: The call is over.
            EngineMissing: The engine is not installed.
        """
        self._check()
        return await self.play(await synthesise(text, language=self._context.language))

    async def collect(
        self,
        digits: int = 1,
        *,
        prompt: wav.StrPath | bytes | None = None,
        terminator: str = "#",
        first: float = 10.0,
        between: float = 4.0,
    ) -> str:
        """Gather keys.

        Args:
            digits: How many at most.
            prompt: Sound to play meanwhile; the first key ends it.
            terminator: Key that ends it early and is not among the result; empty for none.
            first: Seconds to wait for the first key, counted from the prompt's end.
            between: Seconds to wait for each further one.

        Returns:
            The keys that came in time, perhaps none.

        Raises:
            CallEnded: The call is over.
        """
        self._check()
        audio = b"" if prompt is None else await sound_of(prompt)
        with self._step("collect", str(digits)) as tell:
            self._keypad.open()
            try:
                if audio:
                    await hear(self._context.line, audio, until=self._keypad.pressed)
                keys = await self._keypad.gather(digits, terminator, first, between)
            finally:
                self._keypad.close()
            tell("done" if keys else "nothing")
        return keys

    async def transfer(self, target: str, *, ring: float = 30.0) -> bool:
        """Hand the caller to somebody else: a number or an address that the connector allows.

        By the leg (REFER), or where the connector has a `bridge`, by a second call that may `ring` so many seconds: the
        step lasts until either side hangs up, and the other side gets the caller's keys.

        Returns:
            Whether it was taken: the call is over. If not, the caller is still there and the flow goes on.

        Raises:
            CallEnded: The call is over.
        """
        self._check()
        with self._step("transfer", target) as tell:
            if not self._may_transfer(target):
                tell("failure", "the target is not among transfer-targets")
                return False
            try:
                if self._dial is None:
                    await self._context.line.leg.transfer(target)
                else:
                    await join(self._context.line, self._fallback, self._dial, target, ring)
            except TransferFailed as error:
                tell("failure", str(error))
                return False
            tell("success")
        self.over = "transfer"
        return True

    async def hangup(self, cause: Cause = "normal") -> None:
        """End the call."""
        if not self.over:
            self.over = "flow"
            self._context.line.leg.hang_up(cause)

    def note(self, text: str) -> None:
        """Write something into the call's events: never what a caller said."""
        self._emit(happenings.Noted(text, t=self._context.t))

    def set(self, name: str, value: object) -> None:
        """Keep a variable of the flow."""
        self.variables[name] = str(value)
        self._emit(happenings.VariableSet(name, str(value), t=self._context.t))

    def record(self, on: bool = True) -> None:
        """Record what is said and heard from now on, or stop it. What lies between is silence.

        Raises:
            UsageError: The connector keeps nothing: it has no folder for it.
        """
        self._check()
        self._recording.turn(on, self._context)
        self._emit(happenings.StepBegan("record", "on" if on else "off", t=self._context.t))

    def monitor(self, integration: str) -> Monitoring:
        """Let a monitor listen from now on, beside all that the flow does. Returns at once; its failures stay its own.

        Raises:
            CallEnded: The call is over.
            UsageError: There is no such integration, or it is not active, or it is a bot.
        """
        self._check()
        found = self._integrations.get(integration)
        if not found.active:
            raise UsageError(f"integration {integration} is not active")
        if found.product.speaks:
            raise UsageError(f"integration {integration} is a bot: use audio_connector")
        number = sum(each.strand.integration.name == integration for each in self._monitors)
        name = integration if not number else f"{integration}-{number + 1}"
        monitoring = Monitoring(self._context, found, name, None)
        self._monitors.append(monitoring)
        if self._quiet:
            monitoring.pause()
        monitoring.start(self._tasks)
        return monitoring

    @contextmanager
    def secure(self) -> Iterator[None]:
        """A block in which nobody listens: bots and monitors are paused, nothing is kept, keys go to the flow alone.

        `with call.secure(): pin = await call.collect(4)`
        """
        line = self._context.line
        self._hush("secure", True)
        line.secure = True
        self._emit(happenings.Secured(True, t=self._context.t, position=line.position))
        try:
            yield
        finally:
            line.secure = False
            self._emit(happenings.Secured(False, t=self._context.t, position=line.position))
            self._hush("secure", False)

    # What the leg tells.

    def key(self, digit: str) -> None:
        """See `LegListener`."""
        line, secure = self._context.line, self._context.line.secure
        self._emit(happenings.KeyPressed("" if secure else digit, secure, t=self._context.t))
        if self._keypad.is_open:
            self._keypad.press(digit)
        elif line.partner is not None:
            line.partner.send_key(digit)
        elif self._bot is not None and not secure:
            self._bot.key(digit)

    def held(self, on: bool) -> None:
        """See `LegListener`: hold is a pause of the client."""
        self._context.line.held = on
        self._emit(happenings.Held(on, t=self._context.t, position=self._context.line.position))
        self._hush("hold", on)

    def _hush(self, why: str, on: bool) -> None:
        was = bool(self._quiet)
        (self._quiet.add if on else self._quiet.discard)(why)
        if (now := bool(self._quiet)) == was:
            return
        if self._bot is not None:
            self._bot.pause(now)
        for monitor in self._monitors:
            (monitor.pause if now else monitor.resume)()

    # The end.

    async def finish(self) -> None:
        """End all sessions, and return when they are closed."""
        for monitor in self._monitors:
            monitor.strand.leave()
        for monitor in self._monitors:
            await monitor.stop()
        for step in self._steps:
            await step.closed()
        self._recording.turn(False, self._context)
        self._recording.finish()

    def _check(self) -> None:
        if self.over:
            raise CallEnded("the call is over: its flow cannot go on with it")

    @contextmanager
    def _step(self, name: str, detail: str = "") -> Iterator[Callable[..., None]]:
        context, said = self._context, ["cut", ""]

        def tell(outcome: str, reason: str = "") -> None:
            said[:] = outcome, reason

        self._emit(happenings.StepBegan(name, detail, t=context.t, position=context.line.position))
        try:
            yield tell
        finally:
            self._emit(happenings.StepEnded(name, *said, t=context.t, position=context.line.position))

    def _decide(self, action: str, why: str, target: str = "") -> None:
        context = self._context
        self._emit(
            happenings.Decided(action, why, target, t=context.t, position=context.line.position)  # type: ignore[arg-type]
        )

    def _emit(self, event: Event) -> None:
        self._context.emit(event)
