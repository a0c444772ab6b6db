"""The last audio of a channel can be looked at again; listening beside it loses nothing."""

from __future__ import annotations

import asyncio

import pytest
from tests.bots.fakes import Platform, VirtualPool, engines, make_bot, pool, silence, voice

from offhook import Call, Monitor, MonitorCall
from offhook.bots import Recent
from offhook.protocol import MONITOR

__all__ = ["VirtualPool", "pool"]
pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]


async def test_what_was_heard_is_there_by_its_position() -> None:
    heard: list[bytes] = []

    async def handler(call: MonitorCall) -> None:
        recents = [Recent(call, "external", seconds=2.0), Recent(call, "internal")]
        await asyncio.sleep(1)
        heard.extend(recent.audio(4000, 4004) for recent in recents)
        heard.append(recents[0].audio(3999, 4001))
        await asyncio.sleep(3)
        heard.extend((recents[0].audio(0, 8000), recents[0].audio(40_000, 50_000)))
        recents[1].close()
        await asyncio.sleep(1)
        heard.append(recents[1].audio(0, 100_000))

    monitor = Monitor("test", engines=engines())
    monitor.handler(handler)
    platform = await Platform(monitor, profile=MONITOR).open()
    external, internal = bytes(4000) + b"abcd" + bytes(2396), bytes([7]) * 6400
    for at in range(0, 6400, 1600):
        platform.do("send_audio", external[at : at + 1600], internal[at : at + 1600])
    await platform.live(5.0)
    await platform.over()
    assert heard[:3] == [b"abcd", b"\x07" * 4, b"\x00a"]
    assert heard[3] == b"", "forgotten after two seconds"
    assert heard[4:] == [b"", b""], "not heard yet, and closed"


async def test_a_gap_is_left_out() -> None:
    heard: list[bytes] = []

    async def handler(call: MonitorCall) -> None:
        recent = Recent(call)
        await asyncio.sleep(2)
        heard.append(recent.audio(0, 40_000))

    monitor = Monitor("test", engines=engines())
    monitor.handler(handler)
    platform = await Platform(monitor, profile=MONITOR).open()
    platform.do("send_audio", b"a" * 1600, b"b" * 1600)
    platform.do("pause")
    platform.do("skip", 16_000)
    platform.do("resume")
    platform.do("send_audio", b"c" * 1600, b"b" * 1600)
    await asyncio.sleep(3)
    await platform.over()
    assert heard == [b"a" * 1600 + b"c" * 1600]


async def test_ears_beside_it_still_hear_what_was_said_before() -> None:
    texts: list[tuple[str, bytes]] = []

    async def handler(call: Call) -> None:
        await asyncio.sleep(3)
        recent = Recent(call)
        turn = await call.listen(timeout=10)
        assert turn is not None
        texts.append((turn.text, recent.audio(turn.start, turn.end)))

    platform = await Platform(make_bot(handler)).open()
    platform.talk(voice(1.0) + silence(1.0))
    await platform.live(6.0)
    ((text, audio),) = texts
    assert text == "yes"
    assert set(audio[160:-160]) == set(voice(0.1))
    await platform.over()
