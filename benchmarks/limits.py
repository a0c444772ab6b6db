"""How many sessions does one core hold? The most that all open, all close, lose nothing and have a p99 ping < 50 ms.

The server has one core, the load in C the other. Found by halving, a step that fails is tried twice.

Run: python benchmarks/limits.py [--seconds 6] [--step 500] [--only monitor,talk,echo]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import rig
import subjects
from rig import Load
from subjects import offhook

Command = Callable[[int], list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--step", type=int, default=500)
    parser.add_argument("--only", default="monitor,talk,echo")
    options = parser.parse_args()
    bounds = {"monitor": 10_000, "talk": 6_500}
    listening, echoing = subjects.baselines(echo=False), subjects.baselines(echo=True)
    rows: dict[str, tuple[str, Load, dict[str, tuple[Command, int, int]]]] = {
        "monitor": (
            "Monitors: 200 ms stereo frames in",
            Load(0, "listen", 3200, 200, options.seconds),
            {name: (command, 1000, 14_000) for name, command in listening.items()}
            | {"Offhook": (offhook("monitor", "messages"), 1000, 14_000)},
        ),
        "talk": (
            "Bots that speak all the time: 200 ms mono frames in, paced answers out, ledger on",
            Load(0, "talk", 1600, 200, options.seconds),
            {"Offhook": (offhook("talk"), 1000, 10_000)},
        ),
        "echo": (
            "Echo: 200 ms mono frames in and the same back",
            Load(0, "echo", 1600, 200, options.seconds),
            {name: (command, 500, 12_000) for name, command in echoing.items()}
            | {"Offhook, handler in user code": (offhook("echo"), 500, 12_000)},
        ),
    }
    if foreign := subjects.pipecat():
        rows["echo"][2]["Pipecat"] = (foreign, 20, 300)
    for name in options.only.split(","):
        title, load, compared = rows[name]
        found: list[tuple[str, str, str, str]] = []
        most: dict[str, int] = {}
        for subject, (command, low, high) in compared.items():
            step = options.step if high > 1000 else 20
            sessions, run = rig.most(command, load, low, high, step)
            most[subject] = sessions
            at = f"{run.share:.0%}" if run else "-"
            ping = f"{run.seen['ping']['p99'] / 1000:.1f}" if run else "-"
            found.append((subject, f"{sessions:,}", at, ping))
        rig.table(
            f"{title} (up to what the load can do)", ("server", "sessions", "share of core", "p99 ping ms"), found
        )
        own = next(sessions for subject, sessions in most.items() if subject.startswith("Offhook"))
        if name in bounds:
            rig.judge(f"sessions on one core, {name}", own, bounds[name], at_least=True, form=",.0f")
        if name == "monitor" and most.get("Node ws"):
            ratio = own / most["Node ws"]
            rig.judge("sessions on one core, monitor, of the server on Node", ratio, 5.0, at_least=True, form=".1f")
        if name == "echo":
            ratio = own / most["Pipecat"] if most.get("Pipecat") else math.nan
            rig.judge("sessions on one core, echo, of Pipecat's serializer", ratio, 40, at_least=True, form=".0f")


if __name__ == "__main__":
    main()
