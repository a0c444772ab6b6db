"""A monitor never disturbs a call: whatever fails or falls behind, the session goes on and nothing is played."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.bots.fakes import LoudIsVoice, Platform, Scripted, VirtualPool, engines, kept, of, silence, voice

from offhook import Engines, Monitor, MonitorCall
from offhook.bots import monitor as monitors
from offhook.bots.monitor import Utterance
from offhook.errors import EngineError, EngineMissing
from offhook.protocol import MONITOR, TRANSCRIPTION, AudioReceived, Disconnected, LanguageUpdated
from offhook.records import events as happenings
from offhook.speech.engines import Float32, Transcription

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]


async def send_all(call: MonitorCall) -> None:
    async for transcript in call.transcripts():
        await call.send_transcript(transcript)


async def listening(monitor: Monitor, handler: Any = send_all, **options: Any) -> Platform:
    monitor.handler(handler)
    return await Platform(monitor, profile=options.pop("profile", MONITOR), **options).open()


def undisturbed(platform: Platform) -> bool:
    """Whether the platform got neither audio nor an end of the session that it had not asked for."""
    return not platform.audio and not any(isinstance(e, AudioReceived | Disconnected) for e in platform.events)


def notes(events: list[happenings.AnyEvent]) -> list[str]:
    return [event.text for event in of(events, happenings.Note)]


async def test_a_recogniser_that_fails_is_told_once_and_the_call_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    monitor = Monitor("test", engines=engines(Scripted(error=EngineError("the service is away"))))
    events = kept(monitor)
    platform = await listening(monitor)
    for _ in range(3):
        await platform.live(2.0, voice(1.0))
    assert undisturbed(platform)
    await platform.hang_up()
    assert platform.entities == []
    assert "the recogniser fails: the service is away" in notes(events)
    assert caplog.text.count("the service is away") == 1
    assert of(events, happenings.CallEnded)[0].outcome == "hangup"


@pytest.mark.parametrize("error", [EngineMissing("moonshine", "speech"), EngineError("broken"), ValueError("text")])
async def test_engines_that_cannot_be_loaded_are_tried_again(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    broken = True

    def detector() -> LoudIsVoice:
        if broken:
            raise error
        return LoudIsVoice()

    monitor = Monitor("test", engines=engines(vad=detector))
    events = kept(monitor)
    platform = await listening(monitor)
    await platform.live(8.0, voice(1.0))
    assert undisturbed(platform)
    assert len([note for note in notes(events) if "no engine to listen with" in note]) == 1
    assert caplog.text.count("no engine to listen with") == 1
    broken = False
    await platform.live(10.0)
    await platform.live(2.0, voice(1.0))
    await platform.hang_up()
    assert "transcript" in platform.entities
    assert "text" not in " ".join(notes(events)), "only engines' own errors promise to hold nothing that was said"


async def test_a_hang_up_while_an_engine_is_missing_ends_at_once() -> None:
    def detector() -> LoudIsVoice:
        raise EngineMissing("earshot", "speech")

    monitor = Monitor("test", engines=engines(vad=detector))
    events = kept(monitor)
    platform = await listening(monitor)
    await platform.live(4.0, voice(1.0))
    assert await platform.hang_up() < 0.5
    assert of(events, happenings.CallEnded)[0].outcome == "hangup"


async def test_a_detector_that_fails_in_mid_call_ends_the_listening_and_not_the_call() -> None:
    class Breaks(LoudIsVoice):
        scores = 0

        def score(self, pcm: Float32) -> float:
            self.scores += 1
            if self.scores > 100:
                raise RuntimeError("text")
            return super().score(pcm)

    monitor = Monitor("test", engines=engines(vad=Breaks))
    events = kept(monitor)
    platform = await listening(monitor)
    await platform.live(6.0, voice(1.0))
    assert undisturbed(platform)
    await platform.hang_up()
    assert "the voice detector failed: nothing more is heard: RuntimeError" in notes(events)
    assert of(events, happenings.CallEnded)[0].outcome == "hangup"


class Slow(VirtualPool):
    """One thread: work is done one after the other, each taking so long."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.each, self.free = seconds, 0.0

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        if function.__name__ != "transcribe":
            return super().submit(function, *args, **kwargs)
        self.free = max(loop.time(), self.free) + self.each
        self.seconds = self.free - loop.time()
        try:
            return super().submit(function, *args, **kwargs)
        finally:
            self.seconds = 0.0


async def test_a_recogniser_that_falls_behind_loses_the_oldest_and_a_note_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    slow = Slow(20.0)
    monkeypatch.setattr("offhook.speech.pool.shared", lambda: slow)
    monkeypatch.setattr(monitors, "BACKLOG", 5.0)
    monitor = Monitor("test", engines=engines(Scripted("one")))
    events = kept(monitor)
    platform = await listening(monitor)
    for _ in range(20):
        await platform.live(3.0, voice(2.0))
    assert undisturbed(platform)
    left_out = [event for event in of(events, happenings.Note) if "were left out" in event.text]
    assert len(left_out) >= 10
    assert [event.position for event in left_out] == sorted(event.position for event in left_out), "the oldest first"
    assert caplog.text.count("does not keep up") == 1
    await platform.hang_up()
    assert platform.entities.count("transcript") >= 2, "it goes on with what it can do"


async def test_a_handler_that_falls_behind_loses_the_oldest_and_a_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitors, "_UNREAD", 3)

    async def sleeps(call: MonitorCall) -> None:
        async for _ in call.transcripts():
            await asyncio.sleep(1000)

    monitor = Monitor("test", engines=engines())
    events = kept(monitor)
    platform = await listening(monitor, sleeps)
    for _ in range(8):
        await platform.live(2.0, voice(1.0))
    assert undisturbed(platform)
    assert "the handler reads transcripts too slowly: the oldest are lost" in notes(events)
    await platform.hang_up()


async def test_a_monitor_loads_no_synthesiser() -> None:
    asked: list[str] = []

    class Watched(Engines):
        async def synthesiser(self) -> Any:
            asked.append("synthesiser")
            return await super().synthesiser()

    await Monitor("test", engines=Watched(LoudIsVoice, Scripted(), Scripted())).load()  # type: ignore[arg-type]
    assert asked == []


async def test_utterances_need_no_recogniser() -> None:
    heard: list[Utterance] = []

    async def collect(call: MonitorCall) -> None:
        heard.extend([utterance async for utterance in call.utterances()])

    monitor = Monitor("test", engines=engines(recogniser="none-such"))
    monitor.engines = Engines(LoudIsVoice, _Missing())  # type: ignore[arg-type]
    platform = await listening(monitor, collect)
    for at in range(0, 16000, 1600):
        spoken = (silence(0.5) + voice(1.0) + silence(0.5))[at : at + 1600]
        platform.do("send_audio", spoken, voice(0.2))
    await platform.live(2.0)
    await platform.hang_up()
    (utterance,) = heard
    assert utterance.channel == "external"
    assert utterance.end - utterance.start == len(utterance.audio) == pytest.approx(8000, abs=400)
    assert set(utterance.audio[400:-400]) == set(voice(0.1))


class _Missing:
    rate, languages = 8000, ("en",)

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        raise EngineMissing("moonshine", "speech")


@pytest.mark.parametrize("profile", [MONITOR, TRANSCRIPTION])
async def test_a_language_that_nobody_knows_pauses_the_stream_until_it_changes(profile: Any) -> None:
    monitor = Monitor("test", engines=engines(), languages=("en-US",))
    events = kept(monitor)
    platform = await listening(monitor, profile=profile, language="de-DE")
    await platform.live(1.0, voice(1.0))
    assert len(of(events, happenings.Paused)) == 1
    platform.do("update", "fr-FR")
    await platform.until(LanguageUpdated)
    await platform.live(0.4)
    assert of(events, happenings.Resumed) == []
    platform.do("update", "en-GB")
    await platform.live(1.0)
    (resumed,) = of(events, happenings.Resumed)
    assert resumed.discarded > 0
    await platform.live(2.0, voice(1.0))
    await platform.hang_up()
    assert platform.entities == ["transcript"] * 2, "one for each channel"
    assert len([note for note in notes(events) if "does not know the language" in note]) == 1
