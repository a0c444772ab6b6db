"""What does TLS in the process cost? CPU of the server for each message of audio, over wss and over ws.

The load is `offhook load`, on the other core; the certificate is made for the run (ECDSA P-256).

Run: python benchmarks/tls.py [--calls 1000] [--seconds 8] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import rig
from rig import middle
from subjects import offhook

from offhook.testing.load.result import Report


def certificate(folder: Path) -> None:
    """Make one for 127.0.0.1."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
        check=True, capture_output=True,
    )  # fmt: skip


def measure(mode: str, calls: int, seconds: float) -> Report:
    """One run of a fresh server."""
    port = rig.free_port()
    scheme = "wss" if mode == "tls" else "ws"
    with rig.serving(offhook("monitor", *([mode] if mode else []))(port), port) as served:
        command = [
            "taskset", "-c", "1", sys.executable, "-m", "offhook", "load", f"{scheme}://127.0.0.1:{port}{rig.TARGET}",
            "--calls", str(calls), "--ramp", "200/s", "--seconds", str(seconds), "--profile", "monitor",
            "--key", rig.KEY, "--secret", rig.SECRET, "--processes", "1", "--pid", str(served.pid), "--json",
        ]  # fmt: skip
        command += ["--insecure"] if mode == "tls" else []
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    return msgspec.json.decode(done.stdout, type=Report)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    runs: dict[str, list[Report]] = {"ws": [], "wss": []}
    with tempfile.TemporaryDirectory() as folder:
        certificate(Path(folder))
        os.environ["OFFHOOK_BENCH_TLS"] = folder
        for _ in range(options.rounds):
            for name, mode in (("ws", ""), ("wss", "tls")):
                runs[name].append(measure(mode, options.calls, options.seconds))
    cost = {name: middle(run.server.us_per_frame or 0.0 for run in of if run.server) for name, of in runs.items()}
    rig.table(
        f"{options.calls:,} monitored calls, 200 ms stereo frames, median of {options.rounds}",
        ("", "us a frame", "of ws", "p99 of opened ms", "p99 ping ms", "failed"),
        [
            (
                name,
                f"{cost[name]:.1f}",
                f"{cost[name] / cost['ws']:.2f}",
                f"{middle(run.opened.p99 or 0.0 for run in of):.1f}",
                f"{middle(run.ping.p99 or 0.0 for run in of):.1f}",
                sum(run.calls.failed for run in of),
            )
            for name, of in runs.items()
        ],
    )
    rig.judge("a frame over TLS, of one without", cost["wss"] / cost["ws"], 1.8)


if __name__ == "__main__":
    main()
