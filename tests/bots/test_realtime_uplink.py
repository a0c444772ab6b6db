"""The caller's audio keeps its place, whatever gaps the stream has and however long it waits."""

from __future__ import annotations

import asyncio

from offhook.bots.realtime_uplink import Uplink


class Line:
    """A connection that keeps what it is sent."""

    def __init__(self) -> None:
        self.audio: list[bytes] = []
        self.changed = asyncio.Event()

    async def send_audio(self, audio: bytes) -> None:
        self.audio.append(audio)
        self.changed.set()

    async def until(self, frames: int) -> None:
        async with asyncio.timeout(5):
            while len(self.audio) < frames:
                self.changed.clear()
                await self.changed.wait()


async def test_what_was_sent_stands_where_it_was_heard() -> None:
    uplink, line = Uplink(lambda position: None), Line()
    assert uplink.place(0) == -1
    for position in (800, 1600, 8000, 8800):
        uplink.take(bytes(800), position)
    sending = asyncio.create_task(uplink.send(line))  # type: ignore[arg-type]
    await line.until(4)
    assert [uplink.place(sample) for sample in (0, 1599, 1600, 3200, 4000)] == [800, 2399, 8000, 9600, 10_400]
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    uplink.take(b"\x01" * 800, 20_000)
    following = Line()
    sending = asyncio.create_task(uplink.send(following))  # type: ignore[arg-type]
    await following.until(1)
    assert (following.audio, uplink.place(100)) == ([b"\x01" * 800], 20_100)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_what_nobody_takes_is_lost_and_told() -> None:
    lost: list[int] = []
    uplink = Uplink(lost.append)
    for number in range(252):
        uplink.take(b"x", number)
    assert lost == [250, 251]
