"""A connector in virtual time: bots and monitors in memory by URI, a caller made of sounds, and all that happens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from offhook.audio import tones, ulaw
from offhook.connector.exchange import Connector
from offhook.connector.integrations import Integration
from offhook.connector.legs.wav import WavLeg
from offhook.connector.phonecall import PhoneCall
from offhook.errors import ConnectionLost, UpgradeRejected
from offhook.protocol import MONITOR, CloseRequested, Disconnected, Event, Profile
from offhook.session.connection import Connection
from offhook.session.memory import join
from offhook.session.reception import Reception
from offhook.session.wire import Refusal, UpgradeRequest

from .lines import Bot

TONE = ulaw.encode(tones.tone(440, 1.0, -12))
"""A second of sound that anybody hears."""


def speech(seconds: float) -> bytes:
    """Something loud enough to be a caller who speaks."""
    return ulaw.encode(tones.tone(300, seconds, -10))


class World:
    """Servers by URI, and a connector that can reach them.

    Attributes:
        dialled: Each dialling: URI and header fields.
        events: All that the connector has said.
    """

    def __init__(self, **options: object) -> None:
        self.servers: dict[str, Reception | Exception | Callable[[Connection], Awaitable[None]]] = {}
        self.dialled: list[tuple[str, Mapping[str, str]]] = []
        self.events: list[object] = []
        self.connector = Connector(dial=self.dial, **options)
        self.connector.watch(self.note)

    def note(self, conversation: str, event: object) -> None:
        self.events.append(event)

    async def dial(self, uri: str, connection: Connection, headers: Mapping[str, str]) -> None:
        self.dialled.append((uri, headers))
        server = self.servers.get(uri)
        if server is None:
            raise ConnectionLost(f"cannot connect to {uri}")
        if isinstance(server, Exception):
            raise server
        if not isinstance(server, Reception):
            return await server(connection)
        fields = {name.lower(): value for name, value in headers.items()} | {"upgrade": "websocket"}
        receiver = server.accept(UpgradeRequest(uri.partition("//")[2], fields))
        if isinstance(receiver, Refusal):
            raise UpgradeRejected(receiver.status)
        join(connection, receiver)
        return None

    def serve(
        self, name: str, bot: Bot | None = None, *, profile: Profile | None = None, suffix: str = "", **settings: object
    ) -> Bot:
        """An integration, and its server at `wss://NAME.example/`."""
        bot = bot or Bot(profile=profile) if profile is not None else bot or Bot()
        uri = f"wss://{name}.example/"
        self.servers[uri + suffix] = bot.reception
        self.connector.integrations.put(
            Integration(name=name, uri=uri, profile=bot.profile.name, active=True, **settings)
        )
        return bot

    def monitor(self, name: str, bot: Bot | None = None, **settings: object) -> Bot:
        return self.serve(name, bot or Bot(profile=MONITOR), **settings)

    async def call(self, flow: Callable[[PhoneCall], Awaitable[object]], leg: WavLeg | None = None) -> WavLeg:
        """Run one call through a flow, to its end."""
        leg = leg or WavLeg()
        self.connector._flows.clear()
        self.connector.add_flow(flow)
        async with asyncio.timeout(3600):
            await self.connector.answer(leg)
        return leg

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]


def says(*script: tuple[float, object]) -> Bot:
    """A bot that does things so many seconds after it was opened: audio to send, or a dict of outputs to end with."""

    async def play(bot: Bot) -> None:
        for wait, what in script:
            await asyncio.sleep(wait)
            if not bot.session.is_live:
                return
            if isinstance(what, bytes):
                bot.send(what)
            elif isinstance(what, dict):
                bot.session.disconnect("completed", output=what)
            else:
                assert callable(what)
                what(bot)
            bot.flush()

    return Scripted(play)


class Scripted(Bot):
    """A bot whose sessions each run a coroutine, until they end."""

    def __init__(self, play: Callable[[Bot], Awaitable[None]], **options: object) -> None:
        super().__init__(**options)
        self._play = play
        self.sessions = 0

    def begin(self, link):
        take = super().begin(link)
        self.sessions += 1
        task = asyncio.ensure_future(self._play(self))

        def on(event: Event) -> None:
            take(event)
            if isinstance(event, CloseRequested | Disconnected) or self.session.finished:
                task.cancel()

        return on
