"""Chapter 6, continued: audio that is kept while the session opens, and `discardTo` (P4.3, P4.7, P6.2)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from ....protocol.position import RATE
from ..case import Failure, Skip, Source
from ..line import SOON, Line, Message
from ..partner import Partner
from ..suites import CLIENT
from .misplaced import STREAM
from .opening import opening
from .pauses import samples

#: Seconds that `open` is left without an answer, so that audio gathers.
_KEPT: Final = 1.5
_ADVICE: Final = "Drop kept audio before `discardTo`, and say so with `discarded` before the first audio."


async def late(partner: Partner, **changes: Any) -> Line:
    """A session that is opened late; everything before is quiet."""
    line, message = await opening(partner)
    await line.quiet(_KEPT, audio=False)
    media = message.get("parameters", {}).get("media", [])[:1]
    partner.opening = message["parameters"]
    await line.send("opened", {"startPaused": False, "media": media} | changes)
    return line


def width(partner: Partner) -> int:
    media = partner.opening.get("media") or [{"channels": ["external"], "format": "PCMU"}]
    return len(media[0]["channels"]) * (2 if media[0]["format"] == "L16" else 1)


async def heard(line: Line, seconds: float, *, until: str = "") -> list[Message | bytes]:
    """What comes within a time, or up to a message of a type."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    came: list[Message | bytes] = []
    while (left := end - loop.time()) > 0:
        got = await line.next(left)
        if isinstance(got, dict | bytes):
            came.append(got)
        if isinstance(got, dict) and got.get("type") == until:
            break
    return came


@CLIENT.case(
    "6.10", "Audio that gathered while the session opened is sent",
    does=f"Answers `open` after {_KEPT:g} s.", expects="At least half a second more audio than time, within 3 s, or `discarded`.",
    rule="P6.2: kept and sent faster than real time", source=Source.VENDOR,
    advice="Keep up to 30 s of audio while you connect, and flush it behind `opened`.",
)  # fmt: skip
async def flushed(partner: Partner) -> None:
    line = await late(partner)
    clock = asyncio.get_running_loop().time
    began = clock()
    sent = lost = took = 0.0
    while sent + lost < took + 0.5 and took < SOON:
        for each in await heard(line, 0.5):
            if isinstance(each, bytes):
                sent += len(each) / width(partner) / RATE
            elif each.get("type") == "discarded":
                lost += samples(each, "discarded") / RATE
        took = clock() - began
        if not sent and not lost:
            raise Skip("this client sent no audio")
    if sent + lost < took + 0.5:
        raise Failure(f"{sent:.1f} s of audio came in {took:.1f} s, and `discarded` tells of {lost:g} s")
    await partner.goodbye(line)


@CLIENT.case(
    "6.11", "`discardTo` is answered by `discarded`",
    does=f"Answers `open` after {_KEPT:g} s with discardTo PT1S.",
    expects="`discarded` from the start to a second at most, before the first audio.", rule="P4.3, P4.7",
    source=Source.REFERENCE, advice=_ADVICE,
)  # fmt: skip
async def honoured(partner: Partner) -> None:
    line = await late(partner, discardTo="PT1S")
    came = await heard(line, 1.0)
    first = next((each for each in came if isinstance(each, bytes) or each.get("type") == "discarded"), None)
    if first is None:
        raise Skip("this client sent no audio")
    if isinstance(first, bytes):
        raise Failure("audio came without `discarded`")
    start, gap = samples(first, "start"), samples(first, "discarded")
    if not 0 < start + gap <= RATE:
        raise Failure(f"`discarded` has start {start} and discarded {gap}, not up to {RATE} at most")
    await partner.goodbye(line)


@CLIENT.case(
    "6.12", "The position counts what `discardTo` has dropped",
    does=f"Answers `open` after {_KEPT:g} s with discardTo PT1S, and compares.",
    expects="Positions that are the samples sent and dropped so far, to a frame.", rule="P6.5", source=Source.REFERENCE,
    advice="Advance the position by what you discard.",
)  # fmt: skip
async def counted(partner: Partner) -> None:
    line = await late(partner, discardTo="PT1S")
    count, dropped = 0, False
    for each in await heard(line, 1.5):
        if isinstance(each, bytes):
            count += len(each) // width(partner)
            continue
        if each.get("type") == "discarded":
            count, dropped = samples(each, "start") + samples(each, "discarded"), True
        elif each.get("type") in ("paused", "resumed"):
            raise Skip("this client has pauses of its own")
        if abs(samples(each) - count) > 3200:
            raise Failure(f"`{each.get('type')}` says {samples(each)}, {count} samples are sent or dropped")
    if not count:
        raise Skip("this client sent no audio")
    if not dropped:
        partner.notes.info.append("this client drops nothing")
    await partner.goodbye(line)


@CLIENT.case(
    "6.13", "A `discardTo` of the future drops what there is",
    does=f"Answers `open` after {_KEPT:g} s with discardTo PT1H, in seconds.",
    expects="A session that goes on, and audio from now on.", rule="P4.3: best effort", source=Source.INFERRED,
    advice="Drop what you have kept, and go on with what is said now.",
)  # fmt: skip
async def future(partner: Partner) -> None:
    line = await late(partner, discardTo="PT3600S")
    await heard(line, 0.3)
    before = len(line.audio)
    await heard(line, 0.8)
    if before and len(line.audio) == before:
        raise Failure("no audio comes any more")
    await partner.alive(line)
    await partner.goodbye(line)


@CLIENT.case(
    "6.14", "A `discardTo` in a session that starts paused",
    does=f"Answers `open` after {_KEPT:g} s with discardTo PT1S and startPaused, then resumes.",
    expects="`paused`, no audio, and `resumed` that tells of all that was lost.", rule="P4.3, P4.6", source=Source.REFERENCE,
    advice="In a pause nothing is sent: what was kept is part of the gap.",
)  # fmt: skip
async def paused(partner: Partner) -> None:
    line = await late(partner, discardTo="PT1S", startPaused=True)
    await line.expect("paused", passing=("discarded", *STREAM))
    await line.quiet(0.3, allow=STREAM, audio=False)
    await line.send("resume")
    resumed = await line.expect("resumed", passing=STREAM)
    if samples(resumed, "start") + samples(resumed, "discarded") != samples(resumed):
        raise Failure("start and discarded do not make the position")
    await partner.goodbye(line)


def _bad(number: str, what: str, value: Any) -> None:
    @CLIENT.case(number, f"A `discardTo` that is {what} is refused", does=f"Answers with discardTo {value!r}.",
                 expects="`error` 400 or 500, then `close` reason error.", rule="P3.4, P4.3", source=Source.REFERENCE,
                 advice="Check the parameters of `opened`; report and close.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened(discardTo=value)
        await partner.complaint(line, 400, 500)


_bad("6.15", "no duration", "a second")
_bad("6.16", "a number", 1)
