"""A monitor as a user writes it, for `offhook serve`: counts frames."""

import asyncio

from offhook import Monitor, MonitorCall

monitor = Monitor(preload=False)


@monitor.handler
async def count(call: MonitorCall) -> None:
    frames = 0

    def sink(audio: bytes, position: int) -> None:
        nonlocal frames
        frames += 1

    call.add_sink(sink)
    await asyncio.Event().wait()
