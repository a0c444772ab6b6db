"""Chapter 5: ping and pong (P4.5)."""

from __future__ import annotations

import asyncio

from ....protocol import position
from ..case import Failure, Source
from ..line import Line, Message
from ..partner import Partner
from ..suites import CLIENT

_STREAM = ("dtmf", "playback_started", "playback_completed", "update")
_ADVICE = "Ping 1 s after `opened`, at once behind the first pong, and every 5 s from then on."


async def ping(line: Line, within: float) -> Message:
    return await line.expect("ping", within=within, passing=_STREAM)


@CLIENT.case(
    "5.1", "The first ping comes a second after `opened`",
    does="Opens a session.", expects="A ping after 0.5 s to 2 s.", rule="P4.5, P8.1", source=Source.REFERENCE,
    advice=_ADVICE,
)  # fmt: skip
async def first(partner: Partner) -> None:
    line = await partner.opened()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await ping(line, 3.0)
    if not 0.5 <= loop.time() - began <= 2.0:
        raise Failure(f"the first ping came after {loop.time() - began:.1f} s")
    await line.send("pong")
    await partner.goodbye(line)


@CLIENT.case(
    "5.2", "The second ping follows the first pong, and tells the round trip",
    does="Answers the first ping.", expects="A second one at once, with `rtt`; none on the first.", rule="P4.5",
    source=Source.REFERENCE, advice="Tell the round trip of the previous ping.",
)  # fmt: skip
async def second(partner: Partner) -> None:
    line = await partner.opened()
    one = await ping(line, 3.0)
    if "rtt" in one.get("parameters", {}):
        raise Failure("the first ping has `rtt`")
    await line.send("pong")
    two = await ping(line, 1.5)
    try:
        position.parse_nanoseconds(str(two.get("parameters", {}).get("rtt")))
    except ValueError:
        raise Failure(f"the second ping has rtt {two.get('parameters', {}).get('rtt')!r}") from None
    await line.send("pong")
    await partner.goodbye(line)


@CLIENT.case(
    "5.3", "Pings come every 5 s",
    does="Answers two pings and waits for the third.", expects="It comes after 4 s to 6.5 s.", rule="P8.1",
    source=Source.REFERENCE, advice=_ADVICE,
)  # fmt: skip
async def third(partner: Partner) -> None:
    line = await partner.opened()
    for _ in range(2):
        await ping(line, 3.0)
        await line.send("pong")
    loop = asyncio.get_running_loop()
    began = loop.time()
    await ping(line, 8.0)
    if not 4.0 <= loop.time() - began <= 6.5:
        raise Failure(f"the third ping came after {loop.time() - began:.1f} s")
    await line.send("pong")
    await partner.goodbye(line)


@CLIENT.case(
    "5.4", "A server that answers no ping is given up",
    does="Answers no ping.", expects="`error` 408 and `close` reason error within 13 s.", rule="P3.4, P4.5",
    source=Source.REFERENCE, advice="Take a ping that was not answered by the next one for a lost server.",
)  # fmt: skip
async def unanswered(partner: Partner) -> None:
    line = await partner.opened()
    await partner.complaint(line, 408, within=13.0)


@CLIENT.case(
    "5.5", "A pong that nobody asked for ends nothing",
    does="Sends `pong` at once.", expects="`error` 409 or nothing, and a session that goes on.", rule="P3.4",
    source=Source.REFERENCE, advice="Report it, and go on.",
)  # fmt: skip
async def unasked(partner: Partner) -> None:
    line = await partner.opened()
    await line.send("pong")
    await line.send("pause")
    await line.expect("paused", passing=(*_STREAM, "ping", "error"))
    await partner.goodbye(line)


@CLIENT.case(
    "5.6", "A pong with a wrong clientseq ends nothing",
    does="Answers a ping with another number.", expects="`error` 400 or nothing, and a session that goes on.",
    rule="P3.4", source=Source.REFERENCE, advice="Report it, and go on.",
)  # fmt: skip
async def wrong(partner: Partner) -> None:
    line = await partner.opened()
    await ping(line, 3.0)
    await line.send("pong", clientseq=1)
    await line.send("pause")
    await line.expect("paused", passing=(*_STREAM, "ping", "error"))
    await partner.goodbye(line)


@CLIENT.case(
    "5.7", "Pings go on in a pause",
    does="Pauses the stream at once.", expects="The first ping.", rule="P4.5, P8.2", source=Source.REFERENCE,
    advice="A pause concerns audio alone.",
)  # fmt: skip
async def paused(partner: Partner) -> None:
    line = await partner.opened(startPaused=True)
    await line.expect("paused")
    await ping(line, 3.0)
    await line.send("pong")
    await partner.goodbye(line)


@CLIENT.case(
    "5.8", "No ping while the session closes",
    does="Disconnects just before the first ping and answers `close` late.", expects="No ping behind `close`.",
    rule="P4.5: none during open and close transactions", source=Source.REFERENCE, advice="Stop the timer at `close`.",
)  # fmt: skip
async def closing(partner: Partner) -> None:
    line = await partner.opened()
    await line.send("disconnect", {"reason": "completed"})
    await line.expect("close")
    await line.quiet(1.5, audio=False)
    await line.send("closed")
    await line.gone(within=5.0)
