"""By how much does the connector delay a caller by SIP, to the bot and back, and what does such a call cost?

    python benchmarks/mouth_to_ear.py [--seconds 30] [--calls 40 ...] [--hops] [--json]

The connector with its SIP stack has one core, callers and an echo bot the other; jitter buffer at its minimum of 20 ms,
real-time priority where this user may have it. Delay is from the packet's arrival at the connector to its return, so
RTP, jitter buffer, connector, two WebSocket hops, playback queue and RTP again; the frame that the bot is sent is 20 ms
long, and in one row 200 ms as on the platform, where the first sample waits for the last. Own queues are what waits in
the connector on both ways, looked at twenty times a second: the stack's jitter buffer and socket buffers are not ours.
Late are packets that come more than 60 ms after the one before: a telephone with a jitter buffer of 40 ms stumbles.
With `--hops` the delay is split up by the places that a packet passes, at one call and at 40.
Hang-ups: by BYE until the bot has `close`, and by the bot's `disconnect` until the caller has BYE.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
import time
from contextlib import suppress
from typing import Any

import hops
import rig
import uvloop

from offhook import Connector, Fallback, PhoneCall
from offhook.connector import Integration
from offhook.connector.legs.baresip import BaresipStack
from offhook.connector.legs.sip import SipDoor, SipLeg
from offhook.connector.legs.sipstack import StackSettings
from offhook.session.collector import settle

TARGET_CALLS = 40
#: Milliseconds of the jitter buffer, at least and at most: it stays at its minimum.
JITTER = (20, 20)
#: Milliseconds: p95 of the delay, our own share of it, and a hang-up.
DELAY, QUEUES, HANG_UP = 120.0, 40.0, 200.0
#: Of the packets that may be missing or late in a row that still counts as good.
LOST = 0.002


def at_part(values: list[float], part: float) -> float:
    """A percentile; NaN of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def waiting(call: PhoneCall) -> tuple[int, int, int]:
    """Samples of a call that wait: from the caller, from the bot, and for the stack."""
    line = call._context.line
    strand, leg = line.voice, line.leg
    assert isinstance(leg, SipLeg)
    sitting = getattr(strand, "sitting", None)
    return leg.inlet.waiting, 0 if sitting is None else sitting.stream.player.queued, leg.ahead


async def look(connector: Connector, found: list[tuple[int, int, int]]) -> None:
    """Look into the queues of all calls, at no fixed moment of a tick."""
    while True:
        await asyncio.sleep(0.047)
        found += [waiting(call) for call in connector.calls]


async def measure(connector: Connector, port: int, calls: int, frame_ms: int, seconds: float) -> dict[str, Any]:
    """One row, and under `passages` what the callers have seen of each packet."""
    script = str(rig.HERE / "servers" / "sip_callers.py")
    command = ["taskset", "-c", "1", sys.executable, script, str(calls), str(seconds)]
    pipe = asyncio.subprocess.PIPE
    outside = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=2**26)
    assert outside.stdin is not None
    assert outside.stdout is not None
    uri = f"ws://127.0.0.1:{int(await outside.stdout.readline())}/"
    connector.integrations.put(
        Integration(name="bot", uri=uri, active=True, frame_ms=frame_ms, enforce_rates=False)
    )  # fmt: skip
    outside.stdin.write(f"{port}\n".encode())
    if await outside.stdout.readline() != b"start\n":
        raise SystemExit(f"{calls} calls could not be placed")
    queues: list[tuple[int, int, int]] = []
    looking = asyncio.create_task(look(connector, queues))
    used, began = cpu(), time.monotonic()
    await outside.stdout.readline()
    share = (cpu() - used) / (time.monotonic() - began)
    looking.cancel()
    with suppress(asyncio.CancelledError):
        await looking
    seen = json.loads(await outside.stdout.readline())
    await outside.wait()
    delays = [1000 * delay for delay in seen["delays"]]
    own = [sum(each) / 8 for each in queues]
    parts = [rig.middle(each[place] / 8 for each in queues) for place in range(3)]
    return {
        "calls": calls, "frame_ms": frame_ms, "share": share, "p50": at_part(delays, 0.5), "p95": at_part(delays, 0.95),
        "p99": at_part(delays, 0.99), "most": at_part(delays, 1.0), "lost": 1 - len(delays) / max(1, seen["sent"]),
        "own_p50": at_part(own, 0.5), "own_p95": at_part(own, 0.95), "parts": parts, "outside": seen["cpu"],
        "late": seen["gaps"] / max(1, 2 * seen["sent"]), "passages": seen["passages"],
        "by_caller": [1000 * each for each in seen["by_caller"]], "by_bot": [1000 * each for each in seen["by_bot"]],
    }  # fmt: skip


async def rows(given: argparse.Namespace) -> list[dict[str, Any]]:
    connector = Connector(fallback=Fallback(dead_air=None))

    @connector.flow()
    async def flow(call: PhoneCall) -> None:
        await call.audio_connector("bot")

    door = SipDoor(
        BaresipStack(StackSettings("127.0.0.1", 0, jitter=JITTER)), connector.take, peers=["127.0.0.1"], max_calls=1000
    )
    port = await door.start()
    settle()  # as `offhook run` does
    found = []
    try:
        async with connector:
            for calls, frame_ms in [*((count, 20) for count in given.calls), (TARGET_CALLS, 200)]:
                row = await measure(connector, port, calls, frame_ms, given.seconds)
                found.append({name: value for name, value in row.items() if name != "passages"})
            for calls in (1, TARGET_CALLS) if given.hops else ():
                with hops.noting(connector) as notes:
                    row = await measure(connector, port, calls, 20, given.seconds)
                found.append({"calls": calls, "hops": notes.hops(row["passages"])})
    finally:
        await door.close()
    return found


def good(row: dict[str, Any]) -> bool:
    """Whether a core carries so many calls."""
    return bool(row["p95"] < DELAY and row["lost"] < LOST and row["late"] < LOST)


def show_hops(found: list[dict[str, Any]]) -> None:
    """Of the rows that were split up."""
    for row in found:
        title = f"{row['calls']} calls: ms of each hop"
        rig.table(title, ("hop", "p50, p95"), hops.rows(row["hops"], at_part))


def show(found: list[dict[str, Any]]) -> None:
    rig.table(
        "Delay in ms; own queues are those of the caller's audio, of the bot's, and towards the stack",
        ("calls", "frames", "p50", "p95", "p99", "most", "lost", "late", "own queues p50", "p95", "of which", "core",
         "a call"),
        [
            (row["calls"], f"{row['frame_ms']} ms", *(f"{row[name]:.0f}" for name in ("p50", "p95", "p99", "most")),
             f"{row['lost']:.2%}", f"{row['late']:.2%}", f"{row['own_p50']:.0f}", f"{row['own_p95']:.0f}",
             " + ".join(f"{part:.0f}" for part in row["parts"]), f"{row['share']:.0%}",
             f"{row['share'] / row['calls']:.2%}")
            for row in found
        ],
    )  # fmt: skip
    small = [row for row in found if row["frame_ms"] == 20]
    ours = next((row for row in small if row["calls"] == TARGET_CALLS), None)
    if ours is not None:
        name = f"{TARGET_CALLS} SIP calls on a core"
        rig.judge(f"{name}: delay added, p95", ours["p95"], DELAY, form=".0f", unit=" ms")
        rig.judge(f"{name}: own queues, p95", ours["own_p95"], QUEUES, form=".0f", unit=" ms")
        for side in ("caller", "bot"):
            rig.judge(f"{name}: hang-up by the {side}, seen by the other, slowest", max(ours[f"by_{side}"]), HANG_UP,
                      form=".0f", unit=" ms")  # fmt: skip
    carried = [row["calls"] for row in small if good(row)]
    most = max(carried, default=0)
    print(f"\nMost calls of these with p95 under {DELAY:.0f} ms and nothing lost or late: {most} on a core")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="of each row")
    parser.add_argument("--calls", type=int, nargs="+", default=[1, TARGET_CALLS, 45, 50, 60])
    parser.add_argument("--hops", action="store_true", help="split the delay up as well")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    os.sched_setaffinity(0, {0})
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
    except PermissionError:
        print("without real-time priority: this user may not have it", file=sys.stderr)
    found = uvloop.run(rows(given))
    if given.json:
        print(json.dumps(found))
        return
    show([row for row in found if "hops" not in row])
    show_hops([row for row in found if "hops" in row])


if __name__ == "__main__":
    main()
