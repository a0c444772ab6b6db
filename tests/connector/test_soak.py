"""A minute of calls at once while bots die at random: every caller is served, and every second is counted."""

from __future__ import annotations

import asyncio
import gc
import random
import sys

import pytest

from offhook.audio import ulaw
from offhook.connector import happenings as h
from offhook.connector.integrations import Integration
from offhook.connector.legs.wav import WavLeg
from offhook.connector.policy import Fallback, Success
from offhook.protocol import CONNECTOR, CloseRequested, Event, choose
from offhook.records.reconcile import reconcile, traces
from offhook.records.record import Keep
from offhook.records.store import CallStore
from offhook.records.usage import Ledger, Meter
from offhook.session.reception import Answer, Reception, ServerLink

from .exchanges import TONE, World, speech

CALLS = 8
SECONDS = 60


class Crowd:
    """Any number of sessions at once; each speaks every two seconds, and dies when its time has come.

    Args:
        lifetime: Seconds of each session, and the way it ends.
    """

    profile = CONNECTOR

    def __init__(self, lifetime) -> None:
        self.reception = Reception(self)
        self._lifetime = lifetime
        self.tasks: set[asyncio.Task[None]] = set()
        self.deaths = 0

    def answer(self, request, open) -> Answer:
        return Answer(choose(open.media, ()))

    def begin(self, link: ServerLink):
        task = asyncio.create_task(self._live(link))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

        def take(event: Event) -> None:
            if isinstance(event, CloseRequested):
                task.cancel()
                link.session.close()
                link.connection.flush()

        return take

    async def _live(self, link: ServerLink) -> None:
        seconds, way = self._lifetime()
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0 and link.session.is_live:
            link.session.send_audio(TONE)
            link.connection.flush()
            await asyncio.sleep(min(2.0, left))
        if link.session.is_live:
            self.deaths += way is not finish
            way(link)


class Brief(World):
    """It keeps what the test asks for, and so does not grow by itself."""

    def note(self, conversation: str, event: object) -> None:
        if isinstance(event, h.Decided):
            self.events.append(event.action)
            assert event.reason
        elif isinstance(event, h.SessionBegan):
            self.events.append(event.session)


def abort(link: ServerLink) -> None:
    link.connection.abort()


def garbage(link: ServerLink) -> None:
    link.connection._wire.send("{")


def give_up(link: ServerLink) -> None:
    link.session.disconnect("error", "no more")
    link.connection.flush()


def finish(link: ServerLink) -> None:
    link.session.disconnect("completed", output={"done": "yes"})
    link.connection.flush()


@pytest.mark.virtual_time
async def test_bots_die_at_random_and_no_caller_is_lost(tmp_path):
    dice = random.Random(7)
    ledger, store = Ledger(tmp_path / "u.db"), CallStore(tmp_path / "calls", Keep(audio=False, report=False))
    meter = Meter(ledger, lambda: 0.0)
    world = Brief(meter=meter, store=store, transfer_targets=["sip:agents@pbx.example"])
    mortal = Crowd(lambda: (dice.uniform(0.5, 8.0), dice.choice([abort, garbage, give_up])))
    steady = Crowd(lambda: (dice.uniform(2.0, 5.0), dice.choice([finish, finish, abort])))
    for name, crowd in (("mortal", mortal), ("steady", steady)):
        uri = f"wss://{name}.example/"
        world.servers[uri] = crowd.reception
        world.connector.integrations.put(Integration(name=name, uri=uri, active=True))
    fallback = Fallback(integrations=["steady"], retries=1, dead_air=None, transfer="sip:agents@pbx.example")
    outcomes, ended, sizes = [], [], []

    async def flow(call):
        outcomes.append(await call.audio_connector("mortal", fallback=fallback))

    world.connector.add_flow(flow)

    async def caller() -> None:
        end = asyncio.get_running_loop().time() + SECONDS
        while asyncio.get_running_loop().time() < end:
            leg = WavLeg(speech(1.0) + ulaw.silence(8000))
            await world.connector.answer(leg)
            ended.append((leg.ended, leg.transferred))
            if len(ended) % 10 == 0:
                gc.collect()
                sizes.append(sys.getallocatedblocks())

    async with world.connector:
        await asyncio.gather(*(caller() for _ in range(CALLS)))
    store.close()
    meter.close()

    assert len(ended) > 3 * CALLS
    assert mortal.deaths >= len(ended) - 2 * CALLS
    # Every call went to the second bot, and from there to its end or to people.
    good = [isinstance(outcome, Success) for outcome in outcomes]
    assert len(outcomes) == len(ended)
    assert {True, False} == set(good)
    assert sum(transferred != "" for _, transferred in ended) == good.count(False)
    assert all(cause for cause, _ in ended)
    assert world.events.count("next-integration") == len(ended)
    # Nothing is left over of a call, and every session was counted.
    assert world.connector.calls == set()
    sessions = {event for event in world.events if len(event) == 36}
    rows = ledger.read()
    assert {row.session for row in rows} == sessions
    agreed, differences = reconcile(rows, traces(tmp_path / "calls"))
    assert (agreed, differences) == (len(sessions), [])
    ledger.close()
    assert len(sizes) >= 4
    assert sizes[-1] < 1.05 * sizes[len(sizes) // 2]
