"""The sound card that baresip thinks it has: none. What a call is to send is handed to it when our clock says so.

The devices of its Python binding have a thread and a clock for each call and way, and a queue between that clock and
ours. Without them 20 to 40 ms less wait, and two of three threads of a call are gone; the third, of the stack itself,
looks every 4 ms for what it may send, in packets 20 ms apart. What comes in is taken before the device by a filter of
the binding's, so what would be played is left alone.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from ...audio import ulaw
from ...errors import UsageError
from .precedence import Precedence
from .sipstack import LEAD

logger = logging.getLogger("offhook.connector")

NAME: Final = "offhook"
"""Of the device, in the accounts of calls."""

#: The library keeps where it is, not what it says.
_NAME: Final = NAME.encode()
_POINTER: Final = ctypes.c_void_p
#: Samples that are handed over at once: of the longest packets that there are.
_MOST: Final = 960
#: Its number for samples of 16 bits, low byte first.
_S16LE: Final = 0
#: The two bytes of what a code stands for: for 20 ms that is quicker than an array.
_PCM: Final = ulaw.decode(bytes(range(256))).astype("<i2").tobytes()
_LOW, _HIGH = _PCM[::2], _PCM[1::2]


class _Wanted(ctypes.Structure):
    """How a call wants its audio (`struct ausrc_prm`)."""

    _fields_ = (("rate", ctypes.c_uint32), ("channels", ctypes.c_uint8), ("ptime", ctypes.c_uint32),
                ("format", ctypes.c_int))  # fmt: skip


class _Frame(ctypes.Structure):
    """What is handed over (`struct auframe`)."""

    _fields_ = (("format", ctypes.c_int), ("rate", ctypes.c_uint32), ("samples", _POINTER), ("count", ctypes.c_size_t),
                ("microseconds", ctypes.c_uint64), ("level", ctypes.c_double), ("id", ctypes.c_uint16),
                ("channels", ctypes.c_uint8), ("rest", ctypes.c_uint8 * 64))  # fmt: skip


_TAKE: Final = ctypes.CFUNCTYPE(None, _POINTER, _POINTER)
#: Of a source and of a player: where to put what was made, which one, how it is wanted, its name, who takes or gives
#: frames; then the argument for that, behind what takes errors in the case of a source.
_MAKE_SOURCE: Final = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(_POINTER), _POINTER, ctypes.POINTER(_Wanted), ctypes.c_char_p, _POINTER, _POINTER,
    _POINTER,
)  # fmt: skip
_MAKE_PLAYER: Final = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(_POINTER), _POINTER, _POINTER, ctypes.c_char_p, _POINTER, _POINTER
)
_FREE: Final = ctypes.CFUNCTYPE(None, _POINTER)


class _Source:
    """Where one call takes what it sends from; it may be gone at any moment, as another thread decides on that."""

    def __init__(self, take: int, argument: int, begin: Callable[..., None]) -> None:
        self._take: Callable[[object, int], None] | None = _TAKE(take)
        self._argument = argument
        self._lock = threading.Lock()
        buffer = (ctypes.c_int16 * _MOST)()
        self._bytes = memoryview(buffer).cast("B")
        self._frame = _Frame()
        self.begun = False
        self._reference = ctypes.byref(self._frame)
        begin(self._reference, _S16LE, buffer, _MOST, ulaw.RATE, 1)
        frame = self._frame
        if (frame.count, frame.rate, frame.channels, frame.samples) != (_MOST, ulaw.RATE, 1, ctypes.addressof(buffer)):
            raise UsageError(
                "this baresip-python has other frames: pip install 'offhook[sip]' for the one that is known"
            )

    def send(self, ulaw_audio: bytes) -> None:
        """Hand over one packet's audio, or what there is of it."""
        with self._lock:
            if self._take is None:
                return
            count = len(ulaw_audio)
            self._bytes[: 2 * count : 2] = ulaw_audio.translate(_LOW)
            self._bytes[1 : 2 * count : 2] = ulaw_audio.translate(_HIGH)
            self._frame.count = count
            self._frame.microseconds = time.monotonic_ns() // 1000
            self._take(self._reference, self._argument)

    def close(self) -> None:
        """Nothing is handed over any more once this returns."""
        with self._lock:
            self._take = None


class Device:
    """The device of all calls.

    Args:
        library: The loaded library.
        call_of: Handle of the call that a `struct audio` belongs to, 0 if there is none; asked in the stack's thread.
    """

    def __init__(self, library: ctypes.CDLL, call_of: Callable[[int], int]) -> None:
        self._library = library
        self._call_of = call_of
        self._by_call: dict[int, _Source] = {}
        self._by_address: dict[int, tuple[int, _Source]] = {}
        self._registered: list[ctypes.c_void_p] = []
        self._precedence = Precedence()
        # The library calls these at any time until it is unloaded, which it never is.
        self._callbacks = _MAKE_SOURCE(self._make_source), _MAKE_PLAYER(self._make_player), _FREE(self._free)
        _kept.append(self._callbacks)

    def register(self) -> None:
        """Let calls find it. In the stack's thread, or under its lock."""
        for kind, make in zip(("ausrc", "auplay"), self._callbacks, strict=False):
            entry = _POINTER()
            devices = getattr(self._library, f"baresip_{kind}l")()
            register = getattr(self._library, f"{kind}_register")
            if register(ctypes.byref(entry), devices, _NAME, ctypes.cast(make, _POINTER)) != 0:
                raise UsageError("the SIP stack does not take our audio device")
            self._registered.append(entry)

    def unregister(self) -> None:
        """Calls that come find it no more. In the stack's thread, or under its lock."""
        while self._registered:
            self._library.mem_deref(self._registered.pop())

    def send(self, call: int, ulaw_audio: bytes) -> bool:
        """Let a call send audio, its first after `LEAD`, all other now; False if it has no audio to send.

        The thread of the stack goes by when it saw the first: had it that at once, each tick of ours that is a few
        milliseconds late would miss its turn, and all that follows be 20 ms late.
        """
        source = self._by_call.get(call)
        if source is None:
            return False
        if not source.begun:
            source.begun = True
            self._precedence.rise()
            asyncio.get_running_loop().call_later(LEAD, source.send, ulaw_audio[:_MOST])
            return True
        for at in range(0, len(ulaw_audio), _MOST):
            source.send(ulaw_audio[at : at + _MOST])
        return True

    # Called by the library, in its own thread. Nothing may be raised there.

    def _make_source(
        self, made: Any, kind: int, wanted: Any, device: bytes, take: int, error: int, argument: int
    ) -> int:
        try:
            asked = wanted.contents
            if (asked.rate, asked.channels, asked.format) != (ulaw.RATE, 1, _S16LE):
                logger.error("a SIP call wants audio of %d Hz, which is not telephony's", asked.rate)
                return errno.ENOTSUP
            call = self._call_of(argument)
            source = _Source(take, argument, self._library.auframe_init)
            # Last: who is refused has nothing that would be freed.
            address = self._library.mem_zalloc(8, self._callbacks[2]) if call else None
            if not address:
                return errno.ENOMEM
            self._by_address[address] = call, source
            self._by_call[call] = source
            self._precedence.level()  # it begins the thread of this call next
            made[0] = address
        except Exception:
            logger.exception("a SIP call could not be given its audio")
            return errno.EINVAL
        return 0

    def _make_player(self, made: Any, kind: int, wanted: int, device: bytes, give: int, argument: int) -> int:
        made[0] = address = self._library.mem_zalloc(8, None)
        return 0 if address else errno.ENOMEM

    def _free(self, address: int) -> None:
        call, source = self._by_address.pop(address, (0, None))
        if source is None:
            return
        source.close()
        if self._by_call.get(call) is source:
            del self._by_call[call]


_kept: list[object] = []
