"""Passes on what workers write, in whole lines: of several writers to one pipe, long lines would mix."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import IO, Final

#: Bytes of a line that are waited for; a longer one is passed on in pieces.
_LONGEST: Final = 1_048_576
#: Seconds for what is left in a pipe when its writer has died: a child of its own may hold it open.
_LEFT: Final = 1.0


class Relay:
    """Everything that is written to one place.

    Args:
        target: The place.
    """

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._pipes: set[Pipe] = set()
        self._broken = False

    async def open(self, loop: asyncio.AbstractEventLoop) -> Pipe:
        """A pipe for one writer."""
        source, end = os.pipe()
        pipe = Pipe(self, end)
        await loop.connect_read_pipe(lambda: pipe, os.fdopen(source, "rb", 0))
        self._pipes.add(pipe)
        if self._broken:
            pipe.close()
        return pipe

    def write(self, lines: bytes) -> None:
        """Pass whole lines on. If nobody reads them any more, the writers are told as the system tells it."""
        try:
            self._target.write(lines)
            self._target.flush()
        except OSError:
            self._broken = True
            for pipe in list(self._pipes):
                pipe.close()

    def forget(self, pipe: Pipe) -> None:
        self._pipes.discard(pipe)


class Pipe(asyncio.Protocol):
    """One writer's.

    Attributes:
        end: File descriptor to write to; whoever hands it to a process closes it then.
    """

    def __init__(self, relay: Relay, end: int) -> None:
        self.end = end
        self._relay = relay
        self._rest = bytearray()
        self._over = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        cut = data.rfind(b"\n") + 1
        if not cut and len(self._rest) + len(data) <= _LONGEST:
            self._rest += data
            return
        cut = cut or len(data)
        self._relay.write(bytes(self._rest) + data[:cut])
        self._rest = bytearray(data[cut:])

    def connection_lost(self, exc: Exception | None) -> None:
        if self._rest:
            self._relay.write(bytes(self._rest) + b"\n")
        self._relay.forget(self)
        self._over.set()

    def close(self) -> None:
        self._rest.clear()
        self._transport.close()

    async def over(self) -> None:
        """Wait until all is passed on."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), _LEFT)
        self._transport.close()
