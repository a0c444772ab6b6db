"""What does a call weigh? Growth of the server's process for each open call, and whether it stays flat.

"listens" is a bot that hears and says nothing, "talks" one that speaks all the time with its playout full. The soak
opens and closes many short calls, several times over, and reads the process after each round.

Run: python benchmarks/memory.py [--sessions 2000] [--repeat 3] [--rounds 8]
"""

from __future__ import annotations

import argparse

import rig
import subjects
from rig import Load, middle
from subjects import offhook


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=8)
    options = parser.parse_args()
    known = subjects.baselines(echo=False)
    listen = Load(options.sessions, "listen", 1600, 200, 5.0)
    rows = []
    weight: dict[str, float] = {}
    for name, command, load in (
        *((name, command, listen) for name, command in known.items()),
        ("Offhook, listens", offhook("listen"), listen),
        ("Offhook, monitor of two channels", offhook("monitor"), Load(options.sessions, "listen", 3200, 200, 5.0)),
        ("Offhook, talks", offhook("talk"), Load(options.sessions, "talk", 1600, 200, 5.0)),
    ):
        runs = [rig.measure(command, load) for _ in range(options.repeat)]
        weight[name] = middle(run.kib_per_session for run in runs)
        rows.append((name, f"{weight[name]:.1f}"))
    title = f"Growth of the process, {options.sessions:,} calls, median of {options.repeat}"
    rig.table(title, ("server", "KiB a call"), rows)

    rig.judge("growth for each call that listens", weight["Offhook, listens"], 40, form=".0f", unit=" KiB")
    rig.judge("growth for each call in talk, playout full", weight["Offhook, talks"], 100, form=".0f", unit=" KiB")
    port, sizes = rig.free_port(), []
    with rig.serving(offhook("listen")(port), port) as served:
        for _ in range(options.rounds):
            ended = rig.run(served, Load(options.sessions, "open", seconds=5.0, ramp=64)).seen["ended"]
            rig.pause()
            sizes.append((f"{ended:,}", f"{served.memory() / 2**20:.1f}"))
    rig.table("The same process after rounds of short calls", ("calls", "MiB"), sizes)


if __name__ == "__main__":
    main()
