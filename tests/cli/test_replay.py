"""The client's side of a recording is played again, truly, to the same server and to others."""

from __future__ import annotations

import asyncio

import pytest
from tests.cli.recordings import clerk, presses_one, record
from tests.connector.lines import Bot, in_memory

from offhook.audio import interleave, l16, ulaw
from offhook.cli.outline import Outline, compare, outline, outline_of
from offhook.cli.replay import Replay, lanes_of, script_of
from offhook.connector import Call
from offhook.errors import UpgradeRejected, UsageError
from offhook.protocol import (
    INTERNAL,
    MONITOR,
    MONO,
    MONO_L16,
    STEREO,
    AudioReceived,
    DtmfReceived,
    Event,
    LanguageRequested,
    Media,
    Paused,
    PlaybackCompleted,
    PlaybackStarted,
    Resumed,
)
from offhook.protocol.trace import read
from offhook.session.keys import KeyStore
from offhook.session.reception import Decline, Reception

pytestmark = pytest.mark.virtual_time


async def again(data: bytes, bot: Bot, *, speed: float = 1.0, patience: float = 5.0) -> tuple[Outline, Outline, Replay]:
    """Replay a recording: the recorded outline, that of the replay, and the replay."""
    trace = read(data.splitlines())
    replay = Replay(script_of(trace), speed=speed, patience=patience)
    await replay.run(in_memory(bot.reception))
    return outline_of(trace), outline(replay.messages, "client"), replay


async def test_the_same_bot_does_the_same():
    data = await record(Bot(clerk()))
    bot = Bot(clerk())
    before, now, replay = await again(data, bot)
    assert compare(before, now) == []
    assert (now.outcome, now.output, now.said, now.closed) == ("completed", {"intent": "billing"}, ["hello"] * 2, True)
    assert (replay.violations, replay.skipped) == ([], [])
    recorded = read(data.splitlines())
    assert bot.heard == b"".join(
        m.data for m in recorded.messages if m.sender == "client" and isinstance(m.data, bytes)
    )
    assert [event.digit for event in bot.of(DtmfReceived)] == ["1"]
    assert abs(now.seconds - before.seconds) < 0.1


async def test_the_session_is_a_new_one_with_the_same_opening():
    first, second = Bot(clerk()), Bot(clerk())
    data = await record(first, input={"tier": "gold"}, language="de-DE")
    _, _, replay = await again(data, second)
    assert second.opens == first.opens
    assert replay.session.id != read(data.splitlines()).header.session


async def test_another_outcome_or_output_decides_and_other_words_do_not():
    data = await record(Bot(clerk()))
    before, other, _ = await again(data, Bot(clerk("sales")))
    assert [(d.what, d.before, d.now, d.decides) for d in compare(before, other)] == [
        ("output variables", {"intent": "billing"}, {"intent": "sales"}, True)
    ]
    _, silent, _ = await again(data, Bot(), patience=1.0)
    found = {difference.what: difference for difference in compare(before, silent)}
    assert (found["outcome"].before, found["outcome"].now, found["outcome"].decides) == ("completed", "hangup", True)
    assert found["seconds of server audio"].decides is False
    _, reworded, _ = await again(data, Bot(clerk(words="hullo")))
    assert [(d.what, d.decides) for d in compare(before, reworded)] == [("said", False)]


async def test_a_redacted_recording_is_compared_by_names():
    data = await record(Bot(clerk()), redact=True)
    before, now, _ = await again(data, Bot(clerk()))
    assert now.outcome == "hangup"  # keys are redacted to 0
    bot = Bot(lambda bot, event: isinstance(event, DtmfReceived) and bot.session.disconnect(output={"intent": "x"}))
    before, now, _ = await again(data, bot)
    assert [d.what for d in compare(before, now, redacted=True) if d.decides] == []
    assert [d.what for d in compare(before, now) if d.decides] == ["output variables"]


async def test_playback_is_reported_as_it_is_heard_and_cut_short_by_a_barge_in():
    def act(bot: Bot, event: Event) -> None:
        if isinstance(event, AudioReceived) and event.position == 0:
            bot.session.send_audio(bytes(8000 * 5))
        elif isinstance(event, DtmfReceived):
            bot.session.barge_in()

    async def keys(call: Call) -> None:
        await call.wait(3)
        await call.dtmf("5")
        await call.wait(4)

    data = await record(Bot(act), keys)
    bot = Bot(act)
    before, now, _ = await again(data, bot)
    assert compare(before, now) == []
    assert (len(bot.of(PlaybackStarted)), len(bot.of(PlaybackCompleted))) == (1, 1)
    assert now.playbacks == [pytest.approx(before.playbacks[0], abs=0.1)]
    assert 2 < now.playbacks[0] < 3.1


async def test_pauses_of_the_client_and_new_languages_are_replayed():
    async def holds(call: Call) -> None:
        await call.wait(1)
        call.pause()
        await call.wait(2)
        call.resume()
        call.update("fr-FR")
        await call.wait(1)

    data = await record(Bot(), holds)
    bot = Bot()
    before, now, replay = await again(data, bot)
    assert compare(before, now) == []
    assert replay.skipped == []
    (paused,), (resumed,) = bot.of(Paused), bot.of(Resumed)
    assert (paused.position, resumed.start, resumed.discarded) == (8000, 8000, 16_000)
    assert [event.language for event in bot.of(LanguageRequested)] == ["fr-FR"]


async def test_answers_to_the_server_are_given_anew():
    def pauses(bot: Bot, event: Event) -> None:
        if isinstance(event, AudioReceived) and event.position == 0:
            bot.session.pause()
        elif isinstance(event, DtmfReceived):
            bot.session.resume()

    async def keys(call: Call) -> None:
        await call.wait(2)
        await call.dtmf("5")
        await call.wait(1)

    data = await record(Bot(pauses), keys)
    before, now, replay = await again(data, Bot(pauses))
    assert (now.messages["client"]["paused"], now.messages["client"]["resumed"]) == (1, 1)
    assert compare(before, now) == []
    # A bot that never pauses is not told that the client does.
    _, other, replay = await again(data, Bot())
    assert "paused" not in other.messages["client"]
    assert replay.skipped == []


async def test_a_hang_up_comes_when_it_came():
    async def leaves(call: Call) -> None:
        await call.wait(7)

    data = await record(Bot(), leaves)
    before, now, _ = await again(data, Bot())
    assert (before.outcome, now.outcome) == ("hangup", "hangup")
    assert now.seconds == pytest.approx(before.seconds, abs=0.05)


async def test_speed():
    data = await record(Bot(clerk()))
    began = asyncio.get_running_loop().time()
    before, now, _ = await again(data, Bot(clerk()), speed=10)
    took = asyncio.get_running_loop().time() - began
    assert [d for d in compare(before, now) if d.decides] == []
    assert took < before.seconds / 5


async def test_a_bot_may_take_its_time_to_end():
    def hesitates(bot: Bot, event: Event) -> None:
        if isinstance(event, DtmfReceived):
            asyncio.get_running_loop().call_later(2.0, ends, bot)

    def ends(bot: Bot) -> None:
        if bot.session.is_live:
            bot.session.disconnect("completed", output={"intent": "billing"})
            bot.flush()

    data = await record(Bot(clerk()))
    _, patient, _ = await again(data, Bot(hesitates), patience=3.0)
    _, impatient, _ = await again(data, Bot(hesitates), patience=1.0)
    assert (patient.outcome, impatient.outcome) == ("completed", "hangup")


async def test_a_server_that_refuses():
    data = await record(Bot(clerk()))
    before, now, _ = await again(data, Bot(answer=Decline("unauthorized", "no")))
    assert now.outcome == "unauthorized"
    assert any(difference.decides for difference in compare(before, now))
    bot = Bot()
    bot.reception = Reception(bot, keys=KeyStore.sample())
    with pytest.raises(UpgradeRejected):
        await again(data, bot)


async def test_a_recording_that_was_cut_off_does_not_tell_the_outcome():
    lines = (await record(Bot(clerk()), end=False)).splitlines()
    data = b"\n".join(lines[: len(lines) // 2])
    before, now, _ = await again(data, Bot(clerk()))
    assert before.outcome == "open"
    assert [d for d in compare(before, now) if d.decides] == []


async def test_a_monitor_s_recording_has_two_channels():
    data = await record(Bot(profile=MONITOR, media=(STEREO,)), lambda call: call.play((b"\x10" * 800, b"\x20" * 800)))
    bot = Bot(profile=MONITOR, media=(STEREO,))
    await again(data, bot)
    assert bot.heard[:1600] == b"\x10\x20" * 800
    inner = Bot(profile=MONITOR, media=(INTERNAL,))
    await again(data, inner)
    assert inner.heard[:800] == b"\x20" * 800


async def test_cancelling_it_hangs_up_in_order():
    data = await record(Bot(), lambda call: call.wait(30))
    bot = Bot()
    task = asyncio.create_task(again(data, bot))
    await bot.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bot.session.finished
    assert [type(event).__name__ for event in bot.events[-2:]] == ["CloseRequested", "Finished"]


def lines_without_open(data: bytes) -> list[bytes]:
    return [line for line in data.splitlines() if b'"type":"open"' not in line]


async def test_a_recording_without_an_open_cannot_be_replayed():
    data = await record(Bot(clerk()), presses_one)
    with pytest.raises(UsageError, match="no `open`"):
        script_of(read(lines_without_open(data)))


@pytest.mark.parametrize(
    ("media", "data", "lanes"),
    [
        (MONO, b"\x01\x02", [b"\x01\x02", b"\xff\xff"]),
        (INTERNAL, b"\x01\x02", [b"\xff\xff", b"\x01\x02"]),
        (STEREO, b"\x01\x11\x02\x12\x03", [b"\x01\x02", b"\x11\x12"]),
        (MONO_L16, l16.encode(ulaw.decode(b"\x01\x02")), [b"\x01\x02", b"\xff\xff"]),
        (
            Media("audio", "L16", ("external", "internal"), 8000),
            interleave([l16.encode(ulaw.decode(lane)) for lane in (b"\x01\x02", b"\x11\x12")], 2),
            [b"\x01\x02", b"\x11\x12"],
        ),
    ],
)
async def test_recorded_audio_becomes_lanes(media, data, lanes):
    assert lanes_of(data, media) == lanes
