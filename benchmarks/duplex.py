"""How many calls does one core carry in full duplex with the default engines, and what limits it?

    python benchmarks/duplex.py [--calls 4 8 16 24 32] [--turns 4]

The bot's process has one core, the callers the other one. Callers are recorded people who speak for half of the time
and are answered in the bot's own words, not from a cache; frames of 200 ms go both ways. For each number of calls:

    answers, missing    that callers heard; and that they waited for in vain, or got before they had finished
    p50, p95            felt latency, ms: end of speech to first sound of the answer (see `felt.py`)
    core                share of the bot's core
    hear, speak, loop   seconds of CPU for an hour of one call: recogniser, synthesiser, and the rest: the event loop
                        with sockets, protocol, voice detection, playout
    wait                ms that a piece of the engines' work waited for the thread

A number of calls is carried if nobody is missing an answer and p95 keeps the target for ten calls. The core is the
limit where it is full; before that it is the queue for the engines, which work is taken from in the order it came.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import rig
import uvloop
from felt import PATH, TARGETS, Figures, caller, phrases

ENOUGH = 0.97
"""Share of the core from which on it is full."""


async def calls(port: int, count: int, clips: list[bytes]) -> tuple[Figures, float]:
    """So many calls, none in step with another; what callers felt, and the seconds of call."""
    figures, lengths = Figures(), []

    async def one(number: int) -> None:
        await asyncio.sleep(number * 6.5 / count)
        began = time.perf_counter()
        turned = number % len(clips)
        await caller(f"ws://127.0.0.1:{port}{PATH}", clips[turned:] + clips[:turned], figures)
        lengths.append(time.perf_counter() - began)

    await asyncio.gather(*map(one, range(count)))
    return figures, sum(lengths)


def told(path: Path) -> dict[str, Any]:
    """What the bot's engines have cost so far, once it has told all."""
    time.sleep(2.2)
    return dict(json.loads(path.read_text()))


def level(count: int, clips: list[bytes]) -> dict[str, float]:
    """One row, by a fresh bot."""
    port = rig.free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "told"
        command = [sys.executable, str(rig.HERE / "servers" / "duplex_bot.py"), str(port), str(file)]
        with rig.serving(command, port) as served:
            uvloop.run(calls(port, 1, clips[:1]))  # the first call pays for what is loaded late
            before, cpu, began = told(file), served.cpu(), time.perf_counter()
            figures, seconds = uvloop.run(calls(port, count, clips))
            took, spent = time.perf_counter() - began, served.cpu() - cpu
            after = told(file)
    felt = sorted(figures.felt) or [float("nan")]
    hear, speak = (after["cpu"][kind] - before["cpu"][kind] for kind in ("recognise", "speak"))
    hours = seconds / 3600
    return {
        "calls": count,
        "answers": len(figures.felt),
        "missing": figures.missing + figures.early,
        "p50": statistics.median(felt),
        "p95": felt[min(len(felt) - 1, int(0.95 * len(felt)))],
        "core": spent / took,
        "hear": hear / hours,
        "speak": speak / hours,
        "loop": (spent - hear - speak) / hours,
        "wait": 1000 * (after["waited"] - before["waited"]) / max(1, after["pieces"] - before["pieces"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[4, 8, 16, 24, 32])
    parser.add_argument("--turns", type=int, default=4, help="of each call")
    given = parser.parse_args()
    clips, origin = phrases(given.turns)
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    rows: list[dict[str, float]] = []
    for count in sorted(given.calls):
        rows.append(level(count, clips))
        if rows[-1]["missing"] or rows[-1]["core"] > ENOUGH:
            break
    shown = [
        (f"{row['calls']:.0f}", f"{row['answers']:.0f}", f"{row['missing']:.0f}", f"{row['p50']:.0f}",
         f"{row['p95']:.0f}", f"{row['core']:.0%}", f"{row['hear']:.0f}", f"{row['speak']:.0f}", f"{row['loop']:.0f}",
         f"{row['wait']:.0f}")
        for row in rows
    ]  # fmt: skip
    heads = ("calls", "answers", "missing", "p50", "p95", "core", "hear", "speak", "loop", "wait")
    rig.table(f"Full duplex, default engines, one core; {origin}", heads, shown)
    carried = [row for row in rows if not row["missing"] and row["p95"] <= TARGETS["p95"]]
    best = max(carried, key=lambda row: row["calls"], default=None)
    print(f"carried by one core: {best['calls']:.0f} calls" if best else "carried by one core: none of these")
    parts = {"the recogniser": rows[-1]["hear"], "synthesis": rows[-1]["speak"], "the event loop": rows[-1]["loop"]}
    most = max(parts, key=lambda name: parts[name])
    whole = sum(parts.values())
    print(f"CPU of a call: {whole / 36:.1f}% of a core, {parts[most] / whole:.0%} of that {most}; "
          f"by CPU alone {3600 / whole:.0f} calls fill a core")  # fmt: skip


if __name__ == "__main__":
    main()
