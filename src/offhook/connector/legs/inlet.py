"""The short queue between a caller's clock and ours: audio comes when it comes, and leaves in ticks. Knows bytes only.

Late audio is heard late, so the queue grows by what was missing: it finds by itself the slack that the line's jitter
needs. What grows for another reason, because the caller's clock is faster than ours, is taken back in silence, where
nobody hears it; and above the limit at once.
"""

from __future__ import annotations

from typing import Final

from ...audio import ulaw

#: Samples that may wait. A line that jitters by more is not one to talk on.
LIMIT: Final = ulaw.RATE // 5
#: Ticks over which the least that waited counts as slack.
_SPAN: Final = 50
#: Samples of slack that are left alone: one packet.
_SPARE: Final = 160

_QUIET: Final = 0x40
"""Codes whose low seven bits are above this are below -38 dBFS: nobody misses 20 ms of them."""
_IS_LOUD: Final = bytes(0 if code & 0x7F > _QUIET else 1 for code in range(256))


def is_quiet(ulaw_audio: bytes) -> bool:
    """Whether nobody would miss it."""
    return not any(ulaw_audio.translate(_IS_LOUD))


class Inlet:
    """What a caller says, on its way into a call.

    Args:
        limit: Samples that may wait.

    Attributes:
        waiting: Samples that wait.
        missed: Samples that were asked for and had not come: silence took their place.
        dropped: Samples thrown away to keep the queue short.
    """

    __slots__ = ("_data", "_least", "_limit", "_ticks", "dropped", "missed", "started")

    def __init__(self, limit: int = LIMIT) -> None:
        self._data = bytearray()
        self._limit = limit
        self._least = limit
        self._ticks = 0
        self.started = False
        self.missed = 0
        self.dropped = 0

    @property
    def waiting(self) -> int:
        return len(self._data)

    def push(self, ulaw_audio: bytes) -> None:
        """Take what came from the caller: mu-law, any length."""
        self.started = True
        self._data += ulaw_audio
        surplus = len(self._data) - self._limit
        if surplus > 0:
            del self._data[:surplus]
            self.dropped += surplus

    def take(self, samples: int) -> bytes:
        """The next so many samples, silence where there are none."""
        audio = bytes(self._data[:samples])
        del self._data[:samples]
        missing = samples - len(audio)
        if missing:
            self.missed += missing if self.started else 0
            audio += ulaw.silence(missing)
        self._drain(audio, samples)
        return audio

    def _drain(self, audio: bytes, samples: int) -> None:
        self._least = min(self._least, len(self._data))
        self._ticks += 1
        if self._ticks < _SPAN:
            return
        surplus = min(self._least - _SPARE, samples)
        if surplus > 0 and not is_quiet(audio):
            return  # wait for a quiet moment
        self._ticks, self._least = 0, self._limit
        if surplus > 0:
            del self._data[:surplus]
            self.dropped += surplus

    def clear(self) -> None:
        """Forget what waits."""
        self._data.clear()
