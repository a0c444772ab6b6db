"""Signatures that were used, known to all workers of a server: a replay may meet another worker than the first use.

A worker writes each nonce that it let in to its ring on the board, and takes in what the others wrote before it
judges the next: own first, then theirs, so of two at the same instant at most one gets in. Each keeps the whole in a
memory of its own, with the same room for each API key as a server of one process has. A worker that is started again
takes in the rings as they are, its predecessor's among them.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import Final

from ..protocol.signature import NonceCache
from .board import NONCE_SIZE, RING, Board, Row, key_mark

_ENTRY: Final = struct.Struct("<Q16sdd")
assert _ENTRY.size == NONCE_SIZE


class SharedNonces(NonceCache):
    """The memory of `protocol.signature.Verifier`, shared by workers.

    Args:
        board: Where the rings are.
        capacity: As in `NonceCache`.
        clock: UNIX time.
    """

    def __init__(self, board: Board, capacity: int = 8192, clock: Callable[[], float] = time.time) -> None:
        super().__init__(capacity)
        self._own = board.own
        self._clock = clock
        now = clock()
        self._read = {row: max(0, row.nonces - RING) for row in board.rows}
        for row in board.rows:
            self._take_in(row, now)
        del self._read[self._own]

    def add(self, key_id: str, nonce: str, *, until: float, now: float) -> bool:
        mark = self.mark(nonce)
        room = key_mark(key_id)
        self.catch_up(now)
        if not self.remember(str(room), mark, until=until, now=now):
            return False
        number = self._own.nonces
        _ENTRY.pack_into(self._own.ring, number % RING * NONCE_SIZE, number + 1, mark, room, until)
        self._own.nonces = number + 1
        return not any(self._take_in(row, now, mark) for row in self._read)

    def catch_up(self, now: float | None = None) -> None:
        """Take in what the others have written; to be called about once a second, or a ring may run over."""
        now = self._clock() if now is None else now
        for row in self._read:
            if row.nonces != self._read[row]:
                self._take_in(row, now)

    def _take_in(self, row: Row, now: float, wanted: bytes = b"") -> bool:
        """Read on in a ring; returns whether a mark was among what is new there."""
        found = False
        written = row.nonces
        at = max(self._read[row], written - RING)
        while at < written:
            number, mark, room, until = _ENTRY.unpack_from(row.ring, at % RING * NONCE_SIZE)
            if number < at + 1:
                break  # counted, and not to be seen here yet: the next look finds it
            if number == at + 1 and until >= now:
                self.remember(str(room), mark, until=until, now=now)
                found = found or mark == wanted
            at += 1
        self._read[row] = at
        return found
