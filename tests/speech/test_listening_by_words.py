"""One ear that weighs the words too, changes its recogniser in mid-utterance, and does not hear its own bot."""

from __future__ import annotations

import numpy as np
from tests.speech.doubles import LoudIsVoice, Scripted, silence, voice
from tests.speech.test_listening import MADE, STEP, Ear, kinds

from offhook.audio import ulaw
from offhook.speech.heard import Heard, ListenerEvent, TurnEnded
from offhook.speech.listening import Listener
from offhook.speech.turns import TurnPolicy

WORDY = TurnPolicy(pause=0.1, silence=0.5, finished=0.2, digits=0.7, open=1.4, settle=0.2)


async def silence_until_over(text: str, *, expects: str = "", settles: float = 0.0) -> float:
    """Seconds of silence, in steps of 0.1, after which a turn with these words is over."""
    ear = Ear(Scripted(text), policy=WORDY)
    if expects:
        ear.listener.expects = lambda said: said == expects
    ear.hear(voice(1))
    for tenth in range(1, 30):
        ear.hear(silence(0.1), step=800)
        await ear.work()
        for event in ear.events:
            if isinstance(event, TurnEnded):
                assert event.settled_at - event.decided_at == settles * 8000
                return tenth / 10
    raise AssertionError("the turn does not end")


async def test_the_words_decide_when_a_turn_is_over() -> None:
    assert await silence_until_over("Yes.") == 0.2
    assert await silence_until_over("Well, you know", settles=0.2) == 0.5
    assert await silence_until_over("Five, five, one, two.", settles=0.2) == 0.7
    assert await silence_until_over("My number is", settles=0.2) == 1.4


async def test_a_full_answer_to_what_was_asked_ends_the_turn_early() -> None:
    assert await silence_until_over("Thick crust", expects="Thick crust") == 0.2
    assert await silence_until_over("Thick crust", settles=0.2) == 0.5


async def test_another_recogniser_takes_over_in_mid_utterance_and_nothing_is_lost() -> None:
    first, second = Scripted("hello"), Scripted("hola")
    ear = Ear(first)
    ear.hear(silence(1) + voice(1) + silence(0.3))
    ear.listener.change(recogniser=second, language="es-ES")
    ear.hear(silence(0.3))
    heard = [event for event in await ear.work() if isinstance(event, Heard)]
    assert [event.text for event in heard] == ["hola"]
    ((pcm, language),) = second.heard
    assert language == "es-ES"
    assert len(pcm) == (0.3 + 1.0 + 0.25) * 8000 + MADE
    assert first.heard == []


async def test_a_bot_does_not_hear_itself() -> None:
    """What comes back of what was played, late, softer and coloured, starts no speech; somebody's voice does."""
    rng = np.random.default_rng(1)
    played = ulaw.from_float((rng.standard_normal(40_000) * 0.1).astype(np.float32))
    room = np.zeros(900)
    room[[700, 706, 731]] = 0.3, -0.1, 0.05
    echo = np.convolve(ulaw.to_float(played), room)[:40_000]
    caller = np.zeros(40_000)
    caller[24_000:32_000] = ulaw.to_float(voice(1)) * 0.9
    for sound, starts in ((echo, 0), (echo + caller, 1)):
        events: list[ListenerEvent] = []
        guarded = Listener(
            events.append,
            vad=LoudIsVoice(),
            played=lambda at, count: played[at : at + count] + ulaw.silence(at + count - len(played[: at + count])),
        )
        line = ulaw.from_float(sound.astype(np.float32))
        for at in range(0, len(line), STEP):
            guarded.feed(line[at : at + STEP], at)
        assert kinds(events).count("SpeechStarted") == starts
