"""How long does a platform wait for `opened` when the server is busy? A core at four fifths of its limit, a slow bot.

The bot's handler takes 10 s to start. One load keeps the server busy, a second one opens calls at it meanwhile; both
share the other core.

Run: python benchmarks/busy.py [--sessions 6000] [--seconds 10]
"""

from __future__ import annotations

import argparse
import json
import subprocess

import rig
from rig import Load
from subjects import offhook


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=6000)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    port, rows = rig.free_port(), []
    with rig.serving(offhook("listen", "slow")(port), port) as served:
        busy = Load(options.sessions, "listen", 1600, 200, options.seconds + 4)
        file = rig.requests(20_000, port)
        command = ["taskset", "-c", "1", rig.build("load"), str(port), str(file)]
        few = [*command, "200", "100", str(options.seconds), "1600", "200", "listen"]

        def opening() -> dict[str, dict[str, float]]:
            return dict(json.loads(subprocess.run(few, capture_output=True, text=True).stdout.splitlines()[-1]))

        rows.append(("an idle server", opening()))
        with rig.loading(served, busy) as started:
            started()
            before, seen = served.cpu(), opening()
            share = (served.cpu() - before) / (options.seconds + 4)
        rows.append((f"{options.sessions:,} calls, {share:.0%} of the core", seen))
    rig.table(
        "From `open` to `opened`, 200 calls, 100 a second; a handler that takes 10 s to start",
        ("", "p50 ms", "p99 ms", "max ms"),
        [(name, *(f"{seen['open'][key] / 1000:.2f}" for key in ("p50", "p99", "max"))) for name, seen in rows],
    )
    rig.judge("p99 of `opened` on a busy core, slow bot", rows[-1][1]["open"]["p99"] / 1000, 20.0, unit=" ms")


if __name__ == "__main__":
    main()
