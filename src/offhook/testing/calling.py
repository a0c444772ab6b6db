"""Calls of a test: over a socket to any server, or in memory to a bot of ours; each with its messages kept."""

from __future__ import annotations

from typing import Any, Final

from ..bots.host import Host
from ..connector import Call, connect, new_session, opening
from ..errors import UpgradeRejected
from ..protocol import Role
from ..session.connection import Connection, Tap
from ..session.memory import join
from ..session.reception import Reception
from ..session.wire import Refusal, UpgradeRequest

#: Messages of a call that a report shows, the last ones, and letters of each.
_SHOWN: Final = 60
_LETTERS: Final = 200


def call_in_memory(host: Host, *, path: str = "/", delay: float = 0.0, trace: Tap | None = None,
                   **options: Any) -> Call:  # fmt: skip
    """A call to a bot or monitor without a socket: it works in virtual time, too.

    Args:
        host: A `Bot` or `Monitor`.
        path: Path and query that the call comes in on.
        delay: Seconds that each message takes.
        trace: Sees all messages.
        options: `frame_ms` and `record` of `connect`, and what `open` says, see `OpenOptions`.
    """
    own = {name: options.pop(name) for name in ("frame_ms", "record") if name in options}
    session = new_session(opening(host.profile, **options), host.profile)
    reception = Reception(host)

    async def dial(connection: Connection) -> None:
        fields = {"upgrade": "websocket", "audiohook-session-id": session.id,
                  "audiohook-organization-id": session.parameters.organization_id}  # fmt: skip
        receiver = reception.accept(UpgradeRequest(path, fields, "memory"))
        if isinstance(receiver, Refusal):
            raise UpgradeRejected(receiver.status)
        session.open()
        join(connection, receiver, delay=delay)

    return Call(session, dial, trace=trace, **own)


class Callers:
    """Places the calls of one test."""

    def __init__(self) -> None:
        self._told: list[tuple[str, list[str]]] = []

    def place(self, target: str | Host, **options: Any) -> Call:
        """See the fixture `caller`."""
        where = target if isinstance(target, str) else f"{type(target).__name__} {target.name!r}"
        messages: list[str] = []
        self._told.append((where, messages))
        options["trace"] = _keeping(messages, options.get("trace"))
        return connect(target, **options) if isinstance(target, str) else call_in_memory(target, **options)

    def report(self) -> list[tuple[str, str]]:
        """A title and the last messages for each call."""
        return [
            (f"AudioHook call {number} to {where}", "\n".join(messages[-_SHOWN:]) or "nothing was said")
            for number, (where, messages) in enumerate(self._told, 1)
        ]


def _keeping(messages: list[str], further: Tap | None) -> Tap:
    began: float | None = None

    def tap(sender: Role, data: str | bytes, now: float) -> None:
        nonlocal began
        began = now if began is None else began
        if isinstance(data, str):
            text = data if len(data) <= _LETTERS else data[: _LETTERS - 1] + "…"
            messages.append(f"{now - began:8.3f} s  {sender.value:<6}  {text}")
        if further is not None:
            further(sender, data, now)

    return tap
