"""Plays the client's side of a recorded session to a server: the same `open`, audio, keys and pauses at their times.

What the platform does by itself is not taken from the recording but done anew and truly: pings, playback messages,
answers to pauses, the close rules. It knows neither files nor terminals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from ..audio import l16, split, ulaw
from ..connector import CAPTURE, Dial, Player, encode
from ..connector.player import TICK
from ..errors import LocalProtocolError, UsageError
from ..protocol import (
    CONNECTOR,
    MONO,
    PROFILES,
    AudioReceived,
    ClientSession,
    EntitiesReceived,
    Event,
    Finished,
    Media,
    Open,
    Profile,
    Role,
    SessionOpened,
    Violation,
)
from ..protocol.codec import Malformed, decode_header, decode_parameters
from ..protocol.limits import CLOSE_TIMEOUT
from ..protocol.messages import KINDS, Close, Dtmf, Gap, OpenedRead, Parameters, Update
from ..protocol.position import parse
from ..protocol.trace import Trace, TraceMessage
from ..session.client import new_session_id
from ..session.connection import Connection, Tap

#: Seconds that a bot may be slower than in the recording before the caller hangs up.
PATIENCE: Final = 10.0
#: Seconds that a server has to let go of the socket after `closed`.
_PARTING: Final = 1.0
_TICK_SECONDS: Final = TICK / ulaw.RATE
#: What the client owes the server for these (P4.6): it will give it by itself.
_PROMPTED_BY: Final = {"pause": {"paused"}, "resume": {"resumed", "paused"}}


@dataclass(frozen=True, slots=True)
class Step:
    """Something that the recorded client did by itself.

    Attributes:
        t: Seconds after `opened`.
        do: What.
        name: In words.
    """

    t: float
    do: Callable[[ClientSession], None]
    name: str


@dataclass(frozen=True, slots=True)
class Script:
    """The client's side of a recording.

    Attributes:
        open: Parameters of `open`.
        profile: The product.
        steps: In order.
        end: Seconds after `opened` at which the client hung up by itself, or the recording ends.
        server_ended: Whether the server ended it: it is waited for.
    """

    open: Open
    profile: Profile
    steps: Sequence[Step]
    end: float
    server_ended: bool


def script_of(trace: Trace) -> Script:
    """Take the client's side out of a recording.

    Raises:
        UsageError: It has no `open`.
    """
    reader = _ScriptReader()
    for message in trace.messages:
        reader.take(message)
    if reader.open is None:
        raise UsageError("the trace has no `open`: there is nothing to replay")
    profile = PROFILES.get(trace.header.profile) or CONNECTOR
    last = trace.messages[-1].t - reader.start
    end = last if reader.closed_at is None else reader.closed_at
    return Script(reader.open, profile, tuple(reader.steps), end, reader.server_ended)


class _ScriptReader:
    def __init__(self) -> None:
        self.open: Open | None = None
        self.steps: list[Step] = []
        self.start = 0.0
        self.closed_at: float | None = None
        self.server_ended = False
        self._media: Media | None = MONO
        self._asked: list[set[str]] = []  # messages that the client owes the server

    def take(self, message: TraceMessage) -> None:
        if isinstance(message.data, bytes):
            if message.sender == "client" and self._media is not None:
                self._step(message.t, partial(_send, lanes_of(message.data, self._media)), "audio")
            return
        try:
            header = decode_header(message.data)
            if header.type not in KINDS or KINDS[header.type].sender != message.sender:
                return
            parameters = decode_parameters(header)
        except Malformed:
            return
        if message.sender == "server":
            self._server(header.type, parameters, message.t)
        else:
            self._client(header.type, parameters, message.t)

    def _server(self, type: str, parameters: Parameters, t: float) -> None:
        if isinstance(parameters, OpenedRead):
            self.start = t
            self._media = parameters.media[0] if parameters.media else None
            if parameters.start_paused:
                self._asked.append({"paused"})
        elif type in _PROMPTED_BY:
            self._asked.append(_PROMPTED_BY[type])
        elif type == "disconnect":
            self.server_ended = self.closed_at is None

    def _client(self, type: str, parameters: Parameters, t: float) -> None:
        match parameters:
            case Open():
                self.open = parameters
                self.start = t
            case Dtmf(digit=digit):
                self._step(t, lambda session: session.dtmf(digit), "key")
            case Update(language=str(language)):
                self._step(t, lambda session: session.update(language), "update")
            case Close():
                self.closed_at = t - self.start
            case Gap():
                self._gap(type, parameters, t)
            case _ if type == "paused" and not self._owed(type):
                self._step(t, ClientSession.pause, "pause")

    def _gap(self, type: str, gap: Gap, t: float) -> None:
        try:
            length = parse(gap.discarded)
        except ValueError:
            return
        # The stream's time goes on in a pause; where the bot asks for none this time, the gap is announced.
        self._step(t, lambda session: session.skip(length), "gap")
        if type == "resumed" and not self._owed(type):
            self._step(t, ClientSession.resume, "resume")

    def _owed(self, type: str) -> bool:
        """Whether this message answers the server; the debt is paid with it."""
        if self._asked and type in self._asked[0]:
            self._asked.pop(0)
            return True
        return False

    def _step(self, t: float, do: Callable[[ClientSession], None], name: str) -> None:
        self.steps.append(Step(max(t - self.start, 0.0), do, name))


def _send(lanes: Sequence[bytes], session: ClientSession) -> None:
    session.send_audio(*lanes)


def lanes_of(data: bytes, media: Media) -> list[bytes]:
    """Recorded audio as mu-law lanes of `CAPTURE`, silence where a channel was not recorded."""
    width = 2 if media.format == "L16" else 1
    whole = len(data) - len(data) % (width * len(media.channels))
    parts = split(data[:whole], len(media.channels), width)
    lanes = [ulaw.encode(l16.decode(part)) if width == 2 else part for part in parts]
    recorded = dict(zip(media.channels, lanes, strict=True))
    silence = ulaw.silence(len(lanes[0]))
    return [recorded.get(channel, silence) for channel in CAPTURE]


async def _within(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, at most so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0.0)):
            await event.wait()


class _Line(Connection):
    """A connection that tells when its socket is gone."""

    __slots__ = ("gone",)

    def __init__(self, session: ClientSession, on_event: Callable[[Event], None], tap: Tap) -> None:
        super().__init__(session, on_event, tap=tap)
        self.gone = asyncio.Event()

    def lost(self, code: int, reason: str) -> None:
        super().lost(code, reason)
        self.gone.set()


class Replay:
    """One replay.

    Args:
        script: What to play.
        speed: 2 plays twice as fast, the caller's ear included.

    Attributes:
        messages: What passed, both ways.
        violations: Rules that the server broke.
        skipped: Steps that the server's behaviour made impossible.
    """

    def __init__(self, script: Script, *, speed: float = 1.0, patience: float = PATIENCE) -> None:
        self.session = ClientSession(new_session_id(), script.open, script.profile, capture=CAPTURE, encode=encode)
        self.messages: list[TraceMessage] = []
        self.violations: list[str] = []
        self.skipped: list[str] = []
        self._script = script
        self._speed = speed
        self._patience = patience
        self._player = Player()
        self._opened = asyncio.Event()
        self._finished = asyncio.Event()
        self._began: float | None = None

    async def run(self, dial: Dial) -> None:
        """Play it. Hangs up properly however it ends.

        Raises:
            UpgradeRejected: The server answered with another HTTP status than 101.
            ConnectionLost: Nobody answers.
        """
        self._connection = _Line(self.session, self._on_event, self._tap)
        await dial(self._connection)
        ear = asyncio.create_task(self._listen())
        try:
            await self._opened.wait()
            await self._perform()
        finally:
            self._ask(lambda session: session.close("end"), "close")
            await _within(self._finished, CLOSE_TIMEOUT + 1)
            ear.cancel()
            await asyncio.gather(ear, return_exceptions=True)
            await _within(self._connection.gone, _PARTING)
            self._connection.abort()

    async def _perform(self) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        for step in self._script.steps:
            if await self._over(start + step.t / self._speed - loop.time()):
                return
            self._ask(step.do, step.name)
        grace = self._patience if self._script.server_ended else 0.0
        await self._over(start + self._script.end / self._speed + grace - loop.time())

    async def _over(self, seconds: float) -> bool:
        """Wait so long, or until the session has ended; returns whether it has."""
        await _within(self._finished, seconds)
        return self._finished.is_set()

    def _ask(self, do: Callable[[ClientSession], None], name: str) -> None:
        if self._finished.is_set():
            return
        try:
            do(self.session)
        except LocalProtocolError:
            if name != "close":  # it is ending already
                self.skipped.append(name)
        self._connection.flush()

    # The caller's ear.

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += _TICK_SECONDS / self._speed
            await asyncio.sleep(max(0.0, due - loop.time()))
            played = self._player.take(TICK)
            if played.started:
                self._report(ClientSession.playback_started)
            if played.completed is not None:
                self._report(ClientSession.playback_completed)

    def _report(self, send: Callable[[ClientSession], None]) -> None:
        if self.session.is_live:
            self._ask(send, "playback")

    # What the session reports.

    def _on_event(self, event: Event) -> None:
        match event:
            case AudioReceived(data=data):
                media = self.session.media or MONO
                self._player.push(ulaw.silence(len(data) // media.width))  # only how long it lasts matters
            case EntitiesReceived(entities=entities) if any(entity.type == "barge_in" for entity in entities):
                playing = self._player.playing
                self._player.flush()
                if playing:
                    self._report(ClientSession.playback_completed)
            case Violation(rule=rule):
                self.violations.append(rule)
            case SessionOpened():
                self._opened.set()
            case Finished():
                self._opened.set()
                self._finished.set()

    def _tap(self, sender: Role, data: str | bytes, now: float) -> None:
        if self._began is None:
            self._began = now
        self.messages.append(TraceMessage(round(now - self._began, 6), sender.value, data))
