"""A proxy that spoils the line between a client and a server: it delays, throttles, splits, cuts and half-closes.

It never changes or reorders a byte: TCP does not. What it does to a connection is drawn from a seed, so that a run
that went wrong can be had again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Literal, Self

from ..session.dial import parse_uri

#: Bytes that are read at a time.
_CHUNK: Final = 16_384
#: Connections that are left alone, in a hundred: what goes on beside a fault must work.
_SPARED: Final = 20


@dataclass(frozen=True)
class Fault:
    """What is done to one connection; the defaults leave it alone.

    Attributes:
        delay: Seconds by which every byte is late, at most; each read draws its own.
        rate: Bytes a second in each direction; None: as fast as it goes.
        split: Bytes of each write: 1 splits at every byte; None writes what was read.
        ends_after: Bytes in both directions after which the connection ends; None: not by us.
        end: How it ends: dropped, or with a FIN to the server and silence from then on.
    """

    delay: float = 0.0
    rate: float | None = None
    split: int | None = None
    ends_after: int | None = None
    end: Literal["cut", "half-close"] = "cut"

    @classmethod
    def draw(cls, source: random.Random) -> Self:
        """Any fault, or none."""
        if source.randrange(100) < _SPARED:
            return cls()
        return cls(
            delay=source.choice((0.0, 0.0, 0.002, 0.02)),
            rate=source.choice((None, None, 20_000.0, 100_000.0)),
            split=source.choice((None, None, 1, 7, 1000)),
            ends_after=source.choice((None, source.randrange(1, 600), source.randrange(600, 40_000))),
            end=source.choice(("cut", "cut", "half-close")),
        )


class FaultProxy:
    """Listens on loopback and passes connections on, each with a fault of its own.

    Args:
        host: Of the server.
        port: Of the server.
        seed: Of the faults.
        draw: Makes them; by default any.

    Attributes:
        faults: Of all connections so far, in order.
    """

    def __init__(
        self, host: str, port: int, *, seed: int = 0, draw: Callable[[random.Random], Fault] = Fault.draw
    ) -> None:
        self.faults: list[Fault] = []
        self._to = host, port
        self._random = random.Random(seed)
        self._draw = draw
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Where it listens, once it was entered."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._pass_on(reader, writer))  # asyncio's own would log that it was cancelled
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fault = self._draw(self._random)
        self.faults.append(fault)
        writers, pumps = [writer], list[asyncio.Task[None]]()
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._to)
            writers.append(far_writer)
            line = _Spoiled(fault, random.Random(self._random.random()), far_writer)
            pumps += map(asyncio.create_task, (line.pump(reader, far_writer), line.pump(far_reader, writer)))
            await asyncio.gather(*pumps)
        except (OSError, asyncio.IncompleteReadError, _Over):
            pass
        finally:
            for pump in pumps:
                pump.cancel()  # where one direction has ended, the other one is not waited for
            for each in writers:
                each.transport.abort()
            await asyncio.gather(*pumps, *(each.wait_closed() for each in writers), return_exceptions=True)


@dataclass(frozen=True)
class Line:
    """A spoiled line to a server.

    Attributes:
        uri: To call in place of the server's: `ws` alone, and for requests that are not signed.
        via: Host and port for `connect(server, via=...)`, which signs and verifies for the server's own URI.
        proxy: Behind it; `proxy.faults` tells what was done to each connection.
    """

    uri: str
    via: tuple[str, int]
    proxy: FaultProxy


@asynccontextmanager
async def through(uri: str, fault: Fault | None = None, *, seed: int = 0, **fields: Any) -> AsyncIterator[Line]:
    """Spoil the line to a server.

    Args:
        uri: Of the server.
        fault: Of every connection.
        seed: If no fault is given: of faults that are drawn for each connection.
        fields: Of a `Fault`, in place of one.

    Raises:
        UsageError: The URI.
    """
    address = parse_uri(uri)
    chosen = Fault(**fields) if fields else fault
    draw = Fault.draw if chosen is None else lambda _: chosen
    async with FaultProxy(address.host, address.port, seed=seed, draw=draw) as proxy:
        scheme = "wss" if address.secure else "ws"
        yield Line(f"{scheme}://127.0.0.1:{proxy.port}{address.target}", ("127.0.0.1", proxy.port), proxy)


class _Over(Exception):
    """The fault, or one of both ends, has ended the connection."""


class _Spoiled:
    """One connection with its fault."""

    def __init__(self, fault: Fault, source: random.Random, server: asyncio.StreamWriter) -> None:
        self._fault = fault
        self._random = source
        self._server = server
        self._passed = 0
        self._half = False

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fault = self._fault
        while data := await reader.read(_CHUNK):
            if fault.delay:
                await asyncio.sleep(self._random.uniform(0, fault.delay))
            if fault.rate:
                await asyncio.sleep(len(data) / fault.rate)
            self._end_when_due(len(data))
            size = fault.split or len(data)
            for at in range(0, len(data), size):
                if self._half and writer is self._server:
                    break  # the server has had its FIN
                if writer.is_closing():
                    raise _Over  # uvloop lets nobody write to what has closed
                writer.write(data[at : at + size])
                if fault.split:
                    await asyncio.sleep(0)  # or the kernel would join them
            await writer.drain()
        if not (self._half and writer is self._server):
            _finish(writer)

    def _end_when_due(self, count: int) -> None:
        self._passed += count
        if self._fault.ends_after is None or self._passed < self._fault.ends_after or self._half:
            return
        if self._fault.end == "cut":
            raise _Over
        self._half = True
        _finish(self._server)


def _finish(writer: asyncio.StreamWriter) -> None:
    """Send a FIN."""
    if writer.can_write_eof() and not writer.is_closing():
        writer.write_eof()
