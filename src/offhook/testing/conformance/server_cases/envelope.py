"""Chapter 3: the envelope of messages, their numbers and ids (P3.1, P3.2, P3.4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..caller import Caller
from ..case import Failure, Source
from ..line import Line, Message
from ..suites import SERVER

_KEYS = {"version", "id", "type", "seq", "clientseq", "parameters"}


async def session(caller: Caller) -> Line:
    """A short session from open to closed, with three pings; returns its line, whose `received` holds all messages."""
    line = await caller.open()
    for _ in range(3):
        await line.send("ping")
        await line.expect("pong")
    await caller.finish(line)
    return line


def _every(number: str, title: str, expects: str, rule: str, advice: str, wrong: Callable[[Line, Message], str | None],
           source: Source = Source.REFERENCE) -> None:  # fmt: skip
    @SERVER.case(number, title, does="Looks at every message of a short session.", expects=expects, rule=rule,
                 source=source, advice=advice)  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await session(caller)
        for message in line.received:
            if (what := wrong(line, message)) is not None:
                raise Failure(f"`{message.get('type')}` {what}")


_every("3.1", "Every message says version 2", '`version` is "2", a string.', "P3.1", 'Send "2", not the number 2.',
       lambda _, m: None if m.get("version") == "2" else f"has version {m.get('version')!r}")  # fmt: skip
_every("3.2", "Every message has the session's id", "`id` is that of the upgrade request.", "P3.1",
       "Copy the id from Audiohook-Session-Id.",
       lambda line, m: None if m.get("id") == line.id else f"has id {m.get('id')!r}")  # fmt: skip
_every("3.3", "No message has fields of the other direction", "No `serverseq`, no `position`.", "P3.1: never sent by servers",
       "Leave `position` and `serverseq` out: they are the client's.",
       lambda _, m: ("has " + ", ".join(set(m) - _KEYS)) if set(m) - _KEYS else None, Source.OBSERVED)  # fmt: skip
_every("3.4", "Every message has parameters", "`parameters` is an object, empty or not.", "P3.1: always send {}",
       "Send `parameters: {}` where there are none.",
       lambda _, m: None if isinstance(m.get("parameters"), dict) else f"has parameters {m.get('parameters')!r}",
       Source.OBSERVED)  # fmt: skip


@SERVER.case(
    "3.5", "The server counts its messages by one",
    does="Looks at every message of a short session.", expects="`seq` 1, 2, 3 ... without gap or double.",
    rule="P3.2: first 1, then +1 each; audio is not counted", source=Source.REFERENCE,
    advice="Give numbers in the one place that writes to the socket.",
)  # fmt: skip
async def counts(caller: Caller) -> None:
    seqs = [message.get("seq") for message in (await session(caller)).received]
    if seqs != list(range(1, len(seqs) + 1)):
        raise Failure(f"numbers are {seqs}")


@SERVER.case(
    "3.6", "clientseq never goes back, and never ahead",
    does="Looks at every message of a short session.", expects="`clientseq` between the one before and what we sent.",
    rule="P3.1: the last client seq that the server had processed", source=Source.REFERENCE,
    advice="Put the seq of the last message that you have processed into `clientseq`.",
)  # fmt: skip
async def acknowledges(caller: Caller) -> None:
    line = await session(caller)
    before = 0
    for message in line.received:
        seq = message.get("clientseq")
        if not isinstance(seq, int) or not before <= seq <= line.seq:
            raise Failure(f"`{message.get('type')}` has clientseq {seq!r} after {before}")
        before = seq


@SERVER.case(
    "3.7", "`closed` answers `close` by its number",
    does="Closes the session.", expects="`closed` whose clientseq is the seq of `close`.", rule="P3.2, P17",
    source=Source.REFERENCE, advice="Send `closed` last, once `close` has been processed.",
)  # fmt: skip
async def closed_number(caller: Caller) -> None:
    line = await caller.open()
    closed = await caller.finish(line)
    if closed.get("clientseq") != line.seq:
        raise Failure(f"`closed` has clientseq {closed.get('clientseq')}, `close` was {line.seq}")


Bend = Callable[[Line], dict[str, Any]]
"""What to change in the envelope of the next message of a line."""


def _bad(number: str, title: str, does: str, bend: Bend, rule: str, *, type: Any = "ping",
         source: Source = Source.REFERENCE, disputed: bool = False) -> None:  # fmt: skip
    @SERVER.case(number, title, does=does, expects="`disconnect` reason error, and `closed` on `close`.", rule=rule,
                 source=source, disputed=disputed,
                 advice="Check the envelope of every message; answer a bad one with `disconnect`, not with a closed socket.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        right = line.seq + 1
        await line.send(type, **bend(line))
        line.seq = right
        await caller.refused(line, "error")


_bad("3.8", "A repeated seq is refused", "Sends a ping with the seq of `open`.", lambda line: {"seq": line.seq}, "P3.2")
_bad(
    "3.9",
    "A skipped seq is refused",
    "Sends a ping whose seq is one too high.",
    lambda line: {"seq": line.seq + 2},
    "P3.2",
)
_bad("3.10", "seq zero is refused", "Sends a ping with seq 0.", lambda _: {"seq": 0}, "P3.2")
_bad(
    "3.11",
    "A seq that is a string is refused",
    'Sends a ping with seq "2".',
    lambda line: {"seq": str(line.seq + 1)},
    "P3.1",
)
_bad("3.12", "A seq that is no whole number is refused", "Sends a ping with seq 1.5.", lambda _: {"seq": 1.5}, "P3.1")
_bad("3.13", "A negative seq is refused", "Sends a ping with seq -1.", lambda _: {"seq": -1}, "P3.1")
_bad("3.14", "A serverseq of the future is refused", "Acknowledges ten messages that were never sent.",
     lambda line: {"serverseq": line.peer_seq + 10}, "P3.2")  # fmt: skip
_bad("3.15", "A serverseq that is a string is refused", "Sends a ping with serverseq as text.",
     lambda line: {"serverseq": str(line.peer_seq)}, "P3.1")  # fmt: skip
_bad("3.16", "Another session's id is refused", "Sends a ping with another id.",
     lambda _: {"id": "11111111-2222-4333-8444-555555555555"}, "P3.2")  # fmt: skip
_bad("3.17", "A missing id is refused", "Sends a ping without id.", lambda _: {"omit": ["id"]}, "P3.1")
_bad("3.18", "A missing seq is refused", "Sends a ping without seq.", lambda _: {"omit": ["seq"]}, "P3.1")
_bad("3.19", "A missing type is refused", "Sends a message without type.", lambda _: {"omit": ["type"]}, "P3.1")
_bad("3.20", "A missing version is refused", "Sends a ping without version.", lambda _: {"omit": ["version"]}, "P3.1")
_bad("3.21", "Another version is refused", 'Sends a ping of version "1".', lambda _: {"version": "1"}, "P3.1")
_bad(
    "3.22",
    "A version that is a number is refused",
    "Sends a ping of version 2, a number.",
    lambda _: {"version": 2},
    "P3.1",
)
_bad("3.23", "Parameters that are a list are refused", "Sends a ping whose parameters are [].",
     lambda _: {"parameters": []}, "P3.1")  # fmt: skip
_bad("3.24", "Parameters that are a string are refused", "Sends a ping whose parameters are text.",
     lambda _: {"parameters": "x"}, "P3.1")  # fmt: skip


def _good(
    number: str, title: str, does: str, text: Callable[[Line], str], rule: str, source: Source, advice: str
) -> None:
    @SERVER.case(number, title, does=does, expects="A `pong`, and a session that goes on.", rule=rule, source=source,
                 advice=advice)  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        line.socket.send(text(line))
        pong = await line.expect("pong")
        if pong.get("clientseq") != line.seq:
            raise Failure(f"`pong` has clientseq {pong.get('clientseq')}, the ping was {line.seq}")
        await caller.alive(line)
        await caller.finish(line)


def _turned(line: Line) -> str:
    return json.dumps(dict(reversed(json.loads(line.message("ping")).items())))


def _escaped(line: Line) -> str:
    return "".join(f"\\u{ord(c):04x}" if c == "g" else c for c in line.message("ping"))


_good("3.25", "Keys may stand in any order", "Sends a ping with its keys in reverse order.", _turned, "P3.1", Source.OBSERVED,
      "Parse JSON; do not look for the type at a fixed place.")  # fmt: skip
_good("3.26", "White space and line ends do not matter", "Sends a ping as indented JSON.",
      lambda line: json.dumps(json.loads(line.message("ping")), indent=3), "P3: one frame, one JSON object", Source.VENDOR,
      "Use a JSON parser.")  # fmt: skip
_good("3.27", "Escapes do not matter", "Writes a letter of `ping` as an escape.", _escaped,
      "P3: one frame, one JSON object", Source.VENDOR, "Use a JSON parser.")  # fmt: skip
_good("3.28", "A long position is read", "Sends a position of ten hours with nine decimals.",
      lambda line: line.message("ping", position="PT36000.123456789S"), "P3.1: seconds, any decimals", Source.INFERRED,
      "Read positions as seconds with up to nine decimals.")  # fmt: skip


@SERVER.case(
    "3.29", "An unknown type is passed over",
    does="Sends a message of a type that does not exist.", expects="Nothing, and a session that goes on.",
    rule="P3.4, P15 row 13: ignore and log; one reference server disconnects", source=Source.OBSERVED, disputed=True,
    advice="Ignore types that you do not know: newer platforms send more.",
)  # fmt: skip
async def unknown_type(caller: Caller) -> None:
    line = await caller.open()
    await line.send("something_new", {"a": 1})
    await caller.alive(line)
    await caller.finish(line)


@SERVER.case(
    "3.30", "A broken session is ended once",
    does="Sends three bad messages in a row.", expects="One `disconnect`, no more.",
    rule="P3.4: further errors are suppressed", source=Source.REFERENCE,
    advice="Remember that you have sent `disconnect`, and answer `close` alone from then on.",
)  # fmt: skip
async def once(caller: Caller) -> None:
    line = await caller.open()
    for _ in range(3):
        line.socket.send(line.message("ping", version="1"))
    await caller.refused(line, "error")
    gone = [message for message in line.received if message.get("type") == "disconnect"]
    if len(gone) != 1:
        raise Failure(f"sent {len(gone)} `disconnect`")


@SERVER.case(
    "3.31", "A server never sends `error`",
    does="Sends a bad message.", expects="No message of type `error`.",
    rule="P3.4: `error` is a client-only message", source=Source.REFERENCE,
    advice="Report problems with `disconnect` reason error and `info`.",
)  # fmt: skip
async def no_error(caller: Caller) -> None:
    line = await caller.open()
    line.socket.send(line.message("ping", version="1"))
    got = await line.next()
    while not isinstance(got, dict) or got.get("type") in ("event", "pong"):
        if got is None or not isinstance(got, dict | bytes):
            break
        got = await line.next()
    if isinstance(got, dict) and got.get("type") == "error":
        raise Failure("sent `error`")


def _bad_open(number: str, title: str, does: str, rule: str, **change: Any) -> None:
    @SERVER.case(number, title, does=does, expects="`disconnect` reason error, and `closed` on `close`.", rule=rule,
                 source=Source.REFERENCE, advice="Check the envelope of `open` as that of any message.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.line()
        parameters = change.get("parameters", caller.opening())
        others = {name: value for name, value in change.items() if name != "parameters"}
        await line.send("open", parameters, **others)
        await caller.refused(line, "error")


_bad_open("3.32", "`open` with another id than the header's is refused", "Opens with another id.", "P3.2",
          id="11111111-2222-4333-8444-555555555555")  # fmt: skip
_bad_open("3.33", "`open` with seq 2 is refused", "Opens with seq 2.", "P3.2: first 1", seq=2)
_bad_open("3.34", "`open` with seq 0 is refused", "Opens with seq 0.", "P3.2: first 1", seq=0)
_bad_open("3.35", "`open` with a seq that is a string is refused", 'Opens with seq "1".', "P3.1", seq="1")
_bad_open("3.36", "`open` that acknowledges something is refused", "Opens with serverseq 3.", "P3.2", serverseq=3)
_bad_open("3.37", "`open` of another version is refused", 'Opens with version "1".', "P3.1", version="1")
_bad_open("3.38", "`open` without a version is refused", "Leaves `version` out.", "P3.1", omit=["version"])
_bad_open("3.39", "`open` without parameters is refused", "Leaves `parameters` out.", "P3.1, P4.2", omit=["parameters"])
_bad_open("3.40", "`open` with a list for parameters is refused", "Opens with parameters [].", "P3.1", parameters=[])

_bad("3.41", "A type that is a number is refused", "Sends a message of type 7.", lambda _: {}, "P3.1", type=7)
_bad("3.42", "An id that is a number is refused", "Sends a ping with id 7.", lambda _: {"id": 7}, "P3.1")
_bad("3.43", "An id that is null is refused", "Sends a ping with id null.", lambda _: {"id": None}, "P3.1")
_bad("3.44", "A seq that is null is refused", "Sends a ping with seq null.", lambda _: {"seq": None}, "P3.1")
_bad("3.45", "A seq that is true is refused", "Sends a ping with seq true.", lambda _: {"seq": True}, "P3.1")
_bad("3.46", "A negative serverseq is refused", "Sends a ping with serverseq -1.", lambda _: {"serverseq": -1}, "P3.1")
_bad("3.47", "A serverseq that is no whole number is refused", "Sends a ping with serverseq 0.5.",
     lambda _: {"serverseq": 0.5}, "P3.1")  # fmt: skip
_bad(
    "3.48", "A position that is a number is refused", "Sends a ping with position 0.", lambda _: {"position": 0}, "P3.1"
)


@SERVER.case(
    "3.49", "Parameters that are null are refused",
    does="Sends a ping whose parameters are null.", expects="`disconnect` reason error, and `closed` on `close`.",
    rule="P3.1", source=Source.REFERENCE, advice="Check the envelope of every message.",
)  # fmt: skip
async def null_parameters(caller: Caller) -> None:
    line = await caller.open()
    line.socket.send(line.message("ping").replace('"parameters": {}', '"parameters": null'))
    await caller.refused(line, "error")


def _odd(number: str, what: str, bend: Bend, rule: str) -> None:
    @SERVER.case(number, f"A ping with {what} is answered or refused", does=f"Sends a ping with {what}.",
                 expects="A `pong`, or `disconnect` reason error.", rule=rule, source=Source.INFERRED,
                 advice="Take what is missing for its default, or answer `disconnect`; keep the socket.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        await line.send("ping", **bend(line))
        got = await line.expect("pong", "disconnect")
        caller.notes.info.append(f"a ping with {what} is {'answered' if got['type'] == 'pong' else 'refused'}")
        await caller.finish(line, "end" if got["type"] == "pong" else "disconnect")


_odd("3.50", "no parameters", lambda _: {"omit": ["parameters"]}, "P3.1, P15 row 23")
_odd("3.51", "no position", lambda _: {"omit": ["position"]}, "P3.1")
_odd("3.52", "no serverseq", lambda _: {"omit": ["serverseq"]}, "P15 row 22")
_odd("3.53", "a position in minutes", lambda _: {"position": "PT1M"}, "P3.1: seconds alone")
