"""Calls of a test, in memory."""

from __future__ import annotations

import pytest
from tests.bots.fakes import make_bot

from offhook import Call, Monitor, MonitorCall
from offhook.errors import UsageError
from offhook.testing.calling import Callers, call_in_memory

pytestmark = pytest.mark.virtual_time


async def menu(call: Call) -> None:
    await call.end(path=call.link.request.path, tier=call.input["tier"], key=await call.dtmf(1))


async def test_a_bot_without_a_socket() -> None:
    bot = make_bot(menu)
    async with call_in_memory(bot, path="/sales?x=1", delay=0.2, input={"tier": "gold"}) as call:
        await call.wait(1.0)
        await call.dtmf("9")
        result = await call.result()
    assert result.output == {"path": "/sales", "tier": "gold", "key": "9"}
    assert result.ok


async def test_a_monitor_without_a_socket() -> None:
    monitor = Monitor("ears", preload=False)
    heard: list[int] = []

    @monitor.handler
    async def listen(call: MonitorCall) -> None:
        async for frame in call.audio():
            heard.append(len(frame))  # noqa: PERF401 (the handler is cancelled at the end)

    async with call_in_memory(monitor) as call:
        await call.wait(1.0)
    assert heard


async def test_messages_are_kept_call_by_call() -> None:
    callers = Callers()
    seen: list[object] = []
    async with callers.place(make_bot(menu), input={"tier": "x"}, trace=lambda *each: seen.append(each)) as call:
        await call.wait(1.0)
        await call.dtmf("1")
        await call.result()
    (title, text), *more = callers.report()
    assert title == "AudioHook call 1 to Bot 'test'"
    assert '"type":"open"' in text.splitlines()[0]
    assert text.splitlines()[0].startswith("   0.000 s  client")
    assert len(seen) > len(text.splitlines()), "audio was seen, too"
    assert not more


async def test_wrong_options_are_told() -> None:
    with pytest.raises((UsageError, TypeError)):
        Callers().place("ws://127.0.0.1:1/", nonsense=1)
