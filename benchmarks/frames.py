"""What does a frame of audio cost the server? CPU of its process for each message that comes in, at a fixed real load.

Every row is measured in turn with the others, in the same minutes on the same core, and set beside a baseline: the
factor is what to read, the microseconds depend on the machine and its neighbours. It is the median of the factors of
the single rounds, in each of which both were measured within a minute.

Run: python benchmarks/frames.py [--sessions 4000] [--rounds 5] [--seconds 6] [--only monitor,talk,...]
"""

from __future__ import annotations

import argparse

import rig
import subjects
from rig import Load, middle
from subjects import offhook

COLUMNS = ("share of core", "p99 ping ms", "p50 echo ms", "KiB a session", "hold")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--only", default="monitor,echo,keeping")
    options = parser.parse_args()
    listening = subjects.baselines(echo=False)
    echoing = subjects.baselines(echo=True)
    questions = {
        "monitor": (
            "A monitor: 200 ms stereo frames in, pings, nothing back",
            Load(options.sessions, "listen", 3200, 200, options.seconds),
            listening | {"Offhook": offhook("monitor"), "Offhook, trace of messages": offhook("monitor", "messages"),
                         "Offhook on websockets": offhook("monitor", "websockets")},
        ),
        "echo": (
            "An echo in user code: 200 ms mono frames in and the same back, a handler that reads `call.audio()`",
            Load(options.sessions // 2, "echo", 1600, 200, options.seconds),
            echoing | {"Offhook": offhook("echo"), "Offhook, in a sink": offhook("reflex")},
        ),
        "keeping": (
            "What keeping costs: a monitor that keeps nothing, a trace without audio, a recording, a whole trace",
            Load(options.sessions // 2, "listen", 3200, 200, options.seconds),
            {"nothing": offhook("monitor"), "messages": offhook("monitor", "messages"),
             "recording": offhook("monitor", "record"), "whole trace": offhook("monitor", "trace")},
        ),
    }  # fmt: skip
    for name in options.only.split(","):
        title, load, compared = questions[name]
        base = "nothing" if name == "keeping" else "bare picows"
        runs = rig.compare(compared, load, options.rounds)
        cost = {subject: middle(run.us_per_frame for run in of) for subject, of in runs.items()}
        factor = {subject: rig.factor(of, runs[base]) for subject, of in runs.items()}
        rig.table(
            f"{title}; {load.sessions:,} sessions, median of {options.rounds}",
            ("server", "us a frame", f"of {base}", *COLUMNS),
            [
                (
                    subject,
                    f"{cost[subject]:.1f}",
                    f"{factor[subject]:.2f}",
                    f"{middle(run.share for run in of):.0%}" if of else "-",
                    f"{middle(run.seen['ping']['p99'] for run in of) / 1000:.2f}",
                    f"{middle(run.seen['echo']['p50'] for run in of) / 1000:.2f}" if load.kind == "echo" else "-",
                    f"{middle(run.kib_per_session for run in of):.0f}",
                    f"{sum(run.holds() for run in of)}/{len(of)}",
                )
                for subject, of in runs.items()
            ],
        )
        judge(name, runs)


def judge(name: str, runs: dict[str, list[rig.Measured]]) -> None:
    """The rows of the table of targets that this benchmark answers."""
    if name == "monitor":
        traced = "Offhook, trace of messages"
        rig.judge(
            "a frame to a monitor, ledger and trace on, of bare picows",
            rig.factor(runs[traced], runs["bare picows"]),
            1.35,
        )
        if "Node ws" in runs:
            rig.judge("the same, of the server on Node", rig.factor(runs[traced], runs["Node ws"]), 0.5)
        ping = middle(run.seen["ping"]["p99"] for run in runs[traced]) / 1000
        rig.judge("p99 of pings at this load", ping, 5.0, unit=" ms")
    elif name == "echo":
        rig.judge(
            "an echoed frame, handler in user code, of the C echo", rig.factor(runs["Offhook"], runs["C epoll"]), 1.8
        )
        echo = middle(run.seen["echo"]["p50"] for run in runs["Offhook"]) / 1000
        rig.judge("p50 of echoes beyond the frame", echo, 1.0, unit=" ms")
    else:
        rig.judge("a frame recorded, of one that is not", rig.factor(runs["recording"], runs["nothing"]), 1.3)


if __name__ == "__main__":
    main()
