"""Chapter 12: connections that break, stall or trickle, and messages that come twice or cross (P8.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from ....session.frames import TEXT
from ..case import ALL, SPOKEN, Failure, Skip, Source
from ..line import Line
from ..partner import Partner
from ..socket import RawSocket, frame
from ..suites import CLIENT
from .misplaced import STREAM, parted
from .opening import opening
from .pauses import samples

Steps = Callable[[Partner], Awaitable[Line]]
#: Seconds in which a client that is looped should be back.
_BACK: Final = 2.0


def _cut(number: str, where: str, steps: Steps, profiles: frozenset[str] = ALL) -> None:
    @CLIENT.case(number, f"A connection lost {where} is not clung to", does=f"Drops the connection {where}, and waits {_BACK:g} s for another one.",
                 expects="A next session that starts anew, with seq 1 and serverseq 0; or none.",
                 rule="P8.2: socket closed, P3.2", source=Source.REFERENCE, profiles=profiles,
                 advice="End the session with its socket: a further one counts from 1, whatever was on the line before.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await steps(partner)
        await asyncio.sleep(0)
        line.socket.cut()
        await anew(partner)


async def anew(partner: Partner) -> None:
    """Expect that the next connection, if there is one, is a session of its own.

    Raises:
        Failure: It goes on with numbers of the one before, or does not open.
    """
    other = await partner.another(_BACK)
    if other is None:
        partner.notes.info.append("no further connection came: see that your client has ended the call")
        return
    line, message = await opening(other)
    if (message.get("seq"), message.get("serverseq")) != (1, 0):
        raise Failure(f"the next `open` has seq {message.get('seq')} and serverseq {message.get('serverseq')}")
    other.opening = message["parameters"]
    await line.send("opened", {"startPaused": False, "media": other.opening.get("media", [])[:1]})
    await other.goodbye(line)


async def _upgraded(partner: Partner) -> Line:
    return await partner.accept()


async def _opening(partner: Partner) -> Line:
    return (await opening(partner))[0]


async def _open(partner: Partner) -> Line:
    return await partner.opened()


async def _streaming(partner: Partner) -> Line:
    line = await partner.opened()
    await line.quiet(0.5, allow=STREAM)
    return line


async def _paused(partner: Partner) -> Line:
    line = await partner.opened()
    await line.send("pause")
    await line.expect("paused", passing=STREAM)
    return line


async def _half_a_message(partner: Partner) -> Line:
    line = await partner.opened()
    line.socket.write_frame(TEXT, b'{"version":"2"', fin=False)
    await asyncio.sleep(0.05)
    return line


async def _half_a_frame(partner: Partner) -> Line:
    line = await partner.opened()
    line.socket.write(b"\x81\x7e\x01")
    await asyncio.sleep(0.05)
    return line


async def _ending(partner: Partner) -> Line:
    line = await partner.opened()
    await line.send("disconnect", {"reason": "completed"})
    return line


async def _closing(partner: Partner) -> Line:
    line = await _ending(partner)
    await line.expect("close", passing=STREAM)
    return line


for _place, (_where, _steps) in enumerate(
    {
        "behind the upgrade": _upgraded, "in place of `opened`": _opening, "behind `opened`": _open,
        "among audio": _streaming, "in a pause": _paused, "within a message": _half_a_message,
        "within a frame": _half_a_frame, "behind `disconnect`": _ending, "in place of `closed`": _closing,
    }.items(), 1,
):  # fmt: skip
    _cut(f"12.{_place}", _where, _steps)


@CLIENT.case(
    "12.10", "A half-closed connection is let go",
    does="Sends a FIN in an open session and reads on.", expects="The client closes, too, within 15 s.",
    rule="P8.2: socket closed", source=Source.INFERRED, advice="Treat the end of what can be read as the end.", seconds=25.0,
)  # fmt: skip
async def half_closed(partner: Partner) -> None:
    line = await partner.opened()
    line.socket.half_close()
    await line.gone(within=15.0)


@CLIENT.case(
    "12.11", "A server that has gone silent is given up",
    does="Neither reads nor writes for 20 s: a connection that is half open.", expects="A connection that has ended by then.",
    rule="P8.1: no pong within 5 s, no `closed` within 10 s", source=Source.REFERENCE, seconds=40.0,
    advice="Give up a server that answers no ping, and drop the connection if it does not answer `close` either.",
)  # fmt: skip
async def half_open(partner: Partner) -> None:
    line = await partner.opened()
    line.socket.stop_reading()
    await asyncio.sleep(20.0)
    line.socket.go_on_reading()
    await line.gone(within=2.0)


@CLIENT.case(
    "12.12", "A server that reads slowly loses nothing unsaid",
    does="Reads nothing for 2 s, then reads on.", expects="Numbers without a gap, and positions that tell what was dropped.",
    rule="P6.2: audio may be dropped, and is announced; text never", source=Source.VENDOR,
    advice="Let what cannot be sent wait; announce audio that you drop.",
)  # fmt: skip
async def slow_reader(partner: Partner) -> None:
    line = await partner.opened()
    line.socket.stop_reading()
    await asyncio.sleep(2.0)
    line.socket.go_on_reading()
    await line.quiet(0.5, allow=STREAM)
    await partner.alive(line)
    seqs = [message.get("seq") for message in line.received]
    if seqs != list(range(1, len(seqs) + 1)):
        raise Failure(f"numbers are {seqs}")
    await partner.goodbye(line)


def _late(number: str, title: str, does: str, write: Callable[[Line, bytes], Awaitable[None]]) -> None:
    @CLIENT.case(number, title, does=does, expects="A session that is open.", rule="P8.1: 5 s for `opened`; TCP is a stream",
                 source=Source.VENDOR, advice="Wait 5 s for the whole of `opened`.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line, message = await opening(partner)
        text = line.message("opened", {"startPaused": False, "media": message["parameters"]["media"][:1]})
        await write(line, text.encode())
        await partner.alive(line)
        await partner.goodbye(line)


async def _after_four(line: Line, text: bytes) -> None:
    await line.quiet(4.0, audio=False)
    line.socket.send(text.decode())


async def _slowly(line: Line, text: bytes) -> None:
    data = frame(TEXT, text, mask=False)
    clock = asyncio.get_running_loop().time
    began = clock()
    for count, at in enumerate(range(0, len(data), 8), 1):
        line.socket.write(data[at : at + 8])
        if (early := began + count / 10 - clock()) > 0:  # by the clock: what is late is caught up with
            await asyncio.sleep(early)


_late("12.13", "`opened` may take 4 s", "Answers `open` after 4 s.", _after_four)
_late("12.14", "`opened` may come slowly", "Writes `opened` eight bytes at a time, ten times a second.", _slowly)


@CLIENT.case(
    "12.15", "A slow message holds nothing else up",
    does="Writes an event over 2 s, and pings of the client are due meanwhile.", expects="The first ping in its time, and a session that goes on.",
    rule="P4.5, P8.1", source=Source.REFERENCE, advice="Do not wait for a whole message where something is due.",
)  # fmt: skip
async def slow_message(partner: Partner) -> None:
    line = await partner.opened()
    data = frame(TEXT, line.message("event", {"entities": []}).encode(), mask=False)
    step = -(-len(data) // 20)
    for at in range(0, len(data), step):
        line.socket.write(data[at : at + step])
        await line.quiet(0.1, allow=STREAM)
    if not any(message.get("type") == "ping" for message in line.received):
        raise Failure("no ping came in 2 s")
    await line.send("pong", clientseq=next(m["seq"] for m in line.received if m["type"] == "ping"))
    await partner.alive(line)
    await partner.goodbye(line)


def _crosses(number: str, title: str, does: str, messages: Callable[[Line], list[str | bytes]], *, rule: str,
             profiles: frozenset[str] | None = None) -> None:  # fmt: skip
    more: dict[str, Any] = {} if profiles is None else {"profiles": profiles}

    @CLIENT.case(number, title, does=does, expects="`close` reason disconnect, and the end of the connection behind `closed`.",
                 rule=rule, source=Source.REFERENCE, advice="Take messages in their order, however close they come.", **more)  # fmt: skip
    async def run(partner: Partner) -> None:
        line, message = await opening(partner)
        partner.opening = message["parameters"]
        line.socket.send(line.message("opened", {"startPaused": False, "media": partner.opening.get("media", [])[:1]}))
        for each in messages(line):
            line.socket.send(each)
        await parted(line, asks=False)


_crosses("12.16", "`disconnect` right behind `opened`", "Sends both at once.",
         lambda line: [line.message("disconnect", {"reason": "completed"})], rule="P4.9")  # fmt: skip
_crosses("12.17", "`pause`, `resume` and `disconnect` right behind `opened`", "Sends all at once.",
         lambda line: [line.message("pause"), line.message("resume"), line.message("disconnect", {"reason": "completed"})],
         rule="P4.6, P4.9")  # fmt: skip
_crosses("12.18", "Audio and `disconnect` right behind `opened`", "Sends all at once.",
         lambda line: [b"\x55" * 4000, line.message("disconnect", {"reason": "completed"})], rule="P4.9: R2 does so",
         profiles=SPOKEN)  # fmt: skip
_crosses("12.19", "Audio behind `disconnect`", "Sends `opened`, `disconnect` and audio at once.",
         lambda line: [line.message("disconnect", {"reason": "completed"}), b"\x55" * 4000], rule="P4.9, P8.2",
         profiles=SPOKEN)  # fmt: skip


@CLIENT.case(
    "12.20", "Audio behind `close` is passed over",
    does="Sends audio between `close` and `closed`.", expects="No message, and the end of the connection behind `closed`.",
    rule="P8.2: CLOSING", source=Source.REFERENCE, profiles=SPOKEN, advice="Drop audio that comes behind `close`.",
)  # fmt: skip
async def late_audio(partner: Partner) -> None:
    line = await _closing(partner)
    line.socket.send(b"\x55" * 4000)
    await line.quiet(0.3, audio=False)
    await line.send("closed")
    await line.gone(within=5.0)


@CLIENT.case(
    "12.21", "A second pong ends nothing",
    does="Answers a ping twice.", expects="`error` 409 or nothing, and a session that goes on.", rule="P3.4",
    source=Source.REFERENCE, advice="Report it, and go on.",
)  # fmt: skip
async def two_pongs(partner: Partner) -> None:
    line = await partner.opened()
    await line.expect("ping", within=3.0, passing=STREAM)
    answered = line.peer_seq
    line.socket.send(line.message("pong"))
    line.socket.send(line.message("pong", clientseq=answered))
    await line.send("pause")
    await line.expect("paused", passing=(*STREAM, "error"))
    await partner.goodbye(line)


@CLIENT.case(
    "12.22", "A second `resume` is answered again",
    does="Pauses, and resumes twice.", expects="`resumed` twice, the second one without a gap.", rule="P4.6",
    source=Source.REFERENCE, advice="Answer a `resume` that finds nothing paused with a gap of nothing.",
)  # fmt: skip
async def two_resumes(partner: Partner) -> None:
    line = await _paused(partner)
    line.socket.send(line.message("resume"))
    line.socket.send(line.message("resume"))
    first = await line.expect("resumed", "paused", passing=STREAM)
    second = await line.expect("resumed", "paused", passing=STREAM)
    if "paused" in (first["type"], second["type"]):
        raise Skip("this client has a pause of its own")
    if samples(second, "discarded"):
        raise Failure("the second `resumed` tells of a gap")
    await partner.goodbye(line)


@CLIENT.case(
    "12.23", "An event that comes twice ends nothing",
    does="Sends one event twice, each with its own number.", expects="A session that goes on.", rule="P5",
    source=Source.REFERENCE, advice="Take each for an event of its own.",
)  # fmt: skip
async def two_events(partner: Partner) -> None:
    line = await partner.opened()
    same = {"entities": [{"type": "twice", "data": {"id": "11111111-2222-4333-8444-555555555555"}}]}
    line.socket.send(line.message("event", same))
    line.socket.send(line.message("event", same))
    await partner.alive(line)
    await partner.goodbye(line)


async def _unanswered(partner: Partner) -> Line:
    partner.request()
    return Line(partner.socket, "server", "")


async def _half_answered(partner: Partner) -> Line:
    partner.request()
    partner.socket.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgr")
    await asyncio.sleep(0.05)
    return Line(partner.socket, "server", "")


async def _playing(partner: Partner) -> Line:
    line = await partner.opened()
    line.socket.send(b"\x55\xd5" * 20_000)
    await line.expect("playback_started", passing=STREAM)
    return line


_cut("12.24", "in place of an answer to the upgrade", _unanswered)
_cut("12.25", "within the answer to the upgrade", _half_answered)
_cut("12.26", "while audio is played", _playing, SPOKEN)


@CLIENT.case(
    "12.27", "The answer to the upgrade may come slowly",
    does="Writes HTTP 101 in pieces of 20 bytes over a second.", expects="A session that opens.", rule="TCP is a stream",
    source=Source.VENDOR, advice="Read until the blank line, however many reads that takes.",
)  # fmt: skip
async def slow_answer(partner: Partner) -> None:
    async def trickle(socket: RawSocket, head: bytes) -> None:
        for at in range(0, len(head), 20):
            socket.write(head[at : at + 20])
            await asyncio.sleep(0.15)

    line = await partner.accept(write=trickle)
    await partner.opened(line)
    await partner.alive(line)
    await partner.goodbye(line)
