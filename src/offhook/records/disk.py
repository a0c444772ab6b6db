"""File work of the records: done in order by one thread, so that a slow disk delays records and never a call.

Knows work and bytes; nothing of calls.
"""

from __future__ import annotations

import atexit
import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import BinaryIO, Final, TypeVar, cast

Result = TypeVar("Result")

# A disk so far behind will not catch up; memory is worth more than the records.
MAX_WAITING: Final = 64 * 1024 * 1024

#: Seconds that work may wait for that of other calls.
LINGER: Final = 0.25
#: Seconds after which what a call has gathered meanwhile is written, if not for its size before.
GATHER: Final = 2.0

_log = logging.getLogger(__name__)


class Disk:
    """One thread and its queue; the thread begins with the first work. What is queued is done even if nobody closes.

    To wake a thread costs more than what it writes: work that may wait a moment is done together with that of others.
    """

    def __init__(self) -> None:
        self._queue: deque[tuple[Callable[[], object], int] | None] = deque()
        self._gathering: deque[tuple[float, Callable[[], object]]] = deque()
        self._some = threading.Event()
        self._hurry = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """Bytes handed in and not yet written."""
        return self._waiting

    @property
    def is_behind(self) -> bool:
        return self._waiting > MAX_WAITING

    def submit(self, work: Callable[[], object], size: int = 0, *, soon: bool = False) -> None:
        """Queue `work`, which holds `size` bytes. It should not raise: that is only logged.

        Args:
            soon: It may wait up to `LINGER` for others; without, all that waits is done now.
        """
        with self._lock:
            self._waiting += size
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="offhook-records", daemon=True)
                self._thread.start()
                atexit.register(self.close)
            self._queue.append((work, size))
        self._wake(hurry=not soon)

    def gather(self, work: Callable[[], object]) -> None:
        """Have `work` done when `GATHER` seconds have passed; it takes what has come together until then."""
        self._gathering.append((time.monotonic() + GATHER, work))
        if self._thread is None:
            self.submit(_nothing, soon=True)
        elif not self._some.is_set():
            self._some.set()

    def result(self, work: Callable[[], Result]) -> Future[Result]:
        """Queue `work` behind all that waits, and get to know what comes of it."""
        future: Future[Result] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        self.submit(run)
        return future

    def close(self) -> None:
        """Wait until all is written. Work may be handed in again later."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._queue.append(None)
        if thread is not None:
            atexit.unregister(self.close)
            self._wake(hurry=True)
            thread.join()

    def _wake(self, *, hurry: bool) -> None:
        if hurry and not self._hurry.is_set():
            self._hurry.set()
        if not self._some.is_set():
            self._some.set()

    def _run(self) -> None:
        while True:
            self._some.wait(LINGER if self._gathering else None)
            self._hurry.wait(LINGER)
            # Cleared before the queue is emptied: what comes meanwhile is either done now or wakes us again.
            self._some.clear()
            self._hurry.clear()
            if not self._do_queued():
                return self._do_gathered(math.inf)
            self._do_gathered(time.monotonic())

    def _do_queued(self) -> bool:
        """Whether to go on."""
        while self._queue:
            item = self._queue.popleft()
            if item is None:
                return False
            work, size = item
            _do(work)
            with self._lock:
                self._waiting -= size
        return True

    def _do_gathered(self, now: float) -> None:
        gathering = self._gathering
        while gathering and gathering[0][0] <= now:
            _do(gathering.popleft()[1])


def _nothing() -> None:
    pass


def _do(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        _log.exception("file work of the records failed")


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def open_private(path: Path, mode: str = "wb") -> BinaryIO:
    """Open a file that only its owner may read; unbuffered and binary."""
    return cast("BinaryIO", open(path, mode, buffering=0, opener=_owner_only))


def write_all(file: BinaryIO, data: bytes | bytearray | memoryview) -> None:
    """Write the whole of `data`: an unbuffered file may take less at a time."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def replace(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file as a whole: it is there complete, or as it was before."""
    draft = path.with_name(f".{path.name}.part")
    try:
        with open_private(draft) as file:
            for part in parts:
                write_all(file, part)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
