"""Runs the benchmarks one after the other and writes what they print to benchmarks/RESULTS.md, with where and when.

Run: python benchmarks/results.py [--quick] [NAME ...]
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

from rig import TARGET_MARK

HERE = Path(__file__).parent
#: In the order in which they are read. The rest of the folder is parts of them.
QUESTIONS = (
    "frames",
    "limits",
    "growth",
    "opens",
    "busy",
    "fair",
    "opened",
    "memory",
    "tls",
    "workers",
    "codecs",
    "signature",
    "generator",
    "turns",
    "barge_in",
)
#: What makes each of them take a part of its time, for `--quick`.
QUICK = {
    "frames": ("--rounds", "3", "--seconds", "5"),
    "limits": ("--step", "1000", "--seconds", "5"),
    "growth": ("--seconds", "4", "--most", "6000"),
    "opens": ("--rounds", "2", "--seconds", "4"),
    "opened": ("--sessions", "400"),
    "memory": ("--rounds", "5"),
    "tls": ("--seconds", "5"),
    "generator": ("--quick",),
    "turns": ("--sessions", "8"),
    "barge_in": ("--prompts", "20"),
}


def machine() -> str:
    """One paragraph."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
    names = ("picows", "uvloop", "msgspec", "numpy", "websockets")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return (
        f"{time.strftime('%Y-%m-%d')}; {os.cpu_count()} cores ({model}), Linux {platform.release()}, "
        f"Python {platform.python_version()}, {versions}. Server on one core, load on the other, loopback."
    )


def ask(name: str, *, quick: bool) -> tuple[str, list[str], int]:
    """Run one: what is to be read of it, what it says of targets, and its exit code."""
    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    options = QUICK.get(name, ()) if quick else ()
    command = [sys.executable, str(HERE / f"{name}.py"), *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="", flush=True)
    about = (HERE / f"{name}.py").read_text().split('"""')[1].split("\n\n")[0].strip()
    took = f"`{' '.join(['python', f'benchmarks/{name}.py', *options])}`, {time.monotonic() - began:.0f} s"
    lines = done.stdout.strip().splitlines()
    targets = [f"{line.removeprefix(TARGET_MARK)} {name}.py |" for line in lines if line.startswith(TARGET_MARK)]
    rest = "\n".join(line for line in lines if not line.startswith(TARGET_MARK)).strip()
    return f"## {about}\n\n{took}\n\n{rest}", targets, done.returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="benchmarks; all of them if none is named")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: half an hour in all")
    options = parser.parse_args()
    parts: list[str] = []
    targets: list[str] = []
    failed = 0
    for name in options.names or QUESTIONS:
        part, said, code = ask(name, quick=options.quick)
        parts.append(part)
        targets += said
        failed |= code
        write(parts, targets)
    return failed


def write(parts: list[str], targets: list[str]) -> None:
    """What is known so far."""
    head = ["# Results", machine(), "Read the ratios: every figure has its baseline in the same run."]
    if targets:
        rows = "\n".join(f"|{line}" for line in targets)
        head.append(f"## Targets\n\n| what | target | measured | | by |\n|---|---|---|---|---|\n{rows}")
    (HERE / "RESULTS.md").write_text("\n\n".join([*head, *parts]) + "\n")


if __name__ == "__main__":
    sys.exit(main())
