"""Runs the benchmarks one after the other and writes what they print to benchmarks/RESULTS.md, with where and when.

Run: python benchmarks/results.py [--quick] [NAME ...]

With names, only those are run again; what the file has of the others stays, if it is of this machine.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rig import TARGET_MARK

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
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
    "transcription",
    "turns",
    "barge_in",
    "first_audio",
    "heard",
    "felt",
    "duplex",
    "voiceprint",
    "fanout",
    "two_bots",
    "mouth_to_ear",
    "soak",
)
#: What makes each of them take a part of its time, for `--quick`.
QUICK = {
    "frames": ("--seconds", "4", "--rounds", "3"),
    "limits": ("--step", "500", "--seconds", "5", "--few"),
    "growth": ("--seconds", "4", "--most", "6000"),
    "opens": ("--rounds", "2", "--seconds", "4"),
    "opened": ("--sessions", "400"),
    "memory": ("--repeat", "1", "--rounds", "5"),
    "tls": ("--seconds", "5"),
    "generator": ("--quick",),
    "transcription": ("20",),
    "turns": ("--sessions", "12"),
    "barge_in": ("--prompts", "20"),
    "felt": ("--turns", "8"),
    "fanout": ("--seconds", "5"),
    "two_bots": ("--minutes", "5"),
    "mouth_to_ear": ("--seconds", "20"),
    "soak": ("--minutes", "3"),
}


def machine() -> str:
    """One paragraph, the same as long as figures can be compared."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
    names = ("picows", "uvloop", "msgspec", "numpy", "websockets")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return (
        f"{os.cpu_count()} cores ({model}), Linux {platform.release()}, "
        f"Python {platform.python_version()}, {versions}. Server on one core, load on the other, loopback."
    )


class Answer(NamedTuple):
    """What one benchmark had to say: a section of the file, and its rows of the table of targets."""

    section: str
    targets: list[str]


def ask(name: str, *, quick: bool) -> tuple[Answer, int]:
    """Run one: its answer and its exit code."""
    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    options = QUICK.get(name, ()) if quick else ()
    command = [sys.executable, str(HERE / f"{name}.py"), *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="", flush=True)
    about = (HERE / f"{name}.py").read_text().split('"""')[1].split("\n\n")[0].strip()
    asked = " ".join(["python", f"benchmarks/{name}.py", *options])
    took = f"`{asked}`, {time.strftime('%Y-%m-%d')}, {time.monotonic() - began:.0f} s"
    lines = done.stdout.strip().splitlines()
    targets = [f"|{line.removeprefix(TARGET_MARK)} {name}.py |" for line in lines if line.startswith(TARGET_MARK)]
    rest = "\n".join(line for line in lines if not line.startswith(TARGET_MARK)).strip()
    return Answer(f"## {about}\n\n{took}\n\n{rest}", targets), done.returncode


def known() -> dict[str, Answer]:
    """What the file has of this machine."""
    if not RESULTS.exists() or machine() not in (text := RESULTS.read_text()):
        return {}
    sections = re.split(r"\n+(?=## )", text.rstrip())
    rows = [line for line in text.splitlines() if line.startswith("|")]
    found = {}
    for section in sections:
        if run := re.search(r"^`python benchmarks/(\w+)\.py", section, re.MULTILINE):
            name = run[1]
            found[name] = Answer(section, [row for row in rows if row.endswith(f" {name}.py |")])
    return found


def write(answers: Mapping[str, Answer]) -> None:
    """In the order in which they are read."""
    told = [answers[name] for name in QUESTIONS if name in answers]
    head = ["# Results", machine(), "Read the ratios: every figure has its baseline in the same run."]
    if rows := [row for answer in told for row in answer.targets]:
        table = "\n".join(["| what | target | measured | | by |", "|---|---|---|---|---|", *rows])
        head.append(f"## Targets\n\n{table}")
    RESULTS.write_text("\n\n".join([*head, *(answer.section for answer in told)]) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks; all of them if none is named")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: an hour in all")
    options = parser.parse_args()
    if unknown := set(options.names) - set(QUESTIONS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(QUESTIONS)}")
    answers = known()
    failed = 0
    for name in options.names or QUESTIONS:
        answers[name], code = ask(name, quick=options.quick)
        failed |= code
        write(answers)
    return failed


if __name__ == "__main__":
    sys.exit(main())
