"""The board on which all workers of a server write what the others must know: a small block of shared memory.

Each worker owns one row and is the only one that writes to it; everybody reads. That needs no lock, and a worker that
is killed leaves nothing locked. What must hold over all workers (a limit, a nonce used once) is done by writing one's
own part first and reading the others' after it: of two at the same instant at least one sees the other.

It is touched when a session begins and ends and on a timer, never for audio. The block is an unnamed file: it is gone
with the last process that has it.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import tempfile
import time
from collections.abc import Iterator
from typing import Final, NamedTuple, Self

from . import figures

#: States of a row. `down`: no process, or none yet.
STATES: Final = ("down", "starting", "ready", "draining")
#: Seconds without a sign of life after which a worker counts as stalled; it gives one each second.
STALLED: Final = 5.0

# Cells behind the figures: state, process id, time of the last sign of life (monotonic: the same for all processes of
# a machine), nonces written so far. Behind them, pairs: mark of an API key, sessions of it.
_STATE, _PID, _BEAT, _NONCES = range(figures.WIDTH, figures.WIDTH + 4)
_KEYS: Final = figures.WIDTH + 4
#: Nonces that a worker's ring keeps for the others, who look once a second: more than a core can verify meanwhile.
RING: Final = 8192
#: Number, mark of the nonce (16 bytes), mark of the API key, end of its time.
NONCE_SIZE: Final = 40


class Worker(NamedTuple):
    """What the board says of one worker."""

    number: int
    state: str
    pid: int
    sessions: int
    silent: float
    """Seconds since its last sign of life."""


class Row:
    """One worker's place on the board."""

    def __init__(self, cells: memoryview[float], ring: memoryview) -> None:
        self.cells = cells
        self.ring = ring
        self._keys = (len(cells) - _KEYS) // 2

    def add(self, figure: figures.Figure, value: str = "", amount: float = 1.0) -> None:
        """Count."""
        self.cells[figures.cell(figure, value)] += amount

    def set(self, figure: figures.Figure, amount: float, value: str = "") -> None:
        """Write over."""
        self.cells[figures.cell(figure, value)] = amount

    def get(self, figure: figures.Figure, value: str = "") -> float:
        amount: float = self.cells[figures.cell(figure, value)]
        return amount

    def observe(self, histogram: figures.Figure, amount: float) -> None:
        """Add one observation."""
        figures.observe(self.cells, histogram, amount)

    @property
    def state(self) -> str:
        return STATES[int(self.cells[_STATE])]

    @state.setter
    def state(self, state: str) -> None:
        self.cells[_STATE] = STATES.index(state)

    @property
    def pid(self) -> int:
        return int(self.cells[_PID])

    @property
    def beat(self) -> float:
        """When it gave its last sign of life, by the monotonic clock."""
        at: float = self.cells[_BEAT]
        return at

    @beat.setter
    def beat(self, now: float) -> None:
        self.cells[_BEAT] = now

    @property
    def nonces(self) -> int:
        """Nonces that were written to the ring, since the server began."""
        return int(self.cells[_NONCES])

    @nonces.setter
    def nonces(self, count: int) -> None:
        self.cells[_NONCES] = count

    def begin(self, pid: int) -> None:
        """A process takes the row. What its predecessor counted stays counted; its sessions are lost."""
        self.clear()
        self.cells[_PID] = pid
        self.beat = time.monotonic()
        self.state = "starting"

    def clear(self) -> None:
        """The process of the row is gone."""
        self.state = "down"
        if lost := self.get(figures.SESSIONS):
            self.add(figures.ENDED, "lost", lost)
        for gauge in figures.GAUGES:
            self.set(gauge, 0.0)
        self.cells[_PID] = 0.0
        for at in range(_KEYS, len(self.cells)):
            self.cells[at] = 0.0

    def of_key(self, mark: float) -> int:
        """Sessions with an API key."""
        place = self._find(mark)
        return int(self.cells[place + 1]) if place is not None and self.cells[place] == mark else 0

    def set_of_key(self, mark: float, count: int) -> None:
        """Write it over."""
        place = self._find(mark)
        if place is not None:
            self.cells[place + 1] = count
            self.cells[place] = mark

    def _find(self, mark: float) -> int | None:
        """Where a key stands or may be put; None on a full board, where the limit of a further key is each worker's."""
        first = int(mark) % self._keys
        for step in range(self._keys):
            place = _KEYS + 2 * ((first + step) % self._keys)
            if self.cells[place] in (mark, 0.0):
                return place
        return None


class Board:
    """All rows.

    Args:
        block: Zeroed memory of `size(workers, keys)` bytes.
        workers: How many rows.
        keys: API keys for which a row has room.
        own: Which row is ours; 0 is the first.
    """

    def __init__(self, block: mmap.mmap, workers: int, keys: int, own: int = 0) -> None:
        self.keys = keys
        self.fd = -1
        self._block = block
        view = memoryview(block)
        cells, ring = _sizes(keys)
        self.rows = [
            Row(view[at : at + cells].cast("d"), view[at + cells : at + cells + ring])
            for at in range(0, workers * (cells + ring), cells + ring)
        ]
        self.own = self.rows[own]

    @classmethod
    def alone(cls, keys: int = 0) -> Self:
        """For a server of one process."""
        room = max(64, 2 * keys)
        return cls(mmap.mmap(-1, sum(_sizes(room))), 1, room)

    @classmethod
    def create(cls, workers: int, keys: int = 0) -> Self:
        """For the parent of several; `fd` is what they inherit."""
        room = max(64, 2 * keys)
        size = workers * sum(_sizes(room))
        if hasattr(os, "memfd_create"):
            fd = os.memfd_create("offhook-board")
        else:
            with tempfile.TemporaryFile() as file:
                fd = os.dup(file.fileno())
        os.ftruncate(fd, size)
        board = cls(mmap.mmap(fd, size), workers, room)
        board.fd = fd
        return board

    @classmethod
    def inherit(cls, fd: int, workers: int, keys: int, own: int) -> Self:
        """For a worker."""
        board = cls(mmap.mmap(fd, workers * sum(_sizes(keys))), workers, keys, own)
        board.fd = fd
        return board

    def others(self) -> Iterator[Row]:
        return (row for row in self.rows if row is not self.own)

    @property
    def sessions(self) -> int:
        """Sessions that are up in all workers."""
        return int(sum(row.get(figures.SESSIONS) for row in self.rows))

    def of_key(self, key: str) -> int:
        """The same with one API key."""
        mark = key_mark(key)
        return sum(row.of_key(mark) for row in self.rows)

    def workers(self) -> list[Worker]:
        """What is known of each; they are numbered from 1."""
        now = time.monotonic()
        return [
            Worker(
                number,
                row.state,
                row.pid,
                int(row.get(figures.SESSIONS)),
                max(0.0, now - row.beat) if row.state != "down" else 0.0,
            )
            for number, row in enumerate(self.rows, 1)
        ]

    def exposition(self) -> bytes:
        """All figures of all workers, in Prometheus' text format."""
        workers = self.workers()
        extra = figures.header("offhook_workers", "Workers by state.", "gauge")
        extra += [
            f'offhook_workers{{state="{state}"}} {sum(worker.state == state for worker in workers)}' for state in STATES
        ]
        extra += figures.header("offhook_worker_sessions", "Sessions that are up in each worker.", "gauge")
        extra += [f'offhook_worker_sessions{{worker="{each.number}"}} {each.sessions}' for each in workers]
        return figures.exposition(figures.total([row.cells for row in self.rows]), extra)


def key_mark(key: str) -> float:
    """A number for an API key, never 0, which a double holds exactly: 52 bits of its hash."""
    return float(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) >> 12 | 1)


def _sizes(keys: int) -> tuple[int, int]:
    """Bytes of a row's cells and of its ring."""
    return 8 * (_KEYS + 2 * keys), RING * NONCE_SIZE
