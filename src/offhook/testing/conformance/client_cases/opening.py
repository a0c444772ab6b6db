"""Chapter 2: `open`, and what a client makes of the answer (P4.2, P4.3)."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from ....protocol import position
from ....protocol.limits import NULL_UUID
from ..case import ALL, LISTENING, SPOKEN, Failure, Skip, Source
from ..line import Line, Message
from ..partner import Partner
from ..suites import CLIENT
from .upgrade import UUID


async def opening(partner: Partner) -> tuple[Line, Message]:
    line = await partner.accept()
    return line, await line.expect("open", within=5.0, passing=())


@CLIENT.case(
    "2.1", "`open` is the first message",
    does="Accepts and waits.", expects="`open` within 5 s with seq 1 and serverseq 0.", rule="P4.2",
    source=Source.REFERENCE, advice="Count your own messages from 1, and acknowledge 0 before the first answer.",
)  # fmt: skip
async def first(partner: Partner) -> None:
    _, message = await opening(partner)
    if (message.get("seq"), message.get("serverseq")) != (1, 0):
        raise Failure(f"`open` has seq {message.get('seq')} and serverseq {message.get('serverseq')}")


@CLIENT.case(
    "2.2", "`open` says who calls",
    does="Reads `open`.", expects="UUIDs for organisation, conversation and participant; ani, aniName, dnis as text.",
    rule="P4.2", source=Source.REFERENCE, advice="Send all of these; numbers may be empty.",
)  # fmt: skip
async def who(partner: Partner) -> None:
    _, message = await opening(partner)
    facts = message.get("parameters", {})
    participant = facts.get("participant", {})
    for name, value in {"organizationId": facts.get("organizationId"), "conversationId": facts.get("conversationId"),
                        "participant.id": participant.get("id")}.items():  # fmt: skip
        if not (isinstance(value, str) and UUID.fullmatch(value)):
            raise Failure(f"{name} is {value!r}")
    if odd := [name for name in ("ani", "aniName", "dnis") if not isinstance(participant.get(name), str)]:
        raise Failure(f"participant.{odd[0]} is {participant.get(odd[0])!r}")


@CLIENT.case(
    "2.3", "Offers have their four keys",
    does="Reads `open`.", expects="`media`, a list of {type, format, channels, rate}.", rule="P4.2",
    source=Source.REFERENCE, advice="Name the format `format`, and channels external and internal.",
)  # fmt: skip
async def offers(partner: Partner) -> None:
    _, message = await opening(partner)
    media = message.get("parameters", {}).get("media")
    if not isinstance(media, list):
        raise Failure(f"`media` is {media!r}")
    for offer in media:
        right = isinstance(offer, dict) and offer.get("type") == "audio" and offer.get("format") in ("PCMU", "L16")
        right = right and offer.get("rate") == 8000 and set(offer.get("channels", ["x"])) <= {"external", "internal"}
        if not right or set(offer) != {"type", "format", "channels", "rate"}:
            raise Failure(f"an offer is {offer!r}")


@CLIENT.case(
    "2.4", "The position of a new session is zero",
    does="Reads `open`.", expects="`position` PT0S.", rule="P4.2", source=Source.REFERENCE,
    advice="Count the position from the first sample that is offered.",
)  # fmt: skip
async def zero(partner: Partner) -> None:
    _, message = await opening(partner)
    try:
        at = position.parse(str(message.get("position")))
    except ValueError:
        raise Failure(f"`position` is {message.get('position')!r}") from None
    if at and not message.get("parameters", {}).get("continuedSessions"):
        raise Failure(f"`position` is {message.get('position')}")


@CLIENT.case(
    "2.5", "A language is a language code",
    does="Reads `open`.", expects="`language` such as en-US, or none.", rule="P4.2", source=Source.REFERENCE,
    advice="Send a language with a region.",
)  # fmt: skip
async def language(partner: Partner) -> None:
    _, message = await opening(partner)
    given = message.get("parameters", {}).get("language")
    if given is not None and not (isinstance(given, str) and re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})+", given)):
        raise Failure(f"`language` is {given!r}")


@CLIENT.case(
    "2.6", "Input variables are strings",
    does="Reads `open`.", expects="`inputVariables`, an object of strings, or none.", rule="P4.2", profiles=SPOKEN,
    source=Source.REFERENCE, advice="Write other values as JSON in a string.",
)  # fmt: skip
async def variables(partner: Partner) -> None:
    _, message = await opening(partner)
    given = message.get("parameters", {}).get("inputVariables")
    if given is None:
        raise Skip("there are no input variables")
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise Failure(f"`inputVariables` is {given!r}")


@CLIENT.case(
    "2.7", "Nothing is sent before `opened`",
    does="Lets half a second pass before it answers `open`.", expects="No audio, no ping, no other message.",
    rule="P4.5, P6.2", source=Source.REFERENCE, advice="Keep audio, and start the ping timer, until `opened` comes.",
)  # fmt: skip
async def patient(partner: Partner) -> None:
    line, message = await opening(partner)
    await line.quiet(0.5, audio=False)
    await line.send("opened", {"startPaused": False, "media": message["parameters"]["media"][:1]})
    await partner.goodbye(line)


@CLIENT.case(
    "2.8", "Audio has whole samples of the chosen media",
    does="Chooses the first offer and listens for 2 s.", expects="Messages of whole samples, of at most 64,000 bytes.",
    rule="P6.1, P6.2", source=Source.REFERENCE, advice="Send frames of whole samples of all channels.",
)  # fmt: skip
async def whole(partner: Partner) -> None:
    line = await partner.opened()
    media = partner.opening.get("media", [])
    if not media:
        raise Skip("this client offers no audio")
    width = len(media[0]["channels"]) * (2 if media[0]["format"] == "L16" else 1)
    await line.quiet(2.0, allow=("ping", "paused", "resumed", "discarded", "dtmf", "update", "close"))
    if not line.audio:
        raise Skip("this client sent no audio")
    if odd := [data for data in line.audio if len(data) % width or len(data) > 64_000]:
        raise Failure(f"sent {len(odd[0])} bytes in one message")
    await partner.goodbye(line)


@CLIENT.case(
    "2.9", "Without media no audio is sent",
    does="Chooses no media.", expects="A session without audio.", rule="P4.2, P6.2", source=Source.REFERENCE,
    advice="An empty `media` is no refusal: keep the session, without audio.",
)  # fmt: skip
async def silent(partner: Partner) -> None:
    line = await partner.opened(media=[])
    await line.quiet(0.7, allow=("ping", "dtmf", "paused", "update"), audio=False)
    await partner.goodbye(line)


@CLIENT.case(
    "2.10", "A session may start paused",
    does="Answers with `startPaused`.", expects="`paused`, and no audio.", rule="P4.3, P4.6", source=Source.REFERENCE,
    advice="Answer `startPaused` with `paused`, and keep audio back until `resume`.",
)  # fmt: skip
async def start_paused(partner: Partner) -> None:
    line = await partner.opened(startPaused=True)
    await line.expect("paused")
    await line.quiet(0.5, allow=("ping", "dtmf", "update"), audio=False)
    await partner.goodbye(line)


@CLIENT.case(
    "2.11", "A session that starts paused goes on at `resume`",
    does="Answers with `startPaused`, then sends `resume`.", expects="`paused`, then `resumed`.", rule="P4.6",
    source=Source.REFERENCE, advice="Answer `resume` with `resumed`, which tells what was lost.",
)  # fmt: skip
async def start_resumed(partner: Partner) -> None:
    line = await partner.opened(startPaused=True)
    await line.expect("paused")
    await line.send("resume")
    await line.expect("resumed")
    await partner.goodbye(line)


def _accepts(number: str, title: str, does: str, source: Source, rule: str, **changes: Any) -> None:
    @CLIENT.case(number, title, does=does, expects="A session that goes on.", rule=rule, source=source,
                 advice="Take what is missing for its default, and pass over what you do not know.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened(**changes)
        await partner.alive(line)
        await partner.goodbye(line)


_accepts(
    "2.12", "`opened` without startPaused", "Leaves `startPaused` out.", Source.REFERENCE, "P4.3", startPaused=None
)
_accepts("2.13", "`opened` with languages", "Lists languages that nobody asked for.", Source.INFERRED, "P4.3",
         supportedLanguages=["en-US"])  # fmt: skip
_accepts(
    "2.14", "`opened` with an unknown key", "Adds a key that does not exist.", Source.INFERRED, "P3.1", greeting="hi"
)
_accepts(
    "2.15", "`opened` with a discardTo of the past", "Sends discardTo PT0S.", Source.REFERENCE, "P4.3", discardTo="PT0S"
)


def _rejects(number: str, title: str, does: str, rule: str, codes: tuple[int, ...], source: Source = Source.REFERENCE,
             profiles: frozenset[str] = ALL, **changes: Any) -> None:  # fmt: skip
    @CLIENT.case(number, title, does=does, expects="`error`, then `close` reason error.", rule=rule, source=source,
                 advice="Check `opened` against your offers, report and close.", profiles=profiles)  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened(**changes)
        await partner.complaint(line, *codes)


_PCMU = {"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}
_rejects("2.16", "Media that were not offered are refused", "Chooses PCMU at 16,000 Hz.", "P3.4, P4.2", (400, 500),
         media=[_PCMU | {"rate": 16000}])  # fmt: skip
_rejects("2.17", "Two media are refused", "Chooses two media.", "P3.4, P4.2", (400, 500), media=[_PCMU, _PCMU])
_rejects("2.18", "Media that are no list are refused", "Sends `media` as text.", "P3.4", (400, 500), media="PCMU")
_rejects("2.19", "`opened` without media is refused", "Leaves `media` out.", "P3.4, P4.3", (400, 500), media=None)


@CLIENT.case(
    "2.20", "A client does not wait for ever",
    does="Never answers `open`.", expects="After 5 s `error` 408, then `close` reason error.", rule="P8.1",
    source=Source.VENDOR, advice="Give `opened` 5 s.",
)  # fmt: skip
async def never(partner: Partner) -> None:
    line, _ = await opening(partner)
    await partner.complaint(line, 408, within=7.0)


def _disconnected(number: str, reason: str) -> None:
    @CLIENT.case(number, f"`disconnect` {reason} in place of `opened`", does=f"Answers `open` with `disconnect` {reason}.",
                 expects="`close` reason disconnect, and the end of the connection after `closed`.", rule="P4.9, P8.4",
                 source=Source.REFERENCE, advice="Answer `disconnect` with `close`, and wait for `closed`.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line, _ = await opening(partner)
        await line.send("disconnect", {"reason": reason, "info": "a test"})
        await partner.closing(line, "disconnect")


_disconnected("2.21", "error")
_disconnected("2.22", "unauthorized")
_disconnected("2.23", "completed")


@CLIENT.case(
    "2.24", "`opened` with a wrong number is refused",
    does="Answers with seq 2.", expects="`error`, then `close` reason error.", rule="P3.2, P16", source=Source.REFERENCE,
    advice="Check that the server's first message has seq 1.",
)  # fmt: skip
async def seq_two(partner: Partner) -> None:
    line, message = await opening(partner)
    line.seq = 1
    await line.send("opened", {"startPaused": False, "media": message["parameters"]["media"][:1]})
    await partner.complaint(line, 400, 500)


@CLIENT.case(
    "2.25", "The last offer may be chosen",
    does="Chooses the last of several offers and listens for 3 s.", expects="Whole samples of that one, and no more of them than time.",
    rule="P4.2, P6.1", source=Source.REFERENCE, profiles=LISTENING, advice="Send the format and the channels that were chosen.",
)  # fmt: skip
async def last_offer(partner: Partner) -> None:
    line, message = await opening(partner)
    media = message.get("parameters", {}).get("media", [])
    if len(media) < 2:
        raise Skip("this client makes one offer")
    clock = asyncio.get_running_loop().time
    began = clock()
    await line.send("opened", {"startPaused": False, "media": media[-1:]})
    await line.quiet(3.0, allow=("ping", "paused", "resumed", "discarded", "update", "close"))
    if not line.audio:
        raise Skip("this client sent no audio")
    width = len(media[-1]["channels"]) * (2 if media[-1]["format"] == "L16" else 1)
    if odd := [data for data in line.audio if len(data) % width]:
        raise Failure(f"sent {len(odd[0])} bytes in one message")
    seconds = sum(map(len, line.audio)) / width / 8000
    if not 0.5 < seconds < clock() - began + 1.5:
        raise Failure(f"sent {seconds:.1f} s of the chosen media in {clock() - began:.1f} s")
    await partner.goodbye(line)


@CLIENT.case(
    "2.26", "A connection probe ends behind `opened`",
    does="Answers a probe.", expects="Null UUIDs for conversation and participant, no input variables, and `close` without audio.",
    rule="P7", source=Source.REFERENCE, advice="Probe with null UUIDs, and close as soon as `opened` has come.",
)  # fmt: skip
async def probe(partner: Partner) -> None:
    line, message = await opening(partner)
    facts = message.get("parameters", {})
    ids = {facts.get("conversationId"), facts.get("participant", {}).get("id")}
    if NULL_UUID not in ids:
        raise Skip("this client makes no probe")
    if len(ids) > 1 or "inputVariables" in facts:
        raise Failure("has one id that is not null, or input variables")
    await line.send("opened", {"startPaused": False, "media": facts.get("media", [])[:1]})
    await partner.closing(line, "end", passing=())
    if line.audio:
        raise Failure("sent audio")


@CLIENT.case(
    "2.27", "A custom configuration is an object, or JSON in a string",
    does="Reads `open`.", expects="`customConfig` of such a shape, of at most 60,000 bytes, or none.", rule="P3.3, P4.2",
    source=Source.REFERENCE, advice="Pass the integration's configuration on as an object.",
)  # fmt: skip
async def configured(partner: Partner) -> None:
    _, message = await opening(partner)
    given = message.get("parameters", {}).get("customConfig")
    if given is None:
        raise Skip("there is no custom configuration")
    if isinstance(given, str):
        partner.notes.info.append("it is a string, which not all servers read")
        try:
            given = json.loads(given)
        except ValueError:
            raise Failure("`customConfig` is a string that is no JSON") from None
    if not isinstance(given, dict):
        raise Failure(f"`customConfig` is {given!r}")
    if (size := len(json.dumps(given, ensure_ascii=False).encode())) > 60_000:
        raise Failure(f"`customConfig` has {size} bytes")
