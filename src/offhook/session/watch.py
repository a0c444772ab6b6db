"""Watches one event loop: how late it comes, what the garbage collector takes, and whose code makes it stand still.

A timer of the loop beats; a thread beside it looks whether the beat has come. If it has not for longer than the budget,
the thread looks at what the loop's thread is doing, and names the function once, with its file and line. Nothing is
measured for each call or frame: a loop that keeps up pays for one timer and one thread's wake-up each 50 ms.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import sysconfig
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Final, NamedTuple, Self

from . import figures
from .board import Row

logger = logging.getLogger("offhook.session")

#: Seconds for which the loop may stand still: half a frame of audio is late for all calls by then.
BUDGET: Final = 0.1
#: Seconds between two beats.
BEAT: Final = 0.05
#: A function that is seen in so many stalls, without one of its calls filling a stall alone, takes too much in sum.
_OFTEN: Final = 10
#: Lags of the last minute, each the worst of a second.
_MINUTE: Final = 60

_OURS: Final = str(Path(__file__).parents[1])
_LIBRARIES: Final = tuple(path for name in ("stdlib", "platstdlib") if (path := sysconfig.get_paths().get(name)))


class Culprit(NamedTuple):
    """A function that keeps the loop. `call` tells one call of it from the next, as well as a thread beside can."""

    code: CodeType
    line: int
    call: int

    @property
    def name(self) -> str:
        """For people, such as `answer (bot.py, line 12)`."""
        return f"{self.code.co_qualname} ({_short(self.code.co_filename)}, line {self.line})"


class Watch:
    """The watch of this process; `start` it in the event loop.

    Args:
        row: Gets lag, stalls, pauses, CPU time and memory.
        each_second: Called in the loop once a second, before the row's sign of life is given.
        budget: Seconds that the loop may stand still.
    """

    def __init__(
        self, row: Row, each_second: Callable[[], None] = lambda: None, *, budget: float = BUDGET, beat: float = BEAT
    ) -> None:
        self._row = row
        self._each_second = each_second
        self._budget = budget
        self._interval = beat
        self._named: set[CodeType] = set()
        self._seen: Counter[CodeType] = Counter()
        self._worst: deque[float] = deque([0.0], maxlen=_MINUTE)
        self._pause_began = 0.0
        self._collecting = False
        self._cpu_before = 0.0
        self._base: FrameType | None = None
        self._told_of_pause = False
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._timer: asyncio.Handle | None = None
        self._second = 0.0
        self._due = 0.0

    def start(self) -> Self:
        """Watch from now on."""
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._cpu_before = self._row.get(figures.CPU)  # of the processes that had the row before
        self._due = self._second = time.monotonic()
        self._timer = self._loop.call_soon(self._beat)
        self._thread = threading.Thread(target=self._look, name="offhook-watch", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Watch no more."""
        if self._thread is None:
            return
        self._over.set()
        self._thread.join()
        self._thread = None
        if self._base is not None:
            gc.callbacks.remove(self._on_gc)
        if self._timer is not None:
            self._timer.cancel()
        self._base = None

    # In the loop.

    def _beat(self) -> None:
        if self._base is None:
            # Only now, in the loop: what is done at a server's start is no pause of calls.
            self._base = _runner(sys._getframe(1))
            self._due = time.monotonic()
            gc.callbacks.append(self._on_gc)
        now = time.monotonic()
        lag = max(0.0, now - self._due)
        self._row.observe(figures.LAG, lag)
        if lag > self._budget:
            self._row.add(figures.STALLS)
        self._worst[-1] = max(self._worst[-1], lag)
        if now - self._second >= 1.0:
            self._second = now
            self.publish(now)
            self._worst.append(0.0)
        self._due = now + self._interval
        self._timer = self._loop.call_later(self._interval, self._beat)

    def publish(self, now: float | None = None) -> None:
        """Write what is known by now to the row."""
        self._each_second()
        row = self._row
        row.set(figures.LAG_MAX, max(self._worst))
        row.set(figures.CPU, time.process_time() + self._cpu_before)
        row.set(figures.MEMORY, resident())
        row.beat = time.monotonic() if now is None else now

    def _on_gc(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._pause_began = time.perf_counter()
            self._collecting = True
            return
        self._collecting = False
        pause = time.perf_counter() - self._pause_began
        self._row.observe(figures.GC, pause)
        if pause > self._budget and not self._told_of_pause:
            self._told_of_pause = True
            logger.warning(
                "garbage collection took %.0f ms (generation %d): all calls waited for it. Something makes very many "
                "objects that refer to each other; this is said once, see offhook_gc_pause_seconds",
                pause * 1000, info["generation"],
            )  # fmt: skip

    # In the thread.

    def _look(self) -> None:
        before: Culprit | None = None
        woke = time.monotonic()
        while not self._over.wait(self._interval):
            last, woke = woke, time.monotonic()
            # Whoever wakes late itself has been held up by the machine, or by native code that keeps all threads.
            held_up = woke - last > self._interval * 3
            late = woke - self._due
            if held_up or late <= self._budget or self._collecting:
                before = None
                continue
            frame = sys._current_frames().get(self._loop_thread)
            found = culprit(frame, self._base)
            del frame
            if found is not None:
                self._suspect(found, before, late)
            before = found

    def _suspect(self, found: Culprit, before: Culprit | None, late: float) -> None:
        code = found.code
        if code in self._named:
            return
        self._seen[code] += 1
        often = self._seen[code] >= _OFTEN and self._seen[code] * 2 >= self._seen.total()
        if often or (before is not None and (before.code, before.call) == (code, found.call)):
            self._named.add(code)
            logger.warning(
                "%s keeps the event loop busy: it stood still for %.0f ms, and with it all calls of this process. Let "
                "it await, or put what blocks or computes into 'await asyncio.to_thread(...)'; it is named once",
                found.name, late * 1000,
            )  # fmt: skip


def culprit(frame: FrameType | None, base: FrameType | None) -> Culprit | None:
    """Whose code runs: the innermost frame of the user's own, else of a library, else of ours; None if the loop idles.

    Args:
        frame: The innermost frame of the loop's thread.
        base: The frame in which the loop runs: it and what called it is not looked at.
    """
    library: Culprit | None = None
    ours: Culprit | None = None
    while frame is not None and frame is not base:
        path = frame.f_code.co_filename
        here = Culprit(frame.f_code, frame.f_lineno, id(frame))
        if path.startswith(_OURS):
            ours = ours or here
        elif "site-packages" in path or "dist-packages" in path:
            library = library or here
        elif not path.startswith((*_LIBRARIES, "<")):
            return here
        frame = frame.f_back
    return library or ours


def _runner(frame: FrameType | None) -> FrameType | None:
    """The frame in which the loop runs, which stays: asyncio's own loop has some above it that come and go."""
    while frame is not None and frame.f_code.co_name in ("_run", "_run_once"):
        frame = frame.f_back
    return frame


def _short(path: str) -> str:
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path


def resident() -> int:
    """Bytes of memory that this process has in use; where the system does not tell, the most that it ever had."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
