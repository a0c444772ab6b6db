"""Calls through flows: the bot is heard and hears, outputs steer, hang-ups cancel, and nothing gets out of a call."""

from __future__ import annotations

import asyncio

import pytest

from offhook.audio import ulaw, wav
from offhook.connector import happenings as h
from offhook.connector.exchange import Connector
from offhook.connector.legs import Caller
from offhook.connector.legs.wav import WavLeg
from offhook.connector.policy import Failure, Fallback, Success
from offhook.errors import CallEnded, UsageError
from offhook.protocol import BARGE_IN, AudioReceived, CloseRequested, DtmfReceived, PlaybackCompleted, PlaybackStarted
from offhook.records.record import Keep
from offhook.records.store import CallStore

from .exchanges import TONE, World, says, speech
from .lines import Bot, echo

pytestmark = pytest.mark.virtual_time


async def test_a_bot_is_heard_and_its_outputs_come_back():
    world = World()
    bot = world.serve("support", says((0.5, TONE), (1.5, {"intent": "billing"})), suffix="bot-7")
    outcomes = []

    async def flow(call):
        outcomes.append(await call.audio_connector("support", "bot-7", {"tier": "gold", "age": 3}, language="de-DE"))
        call.set("seen", call.variables["intent"])
        await call.transfer("+15550000001")

    leg = await world.call(flow)
    assert outcomes == [Success({"intent": "billing"}, "support")]
    assert TONE in bytes(leg.heard)
    assert bot.opens[0].input_variables == {"tier": "gold", "age": "3"}
    assert bot.opens[0].language == "de-DE"
    assert bot.opens[0].participant.ani == "tel:+13175550142"
    assert [type(event) for event in bot.events if isinstance(event, PlaybackStarted | PlaybackCompleted)] == [
        PlaybackStarted,
        PlaybackCompleted,
    ]
    assert [event.reason for event in bot.of(CloseRequested)] == ["disconnect"]
    assert world.dialled[0][0] == "wss://support.example/bot-7"
    assert world.dialled[0][1]["Audiohook-Retry-Attempt"] == "0"
    # Nobody may be handed on unless it is allowed.
    assert leg.transferred == ""
    assert [event.reason for event in world.of(h.StepEnded) if event.step == "transfer"] == [
        "the target is not among transfer-targets"
    ]
    assert world.of(h.CallOver)[0].by == "flow"


async def test_what_the_caller_says_from_the_first_moment_on_reaches_the_bot():
    world = World()
    bot = world.serve("support", says((2.0, {})))
    said = speech(1.0)
    await world.call(lambda call: call.audio_connector("support"), WavLeg(said))
    assert said in bot.heard


async def test_keys_go_to_the_bot_and_a_hang_up_cancels_the_flow_with_close_end():
    world = World()
    bot = world.serve("support", Bot(echo))
    cleared = []

    async def flow(call):
        try:
            await call.audio_connector("support")
        finally:
            cleared.append(call.over)

    await world.call(flow, WavLeg(speech(0.4), keys=[(0.5, "1"), (0.8, "#")], hang_up_after=3.0))
    assert [event.digit for event in bot.of(DtmfReceived)] == ["1", "#"]
    assert [event.reason for event in bot.of(CloseRequested)] == ["end"]
    assert cleared == ["caller"]
    assert world.of(h.CallOver)[0] == h.CallOver("caller", "hung up", t=world.of(h.CallOver)[0].t, position=24_000)


async def test_a_hang_up_is_seen_by_the_bot_within_a_tick():
    world = World()
    bot = world.serve("support", Bot(echo))
    loop = asyncio.get_running_loop()
    left, seen = [], []
    bot._on_event = lambda bot, event: seen.append(loop.time()) if isinstance(event, CloseRequested) else None

    class Leg(WavLeg):
        def leave(self, reason="hung up"):
            left.append(loop.time())
            super().leave(reason)

    await world.call(lambda call: call.audio_connector("support"), Leg(hang_up_after=1.0))
    assert seen[0] - left[0] <= 0.02


async def test_several_bots_one_after_the_other():
    world = World(transfer_targets=["sip:*@pbx.example"])
    world.serve("ident", says((0.2, {"customer": "4711"})))
    service = world.serve("service", says((0.2, {"target": "billing"})))

    async def flow(call):
        first = await call.audio_connector("ident")
        await call.audio_connector("service", inputs=first.outputs)
        await call.transfer(f"sip:{call.variables['target']}@pbx.example")

    leg = await world.call(flow)
    assert service.opens[0].input_variables == {"customer": "4711"}
    assert leg.transferred == "sip:billing@pbx.example"
    assert world.of(h.CallOver)[0].by == "transfer"
    starts = {event.strand: event.session for event in world.of(h.SessionBegan)}
    assert len(set(starts.values())) == 2


async def test_prompts_are_heard_whole_and_keys_are_gathered():
    world, gathered = World(), []

    async def flow(call):
        assert await call.play(TONE)
        gathered.append(await call.collect(4, prompt=TONE * 5))
        gathered.append(await call.collect(2, first=1.0))

    leg = await world.call(flow, WavLeg(keys=[(2.0, "1"), (2.5, "2"), (3.0, "#")]))
    assert gathered == ["12", ""]
    assert TONE in bytes(leg.heard)
    assert leg.heard.strip(b"\xff\x7f").find(TONE * 2) == -1 or len(leg.heard.strip(b"\xff\x7f")) < 3 * 8000


async def test_a_secure_block_pauses_everybody_and_keeps_keys_to_the_flow():
    world, pins = World(), []
    bot = world.serve("support", says((6.0, {})))
    monitor = world.monitor("watch")

    async def flow(call):
        call.monitor("watch")
        talking = asyncio.ensure_future(call.audio_connector("support"))
        await asyncio.sleep(1)
        with call.secure():
            pins.append(await call.collect(4))
        await asyncio.wait((talking,))

    await world.call(flow, WavLeg(speech(8.0), keys=[(2.0 + n / 4, digit) for n, digit in enumerate("4711")]))
    assert pins == ["4711"]
    assert bot.of(DtmfReceived) == []
    for server in (bot, monitor):
        width = server.link.session.media.width
        (resumed,) = [event for event in server.events if type(event).__name__ == "Resumed"]
        assert resumed.discarded == pytest.approx(1.75 * 8000, abs=400)
        assert len(server.heard) // width == pytest.approx(server.session.position - resumed.discarded, abs=0)
    assert {event.digit for event in world.of(h.KeyPressed)} == {""}


async def test_hold_is_a_pause_of_the_client():
    world = World()
    bot = world.serve("support", says((6.0, {})))

    class Leg(WavLeg):
        def exchange(self, heard):
            if self.position in (8_000, 16_000):
                self.hold(self.position == 8_000)
            return super().exchange(heard)

    await world.call(lambda call: call.audio_connector("support"), Leg(speech(8.0)))
    assert [type(event).__name__ for event in bot.events if type(event).__name__ in ("Paused", "Resumed")] == [
        "Paused",
        "Resumed",
    ]


async def test_the_language_may_change_in_the_middle_of_a_call():
    world = World()
    bot = world.serve("support", says((3.0, {})))
    monitor = world.monitor("watch")

    async def flow(call):
        call.monitor("watch")
        talking = asyncio.ensure_future(call.audio_connector("support"))
        await asyncio.sleep(1)
        call.language = "fr-FR"
        await asyncio.wait((talking,))

    await world.call(flow)
    for server in (bot, monitor):
        assert [event.language for event in server.events if hasattr(event, "language")] == ["fr-FR"]


async def test_a_session_that_takes_too_long_ends_on_the_failure_path():
    world, outcomes = World(), []
    world.serve("support", max_seconds=20.0)
    world.serve("other", max_seconds=20.0)

    async def flow(call):
        outcomes.append(await call.audio_connector("support"))
        outcomes.append(await call.audio_connector("other", timeout=5.0))

    await world.call(flow)
    assert [outcome.error_type for outcome in outcomes] == ["MaxDurationError"] * 2
    began = {event.strand: event.t for event in world.of(h.SessionBegan)}
    spans = {event.strand: event.t - began[event.strand] for event in world.of(h.SessionOver)}
    assert spans == pytest.approx({"support": 20.0, "other": 5.0}, abs=0.1)


def test_a_number_beats_a_pattern_and_a_longer_pattern_a_shorter_one():
    connector = Connector()

    @connector.flow("+1555*", "sip:sales@pbx.example")
    async def sales(call): ...

    @connector.flow("+15550001111")
    async def boss(call): ...

    @connector.flow()
    async def rest(call): ...

    chosen = {number: connector.flow_for(number)[1] for number in ("tel:+15550001111", "+15552", "sip:sales@x", "9")}
    assert chosen == {"tel:+15550001111": "boss", "+15552": "sales", "sip:sales@x": "sales", "9": "rest"}


async def test_a_call_for_nobody_or_one_too_many_is_refused():
    world = World(max_calls=1)
    leg = WavLeg()
    await world.connector.answer(leg)
    assert leg.ended == "ended: no-route"
    assert not leg.answered

    async def flow(call):
        other = WavLeg()
        await world.connector.answer(other)
        assert other.ended == "ended: busy"

    await world.call(flow)
    assert [event.by for event in world.of(h.CallOver)] == ["refused", "refused", "flow"]


async def test_a_flow_that_fails_leaves_its_caller_with_the_fallback(caplog):
    world = World(fallback=Fallback(prompt=TONE, transfer="+15550000009"), transfer_targets=["+1555*"])

    async def flow(call):
        raise RuntimeError("a bug")

    leg = await world.call(flow)
    assert TONE in bytes(leg.heard)
    assert leg.transferred == "+15550000009"
    assert "RuntimeError" in caplog.text
    assert [event.action for event in world.of(h.Decided)] == ["prompt", "transfer"]


async def test_steps_of_a_call_that_is_over_are_refused():
    world, raised = World(), []

    async def flow(call):
        await call.hangup()
        for step in (call.play(TONE), call.collect(), call.transfer("x"), call.audio_connector("none")):
            with pytest.raises(CallEnded):
                await step
            raised.append(step)

    await world.call(flow)
    assert len(raised) == 4


async def test_what_cannot_be_used_is_a_failure_with_the_reason():
    world, outcomes = World(), []
    world.monitor("watch")
    world.serve("idle")
    world.connector.integrations.activate("idle", False)

    async def flow(call):
        outcomes.extend([await call.audio_connector(name) for name in ("nobody", "watch", "idle")])
        for name in ("idle", "nobody"):
            with pytest.raises(UsageError):
                call.monitor(name)

    await world.call(flow)
    assert [outcome.error_type for outcome in outcomes] == ["ConfigurationError"] * 3
    assert all(isinstance(outcome, Failure) for outcome in outcomes)
    assert world.dialled == []


async def test_who_calls_is_not_in_the_redacted_events():
    world = World()
    await world.call(lambda call: call.collect(1), WavLeg(keys=[(0.5, "7")], caller=Caller("+1999", "+1888", "Ann")))
    shown = repr([h.redacted(event) for event in world.events])
    assert not [secret for secret in ("1999", "1888", "Ann", "'7'") if secret in shown]


async def test_a_leg_that_fails_ends_its_call():
    world = World()
    bot = world.serve("support")

    class Broken(WavLeg):
        def exchange(self, heard):
            if self.position > 8000:
                raise OSError("gone")
            return super().exchange(heard)

    await world.call(lambda call: call.audio_connector("support"), Broken())
    assert [event.reason for event in bot.of(CloseRequested)] == ["end"]
    assert world.of(h.CallOver)[0].reason == "the leg failed"


async def test_a_shutdown_ends_calls_that_are_on():
    world = World()
    bot = world.serve("support")
    world.connector.add_flow(lambda call: call.audio_connector("support"))
    async with world.connector:
        task = world.connector.take(WavLeg())
        await bot.begun.wait()
    await task
    assert [event.reason for event in bot.of(CloseRequested)] == ["end"]
    assert world.of(h.CallOver)[0].by == "shutdown"


async def test_silence_is_digital_and_audio_byte_exact_between_bot_and_caller():
    world = World()
    world.serve("support", says((0.3, bytes(range(128, 255)) * 30), (3, {})))
    leg = await world.call(lambda call: call.audio_connector("support"))
    assert bytes(leg.heard).strip(b"\xff") == bytes(range(128, 255)) * 30
    assert isinstance(world.connector.integrations.list()[0].name, str)
    assert ulaw.silence(160) in bytes(leg.heard)
    assert not [event for event in world.events if isinstance(event, AudioReceived)]


async def test_a_barge_in_is_silence_within_one_tick_and_the_leg_is_flushed():
    world, times = World(), {}
    loop = asyncio.get_running_loop()

    def cut(bot):
        times["cut"] = loop.time()
        bot.session.send_event(BARGE_IN)

    bot = world.serve("support", says((0.2, TONE * 10), (2.003, cut), (2.0, {})))

    class Leg(WavLeg):
        flushed = 0

        def exchange(self, heard):
            if heard.strip(b"\xff\x7f"):
                times["last"] = loop.time()
            return super().exchange(heard)

        def flush(self):
            self.flushed += 1
            return 0

    leg = await world.call(lambda call: call.audio_connector("support"), Leg())
    assert 0 < times["last"] - times["cut"] <= 0.02  # the tick in which it ends softly
    assert leg.flushed == 1
    assert len(bot.of(PlaybackCompleted)) == 1


async def test_playback_is_reported_when_it_is_heard_and_not_when_the_leg_takes_it():
    world = World()
    near = world.serve("near", says((0.2, TONE), (3.0, {})))
    far = world.serve("far", says((0.2, TONE), (3.0, {})))

    class Leg(WavLeg):
        ahead = 0

    async def flow(call):
        await call.audio_connector("near")
        leg.ahead = 1600
        await call.audio_connector("far")

    leg = Leg()
    await world.call(flow, leg)
    (began, ended), (began_late, ended_late) = (
        [event.position for event in bot.events if isinstance(event, PlaybackStarted | PlaybackCompleted)]
        for bot in (near, far)
    )
    assert ended - began == len(TONE)
    assert began_late - began == pytest.approx(1600, abs=320)
    assert ended_late - ended == pytest.approx(1600, abs=320)


async def test_a_recording_holds_what_was_said_and_heard_and_nothing_of_secure_blocks(tmp_path):
    store = CallStore(tmp_path, Keep(trace=False, report=False))
    world = World(recordings=store)
    said = speech(3.0)

    async def flow(call):
        call.record()
        await call.play(TONE)
        with call.secure():
            await call.play(TONE)
        call.record(False)
        await call.play(TONE)

    await world.call(flow, WavLeg(said))
    store.close()
    (path,) = tmp_path.glob("*/audio.wav")
    external, internal = wav.read_ulaw(path, 2)
    assert external.startswith(said[:7_900])
    assert TONE[:7_900] in internal
    assert len(external) <= 8_160
    world = World()
    await world.call(flow)
    assert "keeps nothing" in world.of(h.CallOver)[0].reason
