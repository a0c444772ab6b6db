"""What a server on this machine costs: processor and memory of a process and all its children, from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ...errors import UsageError

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Cost(msgspec.Struct, frozen=True):
    """At one moment.

    Attributes:
        cpu: Seconds of processor so far, all threads of all processes, those that have ended since we look included.
        memory: Resident bytes; what processes share is counted for each.
        processes: How many there are.
    """

    cpu: float
    memory: int
    processes: int


class Watched:
    """A process and its children.

    Args:
        pid: The process.
        proc: Where the kernel tells of processes.

    Raises:
        UsageError: There is none, or its accounts cannot be read.
    """

    def __init__(self, pid: int, proc: Path = Path("/proc")) -> None:
        self._pid = pid
        self._proc = proc
        self._spent: dict[tuple[int, str], int] = {}
        if not self.look().processes:
            raise UsageError(f"--pid {pid}: there is no such process")
        if not self._spent:
            raise UsageError(f"--pid {pid}: its processor time cannot be read: run as the same user, on Linux")

    def look(self) -> Cost:
        """Its cost now; no processes if it has ended."""
        memory = count = 0
        for pid in self._family():
            folder = self._proc / str(pid)
            try:
                memory += int((folder / "statm").read_text().split()[1]) * _PAGE
                tasks = list((folder / "task").iterdir())
            except (OSError, ValueError, IndexError):
                continue
            count += 1
            for task in tasks:
                try:
                    self._spent[pid, task.name] = int((task / "schedstat").read_text().split()[0])
                except (OSError, ValueError, IndexError):
                    pass  # it has ended just now
        return Cost(sum(self._spent.values()) / 1e9, memory, count)

    def _family(self) -> Iterator[int]:
        children: dict[int, list[int]] = {}
        for folder in self._proc.iterdir():
            if folder.name.isdecimal():
                try:
                    fields = (folder / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if fields[0] != "Z":
                    children.setdefault(int(fields[1]), []).append(int(folder.name))
                    if int(folder.name) == self._pid:
                        children.setdefault(-1, []).append(self._pid)
        waiting = children.get(-1, [])
        while waiting:
            pid = waiting.pop()
            yield pid
            waiting += children.get(pid, [])
