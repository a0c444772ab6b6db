"""Sessions that go on in new ones: planned by the server, or because the line was lost (P8.6)."""

from __future__ import annotations

import asyncio

import pytest

from offhook.connector import happenings as h
from offhook.connector.legs.wav import WavLeg
from offhook.connector.policy import Fallback, Success
from offhook.protocol import AudioDiscarded, CloseRequested, OpenRequested, Paused, Resumed
from offhook.session.reception import Answer, Decline

from .exchanges import TONE, Scripted, World, speech
from .lines import Bot

pytestmark = pytest.mark.virtual_time


def unique(seconds: float) -> bytes:
    """Speech of which every piece can be told from any other."""
    return bytes((n * 7 + n // 251) % 100 for n in range(round(seconds * 8000)))


class Moving(Scripted):
    """A bot that keeps what each of its sessions has seen, and does one thing in the first."""

    def __init__(self, first, second=None, **options) -> None:
        super().__init__(self._go, **options)
        self._plans = [first, second]
        self.seen = []

    def begin(self, link):
        take = super().begin(link)
        seen = []
        self.seen.append((link, seen))

        def on(event) -> None:
            seen.append(event)
            if isinstance(event, CloseRequested):
                link.session.close()
                link.connection.flush()
            else:
                take(event)

        return on

    async def _go(self, bot: Bot) -> None:
        plan = self._plans.pop(0) if self._plans else None
        if plan is not None:
            await plan(self, self.seen[-1][0] if self.seen else bot.link)

    def heard_in(self, number: int) -> bytes:
        return b"".join(event.data for event in self.seen[number][1] if hasattr(event, "data"))


def connector_with_reconnect(bot: Moving) -> World:
    world = World()
    world.serve("support", bot, reconnect=True)
    from offhook.connector.integrations import Integration

    bot.profile = Integration(name="x", uri="wss://x/", reconnect=True).product
    return world


async def finish(bot: Moving, link) -> None:
    await asyncio.sleep(2.0)
    link.session.disconnect("completed", output={"done": "yes"})
    link.connection.flush()


async def lose(bot: Moving, link) -> None:
    await asyncio.sleep(4.0)
    link.connection.abort()


async def ask(bot: Moving, link) -> None:
    await asyncio.sleep(4.0)
    link.session.reconnect("maintenance")
    link.connection.flush()


async def talk(world: World, said: bytes, **policy):
    outcomes = []

    async def flow(call):
        outcomes.append(await call.audio_connector("support", fallback=Fallback(retries=2, **policy)))

    leg = await world.call(flow, WavLeg(said))
    return outcomes[0], leg


async def test_a_lost_socket_goes_on_in_a_new_session_with_what_was_said():
    bot = Moving(lose, finish)
    world = connector_with_reconnect(bot)
    said = unique(8.0)
    outcome, _ = await talk(world, said)
    assert outcome == Success({"done": "yes"}, "support")
    first, second = bot.opens
    assert second.continued_sessions[0].id == bot.seen[0][0].session.id
    assert said[: 5 * 8000] in bot.heard_in(1)
    assert first.conversation_id == second.conversation_id
    assert [event.planned for event in world.of(h.Reconnecting)] == [False]


async def test_only_the_last_twenty_seconds_are_offered_and_the_position_says_so():
    async def lose_late(bot: Moving, link) -> None:
        await asyncio.sleep(26.0)
        link.connection.abort()

    bot = Moving(lose_late, finish)
    starts = []
    bot.answer = lambda request, open: (starts.append(open), Answer(open.media[0]))[1]
    world = connector_with_reconnect(bot)
    said = unique(40.0)
    outcome, _ = await talk(world, said)
    assert isinstance(outcome, Success)
    session = bot.seen[1][0].session
    begins = next(event for event in bot.seen[1][1] if hasattr(event, "data")).position
    assert begins == pytest.approx(6 * 8000, abs=320)
    assert bot.heard_in(1)[:1000] == said[begins : begins + 1000]
    assert session.position == pytest.approx(28 * 8000, abs=1600)


async def test_pauses_and_languages_of_the_window_are_replayed_in_order():
    bot = Moving(lose, finish)
    world = connector_with_reconnect(bot)
    said = unique(8.0)

    async def flow(call):
        talking = asyncio.ensure_future(call.audio_connector("support"))
        await asyncio.sleep(1.0)
        with call.secure():
            await asyncio.sleep(1.0)
        call.language = "de-DE"
        await asyncio.wait((talking,))

    await world.call(flow, WavLeg(said))
    for _, seen in bot.seen:
        kinds = [
            type(event).__name__ for event in seen if type(event).__name__ in ("Paused", "Resumed", "LanguageRequested")
        ]
        assert kinds == ["Paused", "Resumed", "LanguageRequested"]
        (resumed,) = [event for event in seen if isinstance(event, Resumed)]
        assert resumed.discarded == pytest.approx(8000, abs=320)


async def test_a_server_that_asks_gets_a_new_session_while_the_old_one_goes_on_until_then():
    bot = Moving(ask, finish)
    world = connector_with_reconnect(bot)
    said = unique(8.0)
    outcome, _ = await talk(world, said)
    assert outcome == Success({"done": "yes"}, "support")
    old, new = bot.seen
    assert [event.reason for event in old[1] if isinstance(event, CloseRequested)] == ["reconnect"]
    assert said[: 3 * 8000] in bot.heard_in(0)
    assert said[: 5 * 8000] in bot.heard_in(1)
    assert [event.planned for event in world.of(h.Reconnecting)] == [True]
    assert not [event for event in new[1] if isinstance(event, OpenRequested)]


async def test_where_the_new_session_is_refused_the_old_one_stays():
    async def ask_and_stay(bot: Moving, link) -> None:
        await ask(bot, link)
        bot.answer = lambda request, open: Decline("unauthorized")
        await finish(bot, link)

    bot = Moving(ask_and_stay)
    world = connector_with_reconnect(bot)
    outcome, _ = await talk(world, unique(8.0))
    assert outcome == Success({"done": "yes"}, "support")
    assert len(bot.seen) == 1


async def test_without_the_option_a_lost_socket_is_the_end():
    bot = Moving(lose, finish)
    world = World()
    world.serve("support", bot)
    outcome, _ = await talk(world, speech(1.0))
    assert outcome.error_type == "ConnectionLostError"
    assert len(bot.seen) == 1


async def test_what_a_server_does_not_want_of_the_window_is_discarded():
    bot = Moving(finish)
    bot.answer = lambda request, open: Answer(open.media[0], discard_to=8_000)
    world = World()
    world.serve("support", bot)
    good = world.servers["wss://support.example/"]

    async def late(connection):
        world.servers["wss://support.example/"] = good
        await asyncio.sleep(2.0)
        await world.dial("wss://support.example/", connection, {"audiohook-session-id": connection.session.id})

    world.servers["wss://support.example/"] = late
    await talk(world, unique(6.0))
    (gap,) = [event for event in bot.seen[0][1] if isinstance(event, AudioDiscarded)]
    assert (gap.start, gap.discarded) == (0, 8_000)
    assert not [event for event in bot.seen[0][1] if isinstance(event, Paused)]
    assert TONE
