"""Kinds of flaws, each told what it is about by a condition on a message or a request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from ...protocol import ServerSession
from ...session.wire import Receiver, Refusal, UpgradeRequest
from .flaw import Data, Flaw, FlawedLink, edit

Message = dict[str, Any]
Condition = Callable[[Message, str, ServerSession], Any]
"""Is told the message ({} if it is none), its text, and the session before it has seen it."""
About = Callable[[UpgradeRequest], Any]


class Told(Flaw):
    """A flaw that shows where a condition on the client's message holds; "audio" for binary ones."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition

    def holds(self, data: Data, session: ServerSession) -> bool:
        if isinstance(data, bytes):
            return bool(self.condition({"type": "audio", "size": len(data), "data": data}, "", session))
        try:
            message = json.loads(data)
        except (ValueError, RecursionError):
            message = {}
        return bool(self.condition(message if isinstance(message, dict) else {}, data, session))


class Fatal(Told):
    """Ends the session with an error where all is right."""

    def seen(self, data: Data, session: ServerSession) -> Iterable[Data]:
        return ("garbage",) if self.holds(data, session) else (data,)


class Drops(Told):
    """Drops the connection."""

    def drops(self, data: Data, session: ServerSession) -> bool:
        return self.holds(data, session)


class Deaf(Told):
    """Does not see the message."""

    def seen(self, data: Data, session: ServerSession) -> Iterable[Data]:
        return () if self.holds(data, session) else (data,)


class Mends(Told):
    """Takes a wrong message for a right one."""

    def __init__(self, condition: Condition, mend: Callable[[Message, ServerSession], Message]) -> None:
        super().__init__(condition)
        self.mend = mend

    def seen(self, data: Data, session: ServerSession) -> Iterable[Data]:
        if not self.holds(data, session):
            return (data,)
        try:
            message = json.loads(data)
        except (ValueError, RecursionError):
            message = {}
        return (json.dumps(self.mend(message if isinstance(message, dict) else {}, session)),)


class Adds(Told):
    """Sends more than it should, once it has dealt with the message."""

    def __init__(self, condition: Condition, *more: Data | Callable[[ServerSession], Data]) -> None:
        super().__init__(condition)
        self.more = more
        self._holds = False

    def seen(self, data: Data, session: ServerSession) -> Iterable[Data]:
        self._holds = self.holds(data, session)
        return (data,)

    def adds(self, data: Data, session: ServerSession) -> Iterable[Data]:
        return [each(session) if callable(each) else each for each in self.more] if self._holds else ()


class Says(Told):
    """Sends messages that have no place there, rightly numbered, once it has dealt with the message.

    Args:
        condition: Of the client's message.
        more: Types and parameters, or bytes of audio.
    """

    def __init__(self, condition: Condition, *more: tuple[str, Message] | bytes) -> None:
        super().__init__(condition)
        self.more = more
        self._holds = False

    def seen(self, data: Data, session: ServerSession) -> Iterable[Data]:
        self._holds = self.holds(data, session)
        return (data,)

    def dealt_with(self, link: FlawedLink) -> None:
        for each in self.more if self._holds else ():
            if isinstance(each, bytes):
                link.wire.send(each)
            else:
                link.say(*each)


class Edits(Flaw):
    """Changes what the server sends: messages of a type, or of all types."""

    def __init__(self, type: str | None, change: Callable[[Message], Message | None]) -> None:
        self.type = type
        self.change = change

    def leaves(self, data: Data, session: ServerSession) -> Iterable[Data]:
        return edit(data, self.type, self.change)


class Omits(Flaw):
    """Never sends messages of a type, and counts as if there were none."""

    closes_gaps = True

    def __init__(self, type: str) -> None:
        self.type = type

    def leaves(self, data: Data, session: ServerSession) -> Iterable[Data]:
        return edit(data, self.type, lambda _: None)


class LetsIn(Flaw):
    """Accepts an upgrade request that must be refused."""

    def __init__(self, about: About) -> None:
        self.about = about

    def answer_upgrade(self, request: UpgradeRequest, decided: Receiver | Refusal) -> Receiver | Refusal:
        if isinstance(decided, Refusal) and self.about(request):
            return self.reception.link(request, None)
        return decided


class ShutsOut(Flaw):
    """Refuses an upgrade request that is right."""

    def __init__(self, about: About, status: int = 401) -> None:
        self.about = about
        self.status = status

    def answer_upgrade(self, request: UpgradeRequest, decided: Receiver | Refusal) -> Receiver | Refusal:
        return Refusal(self.status) if self.about(request) else decided


def envelope(session: ServerSession, type: str, parameters: Message, seq: int) -> str:
    return json.dumps(
        {"version": "2", "id": session.id, "type": type, "seq": seq, "clientseq": 0, "parameters": parameters}
    )
