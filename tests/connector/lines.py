"""A bot made of callbacks, and calls to it in memory and over sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from offhook.connector import Call, Dial, new_session, opening
from offhook.errors import UpgradeRejected
from offhook.protocol import (
    CONNECTOR,
    AudioReceived,
    CloseRequested,
    Event,
    Media,
    Open,
    Profile,
    ServerSession,
    choose,
)
from offhook.session.client import Credentials, request_headers
from offhook.session.connection import Connection
from offhook.session.memory import join
from offhook.session.reception import Answer, Decline, Reception, ServerLink
from offhook.session.wire import Refusal, UpgradeRequest

URI = "ws://bot.example/line"


class Bot:
    """Takes calls, remembers all that happens in them, and does what a test tells it to.

    Args:
        on_event: Called for each event; asks the session for things, which then leave.
        media: To choose, in order of preference.
    """

    def __init__(
        self,
        on_event: Callable[[Bot, Event], None] = lambda bot, event: None,
        *,
        profile: Profile = CONNECTOR,
        media: tuple[Media, ...] = (),
        answer: Answer | Decline | None = None,
    ) -> None:
        self.profile = profile
        self.reception = Reception(self)
        self.events: list[Event] = []
        self.opens: list[Open] = []
        self._on_event = on_event
        self._media = media
        self._answer = answer
        self._link: ServerLink | None = None
        self.begun = asyncio.Event()

    def answer(self, request: UpgradeRequest, open: Open) -> Answer | Decline:
        self.opens.append(open)
        return self._answer or Answer(choose(open.media, self._media))

    def begin(self, link: ServerLink) -> Callable[[Event], None]:
        self._link = link
        self.begun.set()
        return self._take

    def _take(self, event: Event) -> None:
        self.events.append(event)
        self._on_event(self, event)
        if isinstance(event, CloseRequested):
            self.session.close()
        self.flush()

    @property
    def link(self) -> ServerLink:
        assert self._link is not None
        return self._link

    @property
    def session(self) -> ServerSession:
        return self.link.session

    def flush(self) -> None:
        self.link.connection.flush()

    def send(self, audio: bytes) -> None:
        self.session.send_audio(audio)
        self.flush()

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def heard(self) -> bytes:
        """All audio that has come."""
        return b"".join(event.data for event in self.events if isinstance(event, AudioReceived))


def echo(bot: Bot, event: Event) -> None:
    """Send audio back as it came."""
    if isinstance(event, AudioReceived) and bot.session.is_live:
        bot.session.send_audio(event.data)


def in_memory(reception: Reception, *, delay: float = 0.0) -> Dial:
    """Dial a reception of this process; its refusals come as over a socket."""

    async def dial(connection: Connection) -> None:
        headers = request_headers(URI, connection.session, Credentials())
        fields = {name.lower(): value for name, value in headers.items()} | {"upgrade": "websocket"}
        receiver = reception.accept(UpgradeRequest("/line", fields))
        if isinstance(receiver, Refusal):
            raise UpgradeRejected(receiver.status)
        connection.session.open()
        join(connection, receiver, delay=delay)

    return dial


def call_to(bot: Bot, *, delay: float = 0.0, dial: Dial | None = None, **options: object) -> Call:
    """A call in memory. Options of `opening` and of `Call`."""
    own = {name: options.pop(name) for name in ("frame_ms", "record", "trace") if name in options}
    session = new_session(opening(bot.profile, **options), bot.profile)
    return Call(session, dial or in_memory(bot.reception, delay=delay), **own)


@asynccontextmanager
async def answered(
    on_event: Callable[[Bot, Event], None] = lambda bot, event: None, **options: object
) -> AsyncIterator[tuple[Call, Bot]]:
    """A call that is open, and its bot."""
    bot = Bot(on_event)
    async with call_to(bot, **options) as call:
        yield call, bot


def ramp(samples: int, start: int = 0) -> bytes:
    """Mu-law of which every piece can be told from any other; never silence."""
    return bytes((start + n * 7 + n // 251) % 120 for n in range(samples))
