"""A bot with the default engines that answers each turn in its own words: duplex_bot.py PORT FILE.

Once a second FILE gets, as JSON, what the engines have cost so far: seconds of CPU by kind of work, and seconds that
work has waited for a thread. What the event loop costs is what is left of the process's own time.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

from offhook import Bot, Call
from offhook.session.collector import settle
from offhook.session.reception import Reception
from offhook.session.server import Server
from offhook.speech import pool as pools
from offhook.speech.utterance import finish, transcribe


class CountingPool(pools.Pool):
    """The pool of the engines, with accounts. All that is not recognition is synthesis: loading was before."""

    def __init__(self) -> None:
        super().__init__()
        self.cpu = {"recognise": 0.0, "speak": 0.0}
        self.waited = 0.0
        self.pieces = 0

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        kind = "recognise" if function in (transcribe, finish) else "speak"
        return super().submit(self._counted, kind, time.perf_counter(), function, *args, **kwargs)

    def _counted(self, kind: str, asked: float, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        began = time.thread_time()
        self.waited += time.perf_counter() - asked
        self.pieces += 1
        try:
            return function(*args, **kwargs)
        finally:
            self.cpu[kind] += time.thread_time() - began


async def main() -> None:
    bot = Bot("duplex")

    @bot.handler
    async def answer(call: Call) -> None:
        await call.say("Hello, how can I help?")
        async for turn in call.turns():
            await call.say(f"You said: {turn.text}")

    await bot.load()
    pool = CountingPool()
    pools.shared = lambda: pool
    async with Server(Reception(bot), port=int(sys.argv[1])):
        settle()
        print("ready", flush=True)
        path = Path(sys.argv[2])
        while True:
            await asyncio.sleep(1.0)
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps({"cpu": pool.cpu, "waited": pool.waited, "pieces": pool.pieces}))
            fresh.replace(path)


if __name__ == "__main__":
    uvloop.run(main())
