"""What a flow can do with a caller, beyond the bots: words, variables, notes, and the stream of what happens."""

from __future__ import annotations

import pytest

from offhook import Connector, PhoneCall
from offhook.audio import ulaw
from offhook.connector import happenings as h
from offhook.connector.legs.wav import WavLeg
from offhook.connector.sounds import SPOKEN, loudness

from .exchanges import World, says
from .lines import Bot


async def test_words_are_spoken_by_the_default_engine():
    connector, done = Connector(), []

    @connector.flow()
    async def greet(call: PhoneCall) -> None:
        done.append(await call.say("Good morning."))

    leg = WavLeg()
    await connector.answer(leg)
    assert done == [True]
    heard = bytes(leg.heard)
    spoken = sum(loudness(heard[at : at + 160]) >= SPOKEN for at in range(0, len(heard), 160)) / 50
    assert 0.4 < spoken < 3.0


@pytest.mark.virtual_time
async def test_variables_and_notes_are_events_and_outputs_become_variables():
    world = World()
    world.serve("bot", says((0.5, {"intent": "a"})))

    async def flow(call):
        call.set("tries", 3)
        call.note("the queue is long")
        await call.audio_connector("bot")
        assert call.variables == {"tries": "3", "intent": "a"}
        assert call.caller.kind == "wav"
        assert len(call.id) == 36

    await world.call(flow)
    assert [(event.name, event.value) for event in world.of(h.VariableSet)] == [("tries", "3")]
    assert [h.redacted(event).value for event in world.of(h.VariableSet)] == ["[redacted]"]
    assert [event.text for event in world.of(h.Noted)] == ["the queue is long"]
    assert world.of(h.CallOver)[0].by == "flow"


@pytest.mark.virtual_time
async def test_the_stream_of_events_can_be_read_from_its_beginning_to_its_end():
    world, read = World(), []
    world.serve("bot", says((0.5, {})))
    keep = []

    async def flow(call):
        keep.append(call)
        await call.audio_connector("bot")

    await world.call(flow)
    async for event in keep[0].events():
        read.append(event)  # noqa: PERF401
    assert read == world.events
    assert [read[0].__class__, read[-1].__class__] == [h.CallArrived, h.CallOver]


@pytest.mark.virtual_time
async def test_when_a_call_is_over_is_not_when_a_slow_bot_lets_go_of_it():
    def deaf(bot: Bot, event: object) -> None:
        bot.link.session.close = lambda *given: None  # `closed` comes late

    world = World()
    world.serve("bot", Bot(deaf))
    await world.call(lambda call: call.audio_connector("bot"), WavLeg(ulaw.silence(160), hang_up_after=2.0))
    assert world.of(h.CallOver)[0].t == pytest.approx(2.0, abs=0.1)
    assert world.of(h.SessionOver)[0].t > 5
