"""Does one call hurt the others? Pings of ordinary calls, alone and beside calls that send as much as they can.

The bad ones send a binary message of 64,000 bytes every 5 ms each: 2,500 times what a call of two channels has.

Run: python benchmarks/fair.py [--sessions 2000] [--bad 4] [--seconds 6]
"""

from __future__ import annotations

import argparse

import rig
from rig import Load
from subjects import offhook


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--bad", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=6.0)
    options = parser.parse_args()
    ordinary = Load(options.sessions, "listen", 3200, 200, options.seconds)
    bad = Load(options.bad, "listen", 64_000, 5, 60.0)
    rows = []
    port = rig.free_port()
    with rig.serving(offhook("monitor")(port), port) as served:
        rows.append(("alone", rig.run(served, ordinary)))
        with rig.loading(served, bad) as started:
            process = started()
            rows.append((f"beside {options.bad} that flood", rig.run(served, ordinary)))
            process.kill()
    rig.table(
        f"{options.sessions:,} calls of a monitor",
        ("", "p50 ping ms", "p99 ping ms", "max ping ms", "share of core", "failed"),
        [
            (
                name,
                *(f"{run.seen['ping'][key] / 1000:.2f}" for key in ("p50", "p99", "max")),
                f"{run.share:.0%}",
                run.seen["failed"],
            )
            for name, run in rows
        ],
    )


if __name__ == "__main__":
    main()
