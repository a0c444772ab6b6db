"""The SIP stack on `baresip-python`: SIP and RTP run in threads of its own, written in C. Needs `offhook[sip]`.

There can be one in a process. It is a library still young: what it does oddly is dealt with here and nowhere else.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Final

import numpy as np

from ...audio import ulaw
from ...errors import CallEnded, UsageError
from . import TransferFailed
from .bareconfig import account_line, check, configuration, free_port
from .barecore import Core
from .sipstack import Account, CallEvents, Invitation, SipCall, StackSettings, Unreached

if TYPE_CHECKING:
    import baresip

logger = logging.getLogger("offhook.connector")

#: Bytes that are read at once: 400 ms, more than may wait.
_ALL: Final = 6_400
#: Seconds in which an answer has to be confirmed by ACK.
_CONFIRM: Final = 32.0
#: Seconds in which a transfer has to be taken.
_TRANSFER: Final = 30.0
#: Seconds that a registrar has to let go of us.
_PARTING: Final = 2.0
#: Keys that may wait, and seconds between two: who presses them is slower.
_MOST_KEYS: Final = 100
_KEY_GAP: Final = 0.06
#: Events that say that a call we have placed has come through to somebody, or is over.
_SIGNS: Final = ("CALL_RINGING", "CALL_PROGRESS", "CALL_ESTABLISHED", "CALL_CLOSED")
_REASONS: Final = {"": "hung up", "rtp stream error": "no audio has come from the caller for too long"}


class BaresipCall:
    """A `SipCall`."""

    def __init__(
        self, call: baresip.Call, core: Core, spawn: Callable[[Coroutine[object, object, None]], object]
    ) -> None:
        self._call = call
        self._spawn = spawn
        self._answering = False
        self._core = core
        self._events: CallEvents | None = None
        self._over = False
        self._keys = ""
        self._pressing = False
        self._sign = asyncio.Event()  # it rings, is answered, or is over
        headers = {name: value for name, value in call.headers.items() if name not in ("From", "To")}
        sender, target = call.headers.get("From", call.peer or ""), call.headers.get("To", "")
        self.invitation = Invitation(core.source(call.handle), sender, target, headers)
        call.on(self._happened)

    def _happened(self, event: baresip.StackEvent) -> None:
        events = self._events
        name = event.event.name
        if name in _SIGNS:
            self._sign.set()
        if name == "CALL_CLOSED":
            self._over = True
        if events is None:
            return
        if name == "CALL_CLOSED":
            events.over(_REASONS.get(event.text or "", "hung up"))
        elif name == "CALL_DTMF_START" and event.text:
            events.key(event.text.upper())
        elif name in ("CALL_HOLD", "CALL_RESUME"):
            events.held(name == "CALL_HOLD")

    def listen(self, events: CallEvents) -> None:
        """See `SipCall`."""
        self._events = events

    def refuse(self, status: int, reason: str) -> None:
        """See `SipCall`."""
        if self._answering:
            self.end()
        elif not self._over:
            self._core.refuse(self._call.handle, status, reason)

    def end(self) -> None:
        """See `SipCall`."""
        if not self._over:
            self._spawn(self._hang_up())

    async def _hang_up(self) -> None:
        import baresip

        try:
            await self._call.hangup()
        except baresip.StaleHandleError:
            logger.debug("both sides hung up at once")
        except baresip.BaresipError as error:
            logger.error("a SIP call could not be ended: %s", error)

    async def answer(self) -> None:
        """See `SipCall`."""
        import baresip

        self._answering = True
        self._core.settle(self._call.handle)
        try:
            await self._call.answer()
            await self._call.wait_established(_CONFIRM)
        except baresip.BaresipError as error:
            raise CallEnded(f"the caller is gone ({error})") from None

    def read(self) -> bytes:
        """See `SipCall`."""
        import baresip

        try:
            pcm = self._call.audio.read(_ALL)
        except (baresip.AudioNotActive, baresip.AudioRestarted):
            return b""
        return ulaw.encode(np.frombuffer(pcm, np.int16))

    def write(self, ulaw_audio: bytes) -> None:
        """See `SipCall`."""
        if ulaw_audio and not self._core.device.send(self._call.handle, ulaw_audio):
            logger.debug("20 ms of audio came between two descriptions of a call, and were not sent")

    async def rings(self, seconds: float) -> None:
        """Wait until it rings. Raises `Unreached` if it does not in this time; it is ended then."""
        try:
            async with asyncio.timeout(seconds):
                await self._sign.wait()
        except TimeoutError:
            self.end()
            raise Unreached(f"no answer within {seconds:g} s") from None

    def send_key(self, digit: str) -> None:
        """See `SipCall`."""
        if self._over or len(self._keys) >= _MOST_KEYS:
            return
        self._keys += digit
        if not self._pressing:
            self._pressing = True
            self._spawn(self._press())

    async def _press(self) -> None:
        import baresip

        try:
            while self._keys and not self._over:
                digit, self._keys = self._keys[0], self._keys[1:]
                await self._call.send_dtmf(digit)
                await asyncio.sleep(_KEY_GAP)
        except baresip.BaresipError as error:
            logger.debug("a key was not sent: %s", error)
        finally:
            self._pressing = False

    async def refer(self, uri: str) -> None:
        """See `SipCall`."""
        import baresip

        try:
            await self._call.transfer(uri, timeout=_TRANSFER)
        except baresip.StaleHandleError:
            raise CallEnded("the caller is gone") from None
        except (baresip.BaresipError, ValueError) as error:
            raise TransferFailed(str(error)) from None


class BaresipStack:
    """A `SipStack`."""

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings
        self._runtime: baresip.Runtime | None = None
        self._agents: dict[Account | None, baresip.UserAgent] = {}
        self._core: Core | None = None
        self._invited: Callable[[SipCall], None] = lambda call: None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, invited: Callable[[SipCall], None]) -> int:
        """See `SipStack`."""
        check(self._settings)
        try:
            import baresip

            native = importlib.import_module("baresip._native")
        except ImportError:
            raise UsageError("the SIP stack is not installed: pip install 'offhook[sip]'") from None
        core = Core(str(native.__file__))
        self._invited = invited
        port = free_port(self._settings.host, self._settings.port)
        _keep_quiet()
        runtime = baresip.Runtime()
        try:
            await runtime.start(baresip.Config(**configuration(self._settings, port)))
        except baresip.BaresipError as error:
            raise UsageError(f"the SIP stack cannot be started: {error}") from None
        self._runtime = runtime
        self._core = core
        core.attach()
        for account in (None, *self._settings.accounts):  # ours is the first: it takes what is meant for no other
            line = account_line(self._settings, account, port)
            agent = self._agents[account] = await baresip.UserAgent.create(runtime, line, transfer_policy="reject")
            agent.on_incoming(lambda call: self._invited(BaresipCall(call, core, self._spawn)))
            if account is not None and account.register:
                self._spawn(self._register(agent, account.host))
        return port

    async def _register(self, agent: baresip.UserAgent, host: str) -> None:
        """Register for the first time; the stack itself does it again and again after that."""
        import baresip

        try:
            await agent.register()
        except baresip.BaresipError as error:
            logger.error("SIP: %s did not take our registration, which is tried again: %s", host, error)
        else:
            logger.info("SIP: registered with %s", host)

    async def dial(
        self, uri: str, seconds: float, account: Account | None = None, *, reach: float | None = None
    ) -> SipCall:
        """See `SipStack`."""
        import baresip

        assert self._core is not None, "dial() is for a stack that was started"
        assert self._runtime is not None
        missed: list[baresip.StackEvent] = []  # who answers at once does so before the library listens for it
        self._runtime.subscribe(missed.append)
        try:
            placed = await self._agents[account].dial(uri)
        except (baresip.BaresipError, ValueError) as error:
            raise Unreached(str(error)) from None
        finally:
            self._runtime.unsubscribe(missed.append)
        call = BaresipCall(placed, self._core, self._spawn)
        for event in missed:
            placed._on_stack_event(event)  # it leaves out those of other calls
        self._core.settle(placed.handle)
        try:
            if reach is not None:
                await call.rings(min(reach, seconds))
            await placed.wait_established(seconds)
        except baresip.CallTimeout as error:
            raise TransferFailed(str(error)) from None
        except baresip.CallFailed as error:
            failed = error.status is None or 500 <= error.status < 600
            raise (Unreached if failed else TransferFailed)(str(error)) from None
        except baresip.BaresipError as error:
            raise TransferFailed(str(error)) from None
        except asyncio.CancelledError:
            call.end()
            raise
        return call

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """See `SipStack`."""
        import baresip

        if self._tasks:
            await asyncio.wait(tuple(self._tasks))
        for account, agent in self._agents.items():
            if account is None or not account.register:
                continue
            try:
                await agent.unregister(timeout=_PARTING)
            except baresip.BaresipError as error:
                logger.warning("SIP: we could not be unregistered at %s: %s", account.host, error)
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            assert self._core is not None, "who runs has one"
            self._core.detach()
            try:
                await runtime.close()
            except baresip.BaresipError as error:
                logger.error("the SIP stack did not stop: %s", error)


def _keep_quiet() -> None:
    """The library names callers in its log: that is for those alone who look for faults."""
    library = logging.getLogger("baresip")
    library.setLevel(logging.DEBUG if logger.isEnabledFor(logging.DEBUG) else logging.CRITICAL)
