"""Servers in a thread of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from offhook.testing.threads import LoopThread


def test_what_was_entered_is_left_last_first() -> None:
    left: list[str] = []

    @asynccontextmanager
    async def room(name: str) -> AsyncIterator[str]:
        yield name
        left.append(f"{name} in {threading.current_thread().name}")

    thread = LoopThread()
    assert [thread.enter(room(name)) for name in "ab"] == ["a", "b"]
    thread.close()
    assert left == ["b in offhook-testing", "a in offhook-testing"]


def test_errors_come_out_where_they_were_asked_for() -> None:
    async def fails() -> None:
        raise ValueError("no")

    thread = LoopThread()
    with pytest.raises(ValueError, match="no"):
        thread.run(fails())
    thread.close()


def test_tasks_do_not_outlive_it() -> None:
    cancelled = threading.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def start() -> None:
        tasks.add(asyncio.create_task(forever()))
        await asyncio.sleep(0)

    tasks: set[asyncio.Task[None]] = set()
    thread = LoopThread()
    thread.run(start())
    thread.close()
    assert cancelled.is_set()
