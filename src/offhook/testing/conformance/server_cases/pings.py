"""Chapter 5: ping and pong (P4.5)."""

from __future__ import annotations

from ..caller import Caller
from ..case import Failure, Source
from ..suites import SERVER


@SERVER.case(
    "5.1",
    "A ping is answered at once",
    does="Sends a `ping` in an open session.",
    expects="A `pong` within 3 s whose clientseq is the seq of the ping.",
    rule="P4.5: pong is sent while the ping is handled, before any other message",
    source=Source.REFERENCE,
    advice="Answer pings in the code that reads the socket, not behind recognition or synthesis.",
)
async def answered(caller: Caller) -> None:
    line = await caller.open()
    await caller.alive(line)
    await caller.finish(line)


@SERVER.case(
    "5.2",
    "Ten pings in a row get ten pongs in order",
    does="Sends ten pings without waiting.",
    expects="Ten pongs whose clientseq name the pings one after the other.",
    rule="P4.5: each pong answers one ping",
    source=Source.REFERENCE,
    advice="Answer each ping with a pong of its own; do not merge or reorder them.",
)
async def in_order(caller: Caller) -> None:
    line = await caller.open()
    first = line.seq + 1
    for _ in range(10):
        await line.send("ping")
    answered = [(await line.expect("pong")).get("clientseq") for _ in range(10)]
    if answered != list(range(first, first + 10)):
        raise Failure(f"pongs answer {answered}, the pings were {first} to {first + 9}")
    await caller.finish(line)


@SERVER.case(
    "5.3", "A ping may tell the round trip",
    does="Sends pings with `rtt` of a fraction of a second and of nanoseconds.", expects="A `pong` to each.",
    rule="P4.5: rtt of the previous ping", source=Source.REFERENCE, advice="Accept `rtt`, and read it as seconds.",
)  # fmt: skip
async def round_trips(caller: Caller) -> None:
    line = await caller.open()
    for rtt in ("PT0.031S", "PT0.000000001S", "PT12S"):
        await line.send("ping", {"rtt": rtt})
        if (await line.expect("pong")).get("clientseq") != line.seq:
            raise Failure("`pong` does not name the ping")
    await caller.finish(line)


@SERVER.case(
    "5.4", "Audio does not hold pings up",
    does="Sends 20 s of audio at once and a ping behind it.", expects="A `pong` within 3 s.",
    rule="P13: recognition must not starve the reader (AUDIOHOOK-0006)", source=Source.OBSERVED,
    advice="Hand audio to another task; answer pings in the one that reads.",
)  # fmt: skip
async def behind_audio(caller: Caller) -> None:
    line = await caller.open()
    for _ in range(100):
        await line.send_audio(caller.audio(), caller.width)
    await caller.alive(line)
    await caller.finish(line)


@SERVER.case(
    "5.5", "A ping before `opened` is answered behind it or not at all",
    does="Sends a ping right behind `open`.", expects="`opened` as the first message.",
    rule="P3.2, P15 row 29: the first server message is `opened`", source=Source.OBSERVED,
    advice="Answer pings once `opened` has left.",
)  # fmt: skip
async def early(caller: Caller) -> None:
    line = await caller.line()
    line.socket.send(line.message("open", caller.opening()))
    line.socket.send(line.message("ping"))
    got = await line.expect("opened", "pong", "disconnect", within=5.0, passing=())
    if got["type"] != "opened":
        raise Failure(f"sent `{got['type']}` first")
    await caller.finish_politely(line)


@SERVER.case(
    "5.6", "No pong without a ping",
    does="Opens a session and sends no ping for half a second.", expects="No `pong`.",
    rule="P3.4, P16: an unsolicited pong is a fault", source=Source.REFERENCE,
    advice="Send `pong` only as an answer; it keeps nothing alive.",
)  # fmt: skip
async def unasked(caller: Caller) -> None:
    line = await caller.open()
    await line.quiet(0.5, allow=("event", "pause", "resume", "disconnect"))
    await caller.finish(line)


@SERVER.case(
    "5.7", "Pings are answered while the stream is paused",
    does="Pauses the stream, then pings.", expects="A `pong`.", rule="P8.3: any open state", source=Source.REFERENCE,
    advice="A pause concerns audio alone.",
)  # fmt: skip
async def paused(caller: Caller) -> None:
    line = await caller.open()
    await line.send("paused")
    await caller.alive(line)
    await caller.finish(line)


@SERVER.case(
    "5.8", "A ping without parameters does no harm",
    does="Sends a ping whose `parameters` are missing.", expects="A `pong`, or `disconnect` reason error.",
    rule="P15 row 23: tolerate it for empty types", source=Source.INFERRED,
    advice="Take missing parameters of a ping for {}.",
)  # fmt: skip
async def bare(caller: Caller) -> None:
    line = await caller.open()
    await line.send("ping", omit=["parameters"])
    got = await line.expect("pong", "disconnect")
    await caller.finish(line, "end" if got["type"] == "pong" else "disconnect")
