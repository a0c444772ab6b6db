"""The line between a worker and its parent: orders one way, "I am ready" the other, and its end if either dies.

This is the worker's side. It is read by a thread, so that a worker whose loop stands still ends too when its parent is
gone.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

#: Exit code of a worker that was left alone and whose loop could not end it.
ABANDONED: Final = 70


class Lifeline:
    """One worker's line.

    Args:
        line: Joined to the parent.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        line.set_inheritable(False)
        self._lines = line.makefile("rb")

    def assignment(self, kind: type[T]) -> T:
        """What the parent says first: who we are and what to do. Blocks."""
        return msgspec.json.decode(self._lines.readline(), type=kind)

    def ready(self, name: str) -> None:
        """Tell the parent that we serve, and what."""
        try:
            self._line.sendall(name.encode() + b"\n")
        except OSError:
            pass  # it is gone: the thread finds that out

    def follow(self, order: Callable[[str], None], *, patience: float) -> None:
        """Have `order` called, from a thread, with each word of the parent's: "drain", "end", "report".

        When the parent is gone that is an order too: "orphaned". If the process is still there `patience` seconds
        later, it is ended.
        """

        def read() -> None:
            try:
                for line in self._lines:
                    order(line.decode().strip())
            except (OSError, ValueError):
                pass
            order("orphaned")
            time.sleep(patience)
            os._exit(ABANDONED)

        threading.Thread(target=read, name="offhook-lifeline", daemon=True).start()
