"""Two bots talk to each other through two real AudioHook calls: does anything drift, and does memory grow?

    python benchmarks/two_bots.py [--minutes 60] [--json]

Default engines, real servers, real sockets on loopback, real time. What one bot says is what the other one hears. At
the end, to the sample: the caller's samples on the wire and the bot's position; what each bot's ledger holds for heard
and what was played; what was sent and what was heard; both lanes of the bot's and the platform's recording. "unsent" is
what the platform had captured for the frame under way when the bot ended the call; it is less than a frame. Memory is
that of the process, both bots and both platform sides; it counts from the first sixth of the talk on, when engines and
caches are warm.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path

import uvloop
from rig import judge

from offhook import Bot, connect
from offhook.records.store import CallStore, Keep
from offhook.session.reception import Reception
from offhook.session.server import Server
from offhook.testing.conversation import Drift, OnDisk, Talker, bridge, drift, talker, until_over

ONE = [
    "Good morning, this is the river street book shop.",
    "Your parcel will come on Tuesday at ten.",
    "The driver was here today, but nobody opened the door.",
    "You are welcome. Is there anything else?",
]
TWO = [
    "I am waiting for a book that I ordered.",
    "Could you tell me when it comes?",
    "I was at home all day, and nobody rang the bell.",
    "Thank you very much, that is all.",
]
PATH = "/api/v1/audiohook/ws"
#: Share by which memory may grow and still be called flat.
FLAT = 0.02


def resident() -> float:
    """Megabytes of memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


async def converse(seconds: float, folder: Path) -> tuple[list[Talker], list[Drift], list[tuple[float, int]]]:
    talkers = [talker(Bot("one"), ONE, begins=True), talker(Bot("two"), TWO, begins=False)]
    memory: list[tuple[float, int]] = []
    async with AsyncExitStack() as stack:
        calls = []
        for number, (one, end) in enumerate(zip(talkers, bridge(), strict=True)):
            one.bot.store = CallStore(folder / str(number), Keep(report=False))
            await one.bot.load()
            server = await stack.enter_async_context(Server(Reception(one.bot)))
            call = connect(f"ws://127.0.0.1:{server.port}{PATH}", trace=one.tap)
            call._leg = end  # type: ignore[assignment]
            calls.append(call)
        for number, call in enumerate(calls):
            await stack.enter_async_context(call)
            call.link.recorder = disk = OnDisk(call.link.recorder, folder / f"platform-{number}")
            stack.callback(disk.close)
        for _ in range(60):
            await asyncio.sleep(seconds / 60)
            gc.collect()
            memory.append((resident(), sys.getallocatedblocks()))
        await until_over(calls, talkers)
        for call, one in zip(calls, talkers, strict=True):
            await call.hang_up()
            await one.bot.quiet()
            if one.bot.store is not None:
                one.bot.store.close()
        found = []
        for number, (call, one) in enumerate(zip(calls, talkers, strict=True)):
            (kept,) = (path for path in (folder / str(number)).iterdir() if path.is_dir())
            found.append(drift(call, one, kept))
    return talkers, found, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        talkers, found, memory = uvloop.run(converse(given.minutes * 60, Path(folder)))
    warm, last = memory[len(memory) // 6], memory[-1]
    growth = last[0] / warm[0] - 1
    if given.json:
        rows = [asdict(one) | {"turns": talk.turns} for one, talk in zip(found, talkers, strict=True)]
        print(json.dumps({"calls": rows, "memory_mb": [warm[0], last[0]], "objects": [warm[1], last[1]]}))
        return
    names = ("seconds", "position", "ledger", "lost", "said", "heard", "unsent")
    print("drift in samples" + "".join(f"{name:>10}" for name in names) + f"{'turns':>10}")
    for one, talk in zip(found, talkers, strict=True):
        print(f"bot {talk.bot.name:12}" + "".join(f"{getattr(one, name):10.0f}" for name in names) + f"{talk.turns:10}")
        for problem in one.problems:
            print(f"    {problem}")
    apart = [abs(one.position) + abs(one.ledger) + abs(one.lost) + one.said + one.heard for one in found]
    judge("drift between position, ledger and recording, samples", sum(apart), 0, form=".0f")
    if not all(one.none for one in found):
        print("NOT clean: see the rows above")
    print(f"memory {warm[0]:.1f} MB, at the end {last[0]:.1f} MB; objects {warm[1]}, at the end {last[1]}")
    judge(f"growth of memory over {given.minutes:g} minutes of talk", 100 * growth, 100 * FLAT, unit=" %")


if __name__ == "__main__":
    main()
