"""Engines and a pool that virtual time can see, a platform made by hand, and calls in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from tests.speech.doubles import LoudIsVoice, Scripted, silence, voice

from offhook.audio import ulaw
from offhook.bots import Bot, Engines
from offhook.bots.host import Host
from offhook.connector import Call as Caller
from offhook.connector import new_session, opening
from offhook.protocol import (
    CONNECTOR,
    AudioReceived,
    ClientSession,
    Disconnected,
    EntitiesReceived,
    Event,
    Finished,
    Media,
    Open,
    Participant,
    Profile,
    SessionClosed,
    SessionOpened,
)
from offhook.records import events as happenings
from offhook.session.connection import Connection
from offhook.session.memory import MemoryWire, join
from offhook.session.reception import Reception, ServerLink
from offhook.session.wire import UpgradeRequest
from offhook.speech import pool as pools
from offhook.speech.engines import Float32

__all__ = ["LoudIsVoice", "Scripted", "silence", "voice"]

SESSION = "30b0e395-84d3-4570-ac13-9a62d8f514c0"
FRAME = 1600
"""200 ms, as the platform sends."""
REQUEST = UpgradeRequest("/bot", {"upgrade": "websocket", "audiohook-session-id": SESSION}, "test")


class VirtualPool(pools.Pool):
    """Work is done at once, and its result arrives after so many seconds of the loop's own time."""

    def __init__(self) -> None:
        super().__init__(1)
        self.seconds = 0.0
        self.jobs = 0

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self.jobs += 1
        try:
            act, outcome = future.set_result, function(*args, **kwargs)
        except BaseException as error:
            act, outcome = future.set_exception, error
        if not self.seconds:
            act(outcome)
        else:
            loop.call_later(self.seconds, lambda: None if future.cancelled() else act(outcome))
        return future


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> VirtualPool:
    """Takes the place of the process's pool."""
    pool = VirtualPool()
    monkeypatch.setattr(pools, "shared", lambda: pool)
    return pool


@dataclass
class Tones:
    """A synthesiser that speaks each word as 0.1 s of a tone of its own, and remembers what it was asked for."""

    rate: int = ulaw.RATE
    error: Exception | None = None
    fails_at: str = ""
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    languages: tuple[str, ...] = ("en",)
    voices: tuple[str, ...] = ("tone",)
    name: str = "tones-1"

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        self.asked.append((text, voice, language))
        for number, word in enumerate(text.split()):
            if self.error is not None and word.strip(".") == self.fails_at:
                raise self.error
            time = np.arange(self.rate // 10) / self.rate
            yield (0.2 * np.sin(2 * np.pi * (300 + 40 * number) * time)).astype(np.float32)


def engines(recogniser: object | None = None, synthesiser: object | None = None, vad: object = LoudIsVoice) -> Engines:
    return Engines(vad, recogniser or Scripted(), synthesiser or Tones())  # type: ignore[arg-type]


def make_bot(handler: Callable[..., Any], **options: Any) -> Bot:
    """A bot with fake engines."""
    bot = Bot("test", engines=options.pop("engines", None) or engines(), **options)
    bot.handler(handler)
    return bot


def kept(host: Host) -> list[happenings.AnyEvent]:
    """All events of all lines of a host, as they come."""
    events: list[happenings.AnyEvent] = []
    host.watch(lambda line, event: events.append(event))
    return events


def of(events: list[happenings.AnyEvent], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@asynccontextmanager
async def calling(host: Host, *, delay: float = 0.0, **options: Any) -> AsyncIterator[Caller]:
    """A call by the real connector, in memory."""
    reception = Reception(host)
    own = {name: options.pop(name) for name in ("frame_ms", "trace") if name in options}
    session = new_session(opening(host.profile, **options), host.profile)

    async def dial(connection: Connection) -> None:
        receiver = reception.accept(REQUEST_OF(session.id))
        connection.session.open()
        join(connection, receiver, delay=delay)  # type: ignore[arg-type]

    async with Caller(session, dial, **own) as caller:
        yield caller


def REQUEST_OF(session_id: str) -> UpgradeRequest:
    return UpgradeRequest("/bot", REQUEST.headers | {"audiohook-session-id": session_id}, "test")


class Platform:
    """The platform's end of one session, moved by hand: it plays nothing and says only what it is told to.

    Attributes:
        audio: All that the bot has sent.
        entities: Types of all entities that the bot has sent.
    """

    def __init__(
        self,
        host: Host,
        *,
        profile: Profile = CONNECTOR,
        media: tuple[Media, ...] | None = None,
        probe: bool = False,
        **open: Any,
    ) -> None:
        fields: dict[str, Any] = {"language": "en-US", "input_variables": {}} | open
        null = "00000000-0000-0000-0000-000000000000"
        parameters = Open(
            "d7934305-0972-4844-938e-9060eef73d05",
            null if probe else "090eaa2f-72fa-480a-83e0-8667ff89c0ec",
            Participant(null) if probe else Participant(SESSION, "tel:+15550001111", "", "tel:+15550002222"),
            profile.offers if media is None else media,
            **fields,
        )
        self.session = ClientSession(SESSION, parameters, profile, encode=encode)
        self.connection = Connection(self.session, self._on_event, tap=self._tap)
        self.reception = Reception(host)
        self.host = host
        self.link: ServerLink
        self.wire: MemoryWire
        self.events: list[Event] = []
        self.messages: list[str] = []
        self.audio = b""
        self.audio_times: list[float] = []
        self.times: dict[str, float] = {}
        self._changed = asyncio.Event()

    async def open(self, *, delay: float = 0.0) -> Platform:
        self.connect(delay=delay)
        self.session.open()
        self.connection.flush()
        await self.until(SessionOpened)
        return self

    def connect(self, *, delay: float = 0.0) -> None:
        receiver = self.reception.accept(REQUEST)
        assert isinstance(receiver, ServerLink)
        self.link = receiver
        self.wire, _ = join(self.connection, receiver, delay=delay)

    def _tap(self, sender: object, data: str | bytes, now: float) -> None:
        if isinstance(data, str):
            self.messages.append(data)

    def _on_event(self, event: Event) -> None:
        self.times.setdefault(type(event).__name__, self.connection.now)
        if isinstance(event, AudioReceived):
            self.audio += event.data
            self.audio_times.append(self.connection.now)
        else:
            self.events.append(event)
        self._changed.set()

    async def until(self, *kinds: type[Event], timeout: float = 60.0) -> Event:  # noqa: ASYNC109
        """The first event of one of the kinds."""
        return await self.when(
            lambda: next((event for event in self.events if isinstance(event, kinds)), None), timeout
        )

    async def when(self, condition: Callable[[], Any], timeout: float = 60.0) -> Any:  # noqa: ASYNC109
        """What the condition gives, once that is true; it is looked at whenever something comes."""
        async with asyncio.timeout(timeout):
            while not (found := condition()):
                self._changed.clear()
                await self._changed.wait()
        return found

    def do(self, method: str, *arguments: Any) -> None:
        """Ask the session for something and let it leave."""
        getattr(self.session, method)(*arguments)
        self.connection.flush()

    def talk(self, audio: bytes) -> None:
        """Send audio at once, in frames, faster than real time."""
        for at in range(0, len(audio), FRAME):
            self.do("send_audio", *[audio[at : at + FRAME]] * len(self._capture))

    @property
    def _capture(self) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(channel for media in self.session.parameters.media for channel in media.channels)
        ) or ("external",)

    async def live(self, seconds: float, audio: bytes = b"") -> None:
        """Let time pass on the line in real time: audio first, then silence."""
        for at in range(0, round(seconds * ulaw.RATE), FRAME):
            await asyncio.sleep(FRAME / ulaw.RATE)
            if self.session.finished:
                return
            self.talk((audio[at : at + FRAME] + ulaw.silence(FRAME))[:FRAME])

    @property
    def entities(self) -> list[str]:
        return [e.type for event in self.events if isinstance(event, EntitiesReceived) for e in event.entities]

    @property
    def disconnected(self) -> Disconnected | None:
        return next((event for event in self.events if isinstance(event, Disconnected)), None)

    async def hang_up(self) -> float:
        """Close the session; returns the seconds until `closed` came."""
        began = self.connection.now
        self.do("close", "end")
        await self.until(SessionClosed)
        took = self.connection.now - began
        await self.over()
        return took

    async def over(self) -> None:
        """Wait until both ends have finished; handlers may go on."""
        await self.until(Finished)
        for line in tuple(self.host.lines):
            if line.link is self.link:
                await line.done


def encode(lanes: tuple[bytes, ...], media: Media) -> bytes:
    """The captured lanes are those of the first offer's channels, in order."""
    from offhook.audio import interleave, l16

    chosen = lanes[: len(media.channels)]
    if media.format == "L16":
        return interleave([l16.encode(ulaw.decode(lane)) for lane in chosen], 2)
    return interleave(chosen)


def sayings(events: list[happenings.AnyEvent]) -> list[happenings.SayEnded]:
    """Also checks that each saying begins and ends once, one after another."""
    spans = [event for event in events if isinstance(event, happenings.SayStarted | happenings.SayEnded)]
    begun, ended = spans[::2], spans[1::2]
    assert [type(event) for event in begun] == [happenings.SayStarted] * len(begun)
    assert [event.id for event in begun] == [event.id for event in ended]
    return ended  # type: ignore[return-value]
