"""A connector on a loop of its own in a thread, for tests that drive a real browser; and a bot that can be cut off."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvloop

from offhook.audio import tones, ulaw
from offhook.connector.exchange import Connector
from offhook.connector.integrations import Integration
from offhook.connector.legs.browser import TalkPage
from offhook.connector.sounds import SPOKEN, loudness
from offhook.protocol import BARGE_IN, AudioReceived, DtmfReceived
from offhook.session.server import Server

from ..lines import Bot

LONG = ulaw.encode(tones.tone(440, 12.0, -12))
SHORT = ulaw.encode(tones.tone(880, 0.6, -12))


class Talker(Bot):
    """Speaks for long, stops when the caller speaks for 200 ms, says a little more, and ends at a key."""

    def __init__(self) -> None:
        super().__init__(self._happened)
        self._loud = 0
        self.barged_in = False

    def begin(self, link):
        take = super().begin(link)
        self.send(LONG)
        return take

    def _happened(self, bot: Bot, event: object) -> None:
        if isinstance(event, AudioReceived) and not self.barged_in:
            pieces = [event.data[at : at + 80] for at in range(0, len(event.data), 80)]
            self._loud += sum(loudness(piece) >= SPOKEN for piece in pieces)
            if self._loud >= 20:
                self.barged_in = True
                self.session.clear_audio()
                self.session.send_event(BARGE_IN)
                asyncio.get_running_loop().call_later(1.5, self.send, SHORT)
        if isinstance(event, DtmfReceived):
            self.session.disconnect("completed", output={"key": event.digit})


class Running:
    """A connector in a thread."""

    def __init__(self, events: list[object], port: int) -> None:
        self.events = events
        self.url = f"http://127.0.0.1:{port}/"

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]


@contextmanager
def running(bot: Bot, flow: Callable[..., Awaitable[object]], **options: object) -> Iterator[Running]:
    """Serve a bot, and a page whose calls go through a flow."""
    up, stop = threading.Event(), None
    state: dict[str, object] = {}
    events: list[object] = []

    async def serve() -> None:
        nonlocal stop
        stop = asyncio.Event()
        state["loop"] = asyncio.get_running_loop()
        bot.begun = asyncio.Event()
        connector = Connector()
        connector.watch(lambda conversation, event: events.append(event))
        connector.add_flow(flow)
        page = TalkPage(connector.take, **options)
        async with Server(bot.reception) as server, connector:
            uri = f"ws://127.0.0.1:{server.port}/"
            connector.integrations.put(Integration(name="bot", uri=uri, active=True))
            state["port"] = await page.start("127.0.0.1", 0)
            up.set()
            await stop.wait()
            await page.close()

    thread = threading.Thread(target=lambda: uvloop.run(serve()))
    thread.start()
    assert up.wait(10)
    try:
        yield Running(events, state["port"])
    finally:
        state["loop"].call_soon_threadsafe(stop.set)
        thread.join(20)
        assert not thread.is_alive()
