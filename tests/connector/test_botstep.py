"""Bots that fail, before and in the middle of a call: what is tried next, what the caller hears, and why it is said."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from offhook.audio import ulaw
from offhook.connector import happenings as h
from offhook.connector.integrations import Endpoint, Integration
from offhook.connector.legs.wav import WavLeg
from offhook.connector.policy import Fallback, Success
from offhook.connector.sounds import AUDIBLE, loudness
from offhook.errors import UpgradeRejected, UsageError
from offhook.session.reception import Answer, Decline
from offhook.session.wire import Wire

from .exchanges import TONE, Scripted, World, says, speech
from .lines import Bot

pytestmark = pytest.mark.virtual_time

QUICK = Fallback(retries=1, backoff=0.25, patience=20.0, dead_air=4.0)


def longest_silence(heard: bytes) -> float:
    """Seconds for which nothing could be heard."""
    longest = run = 0
    for at in range(0, len(heard), 80):
        run = 0 if loudness(heard[at : at + 80]) >= AUDIBLE else run + 80
        longest = max(longest, run)
    return longest / 8000


def worst_step(heard: bytes) -> int:
    """The largest jump between two samples: what a click is made of."""
    return int(np.abs(np.diff(ulaw.decode(heard).astype(np.int32))).max())


async def never(connection) -> None:
    """A server that takes the socket and says nothing."""
    connection.connected(Silent())


class Silent(Wire):
    def send(self, data):
        pass

    def close(self, code=1000, reason=""):
        pass

    def abort(self):
        pass

    @property
    def backlog(self):
        return 0


async def run(world: World, policy: Fallback, leg: WavLeg | None = None, name: str = "first"):
    outcomes = []

    async def flow(call):
        outcomes.append(await call.audio_connector(name, fallback=policy))

    leg = await world.call(flow, leg)
    return (outcomes or [None])[0], leg


def actions(world: World) -> list[str]:
    return [event.action for event in world.of(h.Decided)]


async def test_a_bot_that_cannot_be_reached_is_tried_again_with_backoff_and_then_left():
    world = World()
    world.serve("first")
    del world.servers["wss://first.example/"]
    outcome, _ = await run(world, Fallback(retries=3, backoff=0.5))
    assert outcome.error_type == "NoResourceError"
    assert [fields["Audiohook-Retry-Attempt"] for _, fields in world.dialled] == ["0", "1", "2", "3"]
    times = [event.t for event in world.of(h.SessionTried)]
    assert np.diff(times) == pytest.approx([0.5, 1.0, 2.0], abs=0.01)
    assert actions(world) == ["retry"] * 3 + ["give-up"]
    assert world.of(h.Operational)[0].id == "AUDIOHOOK-0001"


@pytest.mark.parametrize(
    ("status", "type", "event"),
    [(401, "UnauthorizedError", "AUDIOHOOK-0003"), (503, "NoResourceError", "AUDIOHOOK-0001")],
)
async def test_a_refused_upgrade_is_not_tried_again(status, type, event):
    world = World()
    world.serve("first")
    world.servers["wss://first.example/"] = UpgradeRejected(status)
    outcome, _ = await run(world, QUICK)
    assert outcome.error_type == type
    assert len(world.dialled) == 1
    assert world.of(h.Operational)[0].id == event


async def test_a_server_that_does_not_open_within_five_seconds_is_tried_again_and_the_history_is_sent():
    world = World()
    bot = world.serve("first", says((3.0, {"ok": "yes"})))
    good = world.servers["wss://first.example/"]

    async def late(connection):
        world.servers["wss://first.example/"] = good
        await never(connection)

    world.servers["wss://first.example/"] = late
    said = speech(4.0)
    outcome, leg = await run(world, QUICK, WavLeg(said))
    assert outcome == Success({"ok": "yes"}, "first")
    assert said in bot.heard  # P8.5: a retry keeps the position, and what was said is not lost
    assert world.of(h.SessionBegan)[0].history == pytest.approx(5.25, abs=0.05)
    assert [event.error_message for event in world.of(h.SessionOver) if event.error_type == "TimeoutError"] == [
        "open transaction timeout (AudioHook error 408)"
    ]
    assert longest_silence(bytes(leg.heard)[: 5 * 8000]) < 1.0
    comforted = world.of(h.Comforted)
    assert [event.on for event in comforted] == [True, False]
    assert comforted[0].t == pytest.approx(0.7, abs=0.05)


async def test_what_does_not_fit_into_thirty_seconds_is_announced_as_discarded():
    world = World()
    bot = world.serve("first", says((1.0, {})))
    good = world.servers["wss://first.example/"]

    async def late(connection):
        await asyncio.sleep(34.0)
        world.servers["wss://first.example/"] = good
        await world.dial("wss://first.example/", connection, {"audiohook-session-id": connection.session.id})

    world.servers["wss://first.example/"] = late
    outcome, _ = await run(world, Fallback(patience=60.0), WavLeg(speech(40.0)))
    assert isinstance(outcome, Success)
    (gap,) = [event for event in bot.events if type(event).__name__ == "AudioDiscarded"]
    assert gap.start == 0
    assert gap.discarded == pytest.approx(4 * 8000, abs=320)
    assert len(bot.heard) + gap.discarded == bot.session.position


async def test_the_next_integration_takes_over_from_one_that_refuses():
    world = World()
    world.serve("first", Bot(answer=Decline("error", "no room")))
    world.serve("second", says((0.5, {"by": "second"})))
    outcome, leg = await run(world, Fallback(integrations=["second"], retries=1))
    assert outcome == Success({"by": "second"}, "second")
    assert actions(world) == ["retry", "next-integration"]
    assert all(event.reason for event in world.of(h.Decided))
    assert longest_silence(bytes(leg.heard)) < 1.0


async def test_endpoints_go_by_measured_round_trip_and_one_that_fails_is_left_for_a_while():
    world = World()
    here, there = says((0.5, {"by": "here"})), says((0.5, {"by": "there"}))
    world.servers |= {"wss://eu.example/": here.reception, "wss://us.example/": there.reception}
    world.connector.integrations.put(
        Integration(
            name="first", uri="wss://eu.example/", endpoints=(Endpoint("wss://us.example/", "us"),), active=True
        )
    )
    world.connector.endpoints.measured("wss://eu.example/", 0.120)
    world.connector.endpoints.measured("wss://us.example/", 0.020)
    assert (await run(world, QUICK))[0].outputs == {"by": "there"}
    world.servers["wss://us.example/"] = UpgradeRejected(503)
    assert (await run(world, QUICK))[0].outputs == {"by": "here"}
    assert "next-endpoint" in actions(world)
    assert world.connector.endpoints.is_left("wss://us.example/")
    dialled = len(world.dialled)
    assert (await run(world, QUICK))[0].outputs == {"by": "here"}
    assert len(world.dialled) == dialled + 1


def drop(bot: Bot) -> None:
    bot.link.connection.abort()


def babble(bot: Bot) -> None:
    bot.link.connection._wire.send("{}")  # no message at all


def flood(bot: Bot) -> None:
    for _ in range(400):
        bot.link.connection._wire.send(ulaw.silence(160))


def give_up(bot: Bot) -> None:
    bot.session.disconnect("error", "out of order")


@pytest.mark.parametrize(
    ("way", "type"),
    [
        (drop, "ConnectionLostError"),
        (babble, "ProtocolError"),
        (give_up, "BotError"),
    ],
)
async def test_a_bot_that_dies_while_it_speaks_is_followed_by_the_next_without_click_or_silence(way, type):
    world = World()
    world.serve("first", says((0.2, TONE * 10), (2.03, way)))
    world.serve("second", says((2.0, TONE), (2.0, {"by": "second"})))
    outcome, leg = await run(world, Fallback(integrations=["second"]))
    assert outcome == Success({"by": "second"}, "second")
    (decided,) = world.of(h.Decided)
    assert decided.reason.startswith(type)
    heard = bytes(leg.heard)
    assert longest_silence(heard[: len(heard) // 2]) < 1.0
    assert worst_step(heard) < 1.5 * worst_step(TONE)


async def test_dead_air_is_measured_on_what_the_caller_hears():
    world = World()
    # It answers once, and then is open, pings and all, but says nothing more.
    world.serve("first", says((2.0, TONE)))
    world.serve("second", says((0.5, TONE), (1.5, {"by": "second"})))
    caller = WavLeg(speech(1.0) + ulaw.silence(5 * 8000) + speech(1.0))
    outcome, leg = await run(world, Fallback(integrations=["second"], dead_air=4.0), caller)
    assert outcome == Success({"by": "second"}, "second")
    (decided,) = world.of(h.Decided)
    assert decided.reason.startswith("DeadAirError")
    assert decided.t == pytest.approx(7.0 + 4.0, abs=0.3)
    assert TONE in bytes(leg.heard)
    assert [event.strand for event in world.of(h.BotSpoke) if event.on] == ["first", "second"]


async def test_no_dead_air_while_the_caller_says_nothing_or_is_answered():
    world = World()
    world.serve("first", says((20.0, {"by": "first"})))
    outcome, _ = await run(world, Fallback(dead_air=2.0))
    assert outcome == Success({"by": "first"}, "first")


async def test_a_key_wants_an_answer_too():
    world = World()
    world.serve("first")
    outcome, _ = await run(world, Fallback(dead_air=3.0, retries=0), WavLeg(keys=[(2.0, "5")]))
    assert outcome.error_type == "DeadAirError"


async def test_when_no_bot_is_left_prompt_and_transfer_follow():
    world = World(transfer_targets=["+1555*"])
    world.serve("first", Bot(answer=Decline("error")))
    policy = Fallback(retries=0, prompt=TONE, transfer="+15551", hang_up=True)
    outcome, leg = await run(world, policy)
    assert outcome.error_type == "BotError"
    assert TONE[800:] in bytes(leg.heard)
    assert leg.transferred == "+15551"
    assert actions(world) == ["prompt", "transfer"]


async def test_sounds_that_cannot_be_read_keep_nobody_from_being_transferred(tmp_path):
    world = World(transfer_targets=["+1555*"])
    world.serve("bot")
    world.servers.clear()
    nowhere = str(tmp_path / "none.wav")
    policy = Fallback(retries=0, comfort=nowhere, prompt=nowhere, transfer="+15551")
    leg = await world.call(lambda call: call.audio_connector("bot", fallback=policy))
    assert leg.transferred == "+15551"
    assert [nowhere in note.text for note in world.of(h.Noted)] == [True, True]


async def test_where_the_transfer_is_not_taken_the_call_is_ended():
    world = World(transfer_targets=["+1555*"])
    world.serve("first", Bot(answer=Decline("unauthorized")))
    policy = Fallback(retries=0, transfer="+15551", hang_up=True)
    outcome, leg = await run(world, policy, WavLeg(transfers=False))
    assert outcome.error_type == "UnauthorizedError"
    assert actions(world) == ["transfer", "hang-up"]
    assert leg.ended == "ended: normal"


async def test_a_caller_who_waits_hears_the_comfort_sound_of_choice_and_none_if_so_chosen():
    for comfort, heard_it in ((ulaw.silence(0), False), (TONE, True)):
        world = World()
        world.serve("first")
        world.servers["wss://first.example/"] = never
        _, leg = await run(world, Fallback(retries=0, comfort=comfort))
        assert (longest_silence(bytes(leg.heard)) < 1.0) == heard_it


async def test_too_many_messages_are_answered_with_429_and_then_end_the_session():
    world = World()
    bot = world.serve("first", says((0.5, flood), (4.0, flood), (1.0, flood)))
    outcome, _ = await run(world, Fallback(retries=0))
    assert outcome.error_type == "RateLimitError"
    codes = [event.code for event in bot.events if type(event).__name__ == "ErrorReported"]
    retry = [event.retry_after for event in bot.events if type(event).__name__ == "ErrorReported"]
    assert codes[:2] == [429, 429]
    assert retry[0] is not None
    assert {event.id for event in world.of(h.Operational)} == {"AUDIOHOOK-0012"}


async def test_patience_bounds_the_whole_search():
    world = World()
    for name in ("first", "second"):
        world.serve(name)
        world.servers[f"wss://{name}.example/"] = never
    outcome, _ = await run(world, Fallback(integrations=["second"], retries=5, patience=7.0))
    assert outcome.error_type == "TimeoutError"
    assert world.of(h.StepEnded)[0].t == pytest.approx(14.0, abs=0.1)


async def test_a_caller_who_hangs_up_while_a_bot_is_sought_ends_the_search():
    world = World()
    world.serve("first")
    world.servers["wss://first.example/"] = never
    outcome, _ = await run(world, QUICK, WavLeg(hang_up_after=2.0))
    assert outcome is None
    assert len(world.dialled) == 1
    assert world.of(h.CallOver)[0].t < 20


async def test_a_bot_that_asks_to_start_paused_gets_nothing_until_it_resumes():
    world = World()
    bot = Scripted(_resume_after_two, answer=Answer(media=None, start_paused=True))
    bot._answer = None
    bot.answer = lambda request, open: Answer(open.media[0], start_paused=True)
    world.serve("first", bot)
    outcome, _ = await run(world, QUICK, WavLeg(speech(5.0)))
    assert isinstance(outcome, Success)
    assert 6400 <= len(bot.heard) <= 8000  # a second, the frame that was not full left out


async def _resume_after_two(bot: Bot) -> None:
    await asyncio.sleep(2.0)
    bot.session.resume()
    bot.flush()
    await asyncio.sleep(1.0)
    bot.session.disconnect("completed", output={})
    bot.flush()


def test_a_fallback_that_cannot_be_meant_is_refused():
    for wrong in ({"retries": 6}, {"patience": 0}, {"dead_air": -1}):
        with pytest.raises(UsageError):
            Fallback(**wrong)
