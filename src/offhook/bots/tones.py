"""Keys heard in the sound of the caller's line, for platforms that send no key messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..audio import ulaw
from ..audio.dtmf import DtmfDetector
from .stream import Stream

#: Samples within which a message tells of a key that was heard already.
_SAME: Final = 2 * ulaw.RATE


class InbandKeys:
    """Listens to the caller's channel of a line. A platform that sends keys by message after all is believed instead.

    Args:
        stream: The line's audio.
        on_key: Gets each key that was heard.
    """

    def __init__(self, stream: Stream, on_key: Callable[[str, int], None]) -> None:
        self._detector = DtmfDetector()
        self._stream = stream
        self._on_key = on_key
        self._lane = stream.channels.index("external") if "external" in stream.channels else 0
        self._last: tuple[str, int] | None = None
        self._origin: int | None = None
        self._next = 0
        stream.add(self._feed, hold_on=True)

    def is_known(self, digit: str, position: int) -> bool:
        """A message tells of a key: whether it was heard already. From now on messages alone count."""
        self._stream.remove(self._feed)
        last, self._last = self._last, None
        return last is not None and last[0] == digit and position - last[1] < _SAME

    def _feed(self, data: bytes, position: int) -> None:
        if position != self._next or self._origin is None:
            self._detector = DtmfDetector()
            self._origin = position
        lane = self._stream.lanes(data)[self._lane]
        self._next = position + len(lane)
        for digit, start in self._detector.push(ulaw.decode(lane)):
            self._last = digit, self._origin + start
            self._on_key(digit, self._origin + start)
