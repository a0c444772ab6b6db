"""Chapter 12: what is no message at all (P3, P3.4)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Final

from ....session.frames import TEXT
from ..caller import Caller
from ..case import Failure, Source
from ..line import SOON, Line
from ..socket import Closed
from ..suites import SERVER

_ADVICE: Final = "Answer what cannot be read with `disconnect` reason error; let no exception reach the socket."


async def ended(caller: Caller, line: Line) -> None:
    """Expect `disconnect`, or a WebSocket close for a reason of RFC 6455, and a server that lives.

    Raises:
        Failure: The session goes on, or nothing works any more.
    """
    while True:
        got = await line.next(SOON)
        if got is None:
            raise Failure("nothing happened")
        if isinstance(got, Closed):
            caller.notes.non_strict.append(f"closed the connection ({got.code}) in place of `disconnect`")
            break
        if isinstance(got, dict) and got.get("type") == "disconnect":
            if (reason := got.get("parameters", {}).get("reason")) != "error":
                raise Failure(f"`disconnect` has reason {reason!r}")
            await caller.finish_politely(line, "disconnect")
            break
        if isinstance(got, dict) and got.get("type") not in ("event", "pong"):
            raise Failure(f"sent `{got.get('type')}`")
    other = await caller.open()
    await caller.finish(other)


def _refused(number: str, what: str, text: Callable[[Line], str], source: Source = Source.REFERENCE) -> None:
    @SERVER.case(number, f"{what[0].upper()}{what[1:]} ends the session in order", does=f"Sends {what} in an open session.",
                 expects="`disconnect` reason error, `closed` on `close`, and a server that lives.",
                 rule="P3.4", source=source, advice=_ADVICE)  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        line.socket.send(text(line))
        await ended(caller, line)


_refused("12.1", "empty text", lambda _: "")
_refused("12.2", "a word", lambda _: "hello")
_refused("12.3", "an empty object", lambda _: "{}")
_refused("12.4", "a list", lambda _: "[]")
_refused("12.5", "null", lambda _: "null")
_refused("12.6", "a number", lambda _: "7")
_refused("12.7", "a JSON string", lambda _: '"ping"')
_refused("12.8", "half a message", lambda line: line.message("ping")[:40])
_refused("12.9", "a message and a half", lambda line: line.message("ping") + '{"version"')
_refused("12.10", "two messages in one", lambda line: line.message("ping") + line.message("ping"))
_refused("12.11", "ten thousand brackets", lambda _: "[" * 10_000)
_refused("12.12", "deep nesting", lambda _: '{"a":' * 5000 + "1" + "}" * 5000)
_refused(
    "12.13", "a seq beyond all numbers", lambda line: line.message("ping", seq=0).replace('"seq": 0', '"seq": 1e999')
)
_refused("12.14", "NaN", lambda line: line.message("ping", seq=0).replace('"seq": 0', '"seq": NaN'))
_refused("12.15", "a seq of a hundred digits", lambda line: line.message("ping", seq=10**100))
_refused("12.16", "single quotes", lambda line: line.message("ping").replace('"', "'"))
_refused("12.17", "a type that is an object", lambda line: line.message("ping").replace('"ping"', '{"a":1}'))
_refused("12.18", "XML", lambda _: "<?xml version='1.0'?><ping/>")


@SERVER.case(
    "12.19", "Audio before `open` ends the session in order",
    does="Sends audio first, then `open`.", expects="`disconnect` or `opened`, and a server that lives.",
    rule="P3.4: binary outside ACTIVE", source=Source.REFERENCE, advice=_ADVICE,
)  # fmt: skip
async def early_audio(caller: Caller) -> None:
    line = await caller.line()
    line.socket.send(caller.audio())
    line.socket.send(line.message("open", caller.opening()))
    got = await line.expect("opened", "disconnect", within=5.0, passing=())
    await caller.finish_politely(line, "end" if got["type"] == "opened" else "disconnect")


@SERVER.case(
    "12.20", "Text before `open` ends the session in order",
    does="Sends a word first.", expects="`disconnect`, and a server that lives.", rule="P3.4", source=Source.REFERENCE,
    advice=_ADVICE,
)  # fmt: skip
async def early_text(caller: Caller) -> None:
    line = await caller.line()
    line.socket.send("hello")
    await ended(caller, line)


def _fuzzed(number: str, what: str, make: Callable[[random.Random, Line], bytes]) -> None:
    @SERVER.case(number, f"{what[0].upper()}{what[1:]} do no harm", does=f"Sends {what} in twenty sessions.",
                 expects="An end in order or a session that goes on, and a server that lives.", rule="P3.4",
                 source=Source.INFERRED, advice=_ADVICE, seconds=40.0)  # fmt: skip
    async def run(caller: Caller) -> None:
        seed = caller.target.seed
        source = random.Random(f"{seed} {number}")
        for _ in range(20):
            line = await caller.open()
            line.socket.send_frame(TEXT, make(source, line))
            await line.send("close", {"reason": "end"})
            while not isinstance(got := await line.next(SOON), Closed):
                if got is None:
                    raise Failure(f"neither `closed` nor an end (seed {seed})")
                if isinstance(got, dict) and got.get("type") == "closed":
                    break
            line.socket.close()
        other = await caller.open()
        await caller.finish(other)


def _letters(source: random.Random, _: Line) -> bytes:
    return bytes(source.choices(range(32, 127), k=source.randrange(200)))


def _bent(source: random.Random, line: Line) -> bytes:
    text = bytearray(
        line.message(source.choice(("ping", "paused", "update", "discarded", "resumed", "error"))).encode()
    )
    for _ in range(source.randrange(1, 6)):
        text[source.randrange(len(text))] = source.choice(b'0"{}[],:.-en\\ 9')
    return bytes(text)


def _swapped(source: random.Random, line: Line) -> bytes:
    message = json.loads(line.message("ping"))
    values: list[object] = [None, -1, 0.5, 1e308, "", "PT-1S", [], {}, True, "x" * 3000, 2**63]
    for name in source.sample(sorted(message), 2):
        message[name] = source.choice(values)
    return json.dumps(message).encode()


_fuzzed("12.21", "random letters", _letters)
_fuzzed("12.22", "damaged messages", _bent)
_fuzzed("12.23", "messages with values of other types", _swapped)


@SERVER.case(
    "12.24", "Random bytes in place of frames do no harm",
    does="Writes random bytes to the WebSocket in twenty sessions.",
    expects="The end of the connection, or patience, and a server that lives.", rule="RFC 6455 section 5.2; P12",
    source=Source.INFERRED, advice="Fail the connection alone: leave frames to a WebSocket library.", seconds=40.0,
)  # fmt: skip
async def no_frames(caller: Caller) -> None:
    source = random.Random(f"{caller.target.seed} 12.24")
    for _ in range(20):
        line = await caller.open()
        line.socket.write(source.randbytes(source.randrange(2, 400)))
        await line.socket.drain()
        await line.next(0.1)  # one that waits for more does no wrong
        line.socket.cut()
    other = await caller.open()
    await caller.alive(other)
    await caller.finish(other)
