"""Monitors beside a call: each in stereo with a session of its own, and none of them able to touch the call."""

from __future__ import annotations

import asyncio

import pytest

from offhook.audio import split, ulaw
from offhook.connector import happenings as h
from offhook.connector.legs.wav import WavLeg
from offhook.errors import UpgradeRejected
from offhook.protocol import MONITOR, TRANSCRIPTION, CloseRequested, Entity, Event, Paused, Resumed
from offhook.session.memory import join
from offhook.session.reception import Decline
from offhook.session.wire import UpgradeRequest

from .exchanges import TONE, Scripted, World, says, speech
from .lines import Bot

pytestmark = pytest.mark.virtual_time


async def converse(call, monitors):
    started = [call.monitor(name) for name in monitors]
    await call.audio_connector("support")
    return started


async def test_a_monitor_hears_both_sides_as_they_were():
    world = World()
    world.serve("support", says((1.0, TONE), (3.0, {})))
    monitor = world.monitor("watch")
    said = speech(2.0)
    leg = await world.call(lambda call: converse(call, ["watch"]), WavLeg(said))
    external, internal = split(monitor.heard, 2)
    assert said in external
    assert TONE in internal
    assert internal == bytes(leg.heard)[: len(internal)]
    assert [event.reason for event in monitor.of(CloseRequested)] == ["end"]


async def test_a_monitor_is_paused_and_resumed_alone_and_may_be_stopped():
    world = World()
    world.serve("support", says((4.0, {})))
    one, other = world.monitor("one"), world.monitor("other")

    async def flow(call):
        first = call.monitor("one")
        second = call.monitor("other")
        talking = asyncio.ensure_future(call.audio_connector("support"))
        await asyncio.sleep(1)
        first.pause()
        await asyncio.sleep(1)
        first.resume()
        await second.stop()
        assert not second.live
        assert first.live
        await asyncio.wait((talking,))

    await world.call(flow)
    assert [type(event) for event in one.events if isinstance(event, Paused | Resumed)] == [Paused, Resumed]
    assert not [event for event in other.events if isinstance(event, Paused | Resumed)]
    assert other.session.position < one.session.position


async def test_what_monitors_send_back_is_one_stream_of_the_call():
    world, got = World(), []
    world.serve("support", says((3.0, {})))

    async def transcribe(bot: Bot) -> None:
        await asyncio.sleep(1.0)
        bot.session.send_event(Entity("transcript", {"channelId": 0}))
        bot.flush()

    for name in ("stt", "assist"):
        world.monitor(name, Scripted(transcribe, profile=TRANSCRIPTION if name == "stt" else MONITOR))

    async def flow(call):
        reading = asyncio.ensure_future(read(call))
        await converse(call, ["stt", "assist"])
        reading.cancel()

    async def read(call):
        async for event in call.events():
            if isinstance(event, h.EntityCame):
                got.append((event.strand, event.type))  # noqa: PERF401 (it is read while it happens)

    await world.call(flow)
    assert sorted(got) == [("assist", "transcript"), ("stt", "transcript")]
    assert world.of(h.SessionBegan)[0].profile in ("transcription", "monitor", "connector")


async def test_a_monitor_that_reads_too_slowly_loses_audio_is_told_so_and_never_a_word():
    world = World()
    world.serve("support", says((6.0, {})))
    monitor = world.monitor("watch")
    reception, loop = world.servers["wss://watch.example/"], asyncio.get_running_loop()
    began = loop.time()

    class Slow:
        """The wire of a connection whose peer does not read for two seconds."""

        def __init__(self, wire) -> None:
            self._wire = wire
            self.send, self.close, self.abort = wire.send, wire.close, wire.abort

        @property
        def backlog(self) -> int:
            return 70_000 if 1.0 < loop.time() - began < 3.0 else 0

    async def slow(connection) -> None:
        fields = {"audiohook-session-id": connection.session.id, "upgrade": "websocket"}
        receiver = reception.accept(UpgradeRequest("/", fields))
        join(connection, receiver)
        connection._wire = Slow(connection._wire)

    world.servers["wss://watch.example/"] = slow
    await world.call(lambda call: converse(call, ["watch"]), WavLeg(speech(6.0), keys=[(2.0, "5")]))
    (gap,) = [event for event in monitor.events if type(event).__name__ == "AudioDiscarded"]
    assert gap.discarded == 9 * 1600  # the frames that were full within those two seconds
    assert len(monitor.heard) // 2 + gap.discarded == monitor.session.position
    assert [round(event.seconds, 1) for event in world.of(h.AudioLost)] == [0.2, 1.0]
    assert not world.of(h.RuleBroken)


class Mad(Scripted):
    """A monitor that opens, and then does what it likes."""

    def __init__(self, madness) -> None:
        super().__init__(self._go, profile=MONITOR)
        self._madness = madness

    async def _go(self, bot: Bot) -> None:
        await asyncio.sleep(0.5)
        self._madness(bot)
        bot.flush()


def wire_of(bot: Bot):
    return bot.link.connection._wire


def _dead(bot: Bot) -> None:
    bot.link.connection.abort()


def _deaf(bot: Bot) -> None:
    bot.link.received = lambda data: None  # pings are never answered again
    bot.link.connection.received = lambda data: None


def _loud(bot: Bot) -> None:
    wire_of(bot).send(TONE)  # a monitor has nothing to say: 415


def _garbage(bot: Bot) -> None:
    wire_of(bot).send("\x00\xff{{{")


def _flood(bot: Bot) -> None:
    for _ in range(500):
        bot.session.send_event(Entity("transcript", {"channelId": 0}))
        for data in bot.session.data_to_send(bot.link.connection.now + 10_000.0):
            wire_of(bot).send(data)


def _huge(bot: Bot) -> None:
    wire_of(bot).send("x" * 70_000)


def _quits(bot: Bot) -> None:
    bot.session.disconnect("completed")


def _errs(bot: Bot) -> None:
    bot.session.disconnect("error", "no more licences")


MADNESS = (_dead, _deaf, _loud, _garbage, _flood, _huge, _quits, _errs)


async def test_twenty_monitors_of_which_ten_misbehave_change_nothing_for_the_call_or_the_others():
    quiet, mad = World(), World()
    said = speech(2.0) + ulaw.silence(16_000) + speech(2.0)
    heard = {}
    for world, extra in ((quiet, False), (mad, True)):
        bot = world.serve("support", says((1.0, TONE), (2.0, TONE * 2), (17.0, {"intent": "done"})))
        good = {f"good-{n}": world.monitor(f"good-{n}") for n in range(10)}
        names = list(good)
        if extra:
            for number, madness in enumerate(MADNESS):
                world.monitor(f"bad-{number}", Mad(madness))
            world.monitor("bad-8", Bot(profile=MONITOR, answer=Decline("unauthorized")))
            world.monitor("bad-9")
            world.servers["wss://bad-9.example/"] = UpgradeRejected(500)
            names = [name for pair in zip(names, [f"bad-{n}" for n in range(10)], strict=True) for name in pair]
        leg = await world.call(lambda call, names=names: converse(call, names), WavLeg(said))
        heard[extra] = bytes(leg.heard), bot.heard, [each.heard for each in good.values()]
        assert [event.by for event in world.of(h.CallOver)] == ["flow"]
        assert all(
            not [event for event in each.events if type(event).__name__ == "ErrorReported"] for each in good.values()
        )
    assert heard[True] == heard[False]
    failed = {event.strand for event in mad.of(h.SessionOver) if event.error_type}
    assert failed >= {f"bad-{n}" for n in (0, 1, 2, 3, 4, 5, 7, 8, 9)}
    assert not any(name.startswith("good") for name in failed)


async def test_a_monitor_that_breaks_the_connector_itself_is_dropped(monkeypatch):
    world = World()
    world.serve("support", says((1.0, TONE), (2.0, {})))
    world.monitor("watch")

    def explode(*args) -> None:
        raise RuntimeError("ours")

    async def flow(call):
        (started,) = [call.monitor("watch")]
        await asyncio.sleep(0.2)
        monkeypatch.setattr(started.strand.sitting.stream, "capture", explode)
        await call.audio_connector("support")
        assert not started.live

    leg = await world.call(flow)
    assert TONE in bytes(leg.heard)


async def test_a_monitor_that_was_lost_is_opened_again_where_the_integration_reconnects():
    world = World()
    world.serve("support", says((8.0, {})))
    sessions: list[Event] = []

    async def once(bot: Bot) -> None:
        sessions.append(bot.link)
        if len(sessions) == 1:
            await asyncio.sleep(3.0)
            bot.link.connection.abort()

    monitor = world.monitor("watch", Scripted(once, profile=MONITOR), reconnect=True)
    said = bytes((n * 7 + n // 251) % 100 for n in range(64_000))
    await world.call(lambda call: converse(call, ["watch"]), WavLeg(said))
    _, second = monitor.opens
    assert [entry.id for entry in second.continued_sessions] == [sessions[0].session.id]
    assert second.continued_sessions[0].clientseq >= 2
    # The window was offered from its start, so the second session has heard all of the call, up to 20 s back.
    assert sessions[1].session.position >= 7.5 * 8000
    (event,) = world.of(h.Reconnecting)
    assert not event.planned
