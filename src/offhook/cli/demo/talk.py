"""`offhook demo --talk`: the demo's bot, and a page with a call button, so that a person can talk with it."""

from __future__ import annotations

import asyncio
import signal

from rich.console import Console

from ...bots.line import Line
from ...connector import happenings as h
from ...connector.exchange import Connector
from ...connector.integrations import Integration
from ...connector.legs.browser import TalkPage
from ...connector.phonecall import PhoneCall
from ...records import events as happenings
from ...records.events import Event
from ...records.store import CallStore
from ...session.keys import SAMPLE_KEY, SAMPLE_SECRET, KeyStore
from ...session.reception import Reception
from ...session.server import Server
from .bot import bot
from .screen import Screen


async def talk(port: int, store: CallStore, console: Console) -> None:
    """Serve bot and page until Ctrl-C.

    Raises:
        EngineMissing: A speech engine is not installed.
        UsageError: The port cannot be had.
    """
    screen = Screen(console, wire=False)
    bot.store = store

    def watch(line: Line, event: happenings.AnyEvent) -> None:
        screen.watch(line, event)

    def note(conversation: str, event: Event) -> None:
        if isinstance(event, h.CallArrived | h.CallOver):
            text = "a page calls" if isinstance(event, h.CallArrived) else f"call over, ended by the {event.by}"
            screen.line(event.t, "", text)

    bot.watch(watch)
    await bot.load()
    await bot.engines.detector()
    await bot.engines.recogniser()
    await bot.engines.synthesiser()
    connector = Connector()
    connector.watch(note)

    @connector.flow()
    async def order_line(call: PhoneCall) -> None:
        await call.audio_connector("demo", inputs={"queue": "deliveries"})

    page = TalkPage(connector.take)
    async with Server(Reception(bot, keys=KeyStore.sample())) as server, connector:
        uri = f"ws://127.0.0.1:{server.port}/api/v1/audiohook/ws"
        demo = Integration(name="demo", uri=uri, key=SAMPLE_KEY, secret=SAMPLE_SECRET, active=True)
        connector.integrations.put(demo)
        port = await page.start("127.0.0.1", port)
        console.print(f"Open http://127.0.0.1:{port}/ and press Call. Ctrl-C ends.")
        try:
            await _until_signal()
        finally:
            await page.close()
    await bot.quiet()


async def _until_signal() -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    try:
        await over.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
