"""What happens in a call of the connector: one stream of small frozen events, read by console, log and tests.

`t` is seconds since the call arrived; `position` samples of the caller's line. A session belongs to a `strand`: one
integration's part in the call, which may take several sessions (retries, reconnects).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Literal

import msgspec

from ..errors import wordless
from ..records.events import REDACTED, Event

logger = logging.getLogger("offhook.connector")


class CallArrived(Event, frozen=True):
    """A caller is on the line. `ani`, `dnis` and `ani_name` are personal."""

    conversation: str
    leg: str
    flow: str = ""
    ani: str = ""
    dnis: str = ""
    ani_name: str = ""


class CallAnswered(Event, frozen=True):
    pass


class CallOver(Event, frozen=True):
    """How it ended: by the `caller`, by the `flow`, by a `transfer`, by an `error` of the flow, by our `shutdown`."""

    by: Literal["caller", "flow", "transfer", "error", "shutdown", "refused"]
    reason: str = ""


class StepBegan(Event, frozen=True):
    step: str
    detail: str = ""


class StepEnded(Event, frozen=True):
    """`outcome` is a word: `success`, `failure`, `done`, `cut`."""

    step: str
    outcome: str
    reason: str = ""


class Noted(Event, frozen=True):
    """Anything else worth knowing; never what a caller said."""

    text: str


class VariableSet(Event, frozen=True):
    name: str
    value: str = ""


class KeyPressed(Event, frozen=True):
    digit: str
    secure: bool = False


class Held(Event, frozen=True):
    on: bool


class Secured(Event, frozen=True):
    """A block of the flow begins or ends in which nobody listens and nothing is kept."""

    on: bool


class SessionTried(Event, frozen=True):
    """An attempt to open a session. `attempt` is what `Audiohook-Retry-Attempt` says."""

    strand: str
    session: str
    endpoint: str
    attempt: int


class SessionBegan(Event, frozen=True):
    """`opened` has come. `milliseconds` from dialling; `history` seconds of audio that were sent at once."""

    strand: str
    session: str
    integration: str
    profile: str
    milliseconds: float
    history: float = 0.0


class SessionOver(Event, frozen=True):
    """A session, or an attempt at one, has ended. `error_type` is empty where it ended well."""

    strand: str
    session: str
    reason: str
    error_type: str = ""
    error_message: str = ""


class RoundTrip(Event, frozen=True):
    strand: str
    milliseconds: float


class PauseChanged(Event, frozen=True):
    """`by` the client or the server of the session."""

    strand: str
    by: Literal["client", "server"]
    on: bool


class BotSpoke(Event, frozen=True):
    """The caller begins to hear the bot, or has stopped hearing it."""

    strand: str
    on: bool


class EntityCame(Event, frozen=True):
    """What a bot or a monitor sent: transcripts, assist, barge-ins. `data` is personal."""

    strand: str
    type: str
    data: Any = None


class Reconnecting(Event, frozen=True):
    strand: str
    planned: bool
    reason: str


class RuleBroken(Event, frozen=True):
    """The server broke the protocol. `rule` never holds anything that it sent."""

    strand: str
    code: int
    rule: str
    fatal: bool


class AudioLost(Event, frozen=True):
    """Audio was not sent because the server read too slowly. `seconds` in the whole session so far."""

    strand: str
    seconds: float


class Comforted(Event, frozen=True):
    """The caller begins to hear the comfort sound, or has stopped hearing it."""

    on: bool


class Decided(Event, frozen=True):
    """What the connector does about a failure, and why."""

    action: Literal[
        "retry", "next-endpoint", "next-integration", "prompt", "transfer", "hang-up", "give-up", "reconnect"
    ]
    reason: str
    target: str = ""


class Operational(Event, frozen=True):
    """An operational event as the vendor's event catalogue has them (P11)."""

    id: str
    name: str
    integration: str
    description: str


PERSONAL: Final[dict[type[Event], tuple[str, ...]]] = {
    CallArrived: ("ani", "dnis", "ani_name"),
    VariableSet: ("value",),
    KeyPressed: ("digit",),
    EntityCame: ("data",),
}


def redacted(event: Event) -> Event:
    """The same event without what callers say, key or are numbered."""
    fields = {name: REDACTED if getattr(event, name) else "" for name in PERSONAL.get(type(event), ())}
    if isinstance(event, EntityCame):
        fields = {"data": None}  # type: ignore[dict-item]
    return msgspec.structs.replace(event, **fields) if fields else event


Observer = Callable[[Event], None]


class Happenings:
    """The event stream of one call: observers are called at once, readers follow at their own pace.

    Args:
        observers: Called with each event. One that raises is logged, and gets no more.
    """

    #: Events that are kept for readers who come late, or read slowly.
    KEPT: Final = 2_000

    def __init__(self, observers: tuple[Observer, ...] = ()) -> None:
        self._observers = list(observers)
        self._kept: list[Event] = []
        self._forgotten = 0
        self._over = False
        self._news = asyncio.Event()

    def watch(self, observer: Observer) -> None:
        """Call it with each event from now on."""
        self._observers.append(observer)

    def emit(self, event: Event) -> None:
        for observer in tuple(self._observers):
            try:
                observer(event)
            except Exception as error:
                told = wordless(error, logger)
                logger.error("an observer of calls failed: it gets no more events of this call", exc_info=told)
                self._observers.remove(observer)
        self._kept.append(event)
        if len(self._kept) > 2 * self.KEPT:
            del self._kept[: self.KEPT]
            self._forgotten += self.KEPT
        self._wake()

    def end(self) -> None:
        """Nothing more comes."""
        self._over = True
        self._wake()

    async def read(self) -> AsyncIterator[Event]:
        """All events, from the first one that is still kept to the call's last."""
        at = 0
        while True:
            at = max(at, self._forgotten)
            while at - self._forgotten < len(self._kept):
                yield self._kept[at - self._forgotten]
                at += 1
            if self._over:
                return
            await self._news.wait()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
