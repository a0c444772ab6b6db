"""One session and its handler: who watches, what is told, what never is."""

from __future__ import annotations

import asyncio
import logging

import pytest
from tests.bots.fakes import Platform, kept, make_bot, of

from offhook import Call
from offhook.protocol import Entity
from offhook.records import events as happenings
from offhook.session import figures

pytestmark = pytest.mark.virtual_time


def outcome(events: list[happenings.AnyEvent]) -> happenings.CallEnded:
    (ended,) = of(events, happenings.CallEnded)
    assert events[-1] is ended, "CallEnded is the last event"
    return ended


async def test_a_sink_that_raises_ends_its_call(caplog: pytest.LogCaptureFixture) -> None:
    def sink(data: bytes, position: int) -> None:
        raise ZeroDivisionError

    async def handler(call: Call) -> None:
        call.add_sink(sink)
        await call.dtmf(1, first=None)

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot).open()
    await platform.live(1)
    await platform.over()
    assert platform.disconnected is not None
    assert platform.disconnected.info == "Server Error"
    assert (outcome(events).outcome, outcome(events).error) == ("error", "ZeroDivisionError")
    assert len(caplog.records) == 1


async def test_a_watcher_that_raises_is_told_nothing_more_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    calls = 0

    def watcher(line: object, event: object) -> None:
        nonlocal calls
        calls += 1
        raise RuntimeError

    async def handler(call: Call) -> None:
        pass

    bot = make_bot(handler)
    bot.watch(watcher)
    events = kept(bot)
    await (await Platform(bot).open()).over()
    assert calls == 1
    assert outcome(events).outcome == "completed"
    assert len(caplog.records) == 1


async def test_a_watcher_may_ask_for_things_while_messages_leave() -> None:
    async def handler(call: Call) -> None:
        call.send_event(Entity("first"), Entity("second"))
        await call.dtmf(1, first=None)

    bot = make_bot(handler)

    def watcher(line: Call, event: object) -> None:
        if isinstance(event, happenings.MessageSeen) and event.type == "event" and event.seq == 2:
            line.send_event(Entity("third"))

    bot.watch(watcher)  # type: ignore[arg-type]
    platform = await Platform(bot).open()
    await platform.when(lambda: len(platform.entities) == 3)
    assert platform.entities == ["first", "second", "third"]
    await platform.hang_up()


async def test_who_calls_and_about_what() -> None:
    seen: list[object] = []

    async def handler(call: Call) -> None:
        party = call.participant
        seen.extend([party.ani, party.dnis, call.input, call.language, call.custom_config, call.conversation_id])
        seen.extend([call.channels, call.session_id])

    platform = Platform(make_bot(handler), input_variables={"tier": "gold", "n": 3}, custom_config='{"a": [1]}')
    await platform.open()
    await platform.over()
    assert seen == [
        "tel:+15550001111",
        "tel:+15550002222",
        {"tier": "gold", "n": "3"},
        "en-US",
        {"a": [1]},
        "090eaa2f-72fa-480a-83e0-8667ff89c0ec",
        ("external",),
        platform.session.id,
    ]


async def test_a_probe_never_reaches_the_handler() -> None:
    async def handler(call: Call) -> None:
        raise AssertionError

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot, probe=True).open()
    assert await platform.hang_up() == 0.0
    assert events == []
    assert not bot.lines


async def test_pauses_of_both_sides_are_told_apart() -> None:
    go = asyncio.Event()

    async def handler(call: Call) -> None:
        call.pause()
        await go.wait()
        call.resume()
        await call.dtmf(1)

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot).open()
    await platform.live(1)
    go.set()
    await platform.live(1)
    platform.do("pause")
    await platform.live(1)
    platform.do("resume")
    await platform.hang_up()
    pauses = [(event.by, event.position) for event in of(events, happenings.Paused)]
    gaps = [(event.by, event.position, event.discarded) for event in of(events, happenings.Resumed)]
    assert [by for by, _ in pauses] == ["server", "client"]
    assert [by for by, _, _ in gaps] == ["server", "client"]
    assert gaps[1][1:] == (pauses[1][1] + 8000, 8000)


async def test_a_language_that_changes_is_confirmed() -> None:
    languages: list[str | None] = []

    async def handler(call: Call) -> None:
        async for event in call.events():
            if isinstance(event, happenings.LanguageChanged):
                languages.append(call.language)
                return

    platform = await Platform(make_bot(handler)).open()
    await platform.live(0.2)
    platform.do("update", "de-DE")
    await platform.over()
    assert languages == ["de-DE"]
    assert any('"updated"' in message for message in platform.messages)


async def test_nothing_personal_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def handler(call: Call) -> None:
        if await call.dtmf(2) == "47":
            await call.end(secret="s3cret")
        raise RuntimeError

    bot = make_bot(handler)
    platform = await Platform(bot, input_variables={"name": "Miller"}).open()
    platform.do("dtmf", "4")
    platform.do("dtmf", "7")
    await platform.over()
    messages = " ".join(record.getMessage() for record in caplog.records).replace(platform.session.id, "")
    for word in ("47", "s3cret", "Miller", "5550001111"):
        assert word not in messages


async def test_audio_that_a_slow_handler_loses_is_counted_and_noted_once() -> None:
    go = asyncio.Event()

    async def handler(call: Call) -> None:
        frames = call.audio()
        await anext(frames)
        await go.wait()

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot).open()
    await platform.live(60)
    go.set()
    await platform.over()
    notes = [event.text for event in of(events, happenings.Note) if "too slowly" in event.text]
    row = platform.reception.board.own
    assert row.get(figures.DROPPED, "slow_handler") == 60 * 5 - 1 - 250
    assert len(notes) == 1
    assert row.get(figures.ENDED, "completed") == 1
