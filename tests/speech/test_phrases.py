"""What synthesisers can do beyond reading, alone and behind others that are made of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from tests.speech.doubles import Tones

from offhook.errors import EngineError
from offhook.speech.fallback import fallback
from offhook.speech.phrases import Abilities, Part, Phrase, Spoken, abilities, express
from offhook.speech.route import route

CAN = Abilities(rate=(0.5, 2.0), pitch=(0.8, 1.5), phonemes=True, emphasis=True, timing=True, genders={"ann": "female"})
PHRASE = Phrase((Part("one ", "wʌn", 1.4, "strong"), Part("two", pitch=0.9)), rate=1.8)


class Expressive(Tones):
    """Remembers what it was asked to express, tells when words end, and may fail."""

    abilities = CAN
    fails = False

    def express(self, phrase: Phrase, *, voice: str | None = None, language: str | None = None) -> Iterator[Spoken]:
        if self.fails:
            raise EngineError("killed")
        self.phrases = [*getattr(self, "phrases", []), phrase]
        yield Spoken(np.full(self.rate // 10, 0.1, np.float32), ((4, self.rate // 10),))


def test_a_route_can_what_the_engine_of_the_language_can() -> None:
    able, plain = Expressive(24_000, voices=("ann",)), Tones(8000, voices=("eva",), languages=("de",))
    table = route({"de": plain, "en": able})
    assert abilities(table, language="en-US") == CAN
    assert abilities(table, language="de") == abilities(table, language="fr") == Abilities()
    assert abilities(table, voice="ann") == CAN
    (first, *_) = express(table, PHRASE, language="en")
    assert able.phrases == [PHRASE]
    assert first.times == ((4, 800),), "times are at the route's rate"
    assert sum(len(spoken.pcm) for spoken in express(table, PHRASE, language="de")) == 2 * len(
        next(iter(plain.synthesise("one")))
    )


def test_a_fallback_can_what_its_first_engine_can() -> None:
    able, plain = Expressive(16_000), Tones(16_000, name="plain")
    both = fallback(able, plain)
    can = abilities(both, language="en")
    assert (can.phonemes, can.pitch, can.timing) == (True, (0.8, 1.5), True)
    assert sum(len(spoken.pcm) for spoken in express(both, PHRASE)) == 1600
    assert able.phrases == [PHRASE]
    assert plain.made == []


def test_an_engine_that_stands_in_says_the_words() -> None:
    able, plain = Expressive(16_000), Tones(16_000, name="plain")
    able.fails = True
    assert list(express(fallback(able, plain), PHRASE))
    assert plain.made == ["one", "two"]


def test_a_fallback_refuses_what_none_can_speak() -> None:
    both = fallback(Expressive(16_000), Tones(16_000, name="plain"))
    for wrong in ({"voice": "bob"}, {"language": "fr"}):
        with pytest.raises(EngineError):
            list(express(both, PHRASE, **wrong))
    assert abilities(both, language="fr") == Abilities()
