"""The bench itself: builds the baseline and the load, runs one server on one core against the load on the other.

A server is a command that prints a line once it listens. What it costs is read from the kernel's own accounts
(`/proc/PID/task/*/schedstat`) between the "start" and the "stop" of the load, so that set-up and end do not count.
Every figure is meant to be set beside a baseline of the same run: see `benchmarks/frames.py`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from offhook.testing.conformance.signing import Signing, identity
from offhook.testing.conformance.socket import upgrade_fields

HERE = Path(__file__).parent
ORGANIZATION = "d7934305-0972-4844-938e-9060eef73d05"
KEY, SECRET = "YmVuY2htYXJr", base64.b64encode(b"benchmark" * 4).decode()
TARGET = "/api/v1/audiohook/ws"
_HOUR = 3600.0
#: How a line begins that says whether a target is met.
TARGET_MARK = "target: |"


@cache
def build(name: str) -> str:
    """Compile a program of `native`; returns its path."""
    folder = Path(tempfile.gettempdir()) / f"offhook-bench-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    program = folder / name
    subprocess.run(["gcc", "-O2", "-Wall", "-o", str(program), str(HERE / "native" / f"{name}.c")], check=True)
    return str(program)


def requests(count: int, port: int) -> Path:
    """A file of so many signed upgrade requests, as `native/load.c` reads it."""
    path = Path(tempfile.gettempdir()) / f"offhook-bench-{os.getuid()}" / f"requests-{port}-{count}"
    with path.open("wb") as file:
        for _ in range(count):
            session = str(uuid.uuid4())
            authority = f"127.0.0.1:{port}"
            fields = identity(ORGANIZATION, KEY, session)
            fields |= Signing(lifetime=_HOUR).sign(fields, TARGET, authority, base64.b64decode(SECRET))
            lines = [
                f"GET {TARGET} HTTP/1.1",
                *(f"{name}: {value}" for name, value in upgrade_fields(authority, fields)),
            ]
            request = "\r\n".join([*lines, "", ""]).encode()
            file.write(session.encode() + b"%04d" % len(request) + request)
    return path


@dataclass(frozen=True, slots=True)
class Load:
    """What `native/load.c` is asked for; `kind` is listen, echo, talk or open."""

    sessions: int
    kind: str
    frame_bytes: int = 1600
    interval_ms: int = 200
    seconds: float = 10.0
    ramp: float = 1500.0


@dataclass
class Measured:
    """One run: what the load saw, and what the server cost."""

    seen: dict[str, Any]
    cpu_seconds: float
    user_seconds: float
    memory_before: int
    memory_after: int
    steal: float = 0.0
    others: dict[str, Any] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Of the core, 0 to 1."""
        return self.cpu_seconds / float(self.seen["seconds"])

    @property
    def us_per_frame(self) -> float:
        """CPU of the server for each frame that it received."""
        return 1e6 * self.cpu_seconds / max(1, int(self.seen["frames_out"]))

    @property
    def kib_per_session(self) -> float:
        """Growth of the process."""
        return (self.memory_after - self.memory_before) / 1024 / max(1, int(self.seen["opened"]))

    def holds(self, ping_ms: float = 50.0) -> bool:
        """All opened and closed, none late, no frame missing, p99 of the pings below a bound."""
        seen = self.seen
        lost = seen["failed"] + seen["never_opened"] + seen["unclosed"] + seen["underruns"]
        return lost == 0 and seen["ping"]["p99"] < 1000 * ping_ms and seen["unanswered"] == 0

    @property
    def loaded(self) -> bool:
        """Whether the load itself was at its end: then the run says nothing of the server."""
        return float(self.seen["cpu"]) > 0.97 or self.seen["slip"]["p99"] > 10_000


class Served:
    """A server's process, pinned to a core."""

    def __init__(self, command: Sequence[str], port: int, core: int) -> None:
        self.port = port
        environment = os.environ | {"OFFHOOK_BENCH_KEY": KEY, "OFFHOOK_BENCH_SECRET": SECRET}
        self._process = subprocess.Popen(
            ["taskset", "-c", str(core), *command], stdout=subprocess.PIPE, env=environment, text=True, cwd=HERE
        )
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise RuntimeError(f"{command} did not start")
        self.pid = self._process.pid  # taskset becomes the server
        until_there(port)

    def cpu(self) -> float:
        """Seconds on the processor so far, all threads."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError):
                total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def user(self) -> float:
        """Of these, outside the kernel."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Resident bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def until_there(port: int) -> None:
    """Wait until somebody listens: some print before they do."""
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"nobody listens on port {port}")


def steal() -> float:
    """Seconds that other guests of the host have taken from our cores since it started."""
    return int(Path("/proc/stat").read_text().split("\n", 1)[0].split()[8]) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def serving(command: Sequence[str], port: int, core: int = 0) -> Iterator[Served]:
    """Run a server for a while."""
    served = Served(command, port, core)
    try:
        yield served
    finally:
        served.close()


def run(served: Served, load: Load, core: int = 1) -> Measured:
    """Put a load on a server and read what it costs."""
    before = served.memory()
    with loading(served, load, core) as started:
        process = started()
        first = served.cpu(), served.user(), steal()
        assert process.stdout is not None
        process.stdout.readline()
        last = served.cpu(), served.user(), steal()
        after = served.memory()
        seen = json.loads(process.stdout.read())
    return Measured(seen, last[0] - first[0], last[1] - first[1], before, after, last[2] - first[2])


@contextlib.contextmanager
def loading(served: Served, load: Load, core: int = 1) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """A load that runs; calling what this gives waits until all its calls are up."""
    file = requests(20_000 if load.kind == "open" else load.sessions, served.port)
    command = ["taskset", "-c", str(core), build("load"), str(served.port), str(file), str(load.sessions),
               str(load.ramp), str(load.seconds), str(load.frame_bytes), str(load.interval_ms), load.kind]  # fmt: skip

    def started() -> subprocess.Popen[str]:
        assert process.stdout is not None
        assert process.stdout.readline() == "start\n", "the load did not start"
        return process

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield started


def native(port: int, *, echo: bool = False) -> list[str]:
    """The command of the C baseline."""
    return [build("server"), str(port), "echo" if echo else "listen"]


def python(name: str, port: int, *options: str) -> list[str]:
    """The command of a program of `servers`."""
    return [sys.executable, str(HERE / "servers" / f"{name}.py"), str(port), *options]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def measure(command: Callable[[int], list[str]], load: Load) -> Measured:
    """One run of a fresh server under a load."""
    port = free_port()
    pause(0.5)
    with serving(command(port), port) as served:
        return run(served, load)


def compare(subjects: Mapping[str, Callable[[int], list[str]]], load: Load, rounds: int) -> dict[str, list[Measured]]:
    """Run each subject `rounds` times, in turn: all see the same minutes. What the load could not do is left out."""
    runs: dict[str, list[Measured]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, command in subjects.items():
            runs[name].append(measure(command, load))
    return {name: [run for run in of if not run.loaded] or of for name, of in runs.items()}


def factor(runs: Sequence[Measured], base: Sequence[Measured]) -> float:
    """Cost of a frame over that of the baseline: the median of the rounds, each beside its own neighbour in time."""
    if len(runs) == len(base):
        return middle(run.us_per_frame / other.us_per_frame for run, other in zip(runs, base, strict=True))
    return middle(run.us_per_frame for run in runs) / middle(run.us_per_frame for run in base)


def most(
    command: Callable[[int], list[str]], load: Load, low: int, high: int, step: int
) -> tuple[int, Measured | None]:
    """The most sessions that hold, to a step, from `low` to `high`; and the run that showed it. 0 if none does.

    What a run cost says where the core will be full: that is tried next, and halving goes on from what it shows.
    """

    def held(sessions: int) -> Measured | None:
        for _ in range(2):  # once may be what the machine did besides
            measured = measure(command, replace(load, sessions=sessions))
            if measured.holds():
                return measured
            if measured.loaded:
                break
        return None

    best, limit, top = low, high // step * step, high // step * step
    if (run := held(low)) is None:
        return 0, None
    while best // step * step + step <= limit:
        least = best // step * step + step
        full = int(best / run.share * 0.95) // step * step
        at = (least + limit) // 2 // step * step if top > limit < full else min(max(least, full), limit)
        if found := held(at):
            best, run = at, found
        else:
            limit = at - step
    return best, run


def middle(values: Iterable[float]) -> float:
    """The median; NaN of nothing."""
    known = list(values)
    return statistics.median(known) if known else math.nan


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print one as Markdown."""
    print(f"\n{title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(str(cell) for cell in row)} |", flush=True)


def judge(what: str, value: float, bound: float, *, at_least: bool = False, form: str = ".2f", unit: str = "") -> None:
    """Say whether a figure keeps the bound that the project has set itself; `results.py` gathers what is said.

    Args:
        what: What was measured, against what.
        value: The figure; NaN if it could not be had.
        bound: The target.
        at_least: Whether more is better.
        form: How figures are written.
        unit: Behind them.
    """
    kept = value >= bound if at_least else value <= bound
    word = "not measured" if math.isnan(value) else "met" if kept else "not met"
    shown = "-" if math.isnan(value) else f"{value:{form}}{unit}"
    side = "at least" if at_least else "at most"
    print(f"{TARGET_MARK} {what} | {side} {bound:{form}}{unit} | {shown} | {word} |", flush=True)


def pause(seconds: float = 1.0) -> None:
    """Let the kernel clear up sockets between two runs."""
    time.sleep(seconds)
