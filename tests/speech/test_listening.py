"""One ear, with a detector that calls loud audio a voice, a scripted recogniser, and a pool run by hand."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.speech.doubles import HandPool, LoudIsVoice, Scripted, silence, voice

from offhook.errors import EngineError
from offhook.speech.engines import Word
from offhook.speech.heard import (
    Heard,
    HeardWord,
    ListenerEvent,
    RecogniserFailed,
    SpeechEnded,
    SpeechStarted,
    TurnEnded,
)
from offhook.speech.listening import Listener
from offhook.speech.turns import TurnPolicy

PLAIN = TurnPolicy(pause=0.25, silence=0.5, finished=0.5, digits=0.5, open=0.5)
"""Looks at silence alone."""
MADE = 1600
"""Samples of silence that the recogniser gets behind what was heard."""
STEP = 1600  # what the platform sends at a time


class Ear:
    """A listener with its surroundings."""

    def __init__(
        self,
        recogniser: Scripted | None = None,
        *,
        deaf: bool = False,
        interim: bool = False,
        early: bool = True,
        policy: TurnPolicy | None = None,
    ) -> None:
        self.recogniser = recogniser or Scripted()
        self.pool = HandPool()
        self.vad = LoudIsVoice()
        self.events: list[ListenerEvent] = []
        self.position = 0
        self.ids = itertools.count(1)
        self.listener = Listener(
            self.events.append,
            vad=self.vad,
            recogniser=None if deaf else self.recogniser,
            policy=policy or PLAIN,
            interim=interim,
            early=early,
            pool=self.pool,
            new_id=lambda: f"id-{next(self.ids)}",
        )

    def hear(self, audio: bytes, step: int = STEP) -> list[ListenerEvent]:
        """Feeds audio that follows on; returns what it brought."""
        before = len(self.events)
        for at in range(0, len(audio), step):
            piece = audio[at : at + step]
            self.listener.feed(piece, self.position)
            self.position += len(piece)
        return self.events[before:]

    async def work(self) -> list[ListenerEvent]:
        """Runs all that was handed to the pool; returns what it brought."""
        before = len(self.events)
        while self.pool.jobs:
            await self.pool.jobs.pop(0).run()
        return self.events[before:]


def kinds(events: list[ListenerEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


async def test_an_utterance_from_first_sound_to_result() -> None:
    ear = Ear(Scripted("yes", words=(Word("yes", 0.35, 1.2, 0.8),)))
    assert ear.hear(silence(1) + voice(1) + silence(0.4)) == [SpeechStarted(8000, 8960)]
    assert await ear.work() == []  # recognised, but the turn may go on
    assert ear.hear(silence(0.2)) == [
        SpeechEnded(16000, 20000),
        Heard("id-1", "yes", True, 8000, 16000, 0.9, (HeardWord("yes", 8400, 15200, 0.8),), "en"),
        TurnEnded(8000, 16000, "yes", 0.9, 20000, True, 20000),
    ]
    assert ear.hear(silence(3)) == []
    await ear.listener.drain()


async def test_speech_is_told_within_the_frame_that_makes_it_certain() -> None:
    ear = Ear()
    assert ear.hear(silence(0.1) + voice(0.1)) == []
    assert kinds(ear.hear(voice(0.2))) == ["SpeechStarted"]


async def test_the_recogniser_gets_the_utterance_with_a_lead_and_a_tail() -> None:
    for early in (True, False):
        ear = Ear(early=early)
        ear.hear(silence(5) + voice(1) + silence(0.6))
        await ear.work()
        ((pcm, language),) = ear.recogniser.heard
        assert len(pcm) == (0.3 + 1.0 + 0.25) * 8000 + MADE
        assert abs(pcm[2400 : 2400 + 8000]).min() > 0.01
        assert not pcm[:2400].any()
        assert language is None


async def test_without_early_recognition_the_turn_waits_for_the_recogniser() -> None:
    ear = Ear(early=False)
    ear.hear(voice(1) + silence(0.4))
    assert ear.pool.jobs == []
    assert kinds(ear.hear(silence(0.2))) == ["SpeechEnded"]
    assert kinds(await ear.work()) == ["Heard", "TurnEnded"]


async def test_an_early_result_is_thrown_away_if_the_voice_comes_back() -> None:
    ear = Ear()
    ear.hear(voice(1) + silence(0.4))
    ear.hear(voice(1) + silence(0.6))
    events = await ear.work()
    assert kinds(events) == ["Heard", "TurnEnded"]
    assert len(ear.recogniser.heard) == 1, "what had not begun was taken back"
    assert len(ear.recogniser.heard[0][0]) == (1 + 0.4 + 1 + 0.25) * 8000 + MADE


async def test_turns_are_reported_in_the_order_spoken() -> None:
    ear = Ear()
    ear.hear(voice(1) + silence(0.6))
    ear.hear(voice(1) + silence(0.6))
    first, second = ear.pool.jobs
    await second.run()
    assert [event for event in ear.events if isinstance(event, TurnEnded)] == []
    await first.run()
    ends = [event.start for event in ear.events if isinstance(event, TurnEnded)]
    assert ends == [0, 12800]
    assert [event.id for event in ear.events if isinstance(event, Heard)] == ["id-1", "id-2"]


async def test_speech_is_told_at_once_even_while_a_result_is_awaited() -> None:
    ear = Ear()
    ear.hear(voice(1) + silence(0.6))
    assert kinds(ear.hear(voice(0.2))) == ["SpeechStarted"]


async def test_interim_results_come_each_half_second_and_never_after_the_final_one() -> None:
    ear = Ear(interim=True)
    ear.hear(voice(0.4))
    assert ear.pool.jobs == []
    ear.hear(voice(0.2))
    (heard,) = await ear.work()
    assert isinstance(heard, Heard)
    assert (heard.id, heard.final, heard.start, heard.end) == ("id-1", False, 0, 4800)
    ear.hear(voice(0.5))
    (late,) = ear.pool.jobs
    ear.hear(voice(1) + silence(0.6))
    assert ear.pool.jobs.pop(0) is late
    final = await ear.work()
    assert kinds(final) == ["Heard", "TurnEnded"]
    await late.run()
    assert ear.events[-1] is final[-1]


async def test_interim_results_never_queue_up() -> None:
    ear = Ear(interim=True)
    ear.hear(voice(5))
    assert len(ear.pool.jobs) == 1
    await ear.work()
    ear.pool.full = True
    ear.hear(voice(5))
    assert ear.pool.jobs == []


async def test_interim_results_wait_for_the_final_one_of_the_turn_before() -> None:
    ear = Ear(interim=True, early=False)
    ear.hear(voice(0.3) + silence(0.7))
    (first,) = ear.pool.jobs
    ear.hear(voice(0.8))
    (interim,) = ear.pool.jobs[1:]
    await interim.run()
    assert [event for event in ear.events if isinstance(event, Heard)] == []
    await first.run()
    assert [event.id for event in ear.events if isinstance(event, Heard)] == ["id-1"]


async def test_an_early_result_serves_as_interim_too() -> None:
    ear = Ear(interim=True)
    ear.hear(voice(0.3) + silence(0.4))
    (heard,) = await ear.work()
    assert isinstance(heard, Heard)
    assert not heard.final
    final, turn = ear.hear(silence(0.2))[1:]
    assert isinstance(final, Heard)
    assert (final.id, final.final) == (heard.id, True)
    assert isinstance(turn, TurnEnded)
    assert len(ear.recogniser.heard) == 1


async def test_nothing_understood_is_a_turn_without_words() -> None:
    ear = Ear(Scripted(""))
    ear.hear(voice(1) + silence(0.6))
    assert await ear.work() == [TurnEnded(0, 8000, "", 0.0, 12000, False, 12000)]


async def test_without_a_recogniser_only_speech_is_told() -> None:
    ear = Ear(deaf=True, interim=True)
    assert kinds(ear.hear(voice(2) + silence(1))) == ["SpeechStarted", "SpeechEnded"]
    assert ear.pool.jobs == []


async def test_a_cough_is_no_turn() -> None:
    ear = Ear(policy=replace(PLAIN, least=0.3))
    assert kinds(ear.hear(voice(0.2) + silence(1))) == ["SpeechStarted", "SpeechEnded"]
    assert await ear.work() == []
    assert ear.recogniser.heard == []


async def test_a_failure_costs_one_turn_only() -> None:
    ear = Ear(Scripted(error=EngineError("the model is gone")))
    ear.hear(voice(1) + silence(0.6))
    assert await ear.work() == [
        RecogniserFailed(0, "the model is gone"),
        TurnEnded(0, 8000, "", 0.0, 12000, False, 12000),
    ]
    ear.recogniser.error = None
    ear.hear(voice(1) + silence(0.6))
    assert kinds(await ear.work()) == ["Heard", "TurnEnded"]


async def test_what_the_caller_said_is_in_no_error() -> None:
    ear = Ear(Scripted(error=ValueError("cannot parse: my pin is 1234")))
    ear.hear(voice(1) + silence(0.6))
    assert (await ear.work())[0] == RecogniserFailed(0, "ValueError")


async def test_a_failure_of_an_early_recognition_that_is_not_needed_is_not_told() -> None:
    ear = Ear(Scripted(error=EngineError("busy")))
    ear.hear(voice(1) + silence(0.4))
    await ear.work()
    ear.recogniser.error = None
    ear.hear(voice(1) + silence(0.6))
    assert kinds(await ear.work()) == ["Heard", "TurnEnded"]


async def test_a_jump_of_the_position_ends_the_utterance_where_the_stream_stopped() -> None:
    ear = Ear()
    ear.hear(voice(1))
    resets = ear.vad.resets
    ear.position = 400_000
    ended = ear.hear(voice(1) + silence(0.6))
    assert ended[:2] == [SpeechEnded(8000, 8000), SpeechStarted(400_000, 400_960)]
    assert ear.vad.resets == resets + 1
    heard = [event for event in await ear.work() if isinstance(event, Heard)]
    assert [(event.start, event.end) for event in heard] == [(0, 8000), (400_000, 408_000)]
    assert [len(pcm) for pcm, _ in ear.recogniser.heard] == [8000 + MADE, 8000 + 2000 + MADE], (
        "nothing is heard across the gap"
    )


async def test_flush_ends_the_utterance_and_the_next_one_has_the_new_language() -> None:
    ear = Ear()
    ear.hear(voice(1))
    ear.listener.language = "es-ES"
    ear.listener.flush()
    assert ear.events[-1] == SpeechEnded(8000, 8000)
    assert not ear.listener.speaking
    ear.hear(voice(1) + silence(0.6))
    await ear.work()
    assert [language for _, language in ear.recogniser.heard] == [None, "es-ES"]
    starts = [event.start for event in ear.events if isinstance(event, TurnEnded)]
    assert starts == [0, 8000]


async def test_the_lead_of_a_turn_does_not_reach_into_the_one_before() -> None:
    ear = Ear(policy=replace(PLAIN, pause=0.1, silence=0.1, finished=0.1, digits=0.1, open=0.1))
    ear.hear(voice(1) + silence(0.14) + voice(1) + silence(0.2))
    await ear.work()
    assert [len(pcm) for pcm, _ in ear.recogniser.heard] == [8000 + 800 + MADE, 1120 + 8000 + 800 + MADE]


async def test_audio_that_is_no_longer_needed_is_forgotten() -> None:
    ear = Ear()
    ear.hear(silence(60))
    assert len(ear.listener._audio) < 8000
    ear.hear(voice(20) + silence(1))
    assert len(ear.listener._audio) < 8000


async def test_nothing_comes_after_close() -> None:
    ear = Ear(interim=True)
    ear.hear(voice(1) + silence(0.6) + voice(0.9))
    seen = len(ear.events)
    jobs = list(ear.pool.jobs)
    ear.listener.close()
    assert all(job.future.cancelled() for job in jobs)
    assert ear.hear(voice(2) + silence(2)) == []
    ear.listener.flush()
    await ear.listener.drain()
    assert len(ear.events) == seen


async def test_closing_from_within_an_event_is_heeded() -> None:
    ear = Ear(early=False)
    ear.hear(voice(1) + silence(0.4))
    events: list[ListenerEvent] = []

    def close_at_once(event: ListenerEvent) -> None:
        events.append(event)
        ear.listener.close()

    ear.listener._on_event = close_at_once
    ear.hear(silence(2))
    assert kinds(events) == ["SpeechEnded"]
    assert ear.pool.jobs == []


audio_pieces = st.lists(st.tuples(st.booleans(), st.integers(1, 60)), min_size=1, max_size=12)


@settings(max_examples=50, deadline=None)
@given(audio_pieces, st.lists(st.integers(40, 5000), min_size=1, max_size=8))
def test_events_do_not_depend_on_how_audio_is_cut(pieces: list[tuple[bool, int]], cuts: list[int]) -> None:
    asyncio.run(_events_do_not_depend_on_how_audio_is_cut(pieces, cuts))


async def _events_do_not_depend_on_how_audio_is_cut(pieces: list[tuple[bool, int]], cuts: list[int]) -> None:
    audio = b"".join(voice(n * 0.02) if loud else silence(n * 0.02) for loud, n in pieces)
    whole, cut = Ear(), Ear()
    whole.hear(audio, step=len(audio))
    sizes = itertools.cycle(cuts)
    while cut.position < len(audio):
        size = next(sizes)
        cut.hear(audio[cut.position : cut.position + size], step=size)
    for ear in (whole, cut):
        ear.listener.flush()
        await ear.work()

    def results(ear: Ear) -> list[ListenerEvent]:
        # Results arrive when they are ready, so only their own order can be compared.
        return [event for event in ear.events if isinstance(event, (Heard, TurnEnded))]

    def speech(ear: Ear) -> list[ListenerEvent]:
        return [event for event in ear.events if isinstance(event, (SpeechStarted, SpeechEnded))]

    assert speech(cut) == speech(whole)
    assert results(cut) == results(whole)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-5, 50), st.floats(-5, 50)), min_size=1, max_size=30),
    st.integers(9, 100),
)
def test_words_are_in_order_within_their_utterance(times: list[tuple[float, float]], frames: int) -> None:
    """Whatever an engine says: an entity's tokens increase strictly and lie within the utterance (P5)."""
    asyncio.run(_words_are_in_order_within_their_utterance(times, frames))


async def _words_are_in_order_within_their_utterance(times: list[tuple[float, float]], frames: int) -> None:
    words = tuple(Word("w", start, end, 0.5) for start, end in times)
    ear = Ear(Scripted("w", words=words))
    ear.hear(silence(1) + voice(frames * 0.02) + silence(0.6))
    heard = next(event for event in await ear.work() if isinstance(event, Heard))
    assert len(heard.words) == len(words)
    assert heard.start <= heard.words[0].start
    assert heard.words[-1].end <= heard.end
    assert all(word.start < word.end for word in heard.words)
    assert all(before.end <= after.start for before, after in itertools.pairwise(heard.words))
