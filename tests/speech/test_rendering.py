"""Sentences in any manner by any engine: what it can do it does, what it cannot is made up for on its audio."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from tests.speech.doubles import Tones

from offhook.audio import ulaw
from offhook.audio.resample import resample
from offhook.audio.stretch import fundamental
from offhook.errors import EngineError
from offhook.speech import reports
from offhook.speech.cache import PromptCache
from offhook.speech.engines import Float32, Recogniser, Synthesiser
from offhook.speech.leveller import LEVEL
from offhook.speech.phrases import Abilities, Phrase, Spoken
from offhook.speech.rendering import Actor, Piece, render
from offhook.speech.ssml.plan import plan
from offhook.speech.ssml.reader import parse
from offhook.speech.ssml.steps import Pause, Speech

LEVELS = [("-6dB", -6.0), ("+3dB", 3.0), ("soft", -6.0)]


@dataclass
class Buzz:
    """A synthesiser that reads each word as 0.2 s of a voice at 150 Hz, between silences, and can do no more."""

    rate: int = 16000
    asked: list[str] = field(default_factory=list)
    languages: tuple[str, ...] = ("en",)
    voices: tuple[str, ...] = ("buzz",)
    name: str = "buzz-1"

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        self.asked.append(text)
        yield self.sound(len(text.split()), 1.0, 1.0)

    def sound(self, words: int, rate: float, pitch: float) -> Float32:
        time = np.arange(round(words * 0.2 * self.rate / rate)) / self.rate
        voice = sum(np.sin(2 * np.pi * 150 * pitch * n * time) / n for n in range(1, 9))
        quiet = np.zeros(self.rate // 4)
        return np.concatenate((quiet, 0.1 * voice, quiet)).astype(np.float32)


@dataclass
class Able(Buzz):
    """The same with abilities: it takes rate and pitch, and tells when each word is over."""

    abilities: Abilities = field(default_factory=lambda: Abilities((0.5, 2), (0.5, 2), True, True, True))
    phrases: list[Phrase] = field(default_factory=list)
    name: str = "able-1"

    def express(self, phrase: Phrase, *, voice: str | None = None, language: str | None = None) -> Iterator[Spoken]:
        self.phrases.append(phrase)
        times, words = [], 0
        for at, letter in enumerate(phrase.text + " "):
            if letter == " ":
                words += 1
                times.append((at, round((0.25 + 0.2 * words / phrase.rate) * self.rate)))
        yield Spoken(self.sound(words, phrase.rate, phrase.parts[0].pitch), tuple(times))


def pieces(source: str, engine: Synthesiser, **options: object) -> list[Piece]:
    made, _ = plan(parse(source), lambda audio: None, language="en")
    speeches = [step for step in made if isinstance(step, Speech)]
    return [piece for speech in speeches for piece in render(speech, Actor(engine), **options)]  # type: ignore[arg-type]


def said(source: str, engine: Synthesiser) -> Float32:
    return ulaw.to_float(b"".join(piece.audio for piece in pieces(source, engine)))


def voice_of(sound: Float32) -> Float32:
    """Without the margins."""
    loud = np.flatnonzero(np.abs(sound) > 0.02)
    return sound[loud[0] : loud[-1] + 1]


@pytest.mark.parametrize("engine", [Buzz(), Able()], ids=lambda engine: engine.name)
class TestAnyEngine:
    def test_silence_at_the_ends_is_cut(self, engine: Buzz) -> None:
        sound = said("one two three", engine)
        assert len(voice_of(sound)) == pytest.approx(0.6 * 8000, abs=80)
        assert len(sound) < 0.6 * 8000 + 0.15 * 8000

    @pytest.mark.parametrize(("rate", "factor"), [("50%", 0.5), ("fast", 1.25), ("x-fast", 1.75), ("300%", 3.0)])
    def test_rate_changes_the_pace_and_keeps_the_pitch(self, engine: Buzz, rate: str, factor: float) -> None:
        sound = voice_of(said(f"<prosody rate='{rate}'>one two three four five six</prosody>", engine))
        assert len(sound) == pytest.approx(1.2 * 8000 / factor, rel=0.06)
        assert fundamental(sound, 8000) == pytest.approx(150, rel=0.03)

    @pytest.mark.parametrize(
        ("pitch", "hertz"), [("low", 120), ("+20%", 180), ("+4st", 189), ("+30Hz", 180), ("210Hz", 210), ("300%", 450)]
    )
    def test_pitch_changes_the_pitch_and_keeps_the_pace(self, engine: Buzz, pitch: str, hertz: float) -> None:
        sound = voice_of(said(f"<prosody pitch='{pitch}'>one two three four five six</prosody>", engine))
        assert fundamental(sound, 8000) == pytest.approx(hertz, rel=0.03)
        assert len(sound) == pytest.approx(1.2 * 8000, rel=0.03 if hertz < 300 else 0.1)

    @pytest.mark.parametrize(("volume", "change"), LEVELS)
    def test_volume_is_gain(self, engine: Buzz, volume: str, change: float) -> None:
        sound = voice_of(said(f"<prosody volume='{volume}'>one two three four</prosody>", engine))
        assert ulaw.level_dbfs(ulaw.from_float(sound)) == pytest.approx(LEVEL + change, abs=0.7)

    def test_silent_text_takes_its_time(self, engine: Buzz) -> None:
        audio = b"".join(p.audio for p in pieces("<prosody volume='silent'>one two three</prosody>", engine))
        assert len(audio) > 0.5 * 8000
        assert ulaw.level_dbfs(audio) == ulaw.FLOOR_DBFS

    def test_only_a_part_of_a_sentence_is_louder(self, engine: Buzz) -> None:
        sound = voice_of(said("one two <prosody volume='-12dB'>three four</prosody> five six", engine))
        third = len(sound) // 3
        levels = [ulaw.level_dbfs(ulaw.from_float(sound[at * third + 400 : (at + 1) * third - 400])) for at in range(3)]
        assert levels[0] == pytest.approx(levels[2], abs=1.5)
        assert levels[1] < levels[0] - 8

    def test_marks_stand_where_their_words_end(self, engine: Buzz) -> None:
        made = pieces("one two <mark name='a'/>three four <mark name='b'/>five", engine)
        before: dict[str, int] = {}
        samples = 0
        for piece in made:
            if piece.mark:
                before[piece.mark] = samples
            samples += len(piece.audio)
        assert list(before) == ["a", "b"]
        assert before["a"] == pytest.approx(320 + 2 * 1600, abs=200)
        assert before["b"] == pytest.approx(320 + 4 * 1600, abs=400)
        assert "".join(piece.text for piece in made) == "one two three four five"

    def test_each_word_has_its_time(self, engine: Buzz) -> None:
        (times,) = {piece.times for piece in pieces("one two six ten", engine) if piece.times}
        assert [count for count, _ in times] == [3, 7, 11, 15]
        assert np.diff([0, *(sample for _, sample in times)]) == pytest.approx(1600, abs=400)

    def test_what_is_said_otherwise_is_counted_as_it_is_written(self, engine: Buzz) -> None:
        (times,) = {p.times for p in pieces("Is <sub alias='one two three four five'>N</sub> ok", engine) if p.times}
        assert [count for count, _ in times] == [2, 4, 7]
        assert times[1][1] - times[0][1] > 3 * (times[2][1] - times[1][1])

    def test_nothing_to_pronounce_makes_no_sound(self, engine: Buzz) -> None:
        assert [(piece.audio, piece.text) for piece in pieces("...", engine)] == [(b"", "...")]
        assert pieces("", engine) == []


def test_an_engine_is_asked_for_what_it_can_do() -> None:
    engine = Able()
    said("<prosody rate='80%' pitch='+10%'>I <emphasis>do</emphasis> <phoneme ph='a'>A</phoneme></prosody>", engine)
    (phrase,) = engine.phrases
    assert phrase.text == "I do A"
    assert phrase.rate == pytest.approx(0.8)
    assert [part.pitch for part in phrase.parts] == pytest.approx([1.1, 1.1, 1.1])
    assert [part.emphasis for part in phrase.parts] == ["", "moderate", ""]
    assert phrase.parts[2].phonemes == "a"


def test_one_that_cannot_gets_text_in_pieces_of_one_manner() -> None:
    engine = Buzz()
    said("I <emphasis>do</emphasis> mean it", engine)
    assert engine.asked == ["I", "do", "mean it"]


def test_what_nothing_makes_up_for_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    reports.forget()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            said("<phoneme ph='a'>secret</phoneme>", Buzz())
    assert [record.getMessage().partition(" ")[0] for record in caplog.records] == ["buzz-1"]
    assert "secret" not in caplog.text


def test_the_first_chunk_does_not_wait_for_the_second() -> None:
    engine = Tones()
    (speech,) = plan(parse("one two three"), lambda audio: None)[0]
    assert isinstance(speech, Speech)
    first = next(iter(render(speech, Actor(engine))))
    assert engine.made == ["one"]
    assert len(first.audio) > 700


@pytest.mark.parametrize("engine", [Buzz, Able])
def test_prompts_are_kept_by_everything_that_changes_them(tmp_path: Path, engine: type[Buzz]) -> None:
    cache, source = PromptCache(tmp_path), "one <mark name='m'/>two"
    first = pieces(source, engine(), cache=cache)
    again = engine()
    kept = pieces(source, again, cache=cache)
    assert (again.asked, getattr(again, "phrases", [])) == ([], [])
    assert b"".join(piece.audio for piece in kept) == b"".join(piece.audio for piece in first)
    assert [piece.mark for piece in kept] == [piece.mark for piece in first]
    assert {piece.times for piece in kept} == {piece.times for piece in first}
    for other in (
        "<prosody rate='90%'>one two</prosody>",
        "<emphasis>one two</emphasis>",
        "one <phoneme ph='a'>two</phoneme>",
    ):
        changed = engine()
        pieces(other, changed, cache=cache)
        assert changed.asked or changed.phrases  # type: ignore[attr-defined]


def test_an_engine_that_fails_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path)
    with pytest.raises(EngineError, match="no power"):
        pieces("one", Tones(error=EngineError("no power")), cache=cache)
    assert pieces("one", Tones(), cache=cache)
    assert len(list(tmp_path.iterdir())) == 1


def test_an_engine_that_makes_no_sound_is_told_once_and_nothing_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reports.forget()
    cache = PromptCache(tmp_path)
    mute = Buzz()
    mute.sound = lambda *_: np.zeros(0, np.float32)  # type: ignore[method-assign]
    for _ in range(2):
        assert b"".join(piece.audio for piece in pieces("secret", mute, cache=cache)) == b""
    assert "buzz-1 made no sound of a sentence" in caplog.text
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text
    assert list(tmp_path.iterdir()) == []
    assert b"".join(piece.audio for piece in pieces("secret", Buzz(), cache=cache))


EAR = [
    ("Come on <say-as interpret-as='date'>2026-03-05</say-as>.", "march 5th 2026", "comeonmarchfifthtwentytwentysix"),
    ("Call <say-as interpret-as='telephone'>+1 317 555 0142</say-as>.", "13175550142", ""),
    ("Your pin is <say-as interpret-as='digits'>58213</say-as>.", "58213", ""),
    ("It starts at <say-as interpret-as='time'>2:30pm</say-as>.", "2:30", "twothirty"),
    ("You are <say-as interpret-as='ordinal'>3</say-as> in line.", "third", "3rd"),
    ("That is <say-as interpret-as='currency'>$49.95</say-as>.", "49.95", "fortyninedollarsandninetyfivecents"),
    ("The <sub alias='World Health Organization'>WHO</sub> says so.", "world health organization", ""),
    ("I like <phoneme ph='təˈmeɪtoʊ'>xyz</phoneme> soup.", "tomato", ""),
    ("Please <emphasis level='strong'>never</emphasis> share your password.", "never share your password", ""),
    ("<prosody rate='60%'>Your table is booked for tomorrow.</prosody>", "your table is booked for tomorrow", ""),
    ("<prosody rate='140%'>Your table is booked for tomorrow.</prosody>", "your table is booked for tomorrow", ""),
    ("<prosody pitch='low'>Your table is booked for tomorrow.</prosody>", "your table is booked for tomorrow", ""),
    ("Please wait <break time='700ms'/> and then go on.", "please wait and then go on", ""),
]


@pytest.mark.parametrize(("source", "understood", "or_else"), EAR, ids=lambda value: value[:40])
def test_the_default_engine_is_understood(
    hibari: Synthesiser, moonshine: Recogniser, source: str, understood: str, or_else: str
) -> None:
    audio = b""
    for step in plan(parse(source), lambda audio: None, language="en")[0]:
        if isinstance(step, Speech):
            audio += b"".join(piece.audio for piece in render(step, Actor(hibari)))
        elif isinstance(step, Pause):
            audio += ulaw.silence(round(step.seconds * 8000))
    quiet = np.zeros(4000, np.float32)
    line = np.concatenate((quiet, ulaw.to_float(audio), quiet))
    text = moonshine.transcribe(resample(line, 8000, moonshine.rate), None).text
    bare = "".join(filter(str.isalnum, text.lower()))
    wanted = ["".join(filter(str.isalnum, words)) for words in (understood, or_else) if words]
    assert any(words in bare for words in wanted), text
