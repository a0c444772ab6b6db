"""Phrases by engines that stand in for others, or speak for a wrapper: what they can do they do themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from tests.speech.test_rendering import Able, Buzz, pieces, voice_of

from offhook.audio import ulaw
from offhook.audio.stretch import fundamental
from offhook.errors import EngineError
from offhook.speech.adapting import adapted
from offhook.speech.engines import Float32, Synthesiser
from offhook.speech.fallback import fallback
from offhook.speech.phrases import Abilities, Part, Phrase, Spoken, abilities
from offhook.speech.route import route

MANNER = "one two <prosody rate='150%' pitch='120%'>three four</prosody>"


@dataclass
class Dying(Able):
    """`Able`, a word at a time, that fails behind the second one."""

    def express(self, phrase: Phrase, *, voice: str | None = None, language: str | None = None) -> Iterator[Spoken]:
        (whole,) = super().express(phrase)
        end = whole.times[1][1]
        yield Spoken(whole.pcm[:end], whole.times)
        yield Spoken(np.zeros(round(0.1 * self.rate), np.float32))
        raise EngineError("killed")


def sound(engine: Synthesiser, phrase: Phrase) -> tuple[Float32, list[tuple[int, int]]]:
    spoken = list(adapted(engine, phrase))
    return np.concatenate([one.pcm for one in spoken]), [time for one in spoken for time in one.times]


def test_an_engine_that_can_is_given_the_phrase_as_it_is() -> None:
    able, phrase = Able(), Phrase((Part("a ", pitch=1.2), Part("b", phonemes="biː", emphasis="strong")), 0.8)
    sound(able, phrase)
    assert able.phrases == [phrase]


def test_what_an_engine_cannot_is_made_up_for() -> None:
    plain, _ = sound(Buzz(), Phrase((Part("one two"),)))
    quick, times = sound(Buzz(), Phrase((Part("one two", pitch=1.2),), 1.25))
    assert len(quick) == pytest.approx(len(plain) / 1.25, rel=0.02)
    assert fundamental(quick, 16000) == pytest.approx(180, rel=0.03)
    assert times == [(7, len(quick))]


def test_parts_of_one_manner_each_keep_their_places() -> None:
    engine = Buzz()
    whole, times = sound(engine, Phrase((Part("one "), Part("two", phonemes="tuː", emphasis="strong"))))
    assert engine.asked == ["one", "two"]
    assert [count for count, _ in times] == [3, 7]
    assert times[-1][1] == len(whole)
    first, second = whole[: times[0][1]], whole[times[0][1] :]
    assert len(second) > 1.1 * len(first)
    assert np.abs(second).max() > 1.2 * np.abs(first).max()


@pytest.mark.parametrize("wrap", [lambda a, b: fallback(a, b), lambda a, b: route({"en": a, "*": b})])
def test_a_wrapper_can_what_the_engine_that_speaks_can(wrap: object) -> None:
    able = Able()
    engine = wrap(able, Buzz(rate=24000, languages=("fr",)))  # type: ignore[operator]
    assert abilities(engine, language="en") == able.abilities
    made = pieces(MANNER, engine)
    alone = pieces(MANNER, Able())
    assert able.phrases[0].parts[1].pitch == pytest.approx(1.2)
    assert np.array(made[-1].times) == pytest.approx(np.array(alone[-1].times), abs=3)
    assert abilities(engine, language="fr") == Abilities()


def test_a_route_scales_times_to_its_own_rate() -> None:
    able = Able(rate=24000, languages=("fr",))
    both = route({"en": Buzz(), "fr": able})
    spoken = list(both.express(Phrase((Part("un deux"),)), language="fr"))
    assert [time for one in spoken for time in one.times] == [(2, 7200), (7, 10400)]
    assert sum(len(one.pcm) for one in spoken) == pytest.approx(14400, abs=2)


def test_genders_of_all_voices_are_known() -> None:
    her = Able(voices=("her",), abilities=Abilities(genders={"her": "female"}))
    him = Able(voices=("him",), abilities=Abilities(genders={"him": "male"}))
    for engine in (fallback(her, him), route({"en": her, "fr": him})):
        assert abilities(engine).genders == {"her": "female", "him": "male"}
    assert abilities(route({"en": her, "fr": him}), language="fr").genders == {"him": "male"}


def test_one_that_rests_does_not_speak_for_all() -> None:
    able = Dying()
    both = fallback(able, Buzz(), failures=1)
    list(both.express(Phrase((Part("one two three"),))))
    assert abilities(both) == Abilities()


def test_what_follows_a_voice_with_times_goes_on_at_the_very_word() -> None:
    plain = Buzz()
    both = fallback(Dying(), plain)
    phrase = Phrase((Part("one two "), Part("three four", pitch=1.2)), 0.8)
    spoken = list(both.express(phrase))
    assert plain.asked == ["three four"]
    times = [time for one in spoken for time in one.times]
    assert [count for count, _ in times] == [3, 7, 18]
    whole = np.concatenate([one.pcm for one in spoken])
    assert times[-1][1] == len(whole)
    rest = voice_of(whole[times[1][1] :])
    assert fundamental(rest, 16000) == pytest.approx(180, rel=0.03)
    assert len(rest) / 16000 == pytest.approx(0.4 / 0.8, abs=0.03)


def test_words_are_placed_where_a_plain_voice_stands_in() -> None:
    made = pieces("one two three four", fallback(Dying(), Buzz()))
    total = sum(len(piece.audio) for piece in made)
    counts = [count for count, _ in made[-1].times]
    places = [place for _, place in made[-1].times]
    assert counts == [3, 7, 13, 18]
    assert places == sorted(places)
    assert places[1] == pytest.approx(0.4 * ulaw.RATE, abs=0.1 * ulaw.RATE)
    assert places[-1] == pytest.approx(total, abs=0.1 * ulaw.RATE)


def test_a_phrase_cut_in_a_part_reads_the_rest_of_it() -> None:
    phrase = Phrase((Part("one "), Part("two three", phonemes="x", pitch=1.1), Part(" four")), 0.9)
    assert phrase.after(0) == phrase
    assert phrase.after(4) == replace(phrase, parts=phrase.parts[1:])
    assert phrase.after(8) == Phrase((Part("three", pitch=1.1), Part(" four")), 0.9)
