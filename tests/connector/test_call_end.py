"""How a call ends, or never begins: each end is told apart, and nothing is left behind."""

from __future__ import annotations

import asyncio
import json

import pytest

from offhook.errors import (
    CallEnded,
    ConnectionLost,
    SessionFailed,
    SessionRejected,
    UpgradeRejected,
)
from offhook.protocol import (
    CloseRequested,
    DtmfReceived,
    Event,
    Finished,
    Tolerated,
)
from offhook.session.connection import Connection
from offhook.session.memory import join
from offhook.session.reception import Decline

from .lines import Bot, answered, call_to, ramp

pytestmark = pytest.mark.virtual_time

UUID = "30b0e395-84d3-4570-ac13-9a62d8f514c0"


class Mute:
    """A server's end that takes everything and says only what it is told to, once `open` has come."""

    def __init__(self, *, closes: bool = False) -> None:
        self.says: tuple[str, ...] = ()
        self.heard: list[str | bytes] = []
        self.end: int | None = None
        self.greeted = asyncio.Event()
        self.closing = asyncio.Event()
        self._closes = closes

    def connected(self, wire):
        self.wire = wire

    def received(self, data):
        self.heard.append(data)
        if len(self.heard) == 1:
            self.greeted.set()
            for each in self.says:
                self.wire.send(each)
        elif isinstance(data, str) and '"type":"close"' in data:
            self.closing.set()
            if self._closes:
                self.wire.send(message(json.loads(data)["id"], "closed", len(self.says) + 1))

    def lost(self, code, reason):
        self.end = code

    async def dial(self, connection: Connection) -> None:
        connection.session.open()
        join(connection, self)


def message(id: str, type: str, seq: int, parameters: str = "{}") -> str:
    return f'{{"version":"2","id":"{id}","type":"{type}","seq":{seq},"clientseq":1,"parameters":{parameters}}}'


def opened(id: str) -> str:
    media = '{"type":"audio","format":"PCMU","channels":["external"],"rate":8000}'
    return message(id, "opened", 1, f'{{"startPaused":false,"media":[{media}]}}')


# How a call ends.


async def test_hanging_up_is_a_proper_end():
    async with answered() as (call, bot):
        await call.wait(2)
        await call.hang_up()
        result = await call.result()
        assert call.snapshot() == result
    assert [event for event in bot.events if isinstance(event, CloseRequested)] == [CloseRequested("end")]
    assert bot.events[-1] == Finished(clean=True)
    assert not bot.of(Tolerated)
    assert (result.outcome, result.reason, result.ok) == ("hangup", "end", True)
    assert result.sent_seconds == 2.0
    assert result.messages["sent"] == {"open": 1, "audio": 10, "ping": 2, "close": 1}
    assert result.messages["received"] == {"opened": 1, "pong": 2, "closed": 1}
    assert result.duration == pytest.approx(2, abs=0.05)


async def test_the_bot_ends_the_call_with_its_output():
    def end(bot: Bot, event: Event) -> None:
        if isinstance(event, DtmfReceived):
            bot.session.disconnect("completed", "done", {"intent": "agent"})

    async with answered(end, delay=0.02) as (call, bot):
        bot.send(ramp(30_000))
        await call.dtmf("1")
        assert await call.play(ramp(80_000)) < 1
        with pytest.raises(CallEnded):
            await call.play(ramp(10))
        with pytest.raises(CallEnded):
            await call.say("too late")
        with pytest.raises(CallEnded):
            await call.dtmf("1")
        result = await call.result()
    assert (result.outcome, result.reason, result.info) == ("completed", "completed", "done")
    assert result.output == {"intent": "agent"}
    assert result.ok
    assert result.opened_ms == 40.0
    assert result.rtt_ms is None
    assert bot.events[-1] == Finished(clean=True)


async def test_keys_stop_with_the_call():
    def end(bot: Bot, event: Event) -> None:
        if isinstance(event, DtmfReceived):
            bot.session.disconnect("completed")

    async with answered(end) as (call, bot):
        await call.dtmf("123")
    assert len(bot.of(DtmfReceived)) == 1


async def test_the_last_words_of_an_ended_call_can_still_be_listened_to():
    async with answered() as (call, bot):
        bot.send(ramp(1_600))
        await call.wait(1)
        bot.session.disconnect("completed")
        bot.flush()
        await call.result()
        assert (await call.listen()).audio == ramp(1_600)
        with pytest.raises(CallEnded):
            await call.listen()


async def test_an_exception_hangs_up_too():
    bot = Bot()
    call = call_to(bot)
    with pytest.raises(ZeroDivisionError):
        async with call:
            _ = 1 / 0
    assert bot.events[-1] == Finished(clean=True)
    assert call.snapshot().outcome == "hangup"


async def test_being_cancelled_hangs_up_too():
    bot = Bot()
    call = call_to(bot)

    async def talk() -> None:
        async with call:
            await call.play(ramp(800_000))

    task = asyncio.create_task(talk())
    await bot.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bot.events[-1] == Finished(clean=True)
    assert (await call.result()).outcome == "hangup"


@pytest.mark.parametrize("reason", ["error", "unauthorized"])
async def test_a_bot_that_gives_up_in_mid_call(reason):
    async with answered() as (call, bot):
        bot.session.disconnect(reason, "out of order")
        bot.flush()
        assert await call.play(ramp(8_000)) < 1
        result = await call.result()
    assert (result.outcome, result.reason, result.info, result.ok) == (reason, reason, "out of order", False)


async def test_a_server_that_breaks_the_protocol_is_closed_with_an_error():
    async with answered() as (call, bot):
        bot.link.connection._wire.send("{")
        await call.wait(60)
        result = await call.result()
    assert bot.of(CloseRequested) == [CloseRequested("error")]
    assert result.outcome == "error"
    assert [(fault.code, fault.fatal) for fault in result.violations] == [(400, True)]
    assert result.reason == result.violations[0].rule
    assert not result.ok


async def test_a_fault_that_does_not_end_the_call_still_counts():
    server = Mute(closes=True)
    call = call_to(Bot(), dial=server.dial)
    server.says = (opened(call.session.id), message(call.session.id, "pong", 2))
    async with call:
        await call.wait(0.5)
    result = call.snapshot()
    assert result.outcome == "hangup"
    assert [(fault.code, fault.fatal) for fault in result.violations] == [(409, False)]
    assert not result.ok


async def test_a_socket_that_closes_too_early_is_a_loss():
    async with answered() as (call, bot):
        bot.link.connection.abort()
        assert await call.play(ramp(8_000)) < 1
        result = await call.result()
    assert (result.outcome, result.reason) == ("lost", "the socket closed before the session did")


async def test_a_server_that_never_closes_is_given_ten_seconds():
    server = Mute()
    call = call_to(Bot(), dial=server.dial)
    server.says = (opened(call.session.id),)
    async with call:
        start = asyncio.get_running_loop().time()
        await call.hang_up()
    assert asyncio.get_running_loop().time() - start == pytest.approx(10, abs=0.1)
    result = call.snapshot()
    assert result.outcome == "error"
    assert [fault.code for fault in result.violations] == [408]
    assert server.end is not None


async def test_a_server_that_no_longer_answers_pings_is_given_up():
    server = Mute()
    call = call_to(Bot(), dial=server.dial)
    server.says = (opened(call.session.id),)
    async with call:
        assert await call.play(ramp(800_000)) == pytest.approx(6, abs=0.1)
    result = call.snapshot()
    assert result.outcome == "error"
    assert result.violations[0].rule == "no pong to the last ping"


async def test_a_call_cancelled_while_it_leaves_drops_its_socket():
    server = Mute()
    call = call_to(Bot(), dial=server.dial)
    server.says = (opened(call.session.id),)

    async def talk() -> None:
        async with call:
            pass

    task = asyncio.create_task(talk())
    await server.closing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert server.end == 1006


# Calls that never begin.


async def test_a_refused_upgrade_raises():
    bot = Bot()
    bot.reception.draining = True
    call = call_to(bot)
    with pytest.raises(UpgradeRejected, match="503"):
        async with call:
            pass
    result = await call.result()
    assert (result.outcome, result.ok) == ("refused", False)
    assert result.reason == "the server refused the WebSocket upgrade: HTTP 503"
    assert [event async for event in call.events()] == []


@pytest.mark.parametrize(("reason", "outcome"), [("error", "refused"), ("unauthorized", "unauthorized")])
async def test_a_refused_session_raises_and_is_closed_properly(reason, outcome):
    bot = Bot(answer=Decline(reason, "not you"))
    call = call_to(bot, delay=0.05)
    with pytest.raises(SessionRejected, match="not you"):
        async with call:
            pass
    result = call.snapshot()
    assert (result.outcome, result.reason, result.info) == (outcome, reason, "not you")
    assert result.messages["received"] == {"disconnect": 1, "closed": 1}


async def test_a_server_that_does_not_answer_open_in_time():
    server = Mute()
    start = asyncio.get_running_loop().time()
    with pytest.raises(SessionFailed, match="408"):
        async with call_to(Bot(), dial=server.dial):
            pass
    assert asyncio.get_running_loop().time() - start == pytest.approx(15, abs=0.1)


async def test_a_server_that_answers_open_wrongly():
    server = Mute()
    call = call_to(Bot(), dial=server.dial)
    server.says = (opened(call.session.id).replace('"seq":1', '"seq":2'),)
    with pytest.raises(SessionFailed, match="sequence"):
        async with call:
            pass
    assert call.snapshot().outcome == "error"


async def test_a_server_that_hangs_up_before_it_answers():
    class Rude(Mute):
        def received(self, data):
            self.wire.close(1000)

    call = call_to(Bot(), dial=Rude().dial)
    with pytest.raises(ConnectionLost, match="before it answered"):
        async with call:
            pass
    assert call.snapshot().outcome == "lost"


async def test_nobody_there(tmp_path):
    async def dial(connection: Connection) -> None:
        connection.session.open()
        await call.wait(1)
        raise ConnectionLost("cannot connect")

    call = call_to(Bot(), dial=dial, record=tmp_path / "call.wav")
    with pytest.raises(ConnectionLost):
        async with call:
            pass
    result = call.snapshot()
    assert (result.outcome, result.reason, result.duration) == ("lost", "cannot connect", 0.0)
    assert not (tmp_path / "call.wav").exists()


async def test_a_call_cancelled_while_it_is_placed():
    server = Mute()
    call = call_to(Bot(), dial=server.dial)

    async def talk() -> None:
        async with call:
            pytest.fail("there is no session")

    task = asyncio.create_task(talk())
    await server.greeted.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len([data for data in server.heard if '"type":"close"' in data]) == 1


async def test_a_probe_is_answered_and_closed_without_audio():
    bot = Bot()
    async with call_to(bot, probe=True) as call:
        result = await call.result()
    assert bot.opens[0].is_probe
    assert not bot.begun.is_set()
    assert result.outcome == "hangup"
    assert result.messages == {"sent": {"open": 1, "close": 1}, "received": {"opened": 1, "closed": 1}}
    assert result.sent_seconds == 0.0


async def test_a_server_that_does_not_let_go_of_the_socket_is_dropped():
    server = Mute(closes=True)
    call = call_to(Bot(), dial=server.dial)
    server.says = (opened(call.session.id),)
    async with call:
        call.link.connection._wire.close = lambda: None
        start = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - start == pytest.approx(1, abs=0.1)
    assert server.end == 1006
