"""Words in the audio of engines that tell no times: beside a reading whose times are known, or by letters."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.speech.doubles import Tones

from offhook.audio.resample import resample
from offhook.audio.stretch import stretch
from offhook.errors import EngineError
from offhook.speech import alignment, registry
from offhook.speech.alignment import Pairs, by_letters, timed
from offhook.speech.edges import Edges
from offhook.speech.engines import Float32, Synthesiser
from offhook.speech.phrases import Part, Phrase, express
from offhook.speech.sentences import word_ends

RATE = 8000
SENTENCES = [
    "Your order will arrive on Tuesday, the fifth of March.",
    "To hear your messages, press one; to change your greeting, press two.",
    "Your ticket number is 4711, and it is valid until June 30.",
]


@pytest.fixture(scope="module")
def hibari() -> Synthesiser:
    return registry.synthesiser("hibari")


def spoken(engine: Synthesiser, text: str, voice: str | None = None, rate: float = 1.0) -> tuple[Float32, Pairs]:
    """What it says at 8 kHz without silence at its ends, and when by its own telling."""
    chunks = list(express(engine, Phrase((Part(text),), rate), voice=voice))
    edges = Edges()
    sound = edges.push(resample(np.concatenate([chunk.pcm for chunk in chunks]), engine.rate, RATE), last=True)
    times = [(count, at * RATE // engine.rate - edges.lead) for chunk in chunks for count, at in chunk.times]
    return sound, [(count, min(at, len(sound))) for count, at in times]


def noise(*stretches: tuple[float, float]) -> Float32:
    """Noise of so many seconds and so much amplitude, one after another."""
    random = np.random.default_rng(3)
    return np.concatenate([random.uniform(-a, a, round(s * RATE)) for s, a in stretches]).astype(np.float32)


@pytest.mark.parametrize("text", SENTENCES)
def test_another_voice_at_another_pace_is_followed(hibari: Synthesiser, text: str) -> None:
    sound, true = spoken(hibari, text, "heart+low", 0.75)
    told = timed(text, sound, "en-GB")
    assert [count for count, _ in told] == [count for count, _ in true]
    off = [abs(mine - its) for (_, mine), (_, its) in zip(told, true, strict=True)]
    assert max(off) < 0.12 * RATE, off
    guess = dict(by_letters(text, sound))
    assert sum(off) < sum(abs(guess[count] - at) for count, at in true) / 2


def test_a_pause_in_the_midst_moves_all_behind_it(hibari: Synthesiser) -> None:
    text = SENTENCES[0]
    sound, true = spoken(hibari, text)
    at = true[2][1]
    paused = np.concatenate((sound[:at], np.zeros(RATE, np.float32), sound[at:]))
    told = dict(timed(text, paused, "en"))
    for count, place in true[:2]:
        assert told[count] == pytest.approx(place, abs=0.06 * RATE)
    for count, place in true[3:]:
        assert told[count] == pytest.approx(place + RATE, abs=0.06 * RATE)


def test_a_voice_that_changes_its_pace_is_followed(hibari: Synthesiser) -> None:
    text = SENTENCES[1]
    sound, true = spoken(hibari, text)
    uneven, moved = stretch(sound, RATE, [(len(sound) // 2, 0.7), (len(sound), 1.2)])
    off = [abs(mine - moved(its)) for (_, mine), (_, its) in zip(timed(text, uneven, "en"), true, strict=True)]
    assert max(off) < 0.1 * RATE


def test_other_languages_and_other_words_are_told_by_letters(hibari: Synthesiser) -> None:
    sound, _ = spoken(hibari, SENTENCES[0])
    assert timed(SENTENCES[0], sound, "de-DE") == by_letters(SENTENCES[0], sound)
    hiss = noise((3.0, 0.1))
    assert timed(SENTENCES[0], hiss, "en") == by_letters(SENTENCES[0], hiss)


@pytest.mark.parametrize("seconds", [0.3, 20.0])
def test_what_nobody_can_have_read_is_not_compared(seconds: float) -> None:
    def asked(text: str) -> tuple[Float32, Pairs]:
        raise AssertionError("it was read for comparison")

    timed("twenty letters, perhaps", noise((seconds, 0.1)), "en", asked)
    with pytest.raises(AssertionError):
        timed("twenty letters, perhaps", noise((1.5, 0.1)), "en-GB", asked)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_samples_that_are_no_numbers_do_no_harm(wrong: float) -> None:
    for sound in (np.full(RATE, wrong, np.float32), np.append(noise((1, 0.2)), np.float32(wrong))):
        told = timed("Good morning, dear.", sound, "en")
        assert [count for count, _ in told] == word_ends("Good morning, dear.")
        assert all(0 <= at <= len(sound) for _, at in told)


def test_only_an_engine_that_tells_no_times_is_prepared_for(
    hibari: Synthesiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(alignment, "_hibari", lambda: loaded.append("hibari"))
    alignment.prepare(hibari)
    assert loaded == []
    alignment.prepare(Tones())
    assert loaded == ["hibari"]


def test_without_a_reading_the_letters_tell() -> None:
    def fails(text: str) -> tuple[Float32, Pairs]:
        raise EngineError("it is broken")

    sound = noise((1.2, 0.1))
    assert timed("to be together", sound, "en", fails) == by_letters("to be together", sound)
    assert timed("to be", sound, "en", lambda text: (sound, [])) == by_letters("to be", sound)


def test_letters_share_the_time_in_which_there_is_voice() -> None:
    told = by_letters("four five", noise((0.4, 0.1), (1.0, 0.0), (0.4, 0.1)))
    assert told == [(4, pytest.approx(0.4 * RATE, abs=160)), (9, pytest.approx(1.8 * RATE, abs=160))]
    ends = dict(by_letters("it is 4711", noise((2.4, 0.1))))
    assert ends[2] == pytest.approx(0.2 * RATE, abs=160)  # a digit is a word, not a letter


@pytest.mark.parametrize("sound", [np.zeros(0, np.float32), np.zeros(4000, np.float32), noise((0.01, 0.1))])
def test_next_to_nothing_gives_times_within_it(sound: Float32) -> None:
    for language in ("en", "fr"):
        told = timed("one two", sound, language)
        assert [count for count, _ in told] == [3, 7]
        assert all(0 <= at <= len(sound) for _, at in told)


@given(
    st.text("ab 1,.", min_size=1, max_size=30),
    st.lists(st.tuples(st.floats(0.01, 0.5), st.sampled_from([0.0, 0.001, 0.1])), min_size=1, max_size=5),
)
def test_times_grow_and_lie_within_the_sound(text: str, stretches: list[tuple[float, float]]) -> None:
    sound, reading = noise(*stretches), noise((0.5, 0.1), (0.1, 0.0), (0.4, 0.1))
    ends = word_ends(text)
    told = timed(
        text, sound, "en", lambda text: (reading, [(end, 8000 * n // len(ends)) for n, end in enumerate(ends)])
    )
    assert all(one <= other for one, other in itertools.pairwise(at for _, at in told))
    assert all(0 <= at <= len(sound) for _, at in told)
