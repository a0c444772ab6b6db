"""The recording of a call: caller and bot as the two channels of one mu-law WAV file, aligned to the sample.

Both lanes lie on the caller's stream position; what was never written is silence. Writes may come late, ahead, twice or
out of order: for each sample of each lane the latest write counts, however old the position is. It knows positions and
bytes only, neither calls nor clocks.

A recording keeps one to two seconds in memory, and what the bot's lane runs ahead of the caller's. Older samples are in
the file; a write that reaches back there patches it in place. So memory stays flat without a horizon behind which
samples would be final, and the usual write is a copy into a buffer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from offhook.audio import riff
from offhook.audio.ulaw import RATE

from .disk import open_private, write_all

SILENCE: Final = b"\xff"  # mu-law zero (P6.1)
PIECE: Final = RATE
# How far the bot's lane may run ahead in memory: a long prompt that was sent in one go.
AHEAD: Final = 30 * RATE
MAX_SECONDS: Final = 4 * 3600

_FORMAT: Final = riff.Format(riff.ULAW, channels=2, rate=RATE, width=1)
_HEADER_SIZE: Final = len(riff.header(_FORMAT, 0))
_UNKNOWN_SIZE: Final = 0xFFFFFFFF
_FILL: Final = SILENCE * 65_536

EXTERNAL: Final = 0
INTERNAL: Final = 1
BOTH: Final = 2
Lane = Literal[0, 1, 2]
"""Which channel of the file: what the caller says, what the caller hears, or the two interleaved."""


class Recording:
    """Writes one file. Close it at the end of the call.

    Args:
        path: The WAV file, made anew, readable by its owner only.
        max_seconds: What lies behind it is left out, so that a peer's wild position cannot fill the disk.

    Attributes:
        truncated: Whether something was left out.

    Raises:
        OSError: The file cannot be written; from the constructor, `write` and `close`.
    """

    def __init__(self, path: Path, *, max_seconds: float = MAX_SECONDS) -> None:
        self.truncated = False
        self._limit = int(max_seconds * RATE)
        self._base = 0  # position of the first sample in memory
        self._window = bytearray()  # interleaved
        self._streamed = 0  # end of the caller's lane: it drives the window
        self._file = StereoFile(path)

    @property
    def frames(self) -> int:
        """Length so far in samples."""
        return self._base + len(self._window) // 2

    def write(self, lane: Lane, position: int, ulaw: bytes) -> None:
        """Put `ulaw` (mu-law, a byte for each sample and channel) at `position`, over whatever the lane had there."""
        width = 2 if lane == BOTH else 1
        end = position + len(ulaw) // width
        if position < 0 or end > self._limit:
            self.truncated = True
            ulaw = ulaw[width * max(-position, 0) : width * max(self._limit - position, 0)]
            position = max(position, 0)
            end = position + len(ulaw) // width
        if ulaw and position - self._base > AHEAD:
            # What was in memory may reach beyond this position: then the write is a late one after all.
            self._emit(len(self._window) // 2)
            self._base = max(self._base, position)
        if position < self._base:
            cut = width * (self._base - position)
            self._file.patch(lane, position, ulaw[:cut])
            ulaw, position = ulaw[cut:], self._base
        if not ulaw:
            return
        start, stop = 2 * (position - self._base), 2 * (end - self._base)
        if stop > len(self._window):
            self._window += SILENCE * (stop - len(self._window))
        if lane == BOTH:
            self._window[start:stop] = ulaw
        else:
            self._window[start + lane : stop : 2] = ulaw
        if lane != INTERNAL and end > self._streamed:
            self._streamed = end
        done = max(self._streamed - self._base, len(self._window) // 2 - AHEAD)
        if done >= 2 * PIECE:
            self._emit(done - PIECE)

    def close(self) -> None:
        """Write what is left and close the file."""
        try:
            self._emit(len(self._window) // 2)
        finally:
            self._file.close()

    def _emit(self, frames: int) -> None:
        if frames > 0:
            piece = bytes(memoryview(self._window)[: 2 * frames])
            del self._window[: 2 * frames]
            self._base, position = self._base + frames, self._base
            self._file.write(position, piece)


class StereoFile:
    """A stereo mu-law WAV file whose samples are written at any position.

    Until it is closed its header gives the size as unknown, which readers take for "up to the end": a crash leaves a
    file that can be played, and to append a piece costs one system call.
    """

    def __init__(self, path: Path) -> None:
        self._frames = 0
        self._at = 0
        self._file = open_private(path, "w+b")
        try:
            self._put(0, riff.header(_FORMAT, _UNKNOWN_SIZE))
        except OSError:
            self._file.close()
            raise

    def write(self, position: int, interleaved: bytes | memoryview) -> None:
        """Put frames at `position`; what lies between the end and there becomes silence."""
        self._fill(position)
        self._put(_HEADER_SIZE + 2 * position, interleaved)
        self._frames = max(self._frames, position + len(interleaved) // 2)

    def patch(self, lane: Lane, position: int, ulaw: bytes) -> None:
        """Replace samples of one channel, or of both."""
        if lane == BOTH:
            return self.write(position, ulaw)
        self._fill(position + len(ulaw))
        offset = _HEADER_SIZE + 2 * position
        self._file.seek(offset)
        frames = bytearray(self._file.read(2 * len(ulaw)))
        self._at = offset + len(frames)
        frames[lane::2] = ulaw
        self._put(offset, frames)
        return None

    def close(self) -> None:
        try:
            self._put(0, riff.header(_FORMAT, 2 * self._frames))
        finally:
            self._file.close()

    def _fill(self, position: int) -> None:
        while self._frames < position:
            missing = 2 * (position - self._frames)
            self.write(self._frames, memoryview(_FILL)[: min(missing, len(_FILL))])

    def _put(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        if self._at != offset:
            self._file.seek(offset)
        self._at = -1  # unknown, should the write fail half-way
        write_all(self._file, data)
        self._at = offset + len(data)
