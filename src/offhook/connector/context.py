"""What all parts of one call share: who calls, the clock, the line, the event stream, and the doors to the outside."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ..records.events import Event
from ..records.record import CallRecord
from ..records.store import CallStore
from ..records.usage import Meter
from ..session.connection import Connection
from ..session.dial import dial
from .endpoints import Endpoints
from .failures import NAMES, Trouble, operational_id
from .happenings import Happenings, Operational
from .legs import Caller
from .line import Line

Dialling = Callable[[str, Connection, Mapping[str, str]], Awaitable[object]]
"""Connects a connection to a URI with these header fields; raises what `session.dial.dial` raises."""


async def over_socket(uri: str, connection: Connection, headers: Mapping[str, str]) -> None:
    """Dial a real WebSocket."""
    await dial(uri, connection, headers=headers)


@dataclass
class CallContext:
    """One call.

    Attributes:
        caller: Who it is.
        line: The caller's line.
        happenings: The event stream.
        organization: UUID for all sessions.
        dial: How servers are reached.
        endpoints: What is known of them.
        store: Where sessions are kept, if they are.
        meter: Counts usage, if it is counted.
        language: Of the call.
        conversation, participant: UUIDs for all sessions.
        over_at: `t` at which the caller was gone; None while the call goes on.
    """

    caller: Caller
    line: Line
    happenings: Happenings
    organization: str
    dial: Dialling
    endpoints: Endpoints
    store: CallStore | None = None
    meter: Meter | None = None
    language: str | None = "en-US"
    conversation: str = field(default_factory=lambda: str(uuid.uuid4()))
    participant: str = field(default_factory=lambda: str(uuid.uuid4()))
    over_at: float | None = None
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=lambda: clock())

    @property
    def t(self) -> float:
        """Seconds since the call arrived."""
        return round(clock() - self.began, 6)

    def emit(self, event: Event) -> None:
        self.happenings.emit(event)

    def operational(self, trouble: Trouble, integration: str) -> None:
        """Write an operational event (P11)."""
        name = NAMES.get(trouble.operational, NAMES[1])
        self.emit(Operational(operational_id(trouble.operational), name, integration, trouble.message, t=self.t))

    def record(self, session: str, profile: str) -> CallRecord | None:
        """Begin the records of one session; times in them count from the call's arrival."""
        if self.store is None:
            return None
        return self.store.begin(session, self.started, role="client", profile=profile)


def clock() -> float:
    """The loop's time, finer where that can be had, as `Connection` counts it."""
    loop_time = asyncio.get_running_loop().time()
    fine = time.monotonic()
    return fine if abs(loop_time - fine) < 1.0 else loop_time
