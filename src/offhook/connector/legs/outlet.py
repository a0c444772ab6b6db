"""What waits for a stack that sends 20 ms every 20 ms by its own clock, and what of it is left out. Knows no stack.

A tick of ours that comes late leaves one of the stack's empty, and its audio waits for the next one: from then on all
that follows does. That is taken back in silence, where nobody hears it, the last packet of it when it has not been
needed for some time; what is too much for that is left out between two samples that are made to meet.
"""

from __future__ import annotations

from typing import Final

from ...audio import ulaw
from ...audio.conceal import Concealer
from .inlet import is_quiet
from .sipstack import LEAD

#: Samples that wait as long as all is well: those that are just being sent.
_SENDING: Final = 160
#: Samples that may wait at all: what comes on top would be heard too late.
LIMIT: Final = 1_600
#: Ticks for which a packet that waits behind it must not have been needed until it is taken back.
_STEADY: Final = 250
#: Seconds after which a stack has seen what it was given: it looks every 4 ms.
_SEEN: Final = 0.004
_PERIOD: Final = 0.02


class Outlet:
    """Decides what of the caller's audio is written now.

    Attributes:
        skipped: Samples that were left out.
    """

    __slots__ = ("_concealer", "_slot", "_spare", "_waiting", "skipped")

    def __init__(self) -> None:
        self._concealer = Concealer()
        self._slot: float | None = None  # when the stack sends next
        self._waiting = 0
        self._spare = 0  # ticks for which there was a packet more than needed
        self.skipped = 0

    def pace(self, heard: bytes, now: float) -> bytes:
        """What to write of a tick's audio at this time: all of it or nothing."""
        if self._slot is None:
            self._slot = now + LEAD + _SEEN
        waiting = self._at(now)
        loud = not is_quiet(heard)
        self._spare = self._spare + 1 if waiting >= _SENDING else 0
        if waiting >= LIMIT or ((waiting > _SENDING or self._spare > _STEADY) and not loud):
            self._spare = 0
            self.skipped += len(heard)
            if loud:
                self._concealer.cut()
            return b""
        self._waiting += len(heard)
        return self._concealer.heard(heard)

    def ahead(self, now: float) -> int:
        """Samples that were written and wait behind those that are being sent."""
        return max(0, self._at(now) - _SENDING)

    def _at(self, now: float) -> int:
        """Samples that wait at this time."""
        if self._slot is not None and now >= self._slot:
            slots = int((now - self._slot) / _PERIOD) + 1
            self._slot += slots * _PERIOD
            self._waiting = max(0, self._waiting - slots * round(_PERIOD * ulaw.RATE))
        return self._waiting
