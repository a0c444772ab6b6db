"""One process of a load in virtual time: the schedule of calls, their ends, and what is told."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.testing.load.memory import Partner, Ran, ran

from offhook.errors import ConnectionLost
from offhook.session.memory import join
from offhook.session.wire import Wire
from offhook.testing.load.call import Line
from offhook.testing.load.generator import over_socket
from offhook.testing.load.plan import Plan

pytestmark = pytest.mark.virtual_time


async def test_calls_begin_by_the_ramp_and_last_alike() -> None:
    run = await ran(calls=20, ramp=4.0, seconds=5.0)
    assert [row.number for row in run.rows] == list(range(20))
    assert [row.at for row in run.rows] == pytest.approx([number / 4 for number in range(20)], abs=0.01)
    assert [row.seconds for row in run.rows] == pytest.approx([9.75 + 0.02] * 20, abs=0.02)
    assert {row.outcome for row in run.rows} == {"hangup"}
    assert run.whole.placed == run.whole.opened == run.whole.closed == run.whole.over == 20


async def test_every_second_is_told_once() -> None:
    run = await ran(calls=4, ramp=1.0, seconds=4.0)
    assert [second for second, _ in run.seconds] == list(range(len(run.seconds)))
    assert [tally.placed for _, tally in run.seconds][:5] == [1, 1, 1, 1, 0]


async def test_each_process_has_its_share() -> None:
    plan = Plan(uri="ws://127.0.0.1:1/x", calls=5, ramp=10.0, seconds=1.0, processes=2)
    run = Ran(plan)
    await run.generator.run()
    assert [row.number for row in run.rows] == [0, 2, 4]
    assert [row.at for row in run.rows] == pytest.approx([0.0, 0.2, 0.4], abs=0.01)


async def test_short_calls_follow_each_other() -> None:
    run = await ran(calls=2, ramp=2.0, seconds=10.0, call_seconds=1.0)
    assert 18 <= len(run.rows) <= 22
    assert {row.outcome for row in run.rows} == {"hangup"}


async def test_a_call_that_the_server_ends_is_followed_by_another() -> None:
    def end_soon(partner: Partner) -> None:
        def end() -> None:
            partner.session.disconnect("completed")
            partner.connection.flush()

        asyncio.get_running_loop().call_later(2.0, end)

    run = await ran(end_soon, calls=1, seconds=7.0)
    assert [row.outcome for row in run.rows] == ["completed", "completed", "completed", "hangup"]
    assert run.whole.completed == 3
    assert run.whole.failed == 0


async def test_one_that_ends_at_once_is_no_storm() -> None:
    def end_at_once(partner: Partner) -> None:
        def end() -> None:
            partner.session.disconnect("completed")
            partner.connection.flush()

        asyncio.get_running_loop().call_later(0.05, end)

    run = await ran(end_at_once, calls=1, seconds=10.0)
    assert len(run.rows) <= 11


async def test_a_failed_one_is_not_followed() -> None:
    run = await ran(lambda partner: partner.connection.abort(), calls=3, seconds=5.0)
    assert len(run.rows) == 3
    assert run.whole.failures == {"the server closed the socket before `opened`": 3}


async def test_stopped_it_hangs_up_properly() -> None:
    plan = Plan(uri="ws://127.0.0.1:1/x", calls=100, ramp=10.0, seconds=60.0, talk="echo")
    run = Ran(plan)
    running = asyncio.create_task(run.generator.run())
    await asyncio.sleep(3.05)
    run.generator.stop()
    await running
    assert asyncio.get_running_loop().time() < 5.0
    assert run.whole.placed == 31
    assert {row.outcome for row in run.rows} == {"hangup"}
    assert run.whole.missing == 0


class Stubborn:
    """A receiver that answers `open` and nothing else."""

    def connected(self, wire: Wire) -> None:
        self.wire = wire

    def received(self, data: str | bytes) -> None:
        if isinstance(data, str) and (message := json.loads(data))["type"] == "open":
            answer = {"version": "2", "type": "opened", "id": message["id"], "seq": 1, "clientseq": 1}
            parameters = {"startPaused": False, "media": message["parameters"]["media"][:1]}
            self.wire.send(json.dumps(answer | {"parameters": parameters}))

    def lost(self, code: int, reason: str) -> None:
        pass


async def test_a_server_that_does_not_answer_close() -> None:
    class Bad(Ran):
        async def dial(self, line: Line) -> None:
            line.session.open()
            join(line, Stubborn())

    run = Bad(Plan(uri="ws://127.0.0.1:1/x", calls=2, seconds=0.5))
    await run.generator.run()
    assert run.whole.failures == {"408 close transaction timeout": 2}


async def test_a_dialling_that_fails() -> None:
    class Down(Ran):
        async def dial(self, line: Line) -> None:
            raise ConnectionLost("cannot connect")

    run = Down(Plan(uri="ws://127.0.0.1:1/x", calls=3))
    await run.generator.run()
    assert run.whole.failures == {"cannot connect": 3}
    assert (run.whole.opened, run.whole.over) == (0, 3)


def test_certificates_are_read_once() -> None:
    assert over_socket(Plan(uri="wss://localhost/x", insecure=True))
