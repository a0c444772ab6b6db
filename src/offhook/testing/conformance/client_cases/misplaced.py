"""Chapter 10: messages that have no place in a state of the session; drawn up from the tables (P8.2, P8.3).

The states are those of the server that we play: it breaks its own table, and the client has to notice or to bear it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from ....protocol import Role, State
from ....protocol.states import MACHINES
from ..case import Failure, Source
from ..line import SOON, Line
from ..partner import Partner
from ..server_cases.misplaced import CLIENT_TYPES, PARAMETERS, SERVER_TYPES
from ..socket import Closed
from ..suites import CLIENT
from .opening import opening

#: What a client may send by itself while a session is up.
STREAM: Final = ("ping", "dtmf", "playback_started", "playback_completed", "discarded", "update", "paused", "resumed")
_REPORT: Final = "Report it with `error`, and close where it is fatal; never just drop the connection."
Run = Callable[[Partner], Awaitable[None]]
_numbers = iter(range(1, 200))


def forbidden(state: State) -> list[str]:
    """What a server may not send in a state."""
    row = MACHINES[Role.SERVER][state]
    return [type for type in SERVER_TYPES if (Role.SERVER, type) not in row]


def queue(partner: Partner, line: Line, type: str) -> None:
    """Send it, with parameters that would be right elsewhere."""
    parameters: dict[str, Any] = PARAMETERS.get(type, {})
    if type == "opened":
        parameters = {"startPaused": False, "media": partner.opening.get("media", [])[:1]}
    line.socket.send(line.message(type, parameters))


async def parted(line: Line, *, within: float = SOON, asks: bool = True) -> None:
    """Expect that the client lets the session end in order: `close`, and the socket behind `closed`.

    It may complain first, and may take the message for nothing: then it is asked to end by `disconnect`.

    Raises:
        Failure: It drops the connection, or stays.
    """
    if asks:
        line.socket.send(line.message("disconnect", {"reason": "completed"}))
    await line.expect("close", within=within, passing=(*STREAM, "error"))
    await line.send("closed")
    await line.gone(within=5.0)


def _case(
    title: str, does: str, expects: str, rule: str, advice: str, source: Source = Source.REFERENCE
) -> Callable[[Run], Run]:
    number = f"10.{next(_numbers)}"
    return CLIENT.case(number, title, does=does, expects=expects, rule=rule, source=source, advice=advice)


def _before_open(type: str) -> None:
    @_case(f"`{type}` before `open` has come", f"Sends `{type}` right behind the upgrade.",
           "`error` or nothing, and a session that ends in order.", "P3.2, P8.3: PREPARING", _REPORT)  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.accept()
        queue(partner, line, type)
        await line.expect("open", within=5.0, passing=("error", *STREAM))
        await parted(line)


def _before_opened(type: str) -> None:
    @_case(f"`{type}` before `opened`", f"Answers `open` with `{type}`, then with `disconnect`.",
           "`error` or nothing, and a session that ends in order.", "P3.2, P3.4, P8.3: OPENING", _REPORT)  # fmt: skip
    async def run(partner: Partner) -> None:
        line, _ = await opening(partner)
        queue(partner, line, type)
        await parted(line)


def _in_a_pause(type: str) -> None:
    @_case(f"`{type}` in a pause is refused", f"Sends `{type}` while the stream is paused.",
           "`error` 409, then `close` reason error.", "P3.4: unexpected message in state", _REPORT)  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        await line.send("pause")
        await line.expect("paused", passing=STREAM)
        queue(partner, line, type)
        await partner.complaint(line, 409, 400, 500)


def _behind_disconnect(type: str) -> None:
    @_case(f"`{type}` behind `disconnect`", f"Sends `{type}` right behind `disconnect`.",
           "`close`, and the end of the connection behind `closed`.", "P4.9, P8.2: ignored when closing",
           "Once you have read `disconnect`, close; pass over what is behind it.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        line.socket.send(line.message("disconnect", {"reason": "completed"}))
        queue(partner, line, type)
        await parted(line, asks=False)


def _behind_close(type: str) -> None:
    @_case(f"`{type}` behind `close`", f"Sends `{type}` between `close` and `closed`.",
           "No message, and the end of the connection behind `closed`.", "P8.2: CLOSING",
           "Behind `close` wait for `closed` alone.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        await line.send("disconnect", {"reason": "completed"})
        await line.expect("close", passing=STREAM)
        queue(partner, line, type)
        await line.quiet(0.2, audio=False)
        await line.send("closed")
        await line.gone(within=5.0)


def _behind_closed(type: str) -> None:
    @_case(f"`{type}` behind `closed`", f"Sends `{type}` right behind `closed`.",
           "No message, and the end of the connection.", "P8.2: CLOSED", "Close the connection when `closed` comes.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        await line.send("disconnect", {"reason": "completed"})
        await line.expect("close", passing=STREAM)
        line.socket.send(line.message("closed"))
        queue(partner, line, type)
        while not isinstance(got := await line.next(5.0), Closed):
            if got is None:
                raise Failure("the socket is still open after 5 s")
            raise Failure(f"sent `{got.get('type')}`" if isinstance(got, dict) else "sent audio")


def _of_a_client(type: str) -> None:
    @_case(f"`{type}` of a server is refused", f"Sends `{type}`, which clients send, in an open session.",
           "`error` 400, 405 or 500, then `close` reason error.", "P3.4: an unknown type",
           "Take the messages of your own direction for unknown types.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        queue(partner, line, type)
        await partner.complaint(line, 400, 405, 409, 500)


for _type in forbidden(State.IDLE):
    _before_open(_type)
for _type in forbidden(State.OPENING):
    _before_opened(_type)
for _type in forbidden(State.PAUSED):  # in OPEN these are cases 9.13 and 9.14
    _in_a_pause(_type)
for _type in forbidden(State.ENDING):
    _behind_disconnect(_type)
for _type in forbidden(State.CLOSING):
    if _type not in ("pause", "resume"):  # these are cases 9.9 and 9.10
        _behind_close(_type)
for _type in SERVER_TYPES:
    _behind_closed(_type)
for _type in CLIENT_TYPES:
    _of_a_client(_type)
