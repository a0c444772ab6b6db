"""Recognisers that listen while somebody speaks, behind an ear and behind a fallback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from tests.speech.doubles import HandPool, LoudIsVoice, Scripted, silence, voice

from offhook.errors import EngineError
from offhook.speech.engines import Float32, Transcription, streams
from offhook.speech.fallback import fallback
from offhook.speech.heard import Heard, ListenerEvent, RecogniserFailed, TurnEnded
from offhook.speech.hints import hinted
from offhook.speech.listening import Listener

STEP = 1600


class Utterance:
    def __init__(self, engine: Streaming, on_interim: Callable[[Transcription], None]) -> None:
        self.engine = engine
        self.on_interim = on_interim
        self.pcm = np.zeros(0, np.float32)
        self.results = 0
        self.closed = 0

    def feed(self, pcm: Float32) -> None:
        self.pcm = np.concatenate((self.pcm, pcm))
        self.on_interim(Transcription(f"so far {len(self.pcm)}", 0.5, (), "en"))

    def result(self) -> Transcription:
        self.results += 1
        if self.engine.cut:
            raise EngineError("the line was cut")
        return Transcription("streamed", 0.8, (), "en")

    def close(self) -> None:
        self.closed += 1


@dataclass
class Streaming(Scripted):
    """Understands "streamed" of a stream, and `text` of a whole utterance."""

    cut: bool = False
    utterances: list[Utterance] = field(default_factory=list)

    def stream(self, language: str | None, on_interim: Callable[[Transcription], None]) -> Utterance:
        self.utterances.append(Utterance(self, on_interim))
        return self.utterances[-1]


class Ear:
    def __init__(self, recogniser: Scripted, *, interim: bool = False) -> None:
        self.pool = HandPool()
        self.events: list[ListenerEvent] = []
        self.position = 0
        self.listener = Listener(
            self.events.append, vad=LoudIsVoice(), recogniser=recogniser, interim=interim, pool=self.pool
        )

    def hear(self, audio: bytes) -> None:
        for at in range(0, len(audio), STEP):
            self.listener.feed(audio[at : at + STEP], self.position)
            self.position += len(audio[at : at + STEP])

    async def work(self) -> None:
        while self.pool.jobs:
            await self.pool.jobs.pop(0).run()
        await asyncio.sleep(0)

    def texts(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, TurnEnded)]


async def test_audio_goes_to_the_engine_while_it_is_spoken() -> None:
    engine = Streaming()
    ear = Ear(engine, interim=True)
    ear.hear(silence(1.0) + voice(1.0))
    (utterance,) = engine.utterances
    fed = len(utterance.pcm) / 8000
    assert 1.0 <= fed <= 1.35, "the lead is in it, and all that was spoken"
    await ear.work()
    interims = [event for event in ear.events if isinstance(event, Heard) and not event.final]
    assert interims
    assert ear.pool.jobs == []
    ear.hear(silence(1.0))
    await ear.work()
    assert ear.texts() == ["streamed"]
    assert engine.heard == [], "the whole utterance is not recognised a second time"
    assert utterance.closed == 1


async def test_a_voice_that_comes_back_goes_on_in_the_same_stream() -> None:
    engine = Streaming()
    ear = Ear(engine)
    ear.hear(voice(1.0) + silence(0.25))
    await ear.work()
    ear.hear(voice(1.0) + silence(1.0))
    await ear.work()
    (utterance,) = engine.utterances
    assert utterance.results == 2
    # Both voices, the pause between them once, and of the silence behind them what it took to be sure.
    assert 2.25 < len(utterance.pcm) / 8000 < 2.9
    assert ear.texts() == ["streamed"]


async def test_another_recogniser_gets_the_utterance_under_way_from_its_first_sound_on() -> None:
    one, other = Streaming(), Streaming()
    ear = Ear(one)
    ear.hear(silence(1.0) + voice(1.0))
    ear.listener.change(recogniser=other)
    assert one.utterances[0].closed == 1
    ear.hear(voice(0.5))
    (utterance,) = other.utterances
    assert len(utterance.pcm) / 8000 == pytest.approx(len(one.utterances[0].pcm) / 8000 + 0.5, abs=0.02)
    ear.hear(silence(1.0))
    await ear.work()
    assert ear.texts() == ["streamed"]
    assert one.utterances[0].results == 0


async def test_a_line_that_is_cut_loses_nothing() -> None:
    engine = Streaming("whole", cut=True)
    ear = Ear(engine)
    ear.hear(voice(1.0) + silence(1.0))
    await ear.work()
    assert ear.texts() == ["whole"]
    assert len(engine.heard[0][0]) / 8000 == pytest.approx(1.25, abs=0.2)
    assert not [event for event in ear.events if isinstance(event, RecogniserFailed)]


async def test_streams_are_closed_however_it_ends() -> None:
    engine = Streaming()
    ear = Ear(engine)
    ear.hear(voice(0.14) + silence(1.0))  # too short for a turn
    assert [utterance.closed for utterance in engine.utterances] == [1]
    ear.hear(voice(1.0))
    ear.listener.close()
    assert [utterance.closed for utterance in engine.utterances] == [1, 1]


async def test_a_fallback_streams_and_gives_the_next_one_all_that_was_fed() -> None:
    first, second = Streaming(cut=True), Scripted("second", rate=16000)
    both = fallback(first, second)
    assert streams(both)
    assert not streams(fallback(second, first))
    ear = Ear(both)  # type: ignore[arg-type]
    ear.hear(voice(1.0) + silence(1.0))
    await ear.work()
    assert ear.texts() == ["second"]
    fed = len(first.utterances[0].pcm) / 8000
    assert len(second.heard[0][0]) / 16000 == pytest.approx(fed, abs=0.02)
    assert first.utterances[0].closed == 1


def test_wrappers_that_change_results_take_whole_utterances() -> None:
    assert streams(Streaming())
    assert not streams(hinted(Streaming(), ["x"]))
    assert not streams(Scripted())
    assert not streams(None)
