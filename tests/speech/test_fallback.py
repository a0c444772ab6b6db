"""Engines that stand in for each other, killed in mid-word: nothing said is lost, nothing heard is repeated."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from tests.speech.doubles import Scripted, Tones

from offhook.errors import EngineError, UsageError
from offhook.speech import registry
from offhook.speech.engines import Float32, Synthesiser
from offhook.speech.fallback import FallbackRecogniser, FallbackSynthesiser, fallback

RATE = 16000
LETTER = 1 / 15
"""Seconds of voice a letter, which is what an unknown engine is taken to speak at."""


class Speaker:
    """Speaks each word as a tone of its own pitch, as long as its letters, with a gap behind it; may die on the way.

    Attributes:
        dies_after: Seconds of sound after which it fails.
        hangs: Whether it then gives no sound instead of failing.
    """

    languages = ("en",)
    waits = True

    def __init__(self, name: str, base: float, rate: int = RATE) -> None:
        self.name, self.base, self.rate = name, base, rate
        self.voices = (name,)
        self.dies_after: float | None = None
        self.hangs = False
        self.released = threading.Event()
        self.asked: list[tuple[str, str | None]] = []
        self.closed = 0

    def sound(self, text: str) -> Float32:
        parts = []
        for item in text.split():
            time = np.arange(round(len(item) * LETTER * self.rate)) / self.rate
            parts += [0.3 * np.sin(2 * np.pi * self.base * time), np.zeros(round(0.06 * self.rate))]
        return np.concatenate(parts).astype(np.float32)

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        self.asked.append((text, voice))
        sound = self.sound(text)
        step = self.rate // 10
        try:
            for at in range(0, len(sound), step):
                if self.dies_after is not None and at / self.rate >= self.dies_after:
                    if self.hangs:
                        self.released.wait(20)
                    raise EngineError("killed")
                yield sound[at : at + step]
        finally:
            self.closed += 1


TEXT = "seven little wizards quickly brewed another potion"


@pytest.mark.parametrize("dies_after", [0.0, 0.1, 0.5, 0.9, 1.3, 1.7, 2.1, 2.6, 3.0])
@pytest.mark.parametrize("hangs", [False, True])
def test_a_voice_killed_in_mid_word_is_followed_without_repeating_or_losing_a_word(
    dies_after: float, hangs: bool
) -> None:
    first, second = Speaker("first", 300), Speaker("second", 600, rate=24000)
    first.dies_after, first.hangs = dies_after, hangs
    both = fallback(first, second, timeout=0.15)
    sound = np.concatenate(list(both.synthesise(TEXT)))
    first.released.set()

    heard, spoken = spoken_by(sound, 300), second.asked[0][0].split()
    words = TEXT.split()
    by_first = words[: len(words) - len(spoken)]
    assert words[len(by_first) :] == spoken
    # The first voice was heard for exactly those words that the second did not say.
    assert heard == pytest.approx(sum(map(len, by_first)) * LETTER, abs=0.02 * len(by_first) + 0.06)
    assert spoken_by(sound, 600) == pytest.approx(sum(map(len, spoken)) * LETTER, abs=0.02 * len(spoken) + 0.06)


def spoken_by(sound: Float32, pitch: float) -> float:
    """Seconds in which a tone of that pitch is heard."""
    block = RATE // 50
    blocks = sound[: len(sound) // block * block].reshape(-1, block)
    spectra = np.abs(np.fft.rfft(blocks, axis=1))
    loud = spectra.max(axis=1) > 0.1 * block * 0.15
    return float((loud & (spectra.argmax(axis=1) == round(pitch / 50))).sum()) * 0.02


def test_sentences_that_were_whole_are_never_said_again() -> None:
    first, second = Speaker("first", 300), Speaker("second", 600)
    both = fallback(first, second)
    pieces = both.synthesise("One two three. Four five six. Seven eight nine.")
    got = [next(pieces)]
    while len(first.asked) < 3:
        got.append(next(pieces))
    first.dies_after = 0.0
    got += pieces
    assert [text for text, _ in second.asked] == ["eight nine."], "the first voice had said seven"


def test_a_voice_that_makes_no_sound_is_followed() -> None:
    first, second = Speaker("first", 300), Speaker("second", 600)
    first.sound = lambda text: np.zeros(0, np.float32)  # type: ignore[method-assign]
    both = fallback(first, second)
    assert np.concatenate(list(both.synthesise("One two."))).any()
    assert [text for text, _ in second.asked] == ["One two."]


def test_the_last_voice_that_dies_is_told_after_all_that_could_be_said() -> None:
    first, second = Speaker("first", 300), Speaker("second", 600)
    first.dies_after = second.dies_after = 0.5
    pieces = fallback(first, second).synthesise(TEXT)
    got = []
    with pytest.raises(EngineError, match="killed"):
        got += pieces
    assert first.closed == second.closed == 1


def test_voices_go_to_the_engines_that_have_them() -> None:
    first, second = Speaker("first", 300), Speaker("second", 600)
    both = fallback(first, second)
    assert both.voices == ("first", "second")
    first.dies_after = 0.0
    list(both.synthesise("Hello.", voice="first"))
    assert first.asked == [("Hello.", "first")]
    assert second.asked == [("Hello.", None)]
    for arguments in ({"voice": "nobody"}, {"language": "fr"}):
        with pytest.raises(EngineError):
            list(both.synthesise("Hello.", **arguments))


def test_a_hedged_voice_is_the_one_that_begins_first() -> None:
    first, second = Speaker("first", 300), Speaker("second", 600)
    first.dies_after, first.hangs = 0.0, True
    both = fallback(first, second, timeout=15, after=0.05)
    sound = np.concatenate(list(both.synthesise(TEXT)))
    first.released.set()
    assert spoken_by(sound, 300) == 0
    assert [text for text, _ in second.asked] == [TEXT]


def test_dropping_it_half_way_closes_the_engine() -> None:
    first = Speaker("first", 300)
    pieces = fallback(first, Speaker("second", 600)).synthesise(TEXT)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert first.closed == 1


def test_an_utterance_is_given_to_the_next_recogniser_whole() -> None:
    first, second = Scripted(error=EngineError("cut")), Scripted("I was understood", rate=16000)
    both = fallback(first, second)
    pcm = (0.1 * np.sin(2 * np.pi * 300 * np.arange(both.rate) / both.rate)).astype(np.float32)
    assert both.transcribe(pcm, "en-US").text == "I was understood"
    assert np.array_equal(second.heard[0][0], pcm)
    assert second.heard[0][1] == "en-US"
    assert len(first.heard[0][0]) == 8000


def test_only_those_are_asked_that_know_the_language() -> None:
    english, spanish = Scripted("yes"), Scripted("si", languages=("es",))
    both = fallback(english, spanish)
    assert both.languages == ("en", "es")
    assert both.transcribe(np.zeros(100, np.float32), "es-ES").text == "si"
    assert not english.heard
    with pytest.raises(EngineError, match="none of these"):
        both.transcribe(np.zeros(100, np.float32), "fr")


def test_it_is_named_by_uri_with_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_slots", {})
    asked: list[str] = []

    def shared(kind: str, uri: str) -> object:
        asked.append(uri)
        return Scripted() if kind == "recogniser" else Tones()

    real = registry._shared

    def either(kind: str, uri: str) -> object:
        return real(kind, uri) if uri.startswith(("fallback", "hedge")) else shared(kind, uri)  # type: ignore[arg-type]

    monkeypatch.setattr(registry, "_shared", either)
    both = registry.recogniser("fallback?1=whisper:base&2=moonshine?reject=-1%26x=2&timeout=3&failures=1")
    assert isinstance(both, FallbackRecogniser)
    assert asked == ["whisper:base", "moonshine?reject=-1&x=2"]
    assert (both._relay.timeout, both._relay.after) == (3, 3)
    hedged = registry.synthesiser("hedge?1=pico&2=hibari&after=0.5")
    assert isinstance(hedged, FallbackSynthesiser)
    assert hedged._relay.after == 0.5
    with pytest.raises(UsageError, match="at least two"):
        registry.recogniser("fallback?1=whisper")
    with pytest.raises(UsageError, match="no setting 'patience'"):
        registry.recogniser("fallback?1=a&2=b&patience=1")


def test_kinds_are_not_mixed() -> None:
    with pytest.raises(UsageError, match="not of both"):
        fallback(Scripted(), Tones())  # type: ignore[call-overload]


def test_the_contract_holds_for_a_fallback_too() -> None:
    from tests.speech import contract

    class Real(Tones):
        def synthesise(self, text: str, **arguments: str | None) -> Iterator[Float32]:
            if arguments.get("voice") not in (None, "tone") or arguments.get("language") not in (None, "en"):
                raise EngineError("no")
            yield from super().synthesise(" ".join(text.split() * 3))

    both: Synthesiser = fallback(Real(), Real(name="tones-2"))
    contract.check_synthesiser(both, foreign="de")
