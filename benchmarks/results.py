"""Runs the benchmarks one after the other and writes what they print to benchmarks/RESULTS.md, with where and when.

Run: python benchmarks/results.py [NAME ...]
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

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
    "codecs",
    "signature",
    "generator",
)


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


def main() -> int:
    wanted = sys.argv[1:] or [name for name in QUESTIONS if (HERE / f"{name}.py").exists()]
    parts = ["# Results", machine(), "Read the ratios: every figure has its baseline in the same run."]
    failed = 0
    for name in wanted:
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        done = subprocess.run([sys.executable, str(HERE / f"{name}.py")], stdout=subprocess.PIPE, text=True)
        failed |= done.returncode
        print(done.stdout, end="", flush=True)
        about = (HERE / f"{name}.py").read_text().split('"""')[1].split("\n\n")[0].strip()
        took = f"`python benchmarks/{name}.py`, {time.monotonic() - began:.0f} s"
        parts.append(f"## {about}\n\n{took}\n\n{done.stdout.strip()}")
    (HERE / "RESULTS.md").write_text("\n\n".join(parts) + "\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
