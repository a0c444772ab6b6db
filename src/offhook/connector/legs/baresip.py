"""The SIP stack on `baresip-python`: SIP and RTP run in threads of its own, written in C. Needs `offhook[sip]`.

There can be one in a process. It is a library still young: what it does oddly is dealt with here and nowhere else.
"""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
import logging
import re
import socket
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Final

import numpy as np

from ...audio import ulaw
from ...errors import CallEnded, UsageError
from . import TransferFailed
from .barecore import Core
from .sipstack import CallEvents, Invitation, SipCall, StackSettings

if TYPE_CHECKING:
    import baresip

logger = logging.getLogger("offhook.connector")

#: Headers that are always asked for.
_ALWAYS: Final = ("From", "To", "P-Asserted-Identity", "Diversion")
#: Headers that it can give.
_MOST_HEADERS: Final = 16
_USER: Final = re.compile(r"[0-9A-Za-z+*#._-]{1,64}", re.ASCII)
_HOST: Final = re.compile(r"(?:[0-9A-Za-z.-]{1,253}|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?", re.ASCII)
_SECRET: Final = re.compile(r'[^"\\\x00-\x1f]*')
#: Bytes that are read at once: more than its buffer holds.
_ALL: Final = 65_536
#: Seconds in which an answer has to be confirmed by ACK.
_CONFIRM: Final = 32.0
#: Seconds in which a transfer has to be taken.
_TRANSFER: Final = 30.0
#: How often a port is looked for that is free over UDP and TCP.
_TRIES: Final = 20
#: Seconds that a registrar has to let go of us.
_PARTING: Final = 2.0
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
        headers = {name: value for name, value in call.headers.items() if name not in ("From", "To")}
        sender, target = call.headers.get("From", call.peer or ""), call.headers.get("To", "")
        self.invitation = Invitation(core.source(call.handle), sender, target, headers)
        call.on(self._happened)

    def _happened(self, event: baresip.StackEvent) -> None:
        events = self._events
        name = event.event.name
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
        import baresip

        try:
            self._call.audio.write(ulaw.decode(ulaw_audio).tobytes())
        except (baresip.AudioNotActive, baresip.AudioRestarted):
            logger.debug("20 ms of audio came between two descriptions of a call, and were not sent")

    @property
    def waiting(self) -> int:
        """See `SipCall`."""
        import baresip

        try:
            return int(self._call.audio.info().tx_buffered) // 2
        except baresip.AudioNotActive:
            return 0

    def flush(self) -> None:
        """See `SipCall`."""
        import baresip

        try:
            self._call.audio.flush_tx()
        except (baresip.AudioNotActive, baresip.AudioRestarted):
            logger.debug("nothing to throw away")

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
        self._agent: baresip.UserAgent | None = None
        self._core: Core | None = None
        self._invited: Callable[[SipCall], None] = lambda call: None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, invited: Callable[[SipCall], None]) -> int:
        """See `SipStack`."""
        _check(self._settings)
        try:
            import baresip

            native = importlib.import_module("baresip._native")
        except ImportError:
            raise UsageError("the SIP stack is not installed: pip install 'offhook[sip]'") from None
        core = Core(str(native.__file__))
        self._invited = invited
        port = _free(self._settings.host, self._settings.port)
        _keep_quiet()
        runtime = baresip.Runtime()
        try:
            await runtime.start(self._config(port))
        except baresip.BaresipError as error:
            raise UsageError(f"the SIP stack cannot be started: {error}") from None
        self._runtime = runtime
        # Written out: an `Account` names one transport, and would refuse the calls of the other.
        account = (
            f"{_identity(self._settings, port)};answermode=manual;dtmfmode=rtpevent;catchall=yes"
            f";audio_codecs={','.join(self._settings.codecs)}"
        )
        agent = await baresip.UserAgent.create(runtime, account, transfer_policy="reject")
        agent.on_incoming(lambda call: self._invited(BaresipCall(call, core, self._spawn)))
        self._agent, self._core = agent, core
        if self._settings.account is not None and self._settings.account.register:
            self._spawn(self._register(agent))
        return port

    async def _register(self, agent: baresip.UserAgent) -> None:
        """Register for the first time; the stack itself does it again and again after that."""
        import baresip

        assert self._settings.account is not None
        host = self._settings.account.host
        try:
            await agent.register()
        except baresip.BaresipError as error:
            logger.error("SIP: %s did not take our registration, which is tried again: %s", host, error)
        else:
            logger.info("SIP: registered with %s", host)

    async def dial(self, uri: str, seconds: float) -> SipCall:
        """See `SipStack`."""
        import baresip

        assert self._agent is not None, "dial() is for a stack that was started"
        assert self._core is not None
        assert self._runtime is not None
        missed: list[baresip.StackEvent] = []  # who answers at once does so before the library listens for it
        self._runtime.subscribe(missed.append)
        try:
            placed = await self._agent.dial(uri)
        except (baresip.BaresipError, ValueError) as error:
            raise TransferFailed(str(error)) from None
        finally:
            self._runtime.unsubscribe(missed.append)
        for event in missed:
            placed._on_stack_event(event)  # it leaves out those of other calls
        call = BaresipCall(placed, self._core, self._spawn)
        self._core.settle(placed.handle)
        try:
            await placed.wait_established(seconds)
        except baresip.BaresipError as error:
            raise TransferFailed(str(error)) from None
        except asyncio.CancelledError:
            call.end()
            raise
        return call

    def _config(self, port: int) -> baresip.Config:
        import baresip

        given = self._settings
        least, most = given.jitter
        first, last = given.rtp_ports
        unspecified = ipaddress.ip_address(given.host).is_unspecified
        return baresip.Config(
            net_interface=None if unspecified else given.host,
            expose_headers=tuple(dict.fromkeys((*_ALWAYS, *given.headers))),
            native_log_level="warning",
            max_concurrent_calls=None,  # the door counts them: this one would answer 486
            rtp_timeout=given.rtp_timeout,
            extra_config_text=(
                f"sip_listen {_in_uri(given.host)}:{port}\n"
                "sip_transports udp,tcp\n"
                f"rtp_ports {first}-{last}\n"
                "audio_jitter_buffer_type adaptive\n"
                f"audio_jitter_buffer_ms {least}-{most}\n"
                f"audio_jitter_buffer_size {most // 10 + 10}\n"  # packets may be of 10 ms
                "audio_buffer 20-160\n"
                "audio_buffer_mode adaptive\n"
            ),
        )

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """See `SipStack`."""
        import baresip

        if self._tasks:
            await asyncio.wait(tuple(self._tasks))
        if self._agent is not None and self._settings.account is not None and self._settings.account.register:
            try:
                await self._agent.unregister(timeout=_PARTING)
            except baresip.BaresipError as error:
                logger.warning("SIP: we could not be unregistered: %s", error)
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            try:
                await runtime.close()
            except baresip.BaresipError as error:
                logger.error("the SIP stack did not stop: %s", error)


def _check(settings: StackSettings) -> None:
    """Raises `UsageError` for settings that the stack would not take, or would silently take for something else."""
    try:
        ipaddress.ip_address(settings.host)
    except ValueError:
        raise UsageError(f"SIP listens on an address, such as 192.0.2.7 or 0.0.0.0, not on {settings.host!r}") from None
    if not 0 <= settings.port <= 65_535:
        raise UsageError(f"there is no port {settings.port}: ports are 0 to 65535")
    first, last = settings.rtp_ports
    if not 1024 <= first < last <= 65535:
        raise UsageError(f"rtp-ports must be two ports between 1024 and 65535, the lower one first: {first}, {last}")
    least, most = settings.jitter
    if not 20 <= least <= most <= 1000:
        raise UsageError(f"jitter must be two times between 20 and 1000 ms, the lower one first: {least}, {most}")
    if not settings.codecs or set(settings.codecs) - {"pcmu", "pcma"}:
        raise UsageError(f"codecs are pcmu and pcma, not {', '.join(settings.codecs) or 'none'}")
    account = settings.account
    if account is not None:
        if not (_USER.fullmatch(account.user) and _HOST.fullmatch(account.host)):
            raise UsageError("user must be a plain name or number, and trunk an address or name, perhaps with a port")
        if not _SECRET.fullmatch(account.password):
            raise UsageError("the password of SIP cannot hold quotes, backslashes or line breaks")
        if account.register and not 60 <= account.register <= 86_400:
            raise UsageError(f"register must be between 60 and 86400 seconds, or 0 for never: {account.register}")
    if len({*_ALWAYS, *settings.headers}) > _MOST_HEADERS:
        raise UsageError(f"calls can bring {_MOST_HEADERS - len(_ALWAYS)} headers along, not more")


def _identity(settings: StackSettings, port: int) -> str:
    """The first half of an account as the stack reads it: who we are, and to whom."""
    account = settings.account
    if account is not None:
        secret = f';auth_user={account.user};auth_pass="{account.password}"' if account.password else ""
        return f"<sip:{account.user}@{account.host}>{secret};regint={account.register}"
    address = ipaddress.ip_address(settings.host)
    home = "localhost" if address.is_unspecified else _in_uri(settings.host)
    return f"<sip:offhook@{home}:{port}>;regint=0"


def _free(host: str, port: int) -> int:
    """The port, or one for 0 that is free over UDP and TCP. The stack says nothing when it cannot have a port."""
    for _ in range(1 if port else _TRIES):
        try:
            return _both_free(host, port)
        except OSError as error:
            failed = error
    raise UsageError(f"SIP cannot listen on {host} port {port}: {failed.strerror}") from None


def _both_free(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as udp, socket.socket(family, socket.SOCK_STREAM) as tcp:
        udp.bind((host, port))
        found = int(udp.getsockname()[1])
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind((host, found))
        return found


def _in_uri(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _keep_quiet() -> None:
    """The library names callers in its log: that is for those alone who look for faults."""
    library = logging.getLogger("baresip")
    library.setLevel(logging.DEBUG if logger.isEnabledFor(logging.DEBUG) else logging.CRITICAL)
