"""The short queue between our clock and that of a stack which sends 20 ms of RTP by a clock of its own.

Where the stack has run dry it is given a little silence first, as slack for the next time; slack that is no longer
needed is taken back where nobody hears it. It counts samples and knows bytes only.
"""

from __future__ import annotations

from typing import Final

from ...audio import ulaw

#: Samples of silence before what comes after a gap.
CUSHION: Final = 160
#: Samples that may wait for long.
_SLACK: Final = 320
#: Samples that may wait at all: what comes on top would be heard too late.
LIMIT: Final = 1_600

_IS_LOUD: Final = bytes(0 if code & 0x7F > 0x40 else 1 for code in range(256))


class Outlet:
    """Decides what of the caller's audio is written now.

    Attributes:
        gaps: How often the stack had run dry.
        skipped: Samples that were left out.
    """

    __slots__ = ("gaps", "skipped")

    def __init__(self) -> None:
        self.gaps = 0
        self.skipped = 0

    def pace(self, heard: bytes, waiting: int) -> bytes:
        """What to write of a tick's audio while so many samples wait."""
        if waiting == 0:
            self.gaps += 1
            return ulaw.silence(CUSHION) + heard
        if waiting > LIMIT or (waiting > _SLACK and not any(heard.translate(_IS_LOUD))):
            self.skipped += len(heard)
            return b""
        return heard
