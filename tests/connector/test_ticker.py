"""The clock of the calls: on time, without drift, shared, and gone when nobody needs it."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import time
import weakref

import pytest
import uvloop

from offhook.connector.ticker import PERIOD, Ticker
from offhook.testing.clock import VirtualLoop

virtual = pytest.mark.virtual_time


class Watch:
    """Counts ticks and lets a test wait for them."""

    def __init__(self, ticker: Ticker, until: int) -> None:
        self.ticker = ticker
        self.until = until
        self.times: list[float] = []
        self.lags: list[float] = []
        self.done = asyncio.Event()
        ticker.add(self.tick)

    def tick(self, lag: float) -> None:
        self.times.append(asyncio.get_running_loop().time())
        self.lags.append(lag)
        if len(self.times) == self.until:
            self.ticker.remove(self.tick)
            self.done.set()


@virtual
async def test_ticks_come_on_a_grid_that_never_drifts():
    start = asyncio.get_running_loop().time()
    watch = Watch(Ticker(), 45_000)  # a quarter of an hour
    await watch.done.wait()
    assert watch.times[0] == pytest.approx(start + PERIOD)
    assert watch.times[-1] == pytest.approx(start + 45_000 * PERIOD, abs=1e-6)
    assert max(watch.lags) < 1e-6


@virtual
async def test_after_a_lag_what_has_arrived_is_read_between_the_ticks_that_catch_up():
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    read_after: list[int] = []

    def read() -> None:
        ours.recv(1)
        read_after.append(len(watch.times))

    class Blocked(Watch):
        def tick(self, lag: float) -> None:
            super().tick(lag)
            if len(self.times) == 5:
                loop.jump(0.3)
                theirs.send(b"!")

    start = loop.time()
    watch = Blocked(Ticker(), 30)
    loop.add_reader(ours, read)
    await watch.done.wait()
    loop.remove_reader(ours)
    ours.close()
    theirs.close()
    assert watch.times[5:20] == [pytest.approx(start + 5 * PERIOD + 0.3)] * 15
    assert watch.lags[5] == pytest.approx(0.28)
    assert read_after[0] <= 6
    assert watch.lags[21] == pytest.approx(0, abs=1e-6)
    assert watch.times[-1] == pytest.approx(start + 30 * PERIOD), "back on the grid"


@pytest.mark.parametrize("factory", [uvloop.new_event_loop, asyncio.SelectorEventLoop])
def test_real_loops_keep_the_grid_through_a_block(factory):
    async def main() -> tuple[float, Watch]:
        start = asyncio.get_running_loop().time()
        watch = Watch(Ticker(), 15)
        asyncio.get_running_loop().call_soon(time.sleep, 0.1)
        await watch.done.wait()
        return start, watch

    with asyncio.Runner(loop_factory=factory) as runner:
        start, watch = runner.run(main())
    assert watch.lags[0] >= 0.07
    assert watch.times[-1] - start >= 15 * PERIOD - 0.002


@virtual
async def test_calls_of_one_loop_share_a_ticker_that_rests_when_unused():
    ticker = Ticker.of_loop()
    assert Ticker.of_loop() is ticker
    assert not ticker.running
    first, second = Watch(ticker, 3), Watch(ticker, 5)
    await second.done.wait()
    assert len(first.times) == 3
    assert first.times == second.times[:3]
    assert not ticker.running
    assert ticker.lag < 1e-6


def test_a_loop_takes_its_ticker_with_it():
    async def main() -> None:
        await Watch(Ticker.of_loop(), 2).done.wait()

    loop = VirtualLoop()
    loop.run_until_complete(main())
    loop.close()
    gone = weakref.ref(loop)
    del loop
    gc.collect()
    assert gone() is None


@virtual
async def test_subscribers_may_leave_each_other_within_a_tick():
    ticker = Ticker()
    calls: list[str] = []
    done = asyncio.Event()

    def first(lag: float) -> None:
        calls.append("first")
        ticker.remove(second)
        ticker.remove(first)
        done.set()

    def second(lag: float) -> None:
        calls.append("second")

    ticker.add(first)
    ticker.add(second)
    await done.wait()
    assert calls == ["first"]
    assert not ticker.running


@virtual
async def test_one_that_fails_is_dropped_and_the_others_go_on(caplog):
    ticker = Ticker()

    def broken(lag: float) -> None:
        raise ValueError("broken")

    ticker.add(broken)
    watch = Watch(ticker, 3)
    with caplog.at_level(logging.ERROR):
        await watch.done.wait()
    assert len(caplog.records) == 1
    assert not ticker.running


@virtual
async def test_calls_begin_with_the_next_ticks_and_are_spread_over_two_of_them():
    loop = asyncio.get_running_loop()
    first = Watch(Ticker.soon(), 50)
    for wait in (0.021, 0.012, 0.016, 0.012):  # not when the first is among the next two
        await asyncio.sleep(wait)
        now = loop.time()
        pair = [Watch(Ticker.soon(), 1), Watch(Ticker.soon(), 1)]
        assert pair[0].ticker is not pair[1].ticker
        for watch in pair:
            await watch.done.wait()
            assert 0 < watch.times[0] - now <= 0.0101
            behind = (watch.times[0] - first.times[0]) % 0.005
            assert min(behind, 0.005 - behind) < 1e-6
    await first.done.wait()
    assert not first.ticker.running
