"""A minute of calls at once while bots die at random: every caller is served, and every second is counted.

The same over sockets, with bots in processes that are killed, is `benchmarks/soak.py`.
"""

from __future__ import annotations

import gc
import random
import sys

import pytest

from offhook.audio import ulaw
from offhook.connector.integrations import Integration
from offhook.connector.legs.wav import WavLeg
from offhook.connector.policy import Fallback
from offhook.records.record import Keep
from offhook.records.store import CallStore
from offhook.records.usage import Ledger, Meter
from offhook.testing.crowd import Crowd, Toll, abort, finish, garbage, give_up, ring, unaccounted

from .exchanges import TONE, World, speech

CALLS = 8
SECONDS = 60


class Forgetful(World):
    """It keeps no events, and so does not grow by itself."""

    def note(self, conversation: str, event: object) -> None:
        pass


@pytest.mark.virtual_time
async def test_bots_die_at_random_and_no_caller_is_lost(tmp_path):
    dice = random.Random(7)
    ledger, store = Ledger(tmp_path / "u.db"), CallStore(tmp_path / "calls", Keep(audio=False, report=False))
    meter = Meter(ledger, lambda: 0.0)
    world = Forgetful(meter=meter, store=store, transfer_targets=["sip:agents@pbx.example"])
    sessions: set[str] = set()
    toll = Toll(sessions.add)
    world.connector.watch(toll)
    mortal = Crowd(lambda: (dice.uniform(0.5, 8.0), dice.choice([abort, garbage, give_up])), TONE)
    steady = Crowd(lambda: (dice.uniform(2.0, 5.0), dice.choice([finish, finish, abort])), TONE)
    for name, crowd in (("mortal", mortal), ("steady", steady)):
        uri = f"wss://{name}.example/"
        world.servers[uri] = crowd.reception
        world.connector.integrations.put(Integration(name=name, uri=uri, active=True))
    fallback = Fallback(integrations=["steady"], retries=1, dead_air=None, transfer="sip:agents@pbx.example")
    world.connector.add_flow(lambda call: call.audio_connector("mortal", fallback=fallback))
    transferred, sizes = [], []

    def over(leg: WavLeg) -> None:
        assert leg.ended
        transferred.append(leg.transferred)
        if len(transferred) % 10 == 0:
            gc.collect()
            sizes.append(sys.getallocatedblocks())

    async with world.connector:
        await ring(world.connector, CALLS, SECONDS, lambda: WavLeg(speech(1.0) + ulaw.silence(8000)), over)
    store.close()
    meter.close()

    assert toll.calls > 3 * CALLS
    assert mortal.deaths >= toll.calls - 2 * CALLS
    # Every call went to the second bot, and from there to its end or to people.
    assert toll.problems == []
    assert toll.decisions["next-integration"] == toll.calls
    assert 0 < toll.served < toll.calls
    assert sum(target != "" for target in transferred) == toll.calls - toll.served
    # Nothing is left over of a call, and every session was counted.
    assert world.connector.calls == set()
    assert list(unaccounted(ledger.read(), tmp_path / "calls", sessions)) == []
    ledger.close()
    assert len(sizes) >= 4
    assert sizes[-1] < 1.05 * sizes[len(sizes) // 2]
