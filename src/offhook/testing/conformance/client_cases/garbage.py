"""Chapter 11: what is no message at all (P3, P3.4)."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any, Final

from ....session.frames import TEXT
from ..case import Failure, Source
from ..line import SOON, Line
from ..partner import Partner
from ..socket import Closed
from ..suites import CLIENT
from .misplaced import STREAM
from .opening import opening

_ADVICE: Final = "Answer what cannot be read with `error` and `close`; let no exception reach the socket."
#: Sessions of a fuzz case, one connection of the client each, and seconds to wait for the next one.
_SESSIONS: Final = 8
_PATIENCE: Final = 2.0


async def ended(partner: Partner, line: Line) -> None:
    """Expect `error` and `close`, or a WebSocket close for a reason of RFC 6455.

    Raises:
        Failure: The session goes on, or the connection was dropped.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + SOON
    while True:
        got = await line.next(max(0.0, end - loop.time()))
        if got is None:
            raise Failure("nothing happened")
        if isinstance(got, Closed):
            if got.code == 1006:
                raise Failure("dropped the connection")
            partner.notes.non_strict.append(f"closed the connection ({got.code}) in place of `error`")
            return
        if isinstance(got, dict) and got.get("type") == "error":
            await partner.closing(line, "error")
            return
        if isinstance(got, dict) and got.get("type") not in STREAM:
            raise Failure(f"sent `{got.get('type')}` in place of `error`")


def event(line: Line, **options: Any) -> str:
    return line.message("event", {"entities": []}, **options)


def _refused(number: str, what: str, text: Callable[[Line], str]) -> None:
    @CLIENT.case(number, f"{what[0].upper()}{what[1:]} ends the session in order", does=f"Sends {what} in an open session.",
                 expects="`error`, then `close` reason error.", rule="P3.4: not JSON, or no message of a server",
                 source=Source.REFERENCE, advice=_ADVICE)  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        line.socket.send(text(line))
        await ended(partner, line)


_refused("11.1", "empty text", lambda _: "")
_refused("11.2", "a word", lambda _: "hello")
_refused("11.3", "an empty object", lambda _: "{}")
_refused("11.4", "a list", lambda _: "[]")
_refused("11.5", "null", lambda _: "null")
_refused("11.6", "a number", lambda _: "7")
_refused("11.7", "a JSON string", lambda _: '"event"')
_refused("11.8", "half a message", lambda line: event(line)[:40])
_refused("11.9", "a message and a half", lambda line: event(line) + '{"version"')
_refused("11.10", "two messages in one", lambda line: event(line) + event(line))
_refused("11.11", "ten thousand brackets", lambda _: "[" * 10_000)
_refused("11.12", "deep nesting", lambda _: '{"a":' * 5000 + "1" + "}" * 5000)
_refused("11.13", "a seq beyond all numbers", lambda line: event(line, seq=0).replace('"seq": 0', '"seq": 1e999'))
_refused("11.14", "NaN", lambda line: event(line, seq=0).replace('"seq": 0', '"seq": NaN'))
_refused("11.15", "a seq of a hundred digits", lambda line: event(line, seq=10**100))
_refused("11.16", "single quotes", lambda line: event(line).replace('"', "'"))
_refused("11.17", "a type that is an object", lambda line: event(line).replace('"event"', '{"a":1}'))
_refused("11.18", "XML", lambda _: "<?xml version='1.0'?><event/>")


@CLIENT.case(
    "11.19", "Text in place of `opened` ends the session in order",
    does="Answers `open` with a word.", expects="`error`, then `close` reason error.", rule="P3.4",
    source=Source.REFERENCE, advice=_ADVICE,
)  # fmt: skip
async def early_text(partner: Partner) -> None:
    line, _ = await opening(partner)
    line.socket.send("hello")
    await ended(partner, line)


@CLIENT.case(
    "11.20", "Audio in place of `opened` does no harm",
    does="Answers `open` with audio, then with `disconnect`.", expects="`error` or nothing, and an end in order.",
    rule="P6.3: only after `opened`", source=Source.INFERRED, advice="Take audio once the session is open, and report it before.",
)  # fmt: skip
async def early_audio(partner: Partner) -> None:
    line, _ = await opening(partner)
    line.socket.send(b"\x55" * 1600)
    line.socket.send(line.message("disconnect", {"reason": "completed"}))
    await line.expect("close", passing=("error",))
    await line.send("closed")
    await line.gone(within=5.0)


@CLIENT.case(
    "11.21", "Text behind `close` is passed over",
    does="Sends a word between `close` and `closed`.", expects="No message, and the end of the connection behind `closed`.",
    rule="P8.2: a fault while closing is not reported again", source=Source.REFERENCE, advice="Behind `close` wait for `closed` alone.",
)  # fmt: skip
async def late_text(partner: Partner) -> None:
    line = await partner.opened()
    await line.send("disconnect", {"reason": "completed"})
    await line.expect("close", passing=STREAM)
    line.socket.send("hello")
    await line.quiet(0.2, allow=("error",), audio=False)
    await line.send("closed")
    await line.gone(within=5.0)


def _fuzzed(number: str, what: str, make: Callable[[random.Random, Line], bytes]) -> None:
    @CLIENT.case(number, f"{what[0].upper()}{what[1:]} do no harm",
                 does=f"Sends {what}, by the seed, on this and the next {_SESSIONS - 1} connections.",
                 expects="`error` and `close`, or a session that goes on; and a client that calls again as before.",
                 rule="P3.4", source=Source.INFERRED, advice=_ADVICE, seconds=60.0)  # fmt: skip
    async def run(partner: Partner) -> None:
        source = random.Random(f"{partner.seed} {number}")
        met: Partner | None = partner
        for count in range(_SESSIONS):
            if met is None:
                if count == 1:
                    partner.notes.info.append("only one connection came: let the client call again and again")
                break
            await _one(met, source)
            met = await partner.another(_PATIENCE) if count < _SESSIONS - 1 else None

    async def _one(partner: Partner, source: random.Random) -> None:
        line = await partner.opened()
        line.socket.send_frame(TEXT, make(source, line))
        line.socket.send(line.message("disconnect", {"reason": "completed"}))
        while not isinstance(got := await line.next(SOON), Closed):
            if got is None:
                raise Failure(f"neither `close` nor an end (seed {partner.seed})")
            if isinstance(got, dict) and got.get("type") == "close":
                await line.send("closed")
                await line.gone(within=5.0)
                return
        if got.code == 1006:
            raise Failure(f"dropped the connection (seed {partner.seed})")


def _letters(source: random.Random, _: Line) -> bytes:
    return bytes(source.choices(range(32, 127), k=source.randrange(200)))


def _bent(source: random.Random, line: Line) -> bytes:
    type = source.choice(("event", "pause", "resume", "updated", "pong", "disconnect"))
    text = bytearray(line.message(type, {"entities": []}).encode())
    for _ in range(source.randrange(1, 6)):
        text[source.randrange(len(text))] = source.choice(b'0"{}[],:.-en\\ 9')
    return bytes(text)


def _swapped(source: random.Random, line: Line) -> bytes:
    message = json.loads(event(line))
    values: list[object] = [None, -1, 0.5, 1e308, "", "PT-1S", [], {}, True, "x" * 3000, 2**63]
    for name in source.sample(sorted(message), 2):
        message[name] = source.choice(values)
    return json.dumps(message).encode()


def _entities(source: random.Random, line: Line) -> bytes:
    values: list[object] = [None, 7, "x", [], {}, {"type": None}, {"type": "transcript"}, {"type": "barge_in", "data": 7},
                            {"type": "transcript", "data": {"alternatives": "x", "channelId": [], "isFinal": None}},
                            {"type": "transcript", "data": [[[]]]}]  # fmt: skip
    return line.message("event", {"entities": source.choices(values, k=source.randrange(1, 5))}).encode()


_fuzzed("11.22", "random letters", _letters)
_fuzzed("11.23", "damaged messages", _bent)
_fuzzed("11.24", "messages with values of other types", _swapped)
_fuzzed("11.25", "entities of odd shapes", _entities)
