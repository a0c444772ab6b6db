"""How long does a platform wait for `opened` while the bot takes its time? Milliseconds from `open` to `opened`.

Bot and platform run in one process and meet over loopback sockets, so each waits for the other's work too: what is
measured is more than the bot's share. "start takes 10 s" has a handler that waits so long before its first word,
"engines take 10 s" one whose speech engines take so long to load in the pool.

Run: python benchmarks/opened.py [--sessions 1000] [--at-once 20] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import uvloop

from offhook import Bot, Call, Engines, connect
from offhook.session.reception import Reception
from offhook.session.server import Server
from offhook.speech.engines import VoiceActivity


async def echo(call: Call) -> None:
    async for audio in call.audio():
        call.send(audio)


async def slow(call: Call) -> None:
    await asyncio.sleep(10)
    await echo(call)


async def deaf(call: Call) -> None:
    async for _ in call.turns():
        pass


def load_slowly() -> VoiceActivity:
    time.sleep(10)
    raise RuntimeError("the benchmark is over by then")


async def measure(handler: Callable[[Call], Awaitable[None]], sessions: int, at_once: int) -> list[float]:
    """Milliseconds of each session, some of them at a time."""
    bot = Bot(engines=Engines(vad=load_slowly), preload=False)
    bot.handler(handler)
    room = asyncio.Semaphore(at_once)

    async def one(uri: str) -> float:
        async with room, connect(uri) as call:
            await call.wait(0.1)
            await call.hang_up()
            opened_ms = (await call.result()).opened_ms
        assert opened_ms is not None
        return opened_ms

    async with Server(Reception(bot)) as server:
        uri = f"ws://127.0.0.1:{server.port}/bot"
        times = await asyncio.gather(*(one(uri) for _ in range(sessions)))
    await bot.quiet()
    return list(times)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    logging.disable()
    kinds = {"echo": echo, "start takes 10 s": slow, "engines take 10 s": deaf}
    rows = {}
    for name, handler in kinds.items():
        times = uvloop.run(measure(handler, given.sessions, given.at_once))
        cuts = statistics.quantiles(times, n=100)
        rows[name] = {"p50": cuts[49], "p99": cuts[98], "max": max(times)}
    if given.json:
        print(json.dumps(rows))
    else:
        print(f"{'ms from open to opened':<24}{'p50':>8}{'p99':>8}{'max':>8}    {given.sessions} sessions each")
        for name, row in rows.items():
            print(f"{name:<24}" + "".join(f"{value:>8.2f}" for value in row.values()))
    sys.stdout.flush()
    os._exit(0)  # threads that still sleep for "engines take 10 s" are not waited for


if __name__ == "__main__":
    main()
