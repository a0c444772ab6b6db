"""Many calls at once while bots die: sessions with a lifetime, callers who call again and again, and what must be true
of every call whatever becomes of its bots.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from ..connector import happenings as h
from ..connector.exchange import Connector
from ..connector.legs.wav import WavLeg
from ..protocol import CONNECTOR, CloseRequested, Event, Open, choose
from ..records.events import Event as Happening
from ..records.reconcile import reconcile, traces
from ..records.usage import Used
from ..session.reception import Answer, Reception, ServerLink
from ..session.wire import UpgradeRequest

Way = Callable[[ServerLink], None]
"""How a session comes to its end."""


def abort(link: ServerLink) -> None:
    """The socket is gone from one moment to the next."""
    link.connection.abort()


def garbage(link: ServerLink) -> None:
    """It says what nobody can read."""
    wire = link.connection._wire  # the session itself would not send it
    if wire is not None:
        wire.send("{")


def give_up(link: ServerLink) -> None:
    """It says that it has failed."""
    link.session.disconnect("error", "no more")
    link.connection.flush()


def finish(link: ServerLink) -> None:
    """It is done: no death at all."""
    link.session.disconnect("completed", output={"done": "yes"})
    link.connection.flush()


class Crowd:
    """Any number of sessions at once; each speaks every two seconds, and ends when its time has come.

    Args:
        lifetime: Seconds of a session, and the way in which it ends; asked for each.
        sound: What it says, mu-law.

    Attributes:
        deaths: Sessions that have come to a bad end of their own.
    """

    profile = CONNECTOR

    def __init__(self, lifetime: Callable[[], tuple[float, Way]], sound: bytes) -> None:
        self.reception = Reception(self)
        self.deaths = 0
        self._lifetime = lifetime
        self._sound = sound
        self._tasks: set[asyncio.Task[None]] = set()

    def answer(self, request: UpgradeRequest, open: Open) -> Answer:
        """See `Application`."""
        return Answer(choose(open.media, ()))

    def begin(self, link: ServerLink) -> Callable[[Event], None]:
        """See `Application`."""
        task = asyncio.create_task(self._live(link))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

        def take(event: Event) -> None:
            if isinstance(event, CloseRequested):
                task.cancel()
                link.session.close()
                link.connection.flush()

        return take

    async def _live(self, link: ServerLink) -> None:
        seconds, way = self._lifetime()
        now = asyncio.get_running_loop().time
        end = now() + seconds
        while (left := end - now()) > 0 and link.session.is_live:
            link.session.send_audio(self._sound)
            link.connection.flush()
            await asyncio.sleep(min(2.0, left))
        if link.session.is_live:
            self.deaths += way is not finish
            way(link)


class Toll:
    """Watches a connector, and holds each call to what its flow promises: a bot brings it to its end, or people do.

    For flows whose only step is `audio_connector` with a fallback that transfers. It counts and keeps nothing else, so
    that memory can be measured beside it.

    Args:
        opened: Told the UUID of each session that is opened.

    Attributes:
        calls: Calls that are over.
        served: Of these, those that a bot has brought to an end.
        decisions: What was decided, and how often.
        failures: How sessions and attempts have failed.
        problems: What must not be, one line each.
    """

    def __init__(self, opened: Callable[[str], object]) -> None:
        self.calls = 0
        self.served = 0
        self.decisions: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.problems: list[str] = []
        self._opened = opened
        self._outcomes: dict[str, str] = {}

    def __call__(self, conversation: str, event: Happening) -> None:
        """See `Connector.watch`."""
        match event:
            case h.SessionBegan(session=session):
                self._opened(session)
            case h.SessionOver(error_type=failure) if failure:
                self.failures[failure] += 1
            case h.Decided(action=action, reason=reason):
                self.decisions[action] += 1
                if not reason:
                    self.problems.append(f"{conversation}: {action} without a reason")
            case h.StepEnded(step="audio_connector", outcome=outcome):
                self._outcomes[conversation] = outcome
            case h.CallOver(by=by, reason=reason):
                self._over(conversation, by, reason)

    def _over(self, conversation: str, by: str, reason: str) -> None:
        self.calls += 1
        outcome = self._outcomes.pop(conversation, "none")
        self.served += outcome == "success"
        if by != {"success": "flow", "failure": "transfer"}.get(outcome):
            self.problems.append(f"{conversation}: ended by {by} ({reason}) with outcome {outcome} of its bots")


async def ring(
    connector: Connector, callers: int, seconds: float, leg: Callable[[], WavLeg], over: Callable[[WavLeg], None]
) -> None:
    """Let so many callers call, each again as soon as a call is over, for so many seconds; then see the last ones out.

    Args:
        connector: Whom they call.
        leg: Makes a call.
        over: Told of each that has ended.
    """
    now = asyncio.get_running_loop().time
    end = now() + seconds

    async def caller() -> None:
        while now() < end:
            mine = leg()
            await connector.answer(mine)
            over(mine)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(caller())


def unaccounted(rows: list[Used], folder: Path, sessions: set[str]) -> Iterator[str]:
    """What of these sessions is missing in the usage, or is not as their traces in a folder say: a line for each.

    Read it when the meter and the store of the connector are closed.
    """
    known = {row.session for row in rows}
    for session in sorted(sessions ^ known):
        yield f"{session}: " + ("opened and not counted" if session in sessions else "counted and never opened")
    for session in sorted(row.session for row in rows if not row.ended):
        yield f"{session}: its end was not counted"
    for difference in reconcile(rows, traces(folder))[1]:
        yield f"{difference.session}: {difference.problem}, {difference.usage} samples and {difference.trace}"
