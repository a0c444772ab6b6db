"""Chapter 8: what a client plays, and how it tells of it (P4.12, P4.13, P6.3, P6.4)."""

from __future__ import annotations

import asyncio
from typing import Final

from ..case import LISTENING, SPOKEN, Failure, Skip, Source
from ..line import Line, Message
from ..partner import Partner
from ..suites import CLIENT
from .pauses import samples

_STREAM: Final = ("ping", "dtmf", "paused", "resumed", "discarded", "update")
_ADVICE: Final = (
    "Queue what comes; say `playback_started` when it begins to play and `playback_completed` when the queue is empty."
)


async def told(line: Line, type: str, within: float = 4.0) -> Message:
    """Wait for a report of playback.

    Raises:
        Failure: It does not come, or the other one comes.
    """
    return await line.expect(type, within=within, passing=_STREAM)


async def sound(line: Line, seconds: float) -> None:
    line.socket.send(b"\x55\xd5" * int(seconds * 4000))
    await line.socket.drain()


@CLIENT.case(
    "8.1", "Audio is played, and told of",
    does="Sends half a second of audio.", expects="`playback_started`, then `playback_completed` half a second later.",
    rule="P4.13", source=Source.REFERENCE, profiles=SPOKEN, advice=_ADVICE,
)  # fmt: skip
async def played(partner: Partner) -> None:
    line = await partner.opened()
    await sound(line, 0.5)
    started = await told(line, "playback_started")
    completed = await told(line, "playback_completed")
    seconds = (samples(completed) - samples(started)) / 8000
    if not 0.4 <= seconds <= 0.9:
        raise Failure(f"half a second of audio took {seconds:.2f} s by the positions")
    await partner.goodbye(line)


@CLIENT.case(
    "8.2", "Messages behind one another are one playback",
    does="Sends three audio messages at once.", expects="One `playback_started` and one `playback_completed`.",
    rule="P4.13", source=Source.INFERRED, profiles=SPOKEN, advice=_ADVICE,
)  # fmt: skip
async def joined(partner: Partner) -> None:
    line = await partner.opened()
    for _ in range(3):
        await sound(line, 0.2)
    await told(line, "playback_started")
    await told(line, "playback_completed")
    await line.quiet(0.4, allow=_STREAM)
    await partner.goodbye(line)


@CLIENT.case(
    "8.3", "Two sayings are two playbacks",
    does="Sends audio again once the first was heard.", expects="Both reports twice.", rule="P4.13",
    source=Source.INFERRED, profiles=SPOKEN, advice=_ADVICE,
)  # fmt: skip
async def two(partner: Partner) -> None:
    line = await partner.opened()
    for _ in range(2):
        await sound(line, 0.2)
        await told(line, "playback_started")
        await told(line, "playback_completed")
    await partner.goodbye(line)


@CLIENT.case(
    "8.4", "A barge-in stops what is playing",
    does="Sends 5 s of audio and `barge_in` behind its start.", expects="`playback_completed` within a second.",
    rule="P6.4, P15 row 17", source=Source.OBSERVED, profiles=SPOKEN,
    advice="On `barge_in` drop what is queued, and report the playback as completed.",
)  # fmt: skip
async def interrupted(partner: Partner) -> None:
    line = await partner.opened()
    await sound(line, 5.0)
    await told(line, "playback_started")
    await line.send("event", {"entities": [{"type": "barge_in", "data": {}}]})
    await told(line, "playback_completed", within=1.0)
    await partner.goodbye(line)


@CLIENT.case(
    "8.5", "Audio behind a barge-in is a new playback",
    does="Interrupts 5 s of audio and says something else.", expects="Both reports again.", rule="P6.4",
    source=Source.OBSERVED, profiles=SPOKEN, advice="Drop what came before `barge_in`, play what comes behind it.",
)  # fmt: skip
async def goes_on(partner: Partner) -> None:
    line = await partner.opened()
    await sound(line, 5.0)
    await told(line, "playback_started")
    await line.send("event", {"entities": [{"type": "barge_in", "data": {}}]})
    await told(line, "playback_completed", within=1.0)
    await sound(line, 0.2)
    await told(line, "playback_started")
    await told(line, "playback_completed", within=1.5)
    await partner.goodbye(line)


@CLIENT.case(
    "8.6", "One sample is played",
    does="Sends an audio message of one byte.", expects="Both reports.", rule="P6.3: no minimum", source=Source.INFERRED,
    profiles=SPOKEN, advice=_ADVICE,
)  # fmt: skip
async def tiny(partner: Partner) -> None:
    line = await partner.opened()
    line.socket.send(b"\x55")
    await told(line, "playback_started")
    await told(line, "playback_completed")
    await partner.goodbye(line)


@CLIENT.case(
    "8.7", "The caller's audio goes on while the bot speaks",
    does="Sends a second of audio and listens.", expects="Audio of the caller between the two reports.", rule="P6.2",
    source=Source.REFERENCE, profiles=SPOKEN, advice="Keep streaming: barge-in needs it.",
)  # fmt: skip
async def both(partner: Partner) -> None:
    line = await partner.opened()
    await line.quiet(0.6, allow=_STREAM)
    if not line.audio:
        raise Skip("this client sends no audio")
    await sound(line, 1.0)
    await told(line, "playback_started")
    before = len(line.audio)
    await told(line, "playback_completed", within=10.0)
    if len(line.audio) == before:
        raise Failure("no audio came while the bot spoke")
    await partner.goodbye(line)


@CLIENT.case(
    "8.8", "Keys are one to a message",
    does="Watches a session for a second.", expects="`dtmf` with one key of 0-9, *, #, A-D.", rule="P4.12",
    source=Source.REFERENCE, profiles=SPOKEN, advice="Send each key as a message of its own.",
)  # fmt: skip
async def keys(partner: Partner) -> None:
    line = await partner.opened()
    await line.quiet(1.0, allow=_STREAM)
    pressed = [message.get("parameters", {}).get("digit") for message in line.received if message.get("type") == "dtmf"]
    if not pressed:
        raise Skip("nobody pressed a key")
    if odd := [
        digit for digit in pressed if not (isinstance(digit, str) and len(digit) == 1 and digit in "0123456789*#ABCD")
    ]:
        raise Failure(f"sent the digit {odd[0]!r}")
    await partner.goodbye(line)


@CLIENT.case(
    "8.9", "Audio for a client that plays none",
    does="Sends audio in a product without a bot.", expects="`error` 415 and `close`, or nothing.",
    rule="P1, P15 row 14", source=Source.REFERENCE, disputed=True, profiles=LISTENING,
    advice="Pass it over, or report 415.",
)  # fmt: skip
async def unwanted(partner: Partner) -> None:
    line = await partner.opened()
    line.socket.send(b"\x55" * 1600)
    await asyncio.sleep(0)
    await line.send("pause")
    got = await line.expect("paused", "error", passing=_STREAM)
    if got["type"] == "error":
        if got.get("parameters", {}).get("code") != 415:
            raise Failure(f"`error` has code {got.get('parameters', {}).get('code')}")
        await partner.closing(line, "error")
    else:
        await partner.goodbye(line)


@CLIENT.case(
    "8.10", "Audio messages of a burst are played",
    does="Sends twenty messages of 200 ms at once.", expects="No complaint, `playback_started`, and a session that goes on.",
    rule="P6.6: a burst of 25", source=Source.VENDOR, profiles=SPOKEN, advice="Let a bucket of 25 messages fill with 5 a second.",
)  # fmt: skip
async def burst(partner: Partner) -> None:
    line = await partner.opened()
    for _ in range(20):
        line.socket.send(b"\x55" * 1600)
    await told(line, "playback_started")
    await partner.alive(line)
    await partner.goodbye(line)


@CLIENT.case(
    "8.11", "Audio right behind a barge-in is played, not what was before it",
    does="Sends 5 s of audio and, while it plays, `barge_in` and a fifth of a second more at once.",
    expects="`playback_completed` within 3 s, then a playback of its own.", rule="P6.4: what is sent behind it is a new playback",
    source=Source.OBSERVED, profiles=SPOKEN, advice="Drop what came before `barge_in`, play what comes behind it.",
)  # fmt: skip
async def at_once(partner: Partner) -> None:
    line = await partner.opened()
    await sound(line, 5.0)
    await told(line, "playback_started")
    line.socket.send(line.message("event", {"entities": [{"type": "barge_in", "data": {}}]}))
    line.socket.send(b"\x55\xd5" * 800)
    for type in ("playback_completed", "playback_started", "playback_completed"):
        await told(line, type, within=3.0)
    await partner.goodbye(line)
