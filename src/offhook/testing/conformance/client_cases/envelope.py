"""Chapter 3: the envelope, of the client's messages and of those that it reads (P3.1, P3.2, P3.4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ....protocol import position
from ..case import Failure, Source
from ..line import Line, Message
from ..partner import Partner
from ..suites import CLIENT

_KEYS = {"version", "id", "type", "seq", "serverseq", "position", "parameters"}


async def session(partner: Partner) -> Line:
    """A short session with pings and a pause; its line's `received` holds all messages."""
    line = await partner.opened()
    await partner.pong(line)
    await partner.alive(line)
    await partner.goodbye(line)
    return line


def _every(number: str, title: str, expects: str, advice: str, wrong: Callable[[Line, Message], str | None],
           source: Source = Source.REFERENCE) -> None:  # fmt: skip
    @CLIENT.case(number, title, does="Looks at every message of a short session.", expects=expects, rule="P3.1",
                 source=source, advice=advice)  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await session(partner)
        for message in line.received:
            if (what := wrong(line, message)) is not None:
                raise Failure(f"`{message.get('type')}` {what}")


def _unreadable(message: Message) -> str | None:
    try:
        position.parse(str(message.get("position")))
    except ValueError:
        return f"has position {message.get('position')!r}"
    return None


_every("3.1", "Every message says version 2", '`version` is "2", a string.', 'Send "2", not the number 2.',
       lambda _, m: None if m.get("version") == "2" else f"has version {m.get('version')!r}")  # fmt: skip
_every("3.2", "Every message has the session's id", "`id` is that of the request.", "Use one id throughout.",
       lambda line, m: None if m.get("id") == line.id else f"has id {m.get('id')!r}")  # fmt: skip
_every("3.3", "Every message has the client's keys alone", "The seven documented keys.", "Leave `clientseq` to servers.",
       lambda _, m: None if set(m) == _KEYS else f"has keys {sorted(set(m) ^ _KEYS)} too many or too few")  # fmt: skip
_every("3.4", "Every position can be read", "`position` such as PT1.5S.", "Write seconds without exponent.",
       lambda _, m: _unreadable(m))  # fmt: skip
_every("3.5", "Every message has parameters", "`parameters` is an object.", "Send {} where there are none.",
       lambda _, m: None if isinstance(m.get("parameters"), dict) else f"has parameters {m.get('parameters')!r}")  # fmt: skip


@CLIENT.case(
    "3.6", "The client counts its messages by one",
    does="Looks at every message of a short session.", expects="`seq` 1, 2, 3 ...", rule="P3.2",
    source=Source.REFERENCE, advice="Give numbers in the one place that writes to the socket.",
)  # fmt: skip
async def counts(partner: Partner) -> None:
    seqs = [message.get("seq") for message in (await session(partner)).received]
    if seqs != list(range(1, len(seqs) + 1)):
        raise Failure(f"numbers are {seqs}")


@CLIENT.case(
    "3.7", "serverseq never goes back, and never ahead",
    does="Looks at every message of a short session.", expects="`serverseq` between the one before and what was sent.",
    rule="P3.2", source=Source.REFERENCE, advice="Acknowledge the last message that you have processed.",
)  # fmt: skip
async def acknowledges(partner: Partner) -> None:
    line = await session(partner)
    before = 0
    for message in line.received:
        seq = message.get("serverseq")
        if not isinstance(seq, int) or not before <= seq <= line.seq:
            raise Failure(f"`{message.get('type')}` has serverseq {seq!r} after {before}")
        before = seq


@CLIENT.case(
    "3.8", "Positions never go back",
    does="Looks at every message of a short session.", expects="Each `position` at or behind the one before.",
    rule="P6.5", source=Source.REFERENCE, advice="Stamp a message with the position when it is written.",
)  # fmt: skip
async def forward(partner: Partner) -> None:
    line = await session(partner)
    stated = [position.parse(str(message.get("position"))) for message in line.received]
    if stated != sorted(stated):
        raise Failure(f"positions in samples are {stated}")


def _bad(
    number: str, title: str, does: str, bend: Callable[[Line], dict[str, Any]], *, source: Source = Source.REFERENCE
) -> None:
    @CLIENT.case(number, title, does=does, expects="`error` 400 or 500, then `close` reason error.", rule="P3.4",
                 source=source, advice="Check the envelope of every message; report and close.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        right = line.seq + 1
        await line.send("event", **({"parameters": {"entities": []}} | bend(line)))
        line.seq = right
        await partner.complaint(line, 400, 405, 409, 500)


_bad("3.9", "A repeated seq is refused", "Sends an event with the seq of `opened`.", lambda line: {"seq": line.seq})
_bad(
    "3.10", "A skipped seq is refused", "Sends an event whose seq is one too high.", lambda line: {"seq": line.seq + 2}
)
_bad("3.11", "seq zero is refused", "Sends an event with seq 0.", lambda _: {"seq": 0})
_bad("3.12", "A seq that is text is refused", 'Sends an event with seq "2".', lambda line: {"seq": str(line.seq + 1)})
_bad("3.13", "A missing seq is refused", "Sends an event without seq.", lambda _: {"omit": ["seq"]})
_bad("3.14", "A missing type is refused", "Sends a message without type.", lambda _: {"omit": ["type"]})
_bad("3.15", "A missing version is refused", "Sends an event without version.", lambda _: {"omit": ["version"]})
_bad("3.16", "Another version is refused", 'Sends an event of version "1".', lambda _: {"version": "1"})
_bad("3.17", "A missing id is refused", "Sends an event without id.", lambda _: {"omit": ["id"]})
_bad("3.18", "Another session's id is refused", "Sends an event with another id.",
     lambda _: {"id": "11111111-2222-4333-8444-555555555555"}, source=Source.INFERRED)  # fmt: skip
_bad(
    "3.19",
    "Parameters that are text are refused",
    "Sends an event whose parameters are text.",
    lambda _: {"parameters": "x"},
)


def _good(number: str, title: str, does: str, text: Callable[[Line], str], source: Source) -> None:
    @CLIENT.case(number, title, does=does, expects="A session that goes on.", rule="P3, P3.1", source=source,
                 advice="Use a JSON parser, and pass over what you do not know.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        line.socket.send(text(line))
        await partner.alive(line)
        await partner.goodbye(line)


def event(line: Line, **options: Any) -> str:
    return line.message("event", {"entities": []}, **options)


_good("3.20", "Keys may stand in any order", "Sends an event with its keys in reverse order.",
      lambda line: json.dumps(dict(reversed(json.loads(event(line)).items()))), Source.REFERENCE)  # fmt: skip
_good("3.21", "White space does not matter", "Sends an event as indented JSON.",
      lambda line: json.dumps(json.loads(event(line)), indent=2), Source.VENDOR)  # fmt: skip
_good("3.22", "Escapes do not matter", "Writes letters as escapes.",
      lambda line: event(line).replace('"event"', '"\\u0065vent"'), Source.VENDOR)  # fmt: skip
_good("3.23", "An unknown key in the envelope", "Sends an event with a position, as some servers do.",
      lambda line: event(line, position="PT0S"), Source.OBSERVED)  # fmt: skip
