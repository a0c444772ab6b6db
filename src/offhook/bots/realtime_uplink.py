"""The caller's audio on its way to a realtime model: it waits while nobody is there, and keeps its place on the stream.

The server counts what it was sent; the call counts its own stream, which may have gaps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from .feed import Feed
from .realtime_wire import Wire

#: Frames that wait for a connection: 50 s.
_UNSENT: Final = 250
#: Gaps that are remembered.
_GAPS: Final = 64


class Uplink:
    """Takes frames by plain calls, and sends them over one connection after another.

    Args:
        on_loss: Called with the position when the oldest frame was lost, because nothing is sent for so long.
    """

    def __init__(self, on_loss: Callable[[int], None]) -> None:
        self._on_loss = on_loss
        self._frames: Feed[tuple[bytes, int]] = Feed(_UNSENT)
        self._anchors: deque[tuple[int, int]] = deque(maxlen=_GAPS)  # samples sent, and where the next one stands

    def take(self, audio: bytes, position: int) -> None:
        """A frame has come, mu-law, which begins at that position of the caller's stream."""
        if not self._frames.put((audio, position)):
            self._on_loss(position)

    async def send(self, wire: Wire) -> None:
        """Send what waits and what comes, until it is cancelled. Raises `EngineError`."""
        self._anchors.clear()
        sent = 0
        while True:
            audio, position = await self._frames.next()
            if self.place(sent) != position:  # it begins, or the stream had a gap
                self._anchors.append((sent, position))
            sent += len(audio)
            await wire.send_audio(audio)

    def place(self, sample: int) -> int:
        """Where a sample stands on the caller's stream, counted in those sent over this connection; -1 before any."""
        if not self._anchors:
            return -1
        before = (anchor for anchor in reversed(self._anchors) if anchor[0] <= sample)
        first, position = next(before, self._anchors[0])
        return position + sample - first
