"""What a link makes of ticks: frames on a grid, exact positions, playback that begins, ends and is flushed."""

from __future__ import annotations

import asyncio

import pytest

from offhook.audio import l16, ulaw
from offhook.connector import CAPTURE, Link, Playback, ScriptLeg, Utterance, encode, new_session, opening
from offhook.connector.player import CUSHION, TICK
from offhook.errors import CallEnded, LocalProtocolError, UsageError
from offhook.protocol import (
    BARGE_IN,
    BOT_TRANSCRIPTION,
    CONNECTOR,
    MONITOR,
    MONO,
    MONO_L16,
    STEREO,
    AudioDiscarded,
    AudioReceived,
    DtmfReceived,
    Event,
    Finished,
    Media,
    Paused,
    PlaybackCompleted,
    PlaybackStarted,
    Resumed,
    SessionOpened,
    Tolerated,
    Violation,
)

from .lines import Bot, in_memory, ramp

pytestmark = pytest.mark.virtual_time


class Line:
    """A link in memory with its leg, the bot at its other end, and what was reported."""

    def __init__(self, bot: Bot | None = None, **options: object) -> None:
        self.bot = bot or Bot()
        self.leg = ScriptLeg()
        self.events: list[Event] = []
        session = new_session(opening(self.bot.profile), self.bot.profile)
        self.link = Link(session, self.leg, self._note, **options)
        self._opened = asyncio.Event()
        self._finished = asyncio.Event()

    def _note(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, SessionOpened):
            self._opened.set()
        if isinstance(event, Finished):
            self._finished.set()

    async def __aenter__(self) -> Line:
        self.link.start()
        await in_memory(self.bot.reception)(self.link.connection)
        await self._opened.wait()
        return self

    async def __aexit__(self, *error: object) -> None:
        self.link.hang_up()
        await self._finished.wait()
        assert not [event for event in self.bot.events if isinstance(event, Violation | Tolerated)]

    async def until(self, position: int) -> None:
        await self.link.when(lambda: self.link.position >= position)

    @property
    def frames(self) -> list[int]:
        return [len(event.data) for event in self.bot.events if isinstance(event, AudioReceived)]


@pytest.mark.parametrize("frame_ms", [20, 25, 100, 200, 500])
async def test_audio_leaves_in_frames_of_the_chosen_length(frame_ms):
    async with Line(frame_ms=frame_ms) as line:
        line.leg.say(Utterance(ramp(9_000)))
        await line.until(10_000)
    *whole, last = line.frames
    assert set(whole) == {frame_ms * 8}
    assert last <= frame_ms * 8
    assert line.bot.heard == ramp(9_000) + ulaw.silence(len(line.bot.heard) - 9_000)
    assert len(line.bot.heard) == line.link.position


@pytest.mark.parametrize("frame_ms", [0, 19, 4_001])
async def test_frames_that_cannot_be_sent_are_refused(frame_ms):
    with pytest.raises(UsageError, match="20 to 4000"):
        Line(frame_ms=frame_ms)


async def test_a_key_stands_at_its_sample_and_the_grid_goes_on():
    async with Line() as line:
        await line.until(2_000)
        at = line.link.position
        line.link.dtmf("5")
        await line.until(5_000)
    assert line.bot.of(DtmfReceived) == [DtmfReceived("5", at)]
    assert line.frames[:4] == [1_600, at - 1_600, 3_200 - at, 1_600]


async def test_without_exact_positions_frames_stay_whole():
    async with Line(exact_positions=False) as line:
        await line.until(2_000)
        line.link.dtmf("5")
        await line.until(5_000)
    assert line.bot.of(DtmfReceived) == [DtmfReceived("5", 1_600)]
    assert set(line.frames[:-1]) == {1_600}


async def test_a_playback_is_reported_at_the_samples_at_which_it_was_heard():
    async with Line() as line:
        await line.until(1_000)
        at = line.link.position
        line.bot.send(ramp(1_000))
        await line.until(4_000)
        start = at + CUSHION
        assert line.bot.of(PlaybackStarted) == [PlaybackStarted(start)]
        assert line.bot.of(PlaybackCompleted) == [PlaybackCompleted(start + 1_000)]
        assert line.link.playbacks == [Playback(start, 1_000)]
        assert [e for e in line.events if isinstance(e, PlaybackStarted | PlaybackCompleted)] == [
            PlaybackStarted(start),
            PlaybackCompleted(start + 1_000),
        ]
        heard = line.link.recorder.lanes()[1]
        assert heard[start : start + 1_000] == ramp(1_000)
        assert heard.count(0xFF) == len(heard) - 1_000
        assert line.link.sounded == -(-(start + 1_000) // TICK) * TICK


async def test_a_barge_in_flushes_at_once_and_what_comes_behind_it_is_a_new_playback():
    async with Line() as line:
        line.bot.send(ramp(8_000))
        await line.until(3_000)
        at = line.link.position
        run = line.link.playback
        assert run is not None
        line.bot.session.send_event(BARGE_IN)
        line.bot.send(ramp(500, 1))
        await line.until(8_000)
        first, second = line.link.playbacks
        assert first == Playback(run.start, at - run.start, 8_000 - (at - run.start))
        assert second == Playback(at + CUSHION, 500)
        assert line.link.recorder.lanes()[1][at + CUSHION :][:500] == ramp(500, 1)
    assert line.bot.of(PlaybackCompleted) == [PlaybackCompleted(at), PlaybackCompleted(second.end)]


async def test_a_barge_in_while_nothing_plays_drops_what_waits_and_says_nothing():
    async with Line() as line:
        line.bot.send(ramp(8_000))
        line.bot.session.send_event(BARGE_IN)
        line.bot.flush()
        await line.until(2_000)
        assert line.link.playbacks == []
    assert line.bot.of(PlaybackStarted) == line.bot.of(PlaybackCompleted) == []


async def test_the_end_of_a_session_ends_what_plays():
    async with Line() as line:
        line.bot.send(ramp(8_000))
        await line.until(3_000)
        run = line.link.playback
        assert run is not None
        line.bot.session.disconnect("error", "enough")
        line.bot.flush()
        await line.link.when(lambda: False)
        assert line.link.over
        assert line.link.playbacks == [Playback(run.start, run.heard, 8_000 - run.heard)]
        assert line.link.unheard == 8_000 - run.heard
        assert line.link.playback is None
        for ask in (lambda: line.link.dtmf("1"), line.link.pause, line.link.resume, lambda: line.link.update("de-DE")):
            with pytest.raises(CallEnded):
                ask()


async def test_time_goes_on_in_a_pause_without_audio():
    async with Line() as line:
        line.leg.say(Utterance(ramp(20_000)))
        await line.until(3_000)
        start = line.link.position
        line.link.pause()
        await line.until(6_000)
        end = line.link.position
        line.link.resume()
        await line.until(9_000)
    assert line.bot.of(Paused) == [Paused(start)]
    assert line.bot.of(Resumed) == [Resumed(start, end - start)]
    assert line.bot.heard == ramp(20_000)[:start] + ramp(20_000)[end : line.link.position]


async def test_a_resume_without_a_pause_is_our_own_mistake():
    async with Line() as line:
        with pytest.raises(LocalProtocolError):
            line.link.resume()


async def test_lanes_are_interleaved_for_a_monitor():
    async with Line(Bot(profile=MONITOR, media=(STEREO,))) as line:
        line.leg.say(Utterance(ramp(4_000), ramp(4_000, 50)))
        await line.until(5_000)
    assert line.bot.heard[0:8_000:2] == ramp(4_000)
    assert line.bot.heard[1:8_000:2] == ramp(4_000, 50)
    assert set(line.frames[:-1]) == {3_200}


async def test_linear_samples_where_they_were_chosen():
    async with Line(Bot(profile=BOT_TRANSCRIPTION, media=(MONO_L16,))) as line:
        line.leg.say(Utterance(ramp(4_000)))
        await line.until(5_000)
    assert line.bot.heard[:8_000] == l16.encode(ulaw.decode(ramp(4_000)))


@pytest.mark.parametrize(
    ("channels", "lanes"), [(("external",), b"ab"), (("internal",), b"12"), (("external", "internal"), b"a1b2"),
                            (("internal", "external"), b"1a2b")],
)  # fmt: skip
async def test_the_media_decide_which_lanes_travel(channels, lanes):
    assert CAPTURE == ("external", "internal")
    assert encode((b"ab", b"12"), Media("audio", "PCMU", channels, 8000)) == lanes


async def test_a_session_without_audio_keeps_its_time():
    class Mute(Bot):
        def answer(self, request, open):
            return type(super().answer(request, open))(None)

    async with Line(Mute()) as line:
        await line.until(4_000)
        line.link.dtmf("1")
        await line.until(5_000)
    assert line.frames == []
    assert line.bot.of(DtmfReceived)[0].position >= 4_000


async def test_a_slow_reader_loses_audio_but_no_message(monkeypatch):
    backlog = 0
    async with Line() as line:
        monkeypatch.setattr(type(line.link.connection), "backlog", property(lambda self: backlog))
        await line.until(3_200)
        backlog = 100_000
        await line.until(6_400)
        line.link.dtmf("7")
        backlog = 0
        await line.until(9_600)
        assert line.link.dropped == 3_200
    assert line.bot.of(DtmfReceived)[0].position == 6_400
    assert len(line.bot.heard) == line.link.position - 3_200
    assert line.bot.of(AudioDiscarded) == [AudioDiscarded(3_200, 3_200)]


async def test_a_full_playback_queue_is_reported_once():
    async with Line(Bot(profile=CONNECTOR, media=(MONO,))) as line:
        line.link.player._limit = 1_000
        for _ in range(3):
            line.link._on_event(AudioReceived(ramp(600), 0))
        assert [event for event in line.events if isinstance(event, Tolerated)] == [
            Tolerated("more audio than the playback queue takes")
        ]
        assert line.link.player.refused == 1_200


async def test_waiting_can_be_given_up():
    async with Line() as line:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await line.link.when(lambda: False)
        await line.until(8_000)
        assert line.link._waits == []


async def test_late_ticks_are_counted():
    async with Line() as line:
        await line.until(1_600)
        assert (line.link.late, line.link.worst_lag) == (0, pytest.approx(0, abs=1e-6))
        asyncio.get_running_loop().jump(0.1)
        await line.until(4_800)
        assert line.link.late == 4
        assert line.link.worst_lag == pytest.approx(0.1, abs=0.021)
