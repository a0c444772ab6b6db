"""Asking Google again where the line was gone: after a cut, gRPC may give the next call to the line that broke.

It takes a moment until gRPC knows: a call that is made at once may go the same way, so a second one follows. It is safe
as long as nothing has come of the call: recognition and synthesis change nothing at the service.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from ..engines import Float32

T = TypeVar("T")

#: Seconds before each further call: the first is for a line that broke long ago, the second for one that just did.
PAUSES: Final = (0.02, 0.2)


def gone(error: Exception) -> bool:
    """Whether that is the error of a line that is gone."""
    return getattr(getattr(error, "grpc_status_code", None), "name", "") == "UNAVAILABLE"


def again(ask: Callable[..., T], timeout: float) -> T:
    """The answer of a call, which is made again if the line is gone.

    Args:
        ask: Makes the call; takes the seconds that are left as `timeout`.
        timeout: Seconds for all.
    """
    end = time.monotonic() + timeout
    for pause in PAUSES:
        try:
            return ask(timeout=max(0.0, end - time.monotonic()))
        except Exception as error:
            if not gone(error) or end - time.monotonic() <= pause:
                raise
        time.sleep(pause)
    return ask(timeout=max(0.0, end - time.monotonic()))


def stream_again(begin: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    """The messages of a streaming call, which is made again if the line is gone before the first one."""
    for pause in (*PAUSES, None):
        begun = False
        try:
            for message in begin():
                begun = True
                yield message
            return
        except Exception as error:
            if begun or pause is None or not gone(error):
                raise
        time.sleep(pause)


class Kept:
    """What is heard as it comes, to be told from its beginning more than once.

    Args:
        sound: Gives each piece once, and waits for it.
    """

    def __init__(self, sound: Iterator[Float32]) -> None:
        self._sound = sound
        self._pieces: list[Float32] = []
        self._lock = threading.Lock()  # a call that broke may still be waiting for the next piece: it is not lost

    def told(self) -> Iterator[Float32]:
        """All of it."""
        at = 0
        while True:
            with self._lock:
                if at == len(self._pieces):
                    piece = next(self._sound, None)
                    if piece is None:
                        return
                    self._pieces.append(piece)
                piece = self._pieces[at]
            at += 1
            yield piece
