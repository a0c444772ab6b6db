"""Chapter 10: the end of a session, in order and not (P4.4, P4.9, P8.2, P8.3)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable

from ....session.frames import TEXT
from ..caller import Caller
from ..case import ALL, LISTENING, SPOKEN, Failure, Skip, Source
from ..line import Line
from ..socket import Closed
from ..suites import SERVER

Steps = Callable[[Caller], Awaitable[Line]]
_ADVICE = "Answer `close` in every state, once your work is done, within 10 s."


def _closes(number: str, title: str, does: str, rule: str, steps: Steps, *, reason: str = "end",
            source: Source = Source.REFERENCE, profiles: frozenset[str] = ALL, advice: str = _ADVICE) -> None:  # fmt: skip
    @SERVER.case(number, title, does=does, expects="`closed` within 10 s.", rule=rule, source=source, profiles=profiles,
                 advice=advice)  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await steps(caller)
        await line.send("close", {"reason": reason})
        passing = ("event", "pong", "updated", "opened", "disconnect", "pause", "resume")
        await line.expect("closed", within=10.0, passing=passing)


async def _open(caller: Caller) -> Line:
    return await caller.open()


async def _hasty(caller: Caller) -> Line:
    line = await caller.line()
    line.socket.send(line.message("open", caller.opening()))
    return line


async def _paused(caller: Caller) -> Line:
    line = await caller.open()
    await line.send("paused")
    return line


async def _failed(caller: Caller) -> Line:
    line = await caller.open()
    await line.send("error", {"code": 500, "message": "a test"})
    return line


async def _broken(caller: Caller) -> Line:
    line = await caller.open()
    line.socket.send(line.message("ping", version="1"))
    return line


async def _talked(caller: Caller) -> Line:
    line = await caller.open()
    for _ in range(150):
        await line.send_audio(caller.audio(byte=0x30), caller.width)
    return line


async def _talking(caller: Caller) -> Line:
    line = await _talked(caller)
    await caller.alive(line)
    line.socket.send(caller.audio())
    return line


_closes("10.1", "`close` is answered with `closed`", "Closes an open session.", "P4.4", _open, source=Source.VENDOR)
_closes("10.2", "`close` right behind `open`", "Closes without waiting for `opened`.", "P4.4: in every state", _hasty)
_closes("10.3", "`close` before `open`", "Closes a session that was never opened.", "P4.4: in every state",
        lambda caller: caller.line())  # fmt: skip
_closes("10.4", "`close` in a pause", "Closes a paused session.", "P4.4", _paused)
_closes(
    "10.5",
    "`close` after an error",
    "Sends `error` 500 and `close` reason error.",
    "P3.4, P4.4",
    _failed,
    reason="error",
)
_closes("10.6", "`close` for a reconnect", "Closes for the reason reconnect.", "P4.4", _open, reason="reconnect",
        profiles=LISTENING)  # fmt: skip
_closes("10.7", "`close` for an unknown reason", "Closes for a reason that does not exist.", "P4.4", _open,
        reason="something_new", source=Source.INFERRED)  # fmt: skip
_closes(
    "10.8", "`close` that crosses a `disconnect`", "Sends a bad message and `close` behind it.", "P4.9, P8.3", _broken
)
_closes("10.9", "`close` behind much audio", "Sends 30 s of audio at once, then `close`.", "P8.1: 10 s", _talked,
        source=Source.VENDOR, advice="Do not let the rest of your recognition take longer than 10 s.")  # fmt: skip


@SERVER.case(
    "10.10", "`closed` is sent once, and last",
    does="Sends `close` twice.", expects="One `closed`, and nothing behind it.", rule="P4.4, P8.3",
    source=Source.REFERENCE, advice="Answer the first `close` alone, and send nothing more.",
)  # fmt: skip
async def closed_once(caller: Caller) -> None:
    line = await caller.open()
    line.socket.send(line.message("close", {"reason": "end"}))
    line.socket.send(line.message("close", {"reason": "end"}))
    await line.expect("closed", within=10.0)
    while isinstance(got := await line.next(0.3), dict | bytes):
        what = f"`{got.get('type')}`" if isinstance(got, dict) else "audio"
        raise Failure(f"sent {what} behind `closed`")


@SERVER.case(
    "10.11", "The client closes the connection, not the server",
    does="Waits a second after `closed`.", expects="A connection that stays up.", rule="P4.4, P15 row 25",
    source=Source.VENDOR, disputed=True, advice="After `closed` wait some seconds for the client to close.",
)  # fmt: skip
async def stays(caller: Caller) -> None:
    line = await caller.open()
    await line.send("close", {"reason": "end"})
    await line.expect("closed", within=10.0)
    if isinstance(got := await line.next(1.0), Closed):
        raise Failure(f"closed the connection behind `closed` ({got.code})")


@SERVER.case(
    "10.12", "After `disconnect` the server waits for `close`",
    does="Provokes a `disconnect` and lets a second pass before `close`.", expects="`closed` on `close`.",
    rule="P4.9, P13: never close TCP on your own", source=Source.VENDOR,
    advice="Send `disconnect` and wait: the client closes.",
)  # fmt: skip
async def waits(caller: Caller) -> None:
    line = await _broken(caller)
    await line.expect("disconnect")
    if isinstance(await line.next(1.0), Closed):
        raise Failure("closed the connection behind `disconnect`")
    await caller.finish_politely(line, "disconnect")


@SERVER.case(
    "10.13", "Audio behind `close` is passed over",
    does="Sends audio right behind `close`.", expects="`closed` all the same.", rule="P15 row 32",
    source=Source.REFERENCE, disputed=True, advice="Drop audio that comes behind `close`.",
)  # fmt: skip
async def late_audio(caller: Caller) -> None:
    line = await caller.open()
    line.socket.send(line.message("close", {"reason": "end"}))
    line.socket.send(caller.audio())
    await line.expect("closed", within=10.0)


def _cut(number: str, where: str, steps: Steps) -> None:
    @SERVER.case(number, f"A connection lost {where} harms nobody else", does=f"Drops the connection {where}.",
                 expects="Further sessions open as before.", rule="P8.3: socket closed, in any state",
                 source=Source.REFERENCE, advice="Let a lost connection end its own session alone.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await steps(caller)
        line.socket.cut()
        other = await caller.open()
        await caller.alive(other)
        await caller.finish(other)


async def _half_a_message(caller: Caller) -> Line:
    line = await caller.open()
    line.socket.write_frame(TEXT, b'{"version":"2"', fin=False)
    return line


async def _half_a_frame(caller: Caller) -> Line:
    line = await caller.open()
    line.socket.write(b"\x81\xfe\x01")
    return line


async def _closing(caller: Caller) -> Line:
    line = await caller.open()
    line.socket.send(line.message("close", {"reason": "end"}))
    return line


for _place, (_where, _steps) in enumerate(
    {
        "behind the upgrade": lambda caller: caller.line(), "behind `open`": _hasty, "in an open session": _open,
        "behind much audio": _talking, "in a pause": _paused, "within a message": _half_a_message,
        "within a frame": _half_a_frame, "behind `close`": _closing,
    }.items(), 14,
):  # fmt: skip
    _cut(f"10.{_place}", _where, _steps)


@SERVER.case(
    "10.22", "A half-closed connection is let go",
    does="Sends a FIN in an open session and reads on.", expects="The server closes, too, within 10 s.",
    rule="P8.3: socket closed", source=Source.INFERRED, advice="Treat the end of what can be read as the end.",
)  # fmt: skip
async def half_closed(caller: Caller) -> None:
    line = await caller.open()
    line.socket.half_close()
    await line.gone(within=10.0)


@SERVER.case(
    "10.23", "Sessions do not mix",
    does="Runs ten sessions side by side, with pings in turn.", expects="Each answered with its own id and numbers.",
    rule="P3.1, P3.2", source=Source.REFERENCE, advice="Keep all state of a session with its socket.",
)  # fmt: skip
async def side_by_side(caller: Caller) -> None:
    lines = await asyncio.gather(*(caller.open() for _ in range(10)))
    for _ in range(3):
        for line in lines:
            await line.send("ping")
        for line in lines:
            pong = await line.expect("pong")
            if (pong.get("id"), pong.get("clientseq")) != (line.id, line.seq):
                raise Failure("a pong belongs to another session")
    for line in lines:
        await caller.finish(line)


@SERVER.case(
    "10.24", "A session id may come again",
    does="Opens and closes a session, and another one of the same id.", expects="Both work.",
    rule="P3.2", source=Source.INFERRED, advice="Forget a session when its socket closes.",
)  # fmt: skip
async def again(caller: Caller) -> None:
    session = str(uuid.uuid4())
    for _ in range(2):
        line = await caller.open(line=await caller.line(session_id=session))
        await caller.alive(line)
        await caller.finish(line)


@SERVER.case(
    "10.25", "A client that reads late loses nothing",
    does="Reads nothing while it sends a hundred pings, then reads.", expects="A hundred pongs, in order.",
    rule="P3.2: no number may be missing", source=Source.REFERENCE,
    advice="Let what cannot be sent wait; never drop text messages.",
)  # fmt: skip
async def late_reader(caller: Caller) -> None:
    line = await caller.open()
    line.socket.stop_reading()
    first = line.seq + 1
    for _ in range(100):
        await line.send("ping")
    line.socket.go_on_reading()
    answered = [(await line.expect("pong", within=5.0)).get("clientseq") for _ in range(100)]
    if answered != list(range(first, first + 100)):
        raise Failure("pongs are missing or out of order")
    await caller.finish(line)


@SERVER.case(
    "10.26", "A bot that ends its session says so rightly",
    does="Talks and presses a key, and waits 2 s for the bot's end.",
    expects="A known reason, and output variables that are strings.", rule="P4.9, P16",
    source=Source.REFERENCE, profiles=SPOKEN, advice='Disconnect for "completed"; write other values as JSON.',
)  # fmt: skip
async def output(caller: Caller) -> None:
    line = await caller.open()
    await line.send("dtmf", {"digit": "#"})
    await line.send_audio(caller.audio(1.0, byte=0x30), caller.width)
    loop = asyncio.get_running_loop()
    end = loop.time() + 2.0
    while (left := end - loop.time()) > 0:
        got = await line.next(left)
        if not isinstance(got, dict) or got.get("type") != "disconnect":
            continue
        facts = got.get("parameters", {})
        if facts.get("reason") not in ("completed", "error", "unauthorized"):
            raise Failure(f"`disconnect` has reason {facts.get('reason')!r}")
        for name, value in (facts.get("outputVariables") or {}).items():
            if not isinstance(value, str):
                raise Failure(f"output variable {name} is {value!r}, not a string")
        return await caller.finish_politely(line, "disconnect")
    raise Skip("this bot did not end the session")
