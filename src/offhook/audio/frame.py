"""Framing: bytes that arrive in any pieces leave in frames of one size. Knows no codec and no clock."""

from __future__ import annotations


class Framer:
    """Gathers bytes and gives whole frames.

    Args:
        size: Bytes of a frame.

    Raises:
        ValueError: `size` is less than 1.
    """

    __slots__ = ("_rest", "size")

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a frame needs at least 1 byte, not {size}")
        self.size = size
        self._rest = bytearray()

    @property
    def pending(self) -> int:
        """Bytes that wait for their frame to fill up; less than `size`."""
        return len(self._rest)

    def push(self, data: bytes) -> list[bytes]:
        """The frames that `data` completes, oldest first."""
        size, rest = self.size, self._rest
        if not rest and len(data) == size:
            return [data]
        rest += data
        whole = len(rest) - len(rest) % size
        if not whole:
            return []
        with memoryview(rest) as view:
            frames = [bytes(view[start : start + size]) for start in range(0, whole, size)]
        del rest[:whole]
        return frames

    def flush(self) -> bytes:
        """What waits, as a short last frame (perhaps empty). The framer is empty afterwards."""
        last = bytes(self._rest)
        self._rest.clear()
        return last
