"""Chapter 6: pauses, audio and the position of the stream (P4.6, P6.2, P6.5)."""

from __future__ import annotations

import asyncio

from ....protocol import position
from ..case import Failure, Skip, Source
from ..line import SOON, Line, Message
from ..partner import Partner
from ..socket import Closed
from ..suites import CLIENT

_STREAM = ("ping", "dtmf", "playback_started", "playback_completed", "discarded", "update")
_ADVICE = "Follow `pause` and `resume` at once, and say what was lost."


def samples(message: Message, name: str = "position") -> int:
    """A duration of a message in samples.

    Raises:
        Failure: It cannot be read.
    """
    where = message if name == "position" else message.get("parameters", {})
    try:
        return position.parse(str(where.get(name)))
    except ValueError:
        raise Failure(f"`{message.get('type')}` has {name} {where.get(name)!r}") from None


async def pause(line: Line) -> Message:
    await line.send("pause")
    return await line.expect("paused", passing=_STREAM)


async def resume(line: Line) -> Message:
    await line.send("resume")
    return await line.expect("resumed", passing=_STREAM)


@CLIENT.case(
    "6.1", "`pause` is followed",
    does="Sends `pause`.", expects="`paused`, and no audio behind it.", rule="P4.6", source=Source.REFERENCE, advice=_ADVICE,
)  # fmt: skip
async def followed(partner: Partner) -> None:
    line = await partner.opened()
    await pause(line)
    await line.quiet(0.6, allow=_STREAM, audio=False)
    await partner.goodbye(line)


@CLIENT.case(
    "6.2", "A second `pause` is answered again",
    does="Sends `pause` twice.", expects="`paused` twice.", rule="P4.6", source=Source.REFERENCE, advice=_ADVICE,
)  # fmt: skip
async def twice(partner: Partner) -> None:
    line = await partner.opened()
    await pause(line)
    await pause(line)
    await partner.goodbye(line)


@CLIENT.case(
    "6.3", "`resumed` tells what was lost",
    does="Pauses for half a second.", expects="`resumed` whose position is start and discarded together.", rule="P4.6",
    source=Source.REFERENCE, advice="Give the position of the pause, and the time that was not sent.",
)  # fmt: skip
async def lost(partner: Partner) -> None:
    line = await partner.opened()
    paused = await pause(line)
    await line.quiet(0.5, allow=_STREAM, audio=False)
    resumed = await resume(line)
    start, gap = samples(resumed, "start"), samples(resumed, "discarded")
    if abs(start + gap - samples(resumed)) > 1:
        raise Failure(f"start {start} and discarded {gap} do not make the position {samples(resumed)}")
    if abs(start - samples(paused)) > 1:
        raise Failure(f"start is {start}, `paused` was at {samples(paused)}")
    await partner.goodbye(line)


@CLIENT.case(
    "6.4", "The gap is as long as the pause",
    does="Pauses for a second.", expects="`discarded` as long as the time between `paused` and `resumed`, to 0.6 s.",
    rule="P6.5", source=Source.REFERENCE, advice="Let the position go on in a pause.",
)  # fmt: skip
async def as_long(partner: Partner) -> None:
    line = await partner.opened()
    clock = asyncio.get_running_loop().time
    asked = clock()
    await pause(line)
    began = clock()
    await line.quiet(1.0, allow=_STREAM, audio=False)
    ended = clock()
    seconds = samples(await resume(line), "discarded") / 8000
    # The client has paused between `pause` and `paused`, and gone on between `resume` and `resumed`.
    if not ended - began - 0.6 <= seconds <= clock() - asked + 0.6:
        raise Failure(f"discarded {seconds:g} s in a pause of {ended - began:.1f} to {clock() - asked:.1f} s")
    await partner.goodbye(line)


@CLIENT.case(
    "6.5", "`resume` without a pause is answered",
    does="Sends `resume` while nothing is paused.", expects="`resumed` with a gap of nothing.", rule="P4.6",
    source=Source.REFERENCE, advice="The message interrogates: answer with the position and PT0S.",
)  # fmt: skip
async def interrogated(partner: Partner) -> None:
    line = await partner.opened()
    await line.send("resume")
    got = await line.expect("resumed", "paused", passing=_STREAM)
    if got["type"] == "paused":
        raise Skip("this client has a pause of its own")
    if samples(got, "discarded"):
        raise Failure("`resumed` tells of a gap")
    await partner.goodbye(line)


@CLIENT.case(
    "6.6", "Many pauses",
    does="Pauses and goes on three times.", expects="`paused` and `resumed` each time, positions that never go back.",
    rule="P4.6", source=Source.REFERENCE, advice=_ADVICE,
)  # fmt: skip
async def many(partner: Partner) -> None:
    line = await partner.opened()
    before = 0
    for _ in range(3):
        for message in (await pause(line), await resume(line)):
            if samples(message) < before:
                raise Failure("a position goes back")
            before = samples(message)
    await partner.goodbye(line)


async def _audio(line: Line, seconds: float) -> list[tuple[float, int]]:
    """Arrivals of audio over so many seconds: seconds since the first, and bytes. On a busy machine, where messages
    are late, it looks on for some seconds longer.

    Raises:
        Skip: There are not even two.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds + SOON
    came: list[tuple[float, int]] = []
    while (left := end - loop.time()) > 0 and (not came or came[-1][0] - came[0][0] < seconds):
        got = await line.next(left)
        if isinstance(got, bytes):
            came.append((loop.time(), len(got)))
        elif got is None or isinstance(got, Closed):
            break
    if len(came) < 2:
        raise Skip("this client sent no audio")
    return [(at - came[0][0], size) for at, size in came]


def _width(partner: Partner) -> int:
    media = partner.opening.get("media") or [{"channels": ["external"], "format": "PCMU"}]
    return len(media[0]["channels"]) * (2 if media[0]["format"] == "L16" else 1)


@CLIENT.case(
    "6.7", "Audio comes in real time",
    does="Listens for 2.5 s, and 1.5 s longer where that was too much.", expects="At most half a second more audio than time, after the first second.",
    rule="P6.2", source=Source.REFERENCE, advice="Pace audio by the clock, once the history is sent.",
)  # fmt: skip
async def paced(partner: Partner) -> None:
    line = await partner.opened()
    await _audio(line, 1.0)  # what was kept has come by then
    for attempt in range(2):
        came = await _audio(line, 1.5)
        sent, took = sum(size for _, size in came[1:]) / _width(partner) / 8000, came[-1][0]
        if sent <= took + 0.5:
            break
        if attempt:  # once may be what a busy machine has held up; who is too fast is so again
            raise Failure(f"{sent:.1f} s of audio in {took:.1f} s")
    await partner.goodbye(line)


@CLIENT.case(
    "6.8", "Positions count the samples that were sent",
    does="Compares positions with the audio that came.", expects="Each `position` the samples so far, to a frame.",
    rule="P6.5", source=Source.REFERENCE, advice="Advance the position by what you send, skip or lose, and stamp messages in order.",
)  # fmt: skip
async def counted(partner: Partner) -> None:
    line = await partner.opened()
    loop = asyncio.get_running_loop()
    end = loop.time() + 2.5
    count = 0
    while (left := end - loop.time()) > 0:
        got = await line.next(left)
        if isinstance(got, bytes):
            count += len(got) // _width(partner)
        elif isinstance(got, dict):
            if got.get("type") == "ping":
                await line.send("pong")
            if got.get("type") in ("paused", "resumed", "discarded"):
                raise Skip("this client has pauses or gaps of its own")
            if abs(samples(got) - count) > 3200:
                raise Failure(f"`{got.get('type')}` says {samples(got)}, {count} samples have come")
    if not count:
        raise Skip("this client sent no audio")
    await partner.goodbye(line)


@CLIENT.case(
    "6.9", "Audio goes on after a pause",
    does="Pauses, goes on, and listens.", expects="Audio behind `resumed`.", rule="P4.6", source=Source.REFERENCE,
    advice="Send audio again at once behind `resumed`.",
)  # fmt: skip
async def goes_on(partner: Partner) -> None:
    line = await partner.opened()
    await line.quiet(0.6, allow=(*_STREAM, "paused", "resumed"))
    if not line.audio:
        raise Skip("this client sends no audio")
    await pause(line)
    await resume(line)
    before = len(line.audio)
    await line.quiet(0.8, allow=_STREAM)
    if len(line.audio) == before:
        raise Failure("no audio came behind `resumed`")
    await partner.goodbye(line)


@CLIENT.case(
    "6.17", "In a pause of the client's own no audio comes",
    does="Watches a session for 2.5 s.", expects="No audio between a `paused` that nobody asked for and `resumed`, which tells of the gap.",
    rule="P4.6: a pause of the client", source=Source.VENDOR, advice="Send nothing while paused; end your pause with `resumed`.",
)  # fmt: skip
async def of_its_own(partner: Partner) -> None:
    line = await partner.opened()
    loop = asyncio.get_running_loop()
    end = loop.time() + 2.5
    paused: Message | None = None
    seen = False
    while (left := end - loop.time()) > 0:
        got = await line.next(left)
        if isinstance(got, bytes) and paused is not None:
            raise Failure("sent audio behind `paused`")
        kind = got.get("type") if isinstance(got, dict) else None
        if isinstance(got, dict) and kind == "paused":
            paused, seen = got, True
        elif isinstance(got, dict) and kind == "resumed" and paused is not None:
            if abs(samples(got, "start") + samples(got, "discarded") - samples(got)) > 1:
                raise Failure("start and discarded do not make the position")
            paused = None
        elif kind == "close":
            break
    if not seen:
        raise Skip("this client has no pause of its own")
    if line.closed is None and kind != "close":
        await partner.goodbye(line, passing=(*_STREAM, "paused", "resumed"))
