"""Calls at half of what a core carries, while bots are killed every few seconds: is a caller lost, or usage, or memory?

    python benchmarks/soak.py [--minutes 10] [--load 0.5] [--calls N] [--seed N]

The connector has a core, and as many callers at once as take half of it; each calls again as soon as a call is over.
How many that are is first guessed from a few, and then found: in the first sixth of the time callers join until it is
half a core, and all of them go on to the end. Memory is compared from the second sixth on.
Their first bot is one of three in processes of their own, of which one gets SIGKILL every 2 to 5 seconds and is started
anew; its sessions also die one by one, by a lost socket, garbage, or an error that they say. Behind it stands a fourth
that fails a third of its calls, and behind that a transfer. What is written meanwhile is what `offhook run` writes:
usage every second, a trace of each session; at the end `offhook usage --verify` measures all of it again.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import rig
import uvloop

from offhook import Connector, Fallback, PhoneCall
from offhook.audio import tones, ulaw
from offhook.connector import Integration
from offhook.connector.legs.wav import WavLeg
from offhook.records.record import Keep
from offhook.records.store import CallStore
from offhook.records.usage import Ledger, Meter
from offhook.testing.crowd import Toll, ring, unaccounted

MORTALS = ("first", "second", "third")
PEOPLE = "sip:agents@pbx.example"
#: Of a core, and by how much of it the load may miss that.
HALF, MISSED = 0.5, 0.1
#: Callers with whom the cost of one is measured, and for how many seconds.
TRIAL, TRIAL_SECONDS = 20, 8.0
#: Share by which memory may grow and still be called flat: callers who happen to have heard more weigh some of it.
FLAT = 0.05


def lasting_port() -> int:
    """A port that the kernel gives to nobody else while the bot that has it is dead: one below those of clients."""
    for port in random.sample(range(10_000, 20_000), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise SystemExit("there is no free port between 10000 and 20000")


class Grave:
    """The processes of the bots, and who of them dies when."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.ports = {name: lasting_port() for name in (*MORTALS, "steady")}
        self.served: dict[str, rig.Served] = {}
        self.kills = 0

    def open(self) -> None:
        """Start all of them."""
        for name in self.ports:
            self._rise(name)

    def _start(self, name: str) -> rig.Served:
        kind = "steady" if name == "steady" else "mortal"
        seed = str(self.dice.randrange(2**31))
        return rig.Served(
            rig.python("mortal_bot", self.ports[name], "--kind", kind, "--seed", seed), self.ports[name], 1
        )

    async def dig(self) -> None:
        """Kill one of those that are up every few seconds, for ever."""
        async with asyncio.TaskGroup() as rising:
            while True:
                await asyncio.sleep(self.dice.uniform(2.0, 5.0))
                up = [name for name in MORTALS if name in self.served]
                if up:
                    name = self.dice.choice(up)
                    served = self.served.pop(name)
                    os.kill(served.pid, signal.SIGKILL)
                    served.close()
                    self.kills += 1
                    rising.create_task(asyncio.to_thread(self._rise, name))

    def _rise(self, name: str) -> None:
        self.served[name] = self._start(name)  # in the thread: who is cancelled meanwhile must not lose it

    def close(self) -> None:
        for served in self.served.values():
            served.close()


def resident() -> float:
    """Megabytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Memory:
    """Resident megabytes, and objects, every ten seconds."""

    def __init__(self) -> None:
        self.samples: list[tuple[float, int]] = []

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(10)
            gc.collect()
            self.samples.append((resident(), sys.getallocatedblocks()))

    def sixths(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Medians of the second sixth, when all is warm, and of the last one."""
        size = max(1, len(self.samples) // 6)
        parts = self.samples[size : 2 * size] or self.samples, self.samples[-size:]
        warm, last = [(statistics.median(s[0] for s in p), statistics.median(s[1] for s in p)) for p in parts]
        return warm, last


def connector_for(ports: dict[str, int], meter: Meter, store: CallStore, dice: random.Random) -> Connector:
    connector = Connector(transfer_targets=["sip:*@pbx.example"], meter=meter, store=store)
    for name, port in ports.items():
        connector.integrations.put(Integration(name=name, uri=f"ws://127.0.0.1:{port}/", active=True))
    safe = Fallback(integrations=["steady"], retries=1, backoff=0.1, transfer=PEOPLE)

    @connector.flow()
    async def flow(call: PhoneCall) -> None:
        await call.audio_connector(dice.choice(MORTALS), fallback=safe)

    return connector


@contextmanager
def kept(folder: Path) -> Iterator[tuple[Meter, CallStore]]:
    """What a connector writes, until all of it is on the disk."""
    ledger = Ledger(folder / "offhook.db")
    meter, store = Meter(ledger, time.time), CallStore(folder / "calls", Keep(audio=False, report=False))
    try:
        yield meter, store
    finally:
        store.close()
        meter.close()
        ledger.close()


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def first_guess(grave: Grave, said: bytes, load: float) -> int:
    """How many callers take so much of a core, from what a few of them take; rather too few."""
    with tempfile.TemporaryDirectory() as folder, kept(Path(folder)) as (meter, store):
        async with connector_for(grave.ports, meter, store, grave.dice) as connector:
            calling = asyncio.create_task(ring(connector, TRIAL, TRIAL_SECONDS, lambda: WavLeg(said), lambda leg: None))
            await asyncio.sleep(2)
            used, began = cpu(), time.monotonic()
            await asyncio.sleep(TRIAL_SECONDS - 2.5)
            share = (cpu() - used) / (time.monotonic() - began)
            await calling
    return max(4, round(0.8 * TRIAL * load / share))


class Callers:
    """As many as take so much of a core."""

    def __init__(self, connector: Connector, said: bytes, seconds: float) -> None:
        self.count = 0
        self.share = 0.0  # of the core, since nobody joins any more
        self._connector = connector
        self._said = said
        self._end = time.monotonic() + seconds
        self._joining = seconds / 6

    async def call(self, first: int, load: float | None) -> None:
        """Call until the time is over: so many at first, and with a load, more until it is reached."""
        async with asyncio.TaskGroup() as tasks:
            self._join(tasks, first)
            looks = 6 if load is not None else 0
            for _ in range(looks):
                await asyncio.sleep(self._joining / looks / 2)  # who has just joined costs more
                used, began = cpu(), time.monotonic()
                await asyncio.sleep(self._joining / looks / 2)
                share = (cpu() - used) / (time.monotonic() - began)
                if load is not None and share < 0.95 * load:
                    self._join(tasks, round(self.count * min(1 / 4, 0.8 * (load / share - 1))))
            used, began = cpu(), time.monotonic()
            await asyncio.sleep(max(0.0, self._end - time.monotonic() - 0.5))
            self.share = (cpu() - used) / (time.monotonic() - began)

    def _join(self, tasks: asyncio.TaskGroup, more: int) -> None:
        self.count += more
        left = self._end - time.monotonic()
        tasks.create_task(ring(self._connector, more, left, lambda: WavLeg(self._said), lambda leg: None))


async def soak(given: argparse.Namespace, grave: Grave, folder: Path, file: Path) -> tuple[Toll, Memory, int, float]:
    said = ulaw.encode(tones.tone(300, 1.0, -10)) + ulaw.silence(4000)
    first = given.calls or await first_guess(grave, said, given.load)
    memory, connected = Memory(), file.open("w")
    toll = Toll(lambda session: connected.write(f"{session}\n"))
    with connected, kept(folder) as (meter, store):
        connector = connector_for(grave.ports, meter, store, grave.dice)
        connector.watch(toll)
        async with connector:
            works = [asyncio.create_task(grave.dig()), asyncio.create_task(memory.watch())]
            callers = Callers(connector, said, given.minutes * 60)
            await callers.call(first, None if given.calls else given.load)
            for work in works:
                work.cancel()
                with suppress(asyncio.CancelledError):
                    await work
            if connector.calls:
                toll.problems.append(f"{len(connector.calls)} calls are left over")
    return toll, memory, callers.count, callers.share


def verified(folder: Path) -> tuple[bool, str]:
    """What `offhook usage --verify` says."""
    command = [sys.executable, "-m", "offhook", "usage", "--month", "all", "--verify"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode == 0, (done.stdout.strip().splitlines() or [done.stderr.strip()])[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--load", type=float, default=HALF, help="of a core, that callers are to take")
    parser.add_argument("--calls", type=int, help="callers at once, in place of a load")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    os.sched_setaffinity(0, {0})
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        grave = Grave(given.seed)
        stack.callback(grave.close)
        grave.open()
        toll, memory, callers, share = uvloop.run(soak(given, grave, folder, folder / "connected"))
        ledger = Ledger(folder / "offhook.db")
        rows = ledger.read()
        ledger.close()
        sessions = set((folder / "connected").read_text().split())
        lost = list(unaccounted(rows, folder / "calls", sessions))
        agrees, says = verified(folder)
    if not agrees:
        lost.append(says)
    warm, last = memory.sixths()
    handed = toll.calls - toll.served
    rig.table(
        f"{given.minutes:g} minutes, {callers} callers at once, {share:.0%} of a core, {grave.kills} bots killed",
        ("calls", "by a bot", "by people", "sessions", "failures", "next bot", "MB, warm and last", "objects"),
        [(toll.calls, toll.served, handed, len(sessions), toll.failures.total(), toll.decisions["next-integration"],
          f"{warm[0]:.1f} {last[0]:.1f}", f"{warm[1]:.0f} {last[1]:.0f}")],
    )  # fmt: skip
    print(", ".join(f"{name} {count}" for name, count in toll.failures.most_common()) + f". {says}")
    for problem in (*toll.problems[:20], *lost[:20]):
        print(problem)
    if not given.calls:
        rig.judge("soak: load beside what it was to be", abs(share - given.load), MISSED, unit=" of a core")
    rig.judge("soak: calls without their flow's fallback", len(toll.problems), 0, form=".0f")
    rig.judge("soak: sessions lost or wrong in the usage", len(lost), 0, form=".0f")
    rig.judge("soak: memory at the end, over warm", last[0] / warm[0], 1 + FLAT)
    rig.judge("soak: objects at the end, over warm", last[1] / warm[1], 1 + FLAT)


if __name__ == "__main__":
    main()
