"""What is counted and noted while a call goes on: messages by type, round trips, faults of the peer, how it ended.

It sees every message as a tap and every event as a listener; it acts on nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from ..protocol import (
    Disconnected,
    EntitiesReceived,
    Entity,
    Event,
    Finished,
    Ponged,
    Role,
    SessionOpened,
    Tolerated,
    UnknownMessage,
    Violation,
)
from ..protocol.messages import KINDS


class _Typed(msgspec.Struct):
    type: str


_typed: Final = msgspec.json.Decoder(_Typed)


class Tally:
    """One call in numbers. Times are the loop's; None until it has happened.

    Attributes:
        messages: Per sender, how many of each type; audio is a type too, and what is no known message is `unknown`.
        audio_bytes: Per sender.
        started: When `open` left.
        answered: When `opened` came.
        ended: When the session had ended, well or not.
        round_trips: Seconds, one for each pong.
        violations: As the session has reported them.
        tolerated: Rules broken without harm, each once.
        disconnected: The server's `disconnect`.
        clean: Whether `close` and `closed` were exchanged.
        hung_up: Whether the end came from us.
    """

    def __init__(self) -> None:
        self.messages: dict[Role, Counter[str]] = {role: Counter() for role in Role}
        self.audio_bytes = dict.fromkeys(Role, 0)
        self.started: float | None = None
        self.answered: float | None = None
        self.ended: float | None = None
        self.round_trips: list[float] = []
        self.violations: list[Violation] = []
        self.tolerated: list[str] = []
        self.entities: list[Entity] = []
        self.opened: SessionOpened | None = None
        self.disconnected: Disconnected | None = None
        self.clean = False
        self.hung_up = False

    def message(self, sender: Role, data: str | bytes, now: float) -> None:
        """Count a message of either side; a `session.connection.Tap`."""
        if isinstance(data, str):
            type = _type_of(data)
            if type == "open" and self.started is None:
                self.started = now
            elif type == "opened" and self.answered is None:
                self.answered = now
        else:
            type = "audio"
            self.audio_bytes[sender] += len(data)
        self.messages[sender][type] += 1

    def event(self, event: Event, now: float) -> None:
        """Note what the session reports."""
        match event:
            case SessionOpened():
                self.opened = event
            case Ponged(rtt=rtt):
                self.round_trips.append(rtt)
            case EntitiesReceived(entities=entities):
                self.entities += entities
            case Violation():
                self.violations.append(event)
            case Tolerated(rule=rule):
                self._tolerate(rule)
            case UnknownMessage():
                self._tolerate("a message of an unknown type")
            case Disconnected():
                self.disconnected = event
            case Finished(clean=clean):
                self.clean, self.ended = clean, now

    def _tolerate(self, rule: str) -> None:
        if rule not in self.tolerated:
            self.tolerated.append(rule)


def _type_of(text: str) -> str:
    try:
        type = _typed.decode(text).type
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return "unknown"
    # A peer must not be able to fill our memory, or a report, with names of its own.
    return type if type in KINDS else "unknown"
