"""The leg of this machine's microphone and loudspeaker, for trying a bot by talking to it. Needs `offhook[mic]`.

PortAudio calls from a thread of its own; samples cross into the event loop and back through two short queues.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Final

import numpy as np

from ...audio import ulaw
from ...errors import CallEnded, UsageError
from . import Caller, Cause, LegListener, TransferFailed
from .inlet import Inlet

#: Samples that wait for the loudspeaker before it begins, and at most.
_CUSHION: Final = 480
_MOST: Final = 2_400


def open_device() -> Any:
    """The module that speaks to PortAudio.

    Raises:
        UsageError: It is not there.
    """
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise UsageError(
            f"there is no access to the microphone ({error}): pip install 'offhook[mic]', apt-get install libportaudio2"
        ) from None
    return sounddevice


class MicrophoneLeg:
    """A `PhoneLeg`. It is answered at once, and never hangs up by itself: `leave` does it.

    Args:
        device: Module with PortAudio's `Stream`; see `open_device`.
        dnis: What is called.

    Raises:
        UsageError: There is no microphone or no loudspeaker.
    """

    def __init__(self, device: Any, dnis: str = "talk") -> None:
        self.caller = Caller("microphone", dnis, kind="mic")
        self.inlet = Inlet()
        self.ended = ""
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._queue = bytearray()
        self._playing = False
        self._listener: LegListener | None = None
        try:
            self._stream = device.Stream(
                samplerate=ulaw.RATE, blocksize=160, channels=1, dtype="int16", latency="low", callback=self._turn
            )
        except Exception as error:  # PortAudio has an exception of its own
            raise UsageError(f"microphone and loudspeaker cannot be opened: {error}") from None

    def _turn(self, mouth: Any, ear: Any, frames: int, times: Any, status: Any) -> None:
        """PortAudio wants samples and brings some; in its own thread."""
        said = ulaw.encode(np.ascontiguousarray(mouth[:, 0]))
        with self._lock:
            if not self._playing and len(self._queue) < _CUSHION:
                heard = ulaw.silence(frames)
            else:
                heard = bytes(self._queue[:frames])
                del self._queue[:frames]
                self._playing = len(heard) == frames
                heard += ulaw.silence(frames - len(heard))
        ear[:, 0] = ulaw.decode(heard)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.inlet.push, said)

    @property
    def ahead(self) -> int:
        """See `PhoneLeg`."""
        return len(self._queue)

    def attach(self, listener: LegListener) -> None:
        """See `PhoneLeg`."""
        self._listener = listener

    async def answer(self) -> None:
        """See `PhoneLeg`."""
        if self.ended:
            raise CallEnded("the caller is gone")
        self._stream.start()

    def exchange(self, heard: bytes) -> tuple[bytes, bytes]:
        """See `Leg`."""
        with self._lock:
            self._queue += heard
            if len(self._queue) > _MOST:
                del self._queue[: len(self._queue) - _MOST]
        return self.inlet.take(len(heard)), heard

    def flush(self) -> int:
        """See `PhoneLeg`."""
        with self._lock:
            thrown = len(self._queue)
            self._queue.clear()
        return thrown

    def press(self, digit: str) -> None:
        """A key of the keyboard."""
        if self._listener is not None and not self.ended:
            self._listener.key(digit)

    def leave(self, reason: str = "hung up") -> None:
        """Hang up as the caller."""
        if not self.ended:
            self._close(reason)
            if self._listener is not None:
                self._listener.hung_up(reason)

    async def transfer(self, target: str) -> None:
        """See `PhoneLeg`."""
        raise TransferFailed("a microphone cannot be transferred")

    def hang_up(self, cause: Cause = "normal") -> None:
        """See `PhoneLeg`."""
        if not self.ended:
            self._close(f"ended: {cause}")

    def _close(self, reason: str) -> None:
        self.ended = reason
        self._stream.close()
