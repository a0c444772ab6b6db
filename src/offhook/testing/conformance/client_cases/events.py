"""Chapter 7: events, other messages of a server, and too many of them (P4.8, P5, P6.6)."""

from __future__ import annotations

import asyncio
import re
import uuid
from typing import Any, Final

from ..case import Failure, Skip, Source
from ..line import SOON, Line
from ..partner import Partner
from ..socket import Closed
from ..suites import CLIENT

TRANSCRIPT: Final[dict[str, Any]] = {
    "id": "11111111-2222-4333-8444-555555555555", "channelId": 0, "isFinal": True, "offset": "PT0S", "duration": "PT1S",
    "alternatives": [{"confidence": 0.9, "languages": ["en-US"], "interpretations": [{"type": "display", "transcript": "yes"}]}],
}  # fmt: skip


def _takes(number: str, title: str, does: str, *entities: Any, source: Source = Source.REFERENCE) -> None:
    @CLIENT.case(number, title, does=does, expects="A session that goes on.", rule="P5: unknown types are tolerated",
                 source=source, advice="Read the entities that you know and pass over the rest.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        await line.send("event", {"entities": list(entities)})
        await partner.alive(line)
        await partner.goodbye(line)


_takes("7.1", "A transcript is taken", "Sends a `transcript` entity.", {"type": "transcript", "data": TRANSCRIPT})
_takes("7.2", "Agent assistance is taken", "Sends an `agentassist` entity.",
       {"type": "agentassist", "data": {"id": str(uuid.UUID(int=1)), "utterances": [], "suggestions": []}})  # fmt: skip
_takes("7.3", "A barge-in while nothing is heard is taken", "Sends `barge_in`.", {"type": "barge_in", "data": {}})
_takes("7.4", "A bot's turn is taken", "Sends `bot_turn_response`.",
       {"type": "bot_turn_response", "data": {"disposition": "match", "text": "yes", "confidence": 1.0}})  # fmt: skip
_takes("7.5", "An unknown entity is passed over", "Sends an entity of a type that does not exist.",
       {"type": "something_new", "data": [1, {"a": None}]})  # fmt: skip
_takes("7.6", "Several entities in one event", "Sends five entities at once.",
       *[{"type": "something_new", "data": n} for n in range(5)])  # fmt: skip
_takes("7.7", "An event of nothing", "Sends an event without entities.", source=Source.INFERRED)


@CLIENT.case(
    "7.8", "`updated` that nobody waits for ends nothing",
    does="Sends `updated`.", expects="A session that goes on.", rule="P4.8: logged", source=Source.REFERENCE,
    advice="Log it.",
)  # fmt: skip
async def updated(partner: Partner) -> None:
    line = await partner.opened()
    await line.send("updated")
    await partner.alive(line)
    await partner.goodbye(line)


@CLIENT.case(
    "7.9", "Events of a burst are taken",
    does="Sends twenty events at once.", expects="No complaint, and a session that goes on.",
    rule="P6.6: a burst of 25", source=Source.VENDOR, advice="Let a bucket of 25 messages fill with 5 a second.",
)  # fmt: skip
async def burst(partner: Partner) -> None:
    line = await partner.opened()
    for _ in range(20):
        line.socket.send(line.message("event", {"entities": []}))
    await partner.alive(line)
    await partner.goodbye(line)


@CLIENT.case(
    "7.10", "Too many events do no harm to the client",
    does="Sends 200 events at once.", expects="`error` 429, an end in order, or patience.", rule="P6.6, P15 row 20",
    source=Source.INFERRED, advice="Answer 429, and close if it goes on; do not fall over.",
)  # fmt: skip
async def flood(partner: Partner) -> None:
    line = await partner.opened()
    for _ in range(200):
        line.socket.send(line.message("event", {"entities": []}))
    await line.send("disconnect", {"reason": "completed"})
    loop = asyncio.get_running_loop()
    end = loop.time() + SOON
    while (left := end - loop.time()) > 0:
        got = await line.next(left)
        if isinstance(got, Closed):
            partner.notes.info.append(f"closed the connection ({got.code})")
            return
        if isinstance(got, dict) and got.get("type") == "close":
            await line.send("closed")
            await line.gone()
            return
    raise Failure("neither closed the session nor answered `disconnect`")


def _bad(number: str, title: str, does: str, parameters: Any) -> None:
    @CLIENT.case(number, title, does=does, expects="`error` 400 or 500, then `close` reason error.", rule="P3.4, P5",
                 source=Source.REFERENCE, advice="Check the parameters of events; report and close.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line: Line = await partner.opened()
        await line.send("event", parameters)
        await partner.complaint(line, 400, 500)


_bad("7.11", "An event without entities is refused", "Sends an event without `entities`.", {})
_bad("7.12", "Entities that are no list are refused", "Sends `entities` as text.", {"entities": "x"})


@CLIENT.case(
    "7.13", "A change of language names a language",
    does="Watches a session for 1.5 s, and answers `update`.", expects="`update` with a language code.", rule="P4.8",
    source=Source.REFERENCE, advice="Send `language`, such as en-US, and nothing else.",
)  # fmt: skip
async def change_of_language(partner: Partner) -> None:
    line = await partner.opened()
    loop = asyncio.get_running_loop()
    end = loop.time() + 1.5
    while (left := end - loop.time()) > 0:
        got = await line.next(left)
        if isinstance(got, dict) and got.get("type") == "update":
            named = got.get("parameters", {}).get("language")
            if not (isinstance(named, str) and re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})+", named)):
                raise Failure(f"`update` has language {named!r}")
            await line.send("updated")
            await partner.goodbye(line, passing=("ping", "dtmf", "playback_started", "playback_completed", "update"))
            return
        if isinstance(got, Closed) or (isinstance(got, dict) and got.get("type") == "close"):
            break
    raise Skip("this client changes no language")
