"""What baresip can do and its Python binding does not offer: its own functions, called by name.

The wheel exports them, and the extra pins its version. Calls are named by the binding's handles: a Call-ID is chosen by
whoever calls, and could name somebody else's call. All of it happens under the lock of the stack's own thread.
"""

from __future__ import annotations

import ctypes
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ...errors import UsageError
from .baredevice import Device

_POINTER: Final = ctypes.c_void_p
_TEXT: Final = ctypes.c_char_p
#: Name, what it returns, what it takes. (baresip.h and re.h of baresip 4.)
_FUNCTIONS: Final[tuple[tuple[str, object, tuple[object, ...]], ...]] = (
    ("re_thread_enter", None, ()),
    ("re_thread_leave", None, ()),
    ("uag_list", _POINTER, ()),
    ("ua_calls", _POINTER, (_POINTER,)),
    ("list_head", _POINTER, (_POINTER,)),
    ("bp_call_handle_find", ctypes.c_uint32, (_POINTER,)),
    ("call_get_ua", _POINTER, (_POINTER,)),
    ("call_audio", _POINTER, (_POINTER,)),
    ("call_msg_src", ctypes.c_int, (_POINTER, _POINTER)),
    ("call_set_media_estdir", None, (_POINTER, ctypes.c_int, ctypes.c_int)),
    ("ua_hangup", None, (_POINTER, _POINTER, ctypes.c_uint16, _TEXT)),
    ("mem_zalloc", _POINTER, (ctypes.c_size_t, _POINTER)),
    ("mem_deref", _POINTER, (_POINTER,)),
    ("auframe_init", None, (_POINTER, ctypes.c_int, _POINTER, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_uint8)),
    ("baresip_ausrcl", _POINTER, ()),
    ("baresip_auplayl", _POINTER, ()),
    ("ausrc_register", ctypes.c_int, (_POINTER, _POINTER, _TEXT, _POINTER)),
    ("auplay_register", ctypes.c_int, (_POINTER, _POINTER, _TEXT, _POINTER)),
)
#: Where a list element keeps its successor and what it stands for.
_NEXT: Final = 8
_DATA: Final = 24
#: Directions of media.
_INACTIVE: Final = 0
_BOTH_WAYS: Final = 3


class Core:
    """Functions of a loaded baresip.

    Args:
        path: Its shared library.

    Attributes:
        device: What calls send.

    Raises:
        UsageError: It is another one than we know.
    """

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)
        for name, returns, takes in _FUNCTIONS:
            function = getattr(self._library, name, None)
            if function is None:
                raise UsageError(f"this baresip-python has no {name}: pip install 'offhook[sip]' for the one that has")
            function.restype, function.argtypes = returns, takes
        self.device = Device(self._library, self._call_of)

    def attach(self) -> None:
        """Offer our audio device to calls. Raises `UsageError`."""
        with self._locked():
            self.device.register()

    def detach(self) -> None:
        """Take it back, before the stack ends."""
        with self._locked():
            self.device.unregister()

    def source(self, handle: int) -> str:
        """IP address that a call's INVITE came from; empty if the call is over."""
        place = ctypes.create_string_buffer(256)
        with self._call(handle) as call:
            if call is None or self._library.call_msg_src(call, place) != 0:
                return ""
        family = int.from_bytes(place.raw[:2], "little")
        if family == socket.AF_INET:
            return str(ipaddress.IPv4Address(place.raw[4:8]))
        return str(ipaddress.IPv6Address(place.raw[8:24])) if family == socket.AF_INET6 else ""

    def settle(self, handle: int) -> None:
        """Say that a call is of audio alone: baresip would else send a re-INVITE 100 ms after it was answered."""
        with self._call(handle) as call:
            if call is not None:
                self._library.call_set_media_estdir(call, _BOTH_WAYS, _INACTIVE)

    def refuse(self, handle: int, status: int, reason: str) -> None:
        """Answer a call with this status. Nothing happens if it is over.

        Only for a call that nobody has begun to answer: once its audio runs, baresip can be told to end it by its own
        thread alone, and would wait for itself in ours.
        """
        with self._call(handle) as call:
            if call is not None:
                self._library.ua_hangup(self._library.call_get_ua(call), call, status, reason.encode("ascii"))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._library.re_thread_enter()
        try:
            yield
        finally:
            self._library.re_thread_leave()

    @contextmanager
    def _call(self, handle: int) -> Iterator[int | None]:
        with self._locked():
            yield next((call for call in self._calls() if self._library.bp_call_handle_find(call) == handle), None)

    def _call_of(self, audio: int) -> int:
        found = (call for call in self._calls() if self._library.call_audio(call) == audio)
        call = next(found, None)
        return 0 if call is None else int(self._library.bp_call_handle_find(call))

    def _calls(self) -> Iterator[int]:
        for agent in self._elements(self._library.uag_list()):
            yield from self._elements(self._library.ua_calls(agent))

    def _elements(self, of: int | None) -> Iterator[int]:
        element = self._library.list_head(of)
        while element:
            yield _pointer_at(element + _DATA)
            element = _pointer_at(element + _NEXT)


def _pointer_at(address: int) -> int:
    return _POINTER.from_address(address).value or 0
