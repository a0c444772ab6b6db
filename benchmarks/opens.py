"""How many sessions a second open on one core, signature checked: upgrade, `open`, `opened`, `close`, `closed`.

Baselines check no signature and know no session; "unsigned" is Offhook without keys.

Run: python benchmarks/opens.py [--seconds 5] [--rounds 3] [--at-once 64]
"""

from __future__ import annotations

import argparse

import rig
import subjects
from rig import Load, middle
from subjects import offhook


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=64)
    options = parser.parse_args()
    compared = subjects.baselines(echo=False) | {
        "Offhook, signed": offhook("listen"),
        "Offhook, unsigned": offhook("listen", "unsigned"),
    }
    load = Load(40_000, "open", seconds=options.seconds, ramp=options.at_once)
    runs = rig.compare(compared, load, options.rounds)
    rate = {name: middle(run.seen["ended"] / run.seen["seconds"] for run in of) for name, of in runs.items()}
    cost = {name: middle(1e6 * run.cpu_seconds / max(1, run.seen["ended"]) for run in of) for name, of in runs.items()}
    rig.table(
        f"Sessions opened and closed, {options.at_once} at a time, median of {options.rounds}",
        ("server", "a second", "us of CPU each", "a second by CPU", "p99 of opened ms"),
        [
            (
                name,
                f"{rate[name]:,.0f}",
                f"{cost[name]:.0f}",
                f"{1e6 / cost[name]:,.0f}",
                f"{middle(run.seen['open']['p99'] for run in of) / 1000:.1f}",
            )
            for name, of in runs.items()
        ],
    )
    rig.judge("signed sessions opened a second", rate["Offhook, signed"], 2500, at_least=True, form=",.0f")


if __name__ == "__main__":
    main()
