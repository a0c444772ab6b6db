"""A bot, and beside it transcription and assistance in parallel: what they send back is one stream of the call."""

import asyncio

from offhook import Connector, PhoneCall
from offhook.connector.happenings import EntityCame

connector = Connector()


async def show(call: PhoneCall) -> None:
    async for event in call.events():
        if isinstance(event, EntityCame):
            print(f"{event.t:7.2f} s  {event.strand}: {event.type}")


@connector.flow()
async def watched(call: PhoneCall) -> None:
    showing = asyncio.create_task(show(call))
    call.monitor("transcribe")
    call.monitor("assist")
    try:
        await call.audio_connector("service")
    finally:
        showing.cancel()
