"""A call as a program sees it, in virtual time: what is said arrives, what is heard is kept, each end has its name."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from offhook.audio import ulaw, wav
from offhook.connector import Heard, Playback
from offhook.connector import call as call_module
from offhook.connector.player import CUSHION
from offhook.errors import (
    AudioFileError,
    LocalProtocolError,
)
from offhook.protocol import (
    BARGE_IN,
    MONITOR,
    STEREO,
    AudioReceived,
    Disconnected,
    DtmfReceived,
    EntitiesReceived,
    Event,
    Finished,
    LanguageRequested,
    Paused,
    PlaybackCompleted,
    PlaybackStarted,
    Resumed,
    SessionClosed,
    SessionOpened,
    Violation,
    transcript,
)

from .lines import Bot, answered, call_to, echo, ramp

pytestmark = pytest.mark.virtual_time

UUID = "30b0e395-84d3-4570-ac13-9a62d8f514c0"


# What is said and heard.


async def test_what_is_played_arrives_byte_by_byte_and_in_real_time(tmp_path):
    wav.write_ulaw(tmp_path / "hello.wav", [ramp(9_999)])
    async with answered() as (call, bot):
        before = asyncio.get_running_loop().time(), call.link.position
        assert await call.play(tmp_path / "hello.wav") == 9_999 / 8_000
        assert asyncio.get_running_loop().time() - before[0] == pytest.approx(9_999 / 8_000, abs=0.021)
        assert await call.play(ramp(500, 3)) == 500 / 8_000
        assert await call.play((ramp(700, 5), ramp(100))) == 700 / 8_000
    said = ramp(9_999) + ulaw.silence(81) + ramp(500, 3) + ulaw.silence(140) + ramp(700, 5)  # ticks are whole
    assert bot.heard[before[1] :][: len(said)] == said
    assert call.recording()[0] == bot.heard


async def test_sounds_that_are_played_together_follow_each_other(tmp_path):
    async with answered() as (call, bot):
        at = call.link.position
        await asyncio.gather(call.play(ramp(1_001)), call.play(ramp(1_001, 5)))
    assert bot.heard[at:][:2_002] == ramp(1_001) + ramp(1_001, 5)


async def test_a_sound_that_is_given_up_stops():
    async with answered() as (call, bot):
        at = call.link.position
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await call.play(ramp(80_000))
        await call.wait(1)
    said = bot.heard[at:].rstrip(b"\xff")
    assert said == ramp(80_000)[: len(said)]
    assert len(said) == pytest.approx(4_000, abs=160)


@pytest.mark.parametrize("sound", [(), (b"1", b"2", b"3")])
async def test_a_caller_has_one_channel_or_two(sound):
    async with answered() as (call, _):
        with pytest.raises(AudioFileError):
            await call.play(sound)


async def test_a_file_that_is_not_there_is_named(tmp_path):
    async with answered() as (call, _):
        with pytest.raises(AudioFileError, match=r"missing\.wav"):
            await call.play(tmp_path / "missing.wav")
        with pytest.raises(AudioFileError, match=r"missing\.wav"):
            await call.play(str(tmp_path / "missing.wav"))


async def test_an_echo_brings_back_exactly_what_was_sent():
    async with answered(echo, delay=0.03) as (call, _):
        await call.play(ramp(16_000))
        await call.wait(1)
        external, internal = call.recording()
        assert len(external) == len(internal) == call.link.position
    at = internal.index(ramp(16_000))
    sent = external.index(ramp(16_000))
    assert 0 < at - sent <= 1_600 + 2 * 240 + CUSHION + 160
    assert len(call.link.playbacks) == 1


async def test_what_the_bot_says_is_listened_to_until_it_is_quiet():
    async with answered() as (call, bot):
        bot.send(ramp(8_000))
        heard = await call.listen()
        assert (heard.audio, heard.seconds, heard.complete) == (ramp(8_000), 1.0, True)
        assert call.link.position == pytest.approx(heard.start + 8_000 + 2_400, abs=160)
        assert call.link.playbacks == [Playback(heard.start, 8_000)]


async def test_a_pause_of_the_bot_that_is_short_belongs_to_what_it_says():
    async with answered() as (call, bot):
        bot.send(ramp(1_600))
        await call.wait(0.4)
        bot.send(ramp(800, 3))
        heard = await call.listen()
        assert heard.audio.startswith(ramp(1_600) + b"\xff")
        assert heard.audio.endswith(b"\xff" + ramp(800, 3))


async def test_nothing_is_missed_that_was_said_before_anybody_listened():
    async with answered() as (call, bot):
        bot.send(ramp(800))
        await call.wait(3)
        bot.send(ramp(900, 3))
        await call.wait(3)
        before = call.link.position
        heard = await call.listen()
        assert call.link.position == before
        assert heard.audio.startswith(ramp(800))
        assert heard.audio.endswith(ramp(900, 3))
        assert await call.listen(timeout=1) == Heard(b"", call.link.position, complete=False)


async def test_listening_can_be_limited_and_goes_on_where_it_stopped():
    async with answered() as (call, bot):
        bot.send(ramp(16_000))
        first = await call.listen(timeout=1)
        assert 6_000 < len(first.audio) < 8_000
        assert not first.complete
        second = await call.listen()
        assert second.start == first.start + len(first.audio)
        assert first.audio + second.audio == ramp(16_000)
        assert second.complete


async def test_a_barge_in_cuts_what_is_heard():
    def talk(bot: Bot, event: Event) -> None:
        if isinstance(event, DtmfReceived):
            bot.session.barge_in()

    async with answered(talk) as (call, bot):
        bot.send(ramp(40_000))
        await call.wait(1)
        await call.dtmf("1")
        heard = await call.listen()
    assert heard.complete
    assert heard.audio == ramp(40_000)[: len(heard.audio)]
    assert 7_000 < len(heard.audio) < 8_000
    result = call.snapshot()
    assert result.playbacks[0].discarded == 40_000 - len(heard.audio)
    assert result.received_seconds == 5.0
    assert result.heard_seconds == pytest.approx(heard.seconds)


async def test_keys_come_one_by_one():
    async with answered() as (call, bot):
        await call.dtmf("1#")
        await call.dtmf("0", gap=9)
        with pytest.raises(LocalProtocolError):
            await call.dtmf("x")
    keys = bot.of(DtmfReceived)
    assert [key.digit for key in keys] == ["1", "#", "0"]
    assert keys[1].position - keys[0].position == 800
    assert keys[2].position == keys[1].position


async def test_words_are_spoken_in_the_language_of_the_call(monkeypatch):
    async def synthesise(text: str, *, language: str | None) -> bytes:
        return f"{language}: {text}".encode()

    monkeypatch.setattr(call_module, "synthesise", synthesise)
    async with answered(language="en-GB") as (call, bot):
        assert await call.say("hello") == len("en-GB: hello") / 8_000
    assert b"en-GB: hello" in bot.heard


async def test_pause_language_and_waiting():
    async with answered() as (call, bot):
        call.pause()
        start = call.link.position
        await call.wait(1)
        call.resume()
        call.update("de-DE")
    assert bot.of(Paused) == [Paused(start)]
    assert bot.of(Resumed) == [Resumed(start, 8_000)]
    assert bot.of(LanguageRequested) == [LanguageRequested("de-DE")]


async def test_a_monitor_hears_both_sides():
    bot = Bot(profile=MONITOR, media=(STEREO,))
    async with call_to(bot) as call:
        at = call.link.position
        await call.play((ramp(3_000), ramp(2_000, 9)))
    assert bot.heard[2 * at :: 2][:3_000] == ramp(3_000)
    assert bot.heard[2 * at + 1 :: 2][:2_000] == ramp(2_000, 9)
    assert call.recording() == (bot.heard[::2], bot.heard[1::2])
    assert call.snapshot().sent_seconds == len(bot.heard) / 2 / 8_000


async def test_the_recording_is_written_with_what_was_said_and_heard(tmp_path):
    async with answered(echo, record=tmp_path / "call.wav") as (call, _):
        await call.play(ramp(4_000))
        await call.wait(0.6)
    assert wav.read_ulaw(tmp_path / "call.wav") == list(call.recording())
    assert ramp(4_000) in wav.read_ulaw(tmp_path / "call.wav")[1]


async def test_audio_from_before_the_answer_is_sent_behind_it():
    async with answered(delay=0.4) as (call, bot):
        assert call.link.position >= 6_240
        await call.wait(1)
    position = 0
    for event in bot.of(AudioReceived):
        assert event.position == position
        position += len(event.data)
    assert position == call.link.position


# What happens.


async def test_events_tell_the_whole_call_without_audio():
    async with answered() as (call, bot):
        first = call.events()
        assert isinstance(await anext(first), SessionOpened)
        entity = transcript(UUID, 0, "hello", final=True, offset=0, duration=8_000, confidence=0.9)
        bot.session.send_event(entity)
        bot.send(ramp(800))
        assert await anext(first) == EntitiesReceived((entity,))
        assert isinstance(await anext(first), PlaybackStarted)
        assert isinstance(await anext(first), PlaybackCompleted)
        bot.session.disconnect("completed")
        bot.flush()
        rest = [type(event) async for event in first]
    assert rest == [Disconnected, SessionClosed, Finished]
    again = [event async for event in call.events()]
    assert not [event for event in again if isinstance(event, AudioReceived | Violation)]
    assert list(call.entities) == [entity]
    assert call.snapshot().entities == (entity,)


async def test_every_message_can_be_traced():
    seen: list[tuple[str, str | bytes, float]] = []
    async with answered(trace=lambda *message: seen.append(message)) as (call, bot):
        bot.send(ramp(800))
        await call.wait(0.5)
    assert [role.value for role, _, _ in seen[:2]] == ["client", "server"]
    assert '"type":"closed"' in seen[-1][1]
    assert [at for _, _, at in seen] == sorted(at for _, _, at in seen)
    assert ramp(800) in [data for _, data, _ in seen]


async def test_a_result_is_json():
    def talk(bot: Bot, event: Event) -> None:
        if isinstance(event, DtmfReceived):
            bot.session.send_event(BARGE_IN)

    async with answered(talk) as (call, bot):
        bot.send(ramp(8_000))
        await call.wait(1.5)
        await call.dtmf("1")
    result = msgspec.json.decode(msgspec.json.encode(call.snapshot()))
    assert result["outcome"] == "hangup"
    assert result["output"] == {}
    assert set(result["rtt_ms"]) == {"count", "min", "p50", "max"}
    assert result["playbacks"][0]["heard"] == 8_000
    assert result["entities"] == [{"type": "barge_in", "data": {}}]
    assert result["caller"] == {"late_ticks": 0, "worst_lag_ms": 0.0, "dropped_seconds": 0.0}
