"""hibari keeps the contract, always sounds the same, and downloads nothing."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.speech import contract

from offhook.audio.resample import resample
from offhook.audio.stretch import fundamental
from offhook.errors import EngineError, EngineMissing, UsageError
from offhook.speech import registry
from offhook.speech.adapters.hibari import Hibari
from offhook.speech.engines import Recogniser, Synthesiser
from offhook.speech.phrases import Part, Phrase, express

pytest.importorskip("hibari")


def test_it_keeps_the_contract(hibari: Synthesiser) -> None:
    contract.check_synthesiser(hibari, foreign="de-DE")


def test_the_same_text_sounds_the_same(hibari: Synthesiser) -> None:
    first, second = (np.concatenate(list(hibari.synthesise("Good morning."))) for _ in range(2))
    assert np.array_equal(first, second)


def test_codes_and_phone_numbers_can_be_understood(hibari: Synthesiser, moonshine: Recogniser) -> None:
    sound = np.concatenate(list(hibari.synthesise("Call 1-800-555-0199 about order 48213.")))
    text = moonshine.transcribe(resample(resample(sound, 24000, 8000), 8000, 16000), None).text
    assert "".join(filter(str.isdigit, text)) == "1800555019948213"


def test_speed_is_a_setting_with_bounds_and_part_of_the_name(hibari: Synthesiser) -> None:
    slow = registry.synthesiser("hibari?speed=0.7")
    text = "How can I help you today?"
    assert sum(map(len, slow.synthesise(text))) > 1.2 * sum(map(len, hibari.synthesise(text)))
    assert slow.name != hibari.name
    with pytest.raises(UsageError, match=r"from 0.7 to 1.2"):
        registry.synthesiser("hibari?speed=1.4")


def test_a_voice_that_would_have_to_be_fetched_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hibari: Synthesiser
) -> None:
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path))
    with pytest.raises(EngineError, match=r"emma.*run once"):
        registry.synthesiser("hibari?voice=emma")
    with pytest.raises(EngineError, match=r"nobody.*heart"):
        registry.synthesiser("hibari:nobody")
    assert hibari.voices[0] == "heart"


def spoken(engine: Synthesiser, phrase: Phrase, **options: str) -> tuple[np.ndarray, list[tuple[int, int]]]:
    parts = list(engine.express(phrase, **options))  # type: ignore[attr-defined]
    return np.concatenate([part.pcm for part in parts]), [time for part in parts for time in part.times]


def test_it_tells_when_each_word_is_over(hibari: Synthesiser, moonshine: Recogniser) -> None:
    """What has been heard by then is understood as the words so far."""
    text = "Your parcel number 7 leaves Berlin on Tuesday, Dr. Smith."
    sound, times = spoken(hibari, Phrase((Part(text),)))
    assert [text[:count].split()[-1] for count, _ in times] == text.split()
    assert all(before < after for (_, before), (_, after) in itertools.pairwise(times))
    for words, wanted in ((2, "your parcel"), (6, "your parcel number 7 leaves berlin")):
        heard = resample(resample(sound[: times[words - 1][1]], 24000, 8000), 8000, 16000)
        said = moonshine.transcribe(np.pad(heard, 8000).astype(np.float32), None).text.lower()
        assert said.rstrip(".,").replace("seven", "7") == wanted


def test_each_part_has_its_pitch_and_the_phrase_its_pace(hibari: Synthesiser) -> None:
    text = "we all know you are our man "
    sound, times = spoken(hibari, Phrase((Part(text), Part(text, pitch=1.3))))
    middle = times[len(text.split()) - 1][1]
    ratio = (fundamental(sound[middle:], 24000) or 0) / (fundamental(sound[:middle], 24000) or 1)
    plain, _ = spoken(hibari, Phrase((Part(text), Part(text))))
    usual = (fundamental(plain[middle:], 24000) or 0) / (fundamental(plain[:middle], 24000) or 1)
    assert ratio / usual == pytest.approx(1.3, rel=0.1)
    slow, _ = spoken(hibari, Phrase((Part(text),), rate=0.7))
    assert len(slow) / len(spoken(hibari, Phrase((Part(text),)))[0]) == pytest.approx(1 / 0.7, rel=0.08)


def test_it_speaks_phonemes(hibari: Synthesiser, moonshine: Recogniser) -> None:
    parts = (Part("I like "), Part("x", phonemes="bəˈnænəz"), Part(" and "), Part("y", phonemes="ˈtʃɑːklət"))
    sound, times = spoken(hibari, Phrase(parts))
    assert [count for count, _ in times] == [1, 6, 8, 12, 14]
    heard = resample(resample(sound, 24000, 8000), 8000, 16000)
    text = moonshine.transcribe(heard, None).text.lower()
    assert "bananas" in text
    assert "chocolate" in text


def test_its_other_voices_are_lower_and_higher(hibari: Synthesiser) -> None:
    phrase = Phrase((Part("Good morning to you."),))
    pitches = {voice: fundamental(spoken(hibari, phrase, voice=voice)[0], 24000) or 0 for voice in hibari.voices}
    assert pitches["heart+low"] < 0.8 * pitches["heart"]
    assert pitches["heart+high"] > 1.2 * pitches["heart"]
    with pytest.raises(EngineError, match=r"heart\+low"):
        spoken(hibari, phrase, voice="heart+odd")


def test_a_sentence_that_is_too_long_for_the_network_is_said_in_pieces(hibari: Synthesiser) -> None:
    text = "and so we went on, " * 40
    parts = list(hibari.express(Phrase((Part(text),))))  # type: ignore[attr-defined]
    assert len(parts) > 1
    times = [time for part in parts for time in part.times]
    assert len(times) == len(text.split())
    assert all(before[1] <= after[1] for before, after in itertools.pairwise(times))


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hibari.voices", None)
    with pytest.raises(EngineMissing, match=r"pip install 'offhook\[speech\]'"):
        Hibari()


@pytest.mark.parametrize("text", ["Great 🙂", "Great 🙂 ", "ok ✓", "Hi -", "Price: $ ", "Hallo 你好", "half \ufffd"])
def test_a_word_without_a_sound_at_the_end_is_over_with_the_one_before(hibari: Synthesiser, text: str) -> None:
    spoken = list(express(hibari, Phrase((Part(text),))))
    made = sum(len(each.pcm) for each in spoken)
    times = [time for each in spoken for time in each.times]
    assert times == sorted(times)
    assert 0 < times[-1][1] <= made
    assert list(hibari.synthesise(text))
