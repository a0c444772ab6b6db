"""Chapter 10, continued: connections that are half open, slow or cut elsewhere, and messages that cross (P8.2, P8.3)."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

from ....session.frames import TEXT
from ..caller import Caller
from ..case import ALL, SPOKEN, Failure, Skip, Source
from ..line import Line
from ..socket import Closed, frame, upgrade_fields
from ..suites import SERVER

#: Half-open connections of each kind, and seconds in which a silent client should be let go.
_MANY: Final = 20
_SILENT: Final = 30.0


async def serves(caller: Caller) -> None:
    """Expect that a further session works as before."""
    other = await caller.open()
    await caller.alive(other)
    await caller.finish(other)


async def provoked(line: Line) -> None:
    """Wait for the `disconnect` that a bad message brings; that it does is what other cases are about.

    Raises:
        Skip: It does not come.
    """
    try:
        await line.expect("disconnect")
    except Failure:
        raise Skip("this server sends no `disconnect` where one is due: see 3.21") from None


def request(caller: Caller) -> bytes:
    """A whole upgrade request."""
    fields = upgrade_fields(caller.address.authority, caller.headers(str(uuid.uuid4())))
    head = f"GET {caller.address.target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields)
    return head.encode("latin-1") + b"\r\n"


def _lost(number: str, where: str, steps: Callable[[Caller], Awaitable[None]], profiles: frozenset[str] = ALL) -> None:
    @SERVER.case(number, f"A connection lost {where} harms nobody else", does=f"Drops the connection {where}.",
                 expects="Further sessions open as before.", rule="P8.3: socket closed, in any state",
                 source=Source.REFERENCE, profiles=profiles, advice="Let a lost connection end its own session alone.")  # fmt: skip
    async def run(caller: Caller) -> None:
        await steps(caller)
        await serves(caller)


async def _before_http(caller: Caller) -> None:
    (await caller.connect()).cut()


async def _within_http(caller: Caller) -> None:
    socket = await caller.connect()
    socket.write(request(caller)[:60])
    await socket.drain()
    await asyncio.sleep(0.05)
    socket.cut()


async def _behind_disconnect(caller: Caller) -> None:
    line = await caller.open()
    line.socket.send(line.message("ping", version="1"))
    await provoked(line)
    line.socket.cut()


async def _behind_closed(caller: Caller) -> None:
    line = await caller.open()
    await line.send("close", {"reason": "end"})
    await line.expect("closed", within=10.0)
    line.socket.cut()


_lost("10.27", "before any HTTP", _before_http)
_lost("10.28", "within the upgrade request", _within_http)
_lost("10.29", "behind `disconnect`", _behind_disconnect)
_lost("10.30", "behind `closed`", _behind_closed)


@SERVER.case(
    "10.31", "Half-open connections do not block others",
    does=f"Leaves {_MANY} connections without HTTP, {_MANY} with half a request and {_MANY} without `open`, and calls.",
    expects="A further session opens as before.", rule="P12: cap time to `open`", source=Source.INFERRED,
    advice="Never wait for one connection where others are served, and give each some seconds.",
)  # fmt: skip
async def half_open(caller: Caller) -> None:
    for _ in range(_MANY):
        await caller.connect()
    for _ in range(_MANY):
        (await caller.connect()).write(request(caller)[:40])
    for _ in range(_MANY):
        await caller.line()
    await serves(caller)


@SERVER.case(
    "10.32", "A client that has gone silent is let go",
    does=f"Opens a session and sends nothing more, not even pings, for {_SILENT:g} s.", expects="`disconnect`, or the end of the connection.",
    rule="P8.1: no official time; three ping intervals are suggested", source=Source.INFERRED, seconds=_SILENT + 10,
    advice="Take a client that sends neither audio nor pings for a lost one after some 15 s.",
)  # fmt: skip
async def silent(caller: Caller) -> None:
    line = await caller.open()
    end = time.monotonic() + _SILENT
    while (left := end - time.monotonic()) > 0:
        got = await line.next(left)
        if isinstance(got, Closed):
            return None
        if isinstance(got, dict) and got.get("type") == "disconnect":
            return await caller.finish_politely(line, "disconnect")
    raise Failure(f"the session is still up after {_SILENT:g} s of silence")


@SERVER.case(
    "10.33", "An upgrade request may come slowly",
    does="Writes the request in pieces of 40 bytes over a second.", expects="HTTP 101.", rule="TCP is a stream",
    source=Source.VENDOR, advice="Read until the blank line, however many reads that takes.",
)  # fmt: skip
async def slow_request(caller: Caller) -> None:
    socket = await caller.connect()
    data = request(caller)
    for at in range(0, len(data) - 40, 40):
        socket.write(data[at : at + 40])
        await asyncio.sleep(0.05)
    at = range(0, len(data) - 40, 40)[-1] + 40
    status, _ = await socket.send_head(data[at:])
    if status != 101:
        raise Failure(f"answered a slow request with HTTP {status}" if status else "closed in place of an HTTP answer")


@SERVER.case(
    "10.34", "A message may come slowly",
    does="Writes a ping in small pieces over 2 s.", expects="A `pong`.", rule="TCP is a stream", source=Source.VENDOR,
    advice="Wait for the rest of a frame as long as the session may be idle.",
)  # fmt: skip
async def slow_message(caller: Caller) -> None:
    line = await caller.open()
    data = frame(TEXT, line.message("ping").encode())
    step = -(-len(data) // 20)
    for at in range(0, len(data), step):
        line.socket.write(data[at : at + step])
        await asyncio.sleep(0.1)
    pong = await line.expect("pong")
    if pong.get("clientseq") != line.seq:
        raise Failure(f"`pong` has clientseq {pong.get('clientseq')}, the ping was {line.seq}")
    await caller.finish(line)


@SERVER.case(
    "10.35", "A slow session holds no other one up",
    does="Begins a message in one session and has another one meanwhile.", expects="Prompt pongs in the other one.",
    rule="P13: readers of their own", source=Source.INFERRED, advice="Never wait for one socket where another one is served.",
)  # fmt: skip
async def no_jam(caller: Caller) -> None:
    slow = await caller.open()
    data = frame(TEXT, slow.message("ping").encode())
    slow.socket.write(data[:20])
    await asyncio.sleep(0.05)
    await serves(caller)
    slow.socket.write(data[20:])
    await slow.expect("pong")
    await caller.finish(slow)


@SERVER.case(
    "10.36", "A client that reads slowly hears all of it",
    does="Reads nothing for 1.5 s while the bot speaks and pings are due, then reads on.",
    expects="Numbers without a gap, and pongs in order.", rule="P3.2: no number may be missing", source=Source.REFERENCE,
    profiles=SPOKEN, advice="Let what cannot be sent wait; audio may be dropped, messages may not.",
)  # fmt: skip
async def slow_reader(caller: Caller) -> None:
    line = await caller.open()
    line.socket.stop_reading()
    for _ in range(5):
        await line.send_audio(caller.audio(), caller.width)
        await line.send("ping")
        await asyncio.sleep(0.3)
    line.socket.go_on_reading()
    for _ in range(5):
        await line.expect("pong", within=5.0)
    await caller.finish(line)
    seqs = [message.get("seq") for message in line.received]
    if seqs != list(range(1, len(seqs) + 1)):
        raise Failure(f"numbers are {seqs}")


def _crosses(number: str, what: str, types: tuple[str, ...]) -> None:
    @SERVER.case(number, f"{what} behind a `disconnect` of the server", does=f"Provokes `disconnect`, and sends {what.lower()} as if it had crossed.",
                 expects="No second `disconnect`, and `closed` on `close`.", rule="P4.9: ignore what crosses it",
                 source=Source.REFERENCE, advice="After `disconnect` pass over all but `close`; pings may be answered.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        line.socket.send(line.message("ping", version="1"))
        for type in types:
            if type == "audio":
                line.socket.send(caller.audio())
            else:
                line.socket.send(line.message(type))
        await provoked(line)
        await line.send("close", {"reason": "disconnect"})
        await line.expect("closed", within=10.0, passing=("event", "pong"))


_crosses("10.37", "Pings", ("ping", "ping"))
_crosses("10.38", "Audio", ("audio", "audio"))
_crosses("10.39", "Pauses", ("paused", "paused"))


async def _while_it_speaks(caller: Caller) -> None:
    line = await caller.open()
    loop = asyncio.get_running_loop()
    end = loop.time() + 1.0
    while not line.audio and (left := end - loop.time()) > 0:
        if isinstance(await line.next(left), Closed):
            break
    if not line.audio:
        raise Skip("this bot said nothing")
    line.socket.cut()


_lost("10.40", "while the bot speaks", _while_it_speaks, SPOKEN)


@SERVER.case(
    "10.41", "A bad message in a pause ends the session in order",
    does="Sends `paused`, then a message of version 1.", expects="`disconnect` reason error, and `closed` on `close`.",
    rule="P3.4, P8.3: any state", source=Source.REFERENCE, advice="A pause concerns audio alone: check messages as before.",
)  # fmt: skip
async def bad_in_a_pause(caller: Caller) -> None:
    line = await caller.open()
    await line.send("paused")
    line.socket.send(line.message("ping", version="1"))
    await caller.refused(line, "error")


@SERVER.case(
    "10.42", "A bad message behind `close` is passed over",
    does="Sends a message of version 1 right behind `close`.", expects="`closed`, and no `disconnect`.",
    rule="P4.9: never sent once `close` has come", source=Source.REFERENCE, advice="Behind `close` send `closed` alone.",
)  # fmt: skip
async def bad_behind_close(caller: Caller) -> None:
    line = await caller.open()
    line.socket.send(line.message("close", {"reason": "end"}))
    line.socket.send(line.message("ping", version="1"))
    await line.expect("closed", within=10.0)
    if isinstance(got := await line.next(0.3), dict):
        raise Failure(f"sent `{got.get('type')}` behind `closed`")
