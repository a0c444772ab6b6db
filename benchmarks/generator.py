"""How many calls can one process of `offhook load` drive before it is itself the limit? Beside it: the load in C.

The server is the baseline in C (`native/server.c`), which takes so little that it is not the limit, on core 0; the
generator is on core 1. A row holds if all calls opened, none failed, and the generator's messages left at most 10 ms
late (p99). us/frame is the generator's own processor time for each message sent, reading its echo included.

Run: python benchmarks/generator.py [--quick] [--seconds 6] [--json]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Any

import msgspec
import rig

from offhook.testing.load.result import Report

#: Profile, talk, ms and the numbers of calls that are tried.
QUESTIONS = {
    "echo, 200 ms": ("connector", "echo", 200, (500, 1000, 2000, 3000, 4000, 6000, 8000)),
    "echo, 20 ms": ("connector", "echo", 20, (50, 100, 200, 400, 600, 800)),
    "monitor, 200 ms": ("monitor", "bot", 200, (1000, 2000, 4000, 6000, 8000, 10000)),
}
RAMP = 300


def ours(port: int, profile: str, talk: str, frame_ms: int, calls: int, seconds: float) -> Report:
    """One run of `offhook load`, one process of it."""
    command = [
        "taskset", "-c", "1", sys.executable, "-m", "offhook", "load", f"ws://127.0.0.1:{port}{rig.TARGET}",
        "--calls", str(calls), "--ramp", f"{RAMP}/s", "--seconds", str(seconds), "--profile", profile, "--talk", talk,
        "--frame-ms", str(frame_ms), "--key", rig.KEY, "--secret", rig.SECRET, "--processes", "1", "--json",
    ]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    return msgspec.json.decode(done.stdout, type=Report)


def row(name: str, calls: int, seconds: float) -> dict[str, Any]:
    """Both generators with so many calls, one after the other."""
    profile, talk, frame_ms, _ = QUESTIONS[name]
    port = rig.free_port()
    width = 2 if profile == "monitor" else 1
    with rig.serving(rig.native(port, echo=talk == "echo"), port) as served:
        report = ours(port, profile, talk, frame_ms, calls, seconds)
        rig.pause()
        kind = "echo" if talk == "echo" else "listen"
        baseline = rig.run(served, rig.Load(calls, kind, 8 * width * frame_ms, frame_ms, seconds, RAMP)).seen
    own = report.generator
    took = max(1, report.steady[1] - report.steady[0])
    return {
        "question": name,
        "calls": calls,
        "opened": report.calls.opened,
        "failed": report.calls.failed,
        "opens_per_second": report.opens_per_second,
        "cpu": own.cpu[0],
        "us": 1e6 * own.cpu[0] * took / max(1, report.audio.sent),
        "lag_p99": own.lag.p99,
        "ping_p99": report.ping.p99,
        "echo_p99": report.echo.p99,
        "c_cpu": baseline["cpu"],
        "c_us": 1e6 * baseline["cpu"] * baseline["seconds"] / max(1, baseline["frames_out"]),
        "c_lag_p99": baseline["slip"]["p99"] / 1000,
        "c_ping_p99": baseline["ping"]["p99"] / 1000,
        "c_echo_p99": baseline["echo"]["p99"] / 1000 if baseline["echo"]["n"] else None,
        "holds": report.calls.opened == calls and report.ok and not own.saturated,
    }


def show(one: dict[str, Any]) -> str:
    """A line of the table."""

    def ms(value: float | None) -> str:
        return f"{'-':>9}" if value is None else f"{value:>9.2f}"

    return (
        f"{one['question']:<16}{one['calls']:>6}{100 * one['cpu']:>7.0f} %{one['us']:>8.1f}{ms(one['lag_p99'])}"
        f"{ms(one['ping_p99'])}{ms(one['echo_p99'])}  |{100 * one['c_cpu']:>5.0f} %{one['c_us']:>8.1f}"
        f"{ms(one['c_lag_p99'])}{ms(one['c_ping_p99'])}{ms(one['c_echo_p99'])}{one['us'] / one['c_us']:>7.2f}"
        f"  {'holds' if one['holds'] else 'at its limit'}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="two numbers of calls each")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--only", help="one question")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = []
    if not given.json:
        head = f"{'CPU':>9}{'us/frame':>9}{'lag p99':>8}{'ping':>9}{'echo':>9}"
        print(f"{'':<16}{'calls':>6}{head}  |  in C: the same {'':<28}{'ratio':>6}")
    for name, (*_, steps) in QUESTIONS.items():
        if given.only not in (None, name):
            continue
        missed = 0
        for calls in steps[:2] if given.quick else steps:
            one = row(name, calls, given.seconds)
            rows.append(one)
            if not given.json:
                print(show(one), flush=True)
            missed = 0 if one["holds"] else missed + 1
            if missed == 2:
                break  # one alone may be the machine's fault
            rig.pause()
    if given.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
