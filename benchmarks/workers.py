"""Do two workers carry twice as much as one? CPU for each frame of `offhook serve --workers N`, with equal loads.

Each worker gets the same number of calls, so two of them have twice the frames; nothing is pinned. If a frame costs no
more then, two cores carry twice the calls. The load needs a core of its own, which a machine of two cores does not
have beside two busy workers: so the calls are few enough that all of them find room, and the factor is reckoned from
the cost of a frame. How evenly the kernel spread the calls is shown too.

Run: python benchmarks/workers.py [--sessions 2000] [--rounds 5] [--seconds 6]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import rig
from rig import Load, middle

HERE = Path(__file__).parent


def workers_of(parent: int) -> list[int]:
    """The processes under a supervisor."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in children]


def cpu(pid: int) -> float:
    """Seconds on the processor so far, all threads."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def measure(workers: int, load: Load) -> tuple[dict[str, Any], list[float]]:
    """What the load saw, and the CPU that each worker took meanwhile."""
    port = rig.free_port()
    keys = ("--key", rig.KEY, "--secret", rig.SECRET, "--max-age", "3600")
    command = [
        *(sys.executable, "-m", "offhook", "serve", str(HERE / "servers" / "monitor.py"), "--host", "127.0.0.1"),
        *("--port", str(port), "--workers", str(workers), "--drain", "0", *keys),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "serving" not in (line := process.stderr.readline()):  # said when all of them listen
            assert line, "the server did not start"
        pids = workers_of(process.pid) or [process.pid]
        requests = rig.requests(load.sessions, port)
        client = [rig.build("load"), str(port), str(requests), str(load.sessions), str(load.ramp), str(load.seconds),
                  str(load.frame_bytes), str(load.interval_ms), load.kind]  # fmt: skip
        with subprocess.Popen(client, stdout=subprocess.PIPE, text=True) as loading:
            assert loading.stdout is not None
            assert loading.stdout.readline() == "start\n", "the load did not start"
            before = [cpu(pid) for pid in pids]
            loading.stdout.readline()
            spent = [cpu(pid) - was for pid, was in zip(pids, before, strict=True)]
            seen = json.loads(loading.stdout.read())
        process.terminate()
    return seen, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=2000, help="for each worker")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0)
    options = parser.parse_args()
    runs: dict[int, list[tuple[dict[str, Any], list[float]]]] = {1: [], 2: []}
    for _ in range(options.rounds):
        for workers, of in runs.items():
            of.append(measure(workers, Load(workers * options.sessions, "listen", 3200, 200, options.seconds, 1000.0)))
            time.sleep(1.0)
    cost = {
        workers: middle(1e6 * sum(spent) / max(1, seen["frames_out"]) for seen, spent in of)
        for workers, of in runs.items()
    }
    rig.table(
        f"{options.sessions:,} calls for each worker, median of {options.rounds}; {os.cpu_count()} cores for all",
        ("workers", "us a frame", "of one worker", "busiest to idlest", "p99 ping ms", "failed"),
        [
            (
                workers,
                f"{cost[workers]:.1f}",
                f"{cost[workers] / cost[1]:.2f}",
                f"{middle(max(spent) / max(min(spent), 1e-9) for _, spent in of):.2f}",
                f"{middle(seen['ping']['p99'] for seen, _ in of) / 1000:.2f}",
                sum(seen["failed"] for seen, _ in of),
            )
            for workers, of in runs.items()
        ],
    )
    rig.judge("two workers, of one, by the cost of a frame", 2 * cost[1] / cost[2], 1.8, at_least=True)


if __name__ == "__main__":
    main()
