"""A line that is spoiled, and what both ends make of it."""

from __future__ import annotations

import asyncio
import random

import pytest

from offhook.connector import connect
from offhook.errors import OffhookError
from offhook.protocol import CONNECTOR
from offhook.session.listen import listen
from offhook.testing.faults import Fault, FaultProxy
from offhook.testing.misbehaving.flaw import FlawedReception
from offhook.testing.misbehaving.kinds import Deaf


async def through(fault: Fault, data: bytes) -> bytes:
    """What comes back of some data from an echo behind the proxy."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while got := await reader.read(5):
            writer.write(got)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with FaultProxy("127.0.0.1", port, draw=lambda _: fault) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(data)
        writer.write_eof()
        try:
            back = await asyncio.wait_for(reader.read(-1), 10)
        except OSError:
            back = b""
        writer.close()
        assert proxy.faults == [fault]
    server.close()
    return back


@pytest.mark.parametrize(
    "fault", [Fault(), Fault(delay=0.005), Fault(rate=50_000), Fault(split=1), Fault(split=7, delay=0.001)]
)
async def test_no_byte_is_changed(fault: Fault) -> None:
    data = random.Random(1).randbytes(3000)
    assert await through(fault, data) == data


@pytest.mark.parametrize("end", ["cut", "half-close"])
async def test_it_ends_connections(end: str) -> None:
    back = await through(Fault(split=1, ends_after=1000, end=end), bytes(3000))  # type: ignore[arg-type]
    assert len(back) < 3000


def test_faults_are_drawn_from_a_seed() -> None:
    first, second = ([Fault.draw(random.Random(seed)) for seed in range(50)] for _ in range(2))
    assert first == second
    assert len(set(first)) > 20


async def test_hundreds_of_sessions_on_bad_lines_leave_nothing_behind() -> None:
    """Real sockets; the rest of the ten thousand runs in memory: see test_soak."""
    reception = FlawedReception(CONNECTOR, Deaf(lambda *_: False), None)
    server = await listen(reception.accept, "127.0.0.1", 0)
    room, empty = asyncio.Semaphore(40), asyncio.Event()
    reception.on_empty = empty.set

    async def one(port: int, seed: int) -> str:
        source = random.Random(seed)
        async with room:
            try:
                async with asyncio.timeout(20), connect(f"ws://127.0.0.1:{port}/bot", timeout=2.0) as call:
                    await call.wait(source.choice((0.02, 0.1, 0.2)))
                    if source.random() < 0.5:
                        await call.dtmf("12")
                    await call.hang_up()
                    return (await call.result()).outcome
            except OffhookError as error:
                return type(error).__name__

    async with FaultProxy("127.0.0.1", server.port, seed=3) as proxy:
        outcomes = await asyncio.gather(*(one(proxy.port, seed) for seed in range(300)))
    assert len(outcomes) == 300
    assert outcomes.count("hangup") > 60
    async with connect(f"ws://127.0.0.1:{server.port}/bot") as call:
        await call.hang_up()
        assert (await call.result()).outcome == "hangup"
    server.close()
    if reception.links:  # sessions whose socket has just gone
        await asyncio.wait_for(empty.wait(), 15)
    await server.wait_closed()
