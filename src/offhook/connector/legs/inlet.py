"""The short queue between a caller's clock and ours: audio comes when it comes, and leaves in ticks. Knows bytes only.

Late audio is heard late, so the queue grows by what was missing: it finds by itself the slack that the line's jitter
needs. What grows for another reason, because the caller's clock is faster than ours, is taken back in silence, where
nobody hears it; and above the limit at once. What is missing, lost or late or because the caller's clock is slower, is
concealed: nothing of this clicks.
"""

from __future__ import annotations

from typing import Final

from ...audio import ulaw
from ...audio.conceal import Concealer, joined

#: Samples that may wait. A line that jitters by more is not one to talk on.
LIMIT: Final = ulaw.RATE // 5
#: Ticks over which the least that waited counts as slack.
_SPAN: Final = 50
#: Samples of slack that are left alone: one packet.
_SPARE: Final = 160
#: Ticks for which packets must have come as steadily as we ask for them until not even that is left: at first, and at
#: most, as it is twice as long each time that it turns out wrong.
_STEADY, _STEADIEST = 100, 6_000

#: Samples of the last packet that are looked at where the next one is joined to it.
_SEAM: Final = 40

_QUIET: Final = bytes(code for code in range(256) if code & 0x7F > 0x40)
"""Codes below -38 dBFS: nobody misses 20 ms of them."""


def is_quiet(ulaw_audio: bytes) -> bool:
    """Whether nobody would miss it."""
    return not ulaw_audio.translate(None, _QUIET)


class Inlet:
    """What a caller says, on its way into a call.

    Args:
        limit: Samples that may wait.

    Attributes:
        waiting: Samples that wait.
        missed: Samples that were asked for and had not come: something made up took their place.
        dropped: Samples thrown away to keep the queue short.
    """

    __slots__ = ("_concealer", "_data", "_least", "_level", "_limit", "_patience", "_steady", "_tail", "_ticks",
                 "dropped", "missed", "started")  # fmt: skip

    def __init__(self, limit: int = LIMIT) -> None:
        self._concealer = Concealer()
        self._data = bytearray()
        self._tail = b""  # of what came last
        self._limit = limit
        self._least = limit
        self._level = 0  # what waited after the last tick, and for how many ticks it has been so
        self._steady = 0
        self._patience = _STEADY
        self._ticks = 0
        self.started = False
        self.missed = 0
        self.dropped = 0

    @property
    def waiting(self) -> int:
        return len(self._data)

    def push(self, ulaw_audio: bytes) -> None:
        """Take what came from the caller: mu-law, any length."""
        if not ulaw_audio:
            return
        self.started = True
        self._data += joined(self._tail, ulaw_audio)
        self._tail = ulaw_audio[-_SEAM:]
        surplus = len(self._data) - self._limit
        if surplus > 0:
            self._drop(surplus)

    def _drop(self, samples: int) -> None:
        del self._data[:samples]
        self.dropped += samples
        self._concealer.cut()

    def take(self, samples: int) -> bytes:
        """The next so many samples. Where there are none, the last ones go on and fade."""
        if not self.started:
            return ulaw.silence(samples)
        audio = self._concealer.heard(bytes(self._data[:samples]))
        del self._data[:samples]
        missing = samples - len(audio)
        if missing:
            self.missed += missing
            audio += self._concealer.missing(missing)
            self._tail = b""  # it fades in anyway
        self._drain(audio, samples)
        return audio

    def _drain(self, audio: bytes, samples: int) -> None:
        level = len(self._data)
        if level != self._level:
            if self._steady >= self._patience and not level:
                self._patience = min(2 * self._patience, _STEADIEST)
            self._level, self._steady = level, 0
        self._steady += 1
        self._least = min(self._least, level)
        self._ticks += 1
        if self._ticks < _SPAN:
            return
        surplus = min(self._least - (0 if self._steady >= self._patience else _SPARE), samples)
        if surplus > 0 and not is_quiet(audio):
            return  # wait for a quiet moment
        self._ticks, self._least = 0, self._limit
        if surplus > 0:
            self._drop(surplus)

    def clear(self) -> None:
        """Forget what waits, and what has been."""
        self._data.clear()
        self._concealer = Concealer()
        self._tail, self.started = b"", False
