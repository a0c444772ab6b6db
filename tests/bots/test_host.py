"""What serves handlers: registration, paths, watchers, and the end of everything."""

from __future__ import annotations

import asyncio

import pytest
from tests.bots.fakes import Platform, engines, kept, make_bot, of

from offhook import Bot, Call
from offhook.errors import UsageError
from offhook.protocol import Disconnected, Open, Participant
from offhook.records import events as happenings
from offhook.session.reception import Answer, Decline
from offhook.session.wire import UpgradeRequest

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]
OPEN = Open("o", "090eaa2f-72fa-480a-83e0-8667ff89c0ec", Participant("p"), ())
PROBE = Open("o", "00000000-0000-0000-0000-000000000000", Participant("00000000-0000-0000-0000-000000000000"), ())


async def nothing(call: Call) -> None: ...


def test_a_handler_is_a_coroutine_function() -> None:
    bot = Bot()
    assert not bot.has_handler
    with pytest.raises(UsageError, match="async def answer"):

        @bot.handler
        def answer(call: Call) -> None: ...

    assert bot.handler(nothing) is nothing
    assert bot.handler("/other")(nothing) is nothing
    assert bot.has_handler


@pytest.mark.parametrize(
    ("path", "open", "kind"),
    [("/x/sales", OPEN, Answer), ("/x/other", OPEN, Decline), ("/x/other", PROBE, Answer)],
)
def test_a_path_without_a_bot_is_declined_but_for_probes(path: str, open: Open, kind: type) -> None:
    bot = Bot()
    bot.handler("/sales")(nothing)
    assert isinstance(bot.answer(UpgradeRequest(path, {}, ""), open), kind)


async def test_a_path_without_a_bot_is_told_to_the_platform() -> None:
    bot = Bot(engines=engines())
    bot.handler("/sales")(nothing)
    platform = Platform(bot)
    platform.connect()
    platform.session.open()
    platform.connection.flush()
    gone = await platform.until(Disconnected)
    assert isinstance(gone, Disconnected)
    assert (gone.reason, gone.info) == ("error", "No bot at this path")
    await platform.over()


async def test_quiet_waits_for_sessions_and_handlers() -> None:
    order: list[str] = []

    async def handler(call: Call) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(2)
            order.append("cleaned up")

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot).open()
    closing = asyncio.create_task(platform.hang_up())
    await bot.quiet()
    order.append("quiet")
    await closing
    assert order == ["cleaned up", "quiet"]
    assert (bot.lines, bot.handlings) == (set(), set())
    assert of(events, happenings.CallEnded)[0].outcome == "hangup"
