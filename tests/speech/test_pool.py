"""The pool: work off the loop, streams with bounded read-ahead, and no thread or iterator left behind."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator

import pytest

from offhook.speech.pool import Pool, Stream, _quota, available_cores, share, shared

SOON = 10.0


@pytest.fixture
def pool() -> Iterator[Pool]:
    """One thread, so that work is done in the order in which it is handed in."""
    pool = Pool(1)
    yield pool
    pool.close()


async def settle(pool: Pool) -> None:
    """Until all steps that follow from each other are done."""
    for _ in range(8):
        await pool.run(int)


async def test_work_runs_beside_the_loop(pool: Pool) -> None:
    assert await pool.run(threading.get_ident) != threading.get_ident()
    assert await pool.run("{}-{a}".format, 1, a=2) == "1-2"


async def test_an_exception_arrives_where_the_result_would(pool: Pool) -> None:
    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 // 0)
    assert await pool.run(int) == 0, "the thread lives on"


async def test_no_more_threads_than_asked_for() -> None:
    pool = Pool(3)
    meet = threading.Barrier(3)
    assert len({await future for future in [pool.submit(lambda: meet.wait(SOON)) for _ in range(3)]}) == 3
    await asyncio.gather(*(pool.run(int) for _ in range(20)))
    threads = [thread for thread in threading.enumerate() if thread in pool._threads]
    assert len(threads) == 3
    assert all(thread.name.startswith("offhook-speech-") for thread in threads)
    pool.close()
    assert await asyncio.to_thread(pool.join, SOON)
    assert not any(thread.is_alive() for thread in threads)
    with pytest.raises(RuntimeError, match="closed"):
        await pool.run(int)


async def test_cancelled_work_that_has_not_begun_is_not_done(pool: Pool) -> None:
    gate = threading.Event()
    done: list[int] = []
    first = pool.submit(gate.wait, SOON)
    second = pool.submit(done.append, 1)
    second.cancel()
    for _ in range(2):  # the loop passes a cancellation on in its next round
        await asyncio.sleep(0)
    gate.set()
    assert await first
    await pool.run(int)
    assert done == []


async def test_a_cancelled_caller_leaves_at_once(pool: Pool) -> None:
    gate = threading.Event()
    waiting = asyncio.ensure_future(pool.run(gate.wait, SOON))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.set()


async def test_busy_means_that_new_work_would_wait(pool: Pool) -> None:
    assert not pool.busy
    gate = threading.Event()
    work = pool.submit(gate.wait, SOON)
    assert pool.busy
    gate.set()
    await work


async def test_a_stream_yields_all_in_order(pool: Pool) -> None:
    assert [item async for item in pool.stream(lambda: iter(range(100)))] == list(range(100))


async def test_a_stream_ends_once_and_stays_ended(pool: Pool) -> None:
    stream = pool.stream(lambda: iter([1]))
    assert [item async for item in stream] == [1]
    assert [item async for item in stream] == []


async def test_a_stream_raises_after_the_items_before_the_error(pool: Pool) -> None:
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("no more")

    stream = pool.stream(broken)
    assert [await anext(stream), await anext(stream)] == [1, 2]
    with pytest.raises(ValueError, match="no more"):
        await anext(stream)
    assert [item async for item in stream] == []


async def test_a_factory_that_raises_is_an_error_of_the_stream(pool: Pool) -> None:
    def broken() -> Iterator[int]:
        raise ValueError("no iterator")

    with pytest.raises(ValueError, match="no iterator"):
        await anext(pool.stream(broken))


class Counting:
    """An endless iterator that knows how far it was read, and whether it was closed."""

    def __init__(self) -> None:
        self.read = 0
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[int]:
        try:
            while True:
                self.read += 1
                yield self.read
        finally:
            self.closed.set()


async def test_reading_ahead_is_bounded_and_holds_no_thread(pool: Pool) -> None:
    source = Counting()
    stream = pool.stream(lambda: iter(source), ahead=3)
    assert await anext(stream) == 1
    await settle(pool)  # this runs in the only thread while nobody reads the stream
    assert source.read == 4
    assert await anext(stream) == 2
    await settle(pool)
    assert source.read == 5
    await stream.aclose()


async def test_a_closed_stream_closes_its_iterator(pool: Pool) -> None:
    source = Counting()
    stream = pool.stream(lambda: iter(source))
    await anext(stream)
    await stream.aclose()
    assert await asyncio.to_thread(source.closed.wait, SOON)
    assert [item async for item in stream] == []
    await stream.aclose()


async def test_closing_does_not_wait_for_a_step_that_hangs() -> None:
    pool, gate, closed = Pool(2), threading.Event(), threading.Event()
    begun = threading.Event()

    def hanging() -> Iterator[int]:
        try:
            begun.set()
            gate.wait(SOON)
            yield 1
        finally:
            closed.set()

    stream = pool.stream(hanging)
    reader = asyncio.ensure_future(anext(stream))
    assert await asyncio.to_thread(begun.wait, SOON)
    reader.cancel()
    await stream.aclose()
    await asyncio.gather(pool.run(int), pool.run(int))  # no thread is stuck in closing
    assert not closed.is_set()
    gate.set()
    assert await asyncio.to_thread(closed.wait, SOON)
    pool.close()


async def test_a_stream_that_is_dropped_leaves_nothing_behind(pool: Pool) -> None:
    source = Counting()
    stream = pool.stream(lambda: iter(source))
    await anext(stream)
    await settle(pool)
    gone = weakref.ref(stream)
    del stream
    gc.collect()
    assert gone() is None
    assert source.closed.is_set()


async def test_a_stream_of_a_closed_pool_can_still_be_closed() -> None:
    pool = Pool(1)
    stream: Stream[int] = pool.stream(lambda: iter(range(10)))
    await anext(stream)
    await settle(pool)
    pool.close()
    await stream.aclose()


def test_the_pool_is_one_for_the_process_and_as_wide_as_the_machine() -> None:
    assert shared() is shared()
    assert shared()._limit == available_cores() >= 1


async def test_closing_may_abandon_what_has_not_begun() -> None:
    pool, gate, begun = Pool(1), threading.Event(), threading.Event()
    done: list[int] = []

    def work() -> None:
        begun.set()
        gate.wait(SOON)

    first = pool.submit(work)
    pool.submit(done.append, 1)
    assert await asyncio.to_thread(begun.wait, SOON)
    pool.close(abandon=True)
    assert not pool.join(0)
    gate.set()
    await first
    assert await asyncio.to_thread(pool.join, SOON)
    assert done == []


def test_work_under_way_may_end_before_the_interpreter_does() -> None:
    program = """
import asyncio, threading, time
from offhook.speech.pool import _quota, share, shared

async def main():
    begun = threading.Event()
    def work():
        begun.set()
        time.sleep(0.2)
        print("done", flush=True)
    task = asyncio.ensure_future(shared().run(work))
    await asyncio.to_thread(begun.wait)

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, timeout=20, capture_output=True)
    assert done.stdout == b"done\n"


@pytest.mark.parametrize("state", ["running", "waiting"])
def test_the_interpreter_exits_while_an_engine_hangs(state: str) -> None:
    program = f"""
import asyncio, threading
from offhook.speech import pool
from offhook.speech.pool import _quota, share, shared

pool.EXIT_PATIENCE = 0.1

async def main():
    begun = threading.Event()
    def hang():
        begun.set()
        threading.Event().wait(60)
    task = asyncio.ensure_future(shared().run({"hang" if state == "running" else "int"}))
    await (asyncio.to_thread(begun.wait) if {state == "running"} else task)
    task.cancel()

asyncio.run(main())
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=20)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000"}, 1.5),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_the_quota_of_a_container_is_read(tmp_path, files, cores):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert _quota(tmp_path) == cores


def test_the_shared_pool_can_be_given_fewer_threads(monkeypatch):
    monkeypatch.setattr("offhook.speech.pool._pools", {})
    share(1)
    assert not shared().busy
    assert shared()._limit == 1
