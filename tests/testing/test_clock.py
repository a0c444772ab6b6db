from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from offhook.testing import clock
from offhook.testing.clock import Stalled, VirtualLoop

virtual = pytest.mark.virtual_time


def test_an_hour_passes_at_once() -> None:
    async def main() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert clock.run(main()) == pytest.approx(3600)
    assert time.monotonic() - began < 5


@virtual
async def test_tests_run_on_it_if_marked_so() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    assert loop.time() == 0.0


@virtual
async def test_timers_fire_in_their_order_each_at_its_own_time() -> None:
    loop, fired = asyncio.get_running_loop(), []
    for delay in (5.0, 0.5, 3600.0, 0.0, 2.5, 0.5):
        loop.call_later(delay, lambda delay=delay: fired.append((delay, loop.time())))
    await asyncio.sleep(4000)
    assert [delay for delay, _ in fired] == [0.0, 0.5, 0.5, 2.5, 5.0, 3600.0]
    assert [at for _, at in fired] == pytest.approx([delay for delay, _ in fired])


@virtual
async def test_tasks_interleave_as_they_would() -> None:
    steps: list[str] = []

    async def walk(name: str, pace: float) -> None:
        for step in range(3):
            await asyncio.sleep(pace)
            steps.append(f"{name}{step}")

    await asyncio.gather(walk("a", 1.0), walk("b", 1.4))
    assert steps == ["a0", "b0", "a1", "b1", "a2", "b2"]


@virtual
async def test_timeouts_count_virtual_seconds() -> None:
    loop = asyncio.get_running_loop()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(100):
            await asyncio.Event().wait()
    assert loop.time() == pytest.approx(100)


@virtual
async def test_a_cancelled_timer_does_not_move_the_clock() -> None:
    loop = asyncio.get_running_loop()
    loop.call_later(1000, lambda: None).cancel()
    await asyncio.sleep(1)
    assert loop.time() == pytest.approx(1)


@virtual
async def test_while_a_thread_works_the_clock_stands_still() -> None:
    loop = asyncio.get_running_loop()
    entered, leave, fired = asyncio.Event(), threading.Event(), []

    def work() -> str:
        loop.call_soon_threadsafe(entered.set)
        assert leave.wait(10)
        return "done"

    loop.call_later(60, fired.append, "too early")
    future = asyncio.ensure_future(asyncio.to_thread(work))
    await entered.wait()
    assert (loop.time(), fired) == (0.0, [])
    leave.set()
    assert await future == "done"
    assert (loop.time(), fired) == (0.0, [])
    await asyncio.sleep(61)
    assert fired == ["too early"]


@virtual
async def test_threads_of_any_executor_are_waited_for() -> None:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(2) as pool:
        results = await asyncio.gather(*(loop.run_in_executor(pool, pow, 2, power) for power in range(20)))
    assert results == [2**power for power in range(20)]
    assert loop.time() == 0.0


@virtual
async def test_a_thread_that_fails_is_not_waited_for_for_ever() -> None:
    loop = asyncio.get_running_loop()
    with pytest.raises(ZeroDivisionError):
        await loop.run_in_executor(None, lambda: 1 // 0)
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(RuntimeError):
        loop.run_in_executor(pool, print)
    assert isinstance(loop, VirtualLoop)
    assert loop.busy_threads == 0
    await asyncio.sleep(5)
    assert loop.time() == pytest.approx(5)


def test_threads_are_joined_at_the_end() -> None:
    """The thread that joins them is nobody's future: without a word about it, the loop would look stalled."""

    async def main() -> int:
        return await asyncio.to_thread(threading.get_ident)

    for _ in range(20):
        assert clock.run(main()) != threading.get_ident()


def test_waiting_for_nothing_is_reported() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stalled, match="nothing to wait for"):
        clock.run(main())


def test_every_run_is_the_same() -> None:
    async def main() -> list[float]:
        loop, times = asyncio.get_running_loop(), []

        async def tick(pace: float) -> None:
            for _ in range(50):
                await asyncio.sleep(pace)
                times.append(loop.time())

        await asyncio.gather(*(tick(pace) for pace in (0.02, 0.03, 0.2, 1.0)))
        return times

    assert clock.run(main()) == clock.run(main())
