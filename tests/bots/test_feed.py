"""A queue with an end."""

from __future__ import annotations

import asyncio

import pytest

from offhook.bots.feed import Feed
from offhook.errors import CallEnded


async def test_what_waits_at_the_end_can_still_be_read() -> None:
    feed: Feed[int] = Feed()
    feed.put(1)
    feed.put(2)
    feed.end()
    assert [item async for item in feed.read()] == [1, 2]
    with pytest.raises(CallEnded):
        await feed.next()


async def test_the_end_wakes_all_who_wait() -> None:
    feed: Feed[int] = Feed()
    waiting = [asyncio.create_task(feed.next()) for _ in range(3)]
    await asyncio.sleep(0)
    feed.put(7)
    feed.end()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert sorted(map(str, done)) == ["7", "the call is over", "the call is over"]


async def test_a_full_one_loses_the_oldest_and_says_so() -> None:
    feed: Feed[int] = Feed(2)
    assert [feed.put(item) for item in range(3)] == [True, True, False]
    feed.end()
    assert [item async for item in feed.read()] == [1, 2]


async def test_what_is_given_back_comes_first_and_what_is_cleared_never() -> None:
    feed: Feed[int] = Feed()
    feed.put(9)
    feed.clear()
    feed.put(3)
    feed.put_back([1, 2])
    assert [await feed.next() for _ in range(3)] == [1, 2, 3]
