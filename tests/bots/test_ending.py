"""How each way to end looks to the platform, to the handler and in the records."""

from __future__ import annotations

import asyncio
import logging

import pytest
from tests.bots.fakes import Platform, kept, make_bot, of

from offhook import Call
from offhook.errors import CallEnded, LocalProtocolError
from offhook.protocol import Entity
from offhook.records import events as happenings

pytestmark = pytest.mark.virtual_time


def outcome(events: list[happenings.AnyEvent]) -> happenings.CallEnded:
    (ended,) = of(events, happenings.CallEnded)
    assert events[-1] is ended, "CallEnded is the last event"
    return ended


async def test_a_handler_that_returns_ends_the_session_well() -> None:
    async def handler(call: Call) -> None:
        call.output["seen"] = "yes"

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot).open()
    await platform.over()
    assert platform.disconnected is not None
    assert (platform.disconnected.reason, platform.disconnected.output) == ("completed", {"seen": "yes"})
    assert (outcome(events).outcome, outcome(events).output) == ("completed", {"seen": "yes"})
    assert isinstance(events[0], happenings.CallStarted)
    seen = [event.type for event in of(events, happenings.MessageSeen)]
    assert seen == ["open", "opened", "disconnect", "close", "closed"]
    assert not bot.lines


async def test_a_hang_up_cancels_the_handler_which_may_clean_up() -> None:
    cleaned: list[str] = []

    async def handler(call: Call) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            call.send_event(Entity("last", {}))
            await asyncio.sleep(2)
            cleaned.append("slowly")

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot).open()
    took = await platform.hang_up()
    assert took == pytest.approx(2.0)
    assert cleaned == ["slowly"]
    assert platform.entities == ["last"]
    assert (outcome(events).outcome, outcome(events).reason) == ("hangup", "end")


async def test_closed_leaves_in_time_though_the_handler_does_not_stop(caplog: pytest.LogCaptureFixture) -> None:
    stubborn = asyncio.Event()
    cancelled: list[float] = []

    async def handler(call: Call) -> None:
        while not stubborn.is_set():
            try:
                await stubborn.wait()
            except asyncio.CancelledError:
                cancelled.append(asyncio.get_running_loop().time())

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot).open()
    took = await platform.hang_up()
    assert took == pytest.approx(9.0)
    assert outcome(events).outcome == "hangup"
    quiet = asyncio.create_task(bot.quiet())
    await asyncio.sleep(15)
    assert [later - cancelled[0] for later in cancelled] == pytest.approx([0.0, 10.0])
    assert quiet.done(), "a handler that does not stop does not hold a shutdown up"
    assert "goes on 10 s after it was cancelled" in caplog.text
    stubborn.set()
    await asyncio.sleep(0.1)


async def test_a_swallowed_cancellation_is_no_mistake() -> None:
    async def handler(call: Call) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot).open()
    assert await platform.hang_up() == 0.0
    assert (outcome(events).outcome, outcome(events).error) == ("hangup", "")


@pytest.mark.parametrize("error", [ValueError("number 555"), SystemExit(3), asyncio.CancelledError(), BaseException()])
async def test_whatever_a_handler_raises_ends_its_call_alone(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(call: Call) -> None:
        if call.input:
            raise error
        await call.dtmf(1)

    bot = make_bot(handler)
    events = kept(bot)
    failing, other = Platform(bot, input_variables={"fail": "yes"}), Platform(bot)
    await other.open()
    await failing.open()
    await failing.over()
    assert failing.disconnected is not None
    assert (failing.disconnected.reason, failing.disconnected.info) == ("error", "Server Error")
    assert [event.outcome for event in of(events, happenings.CallEnded)] == ["error"]
    assert caplog.records[-1].levelno == logging.ERROR
    assert caplog.records[-1].exc_info is not None, "the log has the full trace"
    assert "555" not in caplog.records[-1].getMessage()
    assert not other.session.finished
    await other.hang_up()


async def test_call_ended_of_a_handler_that_meets_a_hang_up_is_no_mistake(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(call: Call) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            async with asyncio.TaskGroup() as group:
                group.create_task(call.say("too late"))

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot).open()
    await platform.hang_up()
    assert (outcome(events).outcome, outcome(events).error) == ("hangup", "")
    assert not caplog.records


async def test_everything_raises_call_ended_once_the_call_is_over() -> None:
    lines: list[Call] = []

    async def handler(call: Call) -> None:
        lines.append(call)

    platform = await Platform(make_bot(handler)).open()
    await platform.over()
    (call,) = lines
    with pytest.raises(CallEnded):
        await call.say("hello")
    with pytest.raises(CallEnded):
        await call.play(b"\xff" * 800)
    with pytest.raises(CallEnded):
        await call.listen()
    with pytest.raises(CallEnded):
        await call.dtmf(1)
    with pytest.raises(CallEnded):
        await call.end()
    for ask in (call.pause, call.resume, lambda: call.send(b"\xff"), lambda: call.send_event(Entity("x"))):
        with pytest.raises(CallEnded):
            ask()
    assert [turn async for turn in call.turns()] == []
    assert [frame async for frame in call.audio()] == []
    assert [event async for event in call.events()] == []


async def test_what_is_read_ends_with_the_call_in_other_tasks_too() -> None:
    ended: list[str] = []
    tasks: list[asyncio.Task[None]] = []

    async def read(name: str, source: object) -> None:
        async for _ in source:  # type: ignore[attr-defined]
            pass
        ended.append(name)

    async def wait(call: Call) -> None:
        with pytest.raises(CallEnded):
            await call.dtmf(4, first=None)
        ended.append("dtmf")

    async def handler(call: Call) -> None:
        sources = {"turns": call.turns(), "audio": call.audio(), "events": call.events()}
        tasks.extend(asyncio.create_task(read(*source)) for source in sources.items())
        tasks.append(asyncio.create_task(wait(call)))
        await asyncio.Event().wait()

    platform = await Platform(make_bot(handler)).open()
    await platform.live(0.4)
    await platform.hang_up()
    await asyncio.wait(tasks, timeout=1)
    assert sorted(ended) == ["audio", "dtmf", "events", "turns"]


async def test_end_from_another_task_and_end_twice() -> None:
    raised: list[str] = []

    async def ending(call: Call) -> None:
        await call.end(by="another")

    async def handler(call: Call) -> None:
        task = asyncio.create_task(ending(call))
        async for _ in call.turns():
            pass
        await task
        try:
            await call.end(by="handler")
        except CallEnded as error:
            raised.append(str(error))
            raise

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot).open()
    await platform.over()
    assert raised
    assert outcome(events).output == {"by": "another"}
    assert platform.times["Finished"] == platform.times["Disconnected"], "nobody waited for the handler"


async def test_a_handler_may_go_on_for_a_while_after_the_end() -> None:
    did: list[str] = []

    async def handler(call: Call) -> None:
        await call.end()
        await asyncio.sleep(5)
        did.append("saved")
        await asyncio.sleep(20)
        did.append("never")

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot).open()
    await platform.over()
    assert platform.connection.now < 1
    await bot.quiet()
    assert did == ["saved"]
    assert outcome(events).outcome == "completed"


async def test_a_failure_after_the_end_is_logged_and_the_call_stays_completed(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(call: Call) -> None:
        await call.end()
        raise KeyError("after")

    bot = make_bot(handler)
    events = kept(bot)
    await (await Platform(bot).open()).over()
    assert (outcome(events).outcome, outcome(events).error) == ("completed", "KeyError")
    assert "its handler failed" in caplog.text


async def test_output_variables_of_any_type() -> None:
    class Odd:
        def __str__(self) -> str:
            return "odd"

    async def handler(call: Call) -> None:
        await call.end(a="text", b=3, c=None, d={"x": [1, "é"]}, e=True, f=Odd(), g=1.5)

    platform = await Platform(make_bot(handler)).open()
    await platform.over()
    assert platform.disconnected is not None
    assert platform.disconnected.output == {
        "a": "text",
        "b": "3",
        "c": "",
        "d": '{"x": [1, "é"]}',
        "e": "true",
        "f": '"odd"',
        "g": "1.5",
    }


async def test_output_that_cannot_be_sent_can_be_mended() -> None:
    async def handler(call: Call) -> None:
        with pytest.raises(LocalProtocolError):
            await call.end(huge="x" * 70_000)
        await call.end(fine="x")

    platform = await Platform(make_bot(handler)).open()
    await platform.over()
    assert platform.disconnected is not None
    assert (platform.disconnected.reason, platform.disconnected.output) == ("completed", {"fine": "x"})


async def test_an_end_that_is_cancelled_can_be_asked_for_again() -> None:
    async def handler(call: Call) -> None:
        call.send(b"\x20" * 80_000)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await call.end(first="yes")
        assert call.is_live
        await call.end(second="yes")

    platform = await Platform(make_bot(handler)).open()
    await platform.over()
    assert platform.disconnected is not None
    assert platform.disconnected.output == {"second": "yes"}


async def test_a_hang_up_while_the_bot_ends_is_answered_at_once() -> None:
    raised: list[str] = []

    async def handler(call: Call) -> None:
        call.send(b"\x20" * 40_000)
        try:
            await call.end(done="yes")
        except CallEnded:
            raised.append("ended")
            raise

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot).open()
    await platform.live(0.4)
    assert await platform.hang_up() == 0.0
    assert raised == ["ended"]
    assert (outcome(events).outcome, outcome(events).output) == ("hangup", {})


async def test_a_lost_socket_is_an_outcome_of_its_own() -> None:
    async def handler(call: Call) -> None:
        await call.dtmf(1, first=None)

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot).open()
    platform.wire.abort()
    await bot.quiet()
    assert (outcome(events).outcome, outcome(events).reason) == ("lost", "")


async def test_a_shutdown_drains() -> None:
    async def handler(call: Call) -> None:
        await call.dtmf(1, first=None)

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot).open()
    platform.reception.end_all("Server shutting down")
    await platform.over()
    assert platform.disconnected is not None
    assert (platform.disconnected.reason, platform.disconnected.info) == ("error", "Server shutting down")
    assert outcome(events).outcome == "drained"
    await bot.quiet()


async def test_a_violation_of_the_platform_ends_the_call_with_an_error() -> None:
    async def handler(call: Call) -> None:
        await call.dtmf(1, first=None)

    bot = make_bot(handler)
    events = kept(bot)
    platform = await Platform(bot).open()
    platform.wire.send("{")
    await platform.over()
    assert platform.disconnected is not None
    assert platform.disconnected.info == "Client Error: not well-formed JSON"
    assert (outcome(events).outcome, outcome(events).error) == ("error", "not well-formed JSON")
