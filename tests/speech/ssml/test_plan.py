"""A document becomes steps: sentences, pauses, sounds, marks; its text stays what it is, to the letter."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.speech.ssml.document import Audio, Mark, Pitch
from offhook.speech.ssml.plan import PARAGRAPH_GAP, SENTENCE_GAP, plain, plan
from offhook.speech.ssml.reader import parse
from offhook.speech.ssml.steps import Manner, Pause, Run, Sound, Speech, Step, Voice, text_of


def steps(source: str, language: str | None = "en") -> list[Step]:
    return plan(parse(source), lambda audio: None, language=language)[0]


def texts(source: str) -> list[str]:
    return [step.text for step in steps(source) if isinstance(step, Speech)]


def test_sentences_are_steps_of_their_own_with_a_pause_between() -> None:
    assert steps("One two. Mr. Smith has 3.5!") == [
        Speech((Run("One two. ", "One two. "),), Voice(language="en")),
        Pause(SENTENCE_GAP, soft=True),
        Speech((Run("Mr. Smith has 3.5!", "Mr. Smith has 3.5!"),), Voice(language="en")),
    ]
    assert plain("One two. Mr. Smith has 3.5!", "en") == steps("One two. Mr. Smith has 3.5!")


def test_a_sentence_goes_on_through_tags() -> None:
    (step,) = steps("I <emphasis>really</emphasis> mean <sub alias='it. Yes'>x.</sub> now")
    assert isinstance(step, Speech)
    assert [(run.text, run.spoken) for run in step.runs] == [
        ("I ", "I "),
        ("really ", "really "),
        ("mean ", "mean "),
        ("x. ", "it. Yes "),
        ("now", "now"),
    ]
    assert step.runs[1].manner == Manner(emphasis="moderate")


def test_manners_multiply_from_outside_in() -> None:
    (step,) = steps(
        "<prosody rate='50%' pitch='+10%' volume='-6dB'><prosody rate='50%' pitch='+20Hz' volume='-6dB'>x"
        "</prosody></prosody>"
    )
    assert isinstance(step, Speech)
    assert step.runs[0].manner == Manner(0.25, Pitch(pytest.approx(1.1), 20.0), -12.0)  # type: ignore[arg-type]
    (step,) = steps(
        "<prosody pitch='200Hz'><prosody pitch='+10%'><emphasis level='none'>x</emphasis></prosody></prosody>"
    )
    assert isinstance(step, Speech)
    assert step.runs[0].manner == Manner(1.0, Pitch(hertz=pytest.approx(220.0)), 0.0)  # type: ignore[arg-type]


def test_pauses_add_up_and_take_the_place_of_those_that_are_only_usual() -> None:
    made = steps(
        "<break time='200ms'/>A. <break time='300ms'/><break time='400ms'/>B.<p>C</p><p>D</p><break time='1s'/>"
    )
    assert [step for step in made if isinstance(step, Pause)] == [
        Pause(0.2),
        Pause(0.7),
        Pause(PARAGRAPH_GAP, soft=True),
        Pause(PARAGRAPH_GAP, soft=True),
        Pause(1.0),
    ]


def test_marks_stand_before_within_and_behind() -> None:
    made = steps("<mark name='a'/>One <mark name='b'/>two.<mark name='c'/> Three.<mark name='d'/>")
    assert made[0] == Mark("a")
    assert isinstance(made[1], Speech)
    assert made[1].marks == ((4, "b"),)
    assert [step.name for step in made if isinstance(step, Mark)] == ["a", "c", "d"]
    assert made.index(Mark("c")) < made.index(next(step for step in made[2:] if isinstance(step, Speech)))
    assert made[-1] == Mark("d")


def test_voices_and_languages() -> None:
    made = steps(
        "Hi <lang xml:lang='es'>hola</lang> <voice name='a b'>x <lang xml:lang='fr'>y</lang></voice>"
        "<voice gender='male'>z</voice> end"
    )
    assert [(step.text, step.voice) for step in made if isinstance(step, Speech)] == [
        ("Hi ", Voice(language="en")),
        ("hola ", Voice(language="es")),
        ("x ", Voice(("a", "b"), None, "en")),
        ("y", Voice(("a", "b"), None, "fr")),
        ("z ", Voice((), "male", "en")),
        ("end", Voice(language="en")),
    ]


def test_sounds_are_played_or_stood_in_for() -> None:
    def load(audio: Audio) -> bytes | None:
        return b"\x20" * 80 if audio.source == "a.wav" else None

    made, _ = plan(parse("One <audio src='a.wav'>no</audio> two <audio src='b.wav'>yes <break/></audio>"), load)
    assert [type(step).__name__ for step in made] == ["Speech", "Sound", "Speech", "Pause"]
    assert made[1] == Sound(b"\x20" * 80)
    assert text_of(made) == "One two yes"


def test_text_of_a_kind_that_it_is_not_is_read_as_it_is_written_and_told() -> None:
    made, undone = plan(parse("Your code: <say-as interpret-as='date'>N/A</say-as>"), lambda audio: None)
    assert isinstance(made[-1], Speech)
    assert made[-1].runs[-1].spoken == "N/A"
    assert undone == ('text of <say-as interpret-as="date"> that is none',)
    assert "N/A" not in undone[0]


def test_other_languages_are_cut_by_their_own_stops() -> None:
    assert texts("<speak xml:lang='ja'>こんにちは。元気ですか？</speak>") == ["こんにちは。", "元気ですか？"]
    assert texts("<speak xml:lang='de'>Am 3. März kommt Dr. Müller. Gut.</speak>") == [
        "Am 3. März kommt Dr. Müller. ",
        "Gut.",
    ]


WORDS = st.text(st.sampled_from("ab.!? \n1,。é'&<"), max_size=12)
TREES = st.recursive(
    st.one_of(
        WORDS.map(escape),
        st.sampled_from(["<break/>", "<break time='0s'/>", "<mark name='m'/>", "<audio src='x'><p>inner</p></audio>"]),
        st.builds(lambda text, alias: f"<sub alias={quoteattr(alias)}>{escape(text)}</sub>", WORDS, WORDS),
        WORDS.map(lambda text: f"<phoneme ph='a'>{escape(text)}</phoneme>"),
        WORDS.map(lambda text: f"<say-as interpret-as='characters'>{escape(text)}</say-as>"),
    ),
    lambda inner: st.builds(
        lambda tag, children: f"<{tag}>{''.join(children)}</{tag.split()[0]}>",
        st.sampled_from(
            ["p", "s", "emphasis", "prosody rate='slow'", "lang xml:lang='es'", "voice name='x'", "w", "v:x"]
        ),
        st.lists(inner, max_size=5),
    ),
    max_leaves=15,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(TREES, max_size=5).map("".join))
def test_the_text_of_the_plan_is_that_of_the_document(inner: str) -> None:
    document = parse(f"<speak>{inner}</speak>")
    made, _ = plan(document, lambda audio: b"")
    assert text_of(made) == document.text
    assert sum(isinstance(step, Mark) for step in made) + sum(
        len(step.marks) for step in made if isinstance(step, Speech)
    ) == inner.count("<mark"), "no mark gets lost"
    assert all(0 < at < len(step.text) for step in made if isinstance(step, Speech) for at, _ in step.marks)
