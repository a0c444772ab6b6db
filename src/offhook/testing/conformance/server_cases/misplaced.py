"""Chapter 11: messages that have no place in a state of the session; drawn up from the tables (P8.2, P8.3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from ....protocol import Role, State
from ....protocol.states import CLIENT_INERT, MACHINES, SERVER_INERT
from ..caller import Caller
from ..case import ALL, SPOKEN, Failure, Source
from ..line import Line
from ..socket import Closed
from ..suites import SERVER

PARAMETERS: Final[dict[str, Any]] = {
    "discarded": {"start": "PT0S", "discarded": "PT0S"},
    "resumed": {"start": "PT0S", "discarded": "PT0S"},
    "update": {"language": "en-US"},
    "dtmf": {"digit": "5"},
    "error": {"code": 400, "message": "a test"},
    "close": {"reason": "end"},
    "opened": {"media": [], "startPaused": False},
    "event": {"entities": []},
    "disconnect": {"reason": "completed"},
}
_SPOKEN_ONLY: Final = ("dtmf", "playback_started", "playback_completed")
#: All that a client sends.
CLIENT_TYPES: Final = ("open", *CLIENT_INERT, "paused", "resumed", "close")
#: All that a server sends.
SERVER_TYPES: Final = ("opened", *SERVER_INERT, "disconnect", "closed")


def forbidden(state: State) -> list[str]:
    """What a client may not send in a state."""
    row = MACHINES[Role.CLIENT][state]
    return [type for type in CLIENT_TYPES if (Role.CLIENT, type) not in row]


def profiles_of(type: str) -> frozenset[str]:
    """Products that know a message."""
    return SPOKEN if type in _SPOKEN_ONLY else ALL


def queue(caller: Caller, line: Line, type: str) -> None:
    """Send it; a second `open` is a whole one."""
    line.socket.send(line.message(type, caller.opening() if type == "open" else PARAMETERS.get(type, {})))


async def still_there(caller: Caller) -> None:
    """Expect that the server serves others as before."""
    line = await caller.open()
    await caller.finish(line)


_ANSWERED: Final = ("event", "pong", "updated", "pause", "resume")
_numbers = iter(range(1, 100))


Run = Callable[[Caller], Awaitable[None]]


def _case(title: str, does: str, expects: str, type: str, rule: str, advice: str) -> Callable[[Run], Run]:
    number = f"11.{next(_numbers)}"
    return SERVER.case(number, title, does=does, expects=expects, rule=rule, source=Source.REFERENCE, advice=advice,
                       profiles=profiles_of(type))  # fmt: skip


def _before_open(type: str) -> None:
    @_case(f"`{type}` before `open`", f"Sends `{type}` first, then `open`.",
           "`opened` or `disconnect` as the first answer, and `closed` on `close`.", type,
           "P8.3: PREPARING", "Before `open`, pass over what comes or answer `disconnect`; do not fail.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.line()
        queue(caller, line, type)
        queue(caller, line, "open")
        got = await line.expect("opened", "disconnect", within=5.0, passing=())
        await caller.finish_politely(line, "end" if got["type"] == "opened" else "disconnect")


def _before_opened(type: str) -> None:
    @_case(f"`{type}` before `opened`", f"Sends `{type}` right behind `open`.",
           "`opened` or `disconnect` as the first answer, and `closed` on `close`.", type,
           "P3.2, P8.3: OPENING", "Answer `open` first, whatever has come behind it.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.line()
        queue(caller, line, "open")
        queue(caller, line, type)
        got = await line.expect("opened", "disconnect", within=5.0, passing=())
        await caller.finish_politely(line, "end" if got["type"] == "opened" else "disconnect")


def _behind_close(type: str) -> None:
    @_case(f"`{type}` behind `close`", f"Sends `{type}` right behind `close`.", "`closed`, and no `disconnect`.", type,
           "P4.9, P8.3: CLOSING", "Behind `close` answer nothing but `closed`.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        queue(caller, line, "close")
        queue(caller, line, type)
        await line.expect("closed", within=10.0, passing=("event", "pong"))


def _behind_closed(type: str) -> None:
    @_case(f"`{type}` behind `closed`", f"Sends `{type}` once the session is closed.",
           "No message, and a server that lives.", type, "P8.3: CLOSED", "A closed session answers nothing.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        await line.send("close", {"reason": "end"})
        await line.expect("closed", within=10.0)
        queue(caller, line, type)
        while (got := await line.next(0.2)) is not None and not isinstance(got, Closed):
            raise Failure(f"sent `{got.get('type')}`" if isinstance(got, dict) else "sent audio")
        await still_there(caller)


def _of_a_server(type: str) -> None:
    @_case(f"`{type}` of a client", f"Sends `{type}`, which servers send, in an open session.",
           "Nothing, or `disconnect` reason error; `closed` on `close`.", type, "P3.4, P4.1: an unknown type",
           "Take the messages of your own direction for unknown types.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        queue(caller, line, type)
        await line.send("ping")
        got = await line.expect("pong", "disconnect", passing=("event",))
        await caller.finish_politely(line, "end" if got["type"] == "pong" else "disconnect")


for _type in forbidden(State.IDLE):
    _before_open(_type)
for _type in forbidden(State.OPENING):
    if _type != "open":  # that is case 11's neighbour: two `open` in a row
        _before_opened(_type)
for _type in forbidden(State.CLOSING):
    _behind_close(_type)
for _type in forbidden(State.CLOSED):
    _behind_closed(_type)
for _type in SERVER_TYPES:
    _of_a_server(_type)
