"""How many sessions does one core hold? The most that all open, all close, lose nothing and have a p99 ping < 50 ms.

The server has one core, the load in C the other. What a run costs says what to try next, then it is found by halving;
a number that fails is tried twice. Calls come at a rate that every server here can open: how many open a second is
asked by `opens.py`.

Run: python benchmarks/limits.py [--seconds 6] [--step 500] [--only monitor,talk,echo] [--few]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import rig
import subjects
from rig import Load
from subjects import offhook

#: Calls a second.
RAMP = 700.0
Command = Callable[[int], list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--step", type=int, default=500)
    parser.add_argument("--only", default="monitor,talk,echo")
    parser.add_argument("--few", action="store_true", help="only the servers that a target names")
    options = parser.parse_args()
    bounds = {"monitor": 10_000, "talk": 6_500}
    listening, echoing = subjects.baselines(echo=False), subjects.baselines(echo=True)
    if options.few:
        listening = {name: listening[name] for name in ("bare picows", "Node ws") if name in listening}
        echoing = {name: echoing[name] for name in ("C epoll", "bare picows")}
    rows: dict[str, tuple[str, Load, dict[str, tuple[Command, int, int]]]] = {
        "monitor": (
            "Monitors: 200 ms stereo frames in",
            Load(0, "listen", 3200, 200, options.seconds, RAMP),
            {name: (command, 1000, 14_000) for name, command in listening.items()}
            | {"Offhook": (offhook("monitor", "messages"), 1000, 14_000)},
        ),
        "talk": (
            "Bots that speak all the time: 200 ms mono frames in, paced answers out, ledger on",
            Load(0, "talk", 1600, 200, options.seconds, RAMP),
            {"bare picows, echo": (echoing["bare picows"], 1000, 10_000), "Offhook": (offhook("talk"), 1000, 10_000)},
        ),
        "echo": (
            "Echo: 200 ms mono frames in and the same back",
            Load(0, "echo", 1600, 200, options.seconds, RAMP),
            {name: (command, 500, 12_000) for name, command in echoing.items()}
            | {"Offhook, handler in user code": (offhook("echo"), 500, 12_000)},
        ),
    }
    if foreign := subjects.pipecat():
        rows["echo"][2]["Pipecat"] = (foreign, 20, 300)
    for name in options.only.split(","):
        title, load, compared = rows[name]
        found: list[tuple[str, ...]] = []
        most: dict[str, int] = {}
        cost: dict[str, float] = {}
        for subject, (command, low, high) in compared.items():
            step = options.step if high > 1000 else 20
            sessions, run = rig.most(command, load, low, high, step)
            most[subject] = sessions
            cost[subject] = run.us_per_frame if run else math.nan
            at = f"{run.share:.0%}" if run else "-"
            ping = f"{run.seen['ping']['p99'] / 1000:.1f}" if run else "-"
            found.append((subject, f"{sessions:,}", at, f"{cost[subject]:.1f}", ping))
        columns = ("server", "sessions", "share of core", "us a frame", "p99 ping ms")
        rig.table(f"{title} (up to what the load can do)", columns, found)
        us = next(subject for subject in most if subject.startswith("Offhook"))
        own = most[us]
        if name in bounds:
            rig.judge(f"sessions on one core, {name}", own, bounds[name], at_least=True, form=",.0f")
        if name == "monitor" and most.get("Node ws"):
            ratio = own / most["Node ws"]
            rig.judge("sessions on one core, monitor, of the server on Node", ratio, 5.0, at_least=True, form=".1f")
        if name == "echo":
            rig.judge("an echoed frame at the limit, of the C echo at its own", cost[us] / cost["C epoll"], 1.8)
            ratio = own / most["Pipecat"] if most.get("Pipecat") else math.nan
            rig.judge("sessions on one core, echo, of Pipecat's serializer", ratio, 40, at_least=True, form=".0f")


if __name__ == "__main__":
    main()
