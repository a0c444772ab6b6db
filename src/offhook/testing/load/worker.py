"""A process of a load, as its parent starts it: orders on standard input, what was seen on standard output.

In: a line of JSON (`Order`); `go START` with a time of the system's monotonic clock; `stop`, or the end of the input.
Out: `Ready` when it could begin, `Second` for each second of the run, one line of JSON each.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from typing import Final

import msgspec
import uvloop

from ...errors import UsageError
from .generator import Generator
from .plan import Plan
from .resources import make_room
from .tally import CallRow, Tally


class Order(msgspec.Struct, frozen=True):
    """What the parent wants."""

    plan: Plan
    process: int


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """It could begin; `error` if it could not, which is a mistake in the plan."""

    error: str = ""


class Second(msgspec.Struct, frozen=True, tag="second"):
    """What was seen in one second of the run, and the calls that ended in it."""

    number: int
    tally: Tally
    calls: list[CallRow]


Said = Ready | Second
decode: Final = msgspec.json.Decoder(Said).decode
LONGEST_LINE: Final = 64 * 1024 * 1024
"""Bytes of a line: a second in which thousands of calls end."""


async def _input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _say(what: Said) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


async def main() -> None:
    """Carry out what the parent orders."""
    orders = await _input()
    order = msgspec.json.decode(await orders.readline(), type=Order)
    try:
        make_room(len(order.plan.numbers(order.process)))
        made = Generator(order.plan, order.process, 0.0, lambda *seen: _say(Second(*seen)))
    except UsageError as error:
        return _say(Ready(str(error)))
    _say(Ready())
    word, _, start = (await orders.readline()).decode().partition(" ")
    if word != "go":
        return None
    made.start = float(start)
    gc.collect()
    gc.freeze()
    running = asyncio.create_task(made.run())

    async def listen() -> None:
        await orders.readline()  # `stop`, or nothing: the parent is gone
        made.stop()

    listening = asyncio.create_task(listen())
    try:
        await running
    finally:
        listening.cancel()
    return None


if __name__ == "__main__":
    # Ctrl-C reaches all processes of a terminal: the parent decides what comes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.ERROR, format="offhook load: %(message)s")
    uvloop.run(main())
