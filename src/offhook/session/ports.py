"""Holds a port for processes that share it: SO_REUSEPORT lets each of them listen, and the kernel deals out calls.

The holder binds and never listens, so it gets no connection; while it is there, nobody else takes the port, even when
all of those that listen have died.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable
from typing import Final

from ..errors import UsageError
from .listen import cannot_listen

#: Tries to find one number that is free on all addresses.
_TRIES: Final = 20


class HeldPort:
    """A port, until `close`.

    Attributes:
        port: The one that was found, if 0 was asked for.
    """

    def __init__(self, sockets: list[socket.socket]) -> None:
        self._sockets = sockets
        self.port: int = sockets[0].getsockname()[1]

    def close(self) -> None:
        """Let go of it."""
        for each in self._sockets:
            each.close()


def hold(host: str | None, port: int) -> HeldPort:
    """Take a port on every address of `host`.

    Args:
        host: Name or address; None for all.
        port: 0 for any that is free.

    Raises:
        UsageError: Somebody has it, an address is not ours, or this system cannot share ports.
    """
    if not hasattr(socket, "SO_REUSEPORT"):
        raise UsageError("processes cannot share a port on this system: give --workers 1")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        addresses = list(dict.fromkeys((entry[0], str(entry[4][0])) for entry in found))
        if port:
            # Whoever shares the port with us could be another server just like us: nobody may be there at all.
            for each in _bind(addresses, port, shared=False):
                each.close()
        for attempt in range(_TRIES):
            try:
                return HeldPort(_bind(addresses, port, shared=True))
            except OSError as error:
                if port or error.errno != errno.EADDRINUSE or attempt == _TRIES - 1:
                    raise
        raise AssertionError
    except OSError as error:
        raise cannot_listen(host, port, error) from error


def _bind(addresses: Iterable[tuple[socket.AddressFamily, str]], port: int, *, shared: bool) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    absent: OSError | None = None
    for family, address in addresses:
        try:
            sockets.append(_bound(family, address, port, shared=shared))
        except OSError as error:
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                for each in sockets:
                    each.close()
                raise
            absent = error  # a family that this machine does not have
        else:
            port = port or sockets[0].getsockname()[1]
    if absent is not None and not sockets:
        raise absent
    return sockets


def _bound(family: socket.AddressFamily, address: str, port: int, *, shared: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    return made
