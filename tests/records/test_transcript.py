"""Transcripts: turns, sayings and keys in the order in which they were heard."""

from __future__ import annotations

import pytest

from offhook.records import transcript
from offhook.records.events import AnyEvent, Heard, Key, SayEnded, TurnEnded, Word
from offhook.records.transcript import Line, LineWord


def heard(text: str, start: int, end: int, channel: str = "external", final: bool = True) -> Heard:
    words = tuple(Word(word, start, end, 0.9) for word in text.split())
    return Heard(channel, text, text, final, start, end, 0.8, words, t=end / 8000)  # type: ignore[arg-type]


def said(text: str, spoken: str, start: int | None, played: int, cut: bool = False) -> SayEnded:
    return SayEnded("s", text, spoken, cut, played + 800, played, start, t=9.0, position=72_000)


def test_a_dialogue() -> None:
    events: list[AnyEvent] = [
        heard("Hello,", 8000, 12_000),
        heard("I need help.", 16_000, 24_000),
        TurnEnded(8000, 24_000, "Hello, I need help.", 0.8, 0.4, t=3.5, position=28_000),
        said("Of course, what can I do for you?", "Of course,", 28_800, 16_000, cut=True),
        Key("1", t=6.0, position=48_000),
        Key("#", t=6.4, position=51_200),
    ]
    turn, saying, keys = transcript.lines(events)
    assert (turn.speaker, turn.start, turn.end, turn.text) == ("caller", 1.0, 3.0, "Hello, I need help.")
    assert turn.words[0] == LineWord("Hello,", 1.0, 1.5, 0.9)
    assert len(turn.words) == 4
    assert (saying.speaker, saying.start, saying.end) == ("bot", 3.6, 5.6)
    assert (saying.heard, saying.unheard, saying.interrupted, saying.sent) == (
        "Of course,", " what can I do for you?", True, 2.1
    )  # fmt: skip
    assert (keys.speaker, keys.keys, keys.start, keys.end) == ("caller", "1#", 6.0, 6.4)
    assert transcript.text((turn, saying, keys)) == (
        "  0:01.0  Caller  Hello, I need help.\n"
        "  0:03.6  Bot     Of course, [not heard: what can I do for you?]\n"
        "  0:06.0  Caller  [keys: 1#]\n"
    )


def test_what_was_heard_outside_of_turns_is_not_lost() -> None:
    events = [heard("one", 0, 800), TurnEnded(0, 800, "one", t=0.5), heard("two", 1600, 2400), heard("", 3000, 3100)]
    assert [line.text for line in transcript.lines(events)] == ["one", "two"]


def test_words_that_come_behind_the_end_of_their_turn_are_its_words() -> None:
    events: list[AnyEvent] = [TurnEnded(8000, 16_000, "", t=2.5), heard("I need help.", 8000, 16_000)]
    (line,) = transcript.lines(events)
    assert (line.text, line.start, line.end, len(line.words)) == ("I need help.", 1.0, 2.0, 3)


def test_interim_results_are_no_lines() -> None:
    assert transcript.lines([heard("on", 0, 400, final=False)]) == ()


def test_without_a_bot_the_internal_channel_is_an_agent() -> None:
    events = [heard("good morning", 8000, 9000, "internal"), heard("hello", 0, 800)]
    assert [(line.speaker, line.text) for line in transcript.lines(events)] == [
        ("caller", "hello"),
        ("agent", "good morning"),
    ]


def test_keys_before_between_and_after_speech_make_runs() -> None:
    keys = [
        Key(digit, t=at, position=int(at * 8000)) for digit, at in zip("12345", (0.1, 0.2, 2.5, 9.0, 9.1), strict=True)
    ]
    events: list[AnyEvent] = [heard("a", 8000, 16_000), heard("b", 24_000, 32_000), *keys]
    assert [line.keys or line.text for line in transcript.lines(events)] == ["12", "a", "3", "b", "45"]


def test_a_saying_that_nobody_heard_stands_where_it_ended() -> None:
    [line] = transcript.lines([said("Hello", "", None, 0, cut=True)])
    assert (line.start, line.end, line.heard, line.unheard) == (9.0, 9.0, "", "Hello")
    assert transcript.text([line]).endswith("[not heard: Hello]\n")


@pytest.mark.parametrize(
    ("text", "spoken", "kept"),
    [
        ("One two three", "One two", "One two"),
        ("One  two\nthree", "One two", "One  two"),
        ("One two three", "one", ""),
        ("One two three", "One three", "One"),
        ("One", "One two", "One"),
        ("", "x", ""),
    ],
)
def test_what_was_heard_is_found_in_the_text(text: str, spoken: str, kept: str) -> None:
    [line] = transcript.lines([said(text, spoken, 0, 800)])
    assert line.heard == kept


def test_each_line_of_the_text_is_one_line() -> None:
    assert transcript.text([Line("caller", 0, 1, "a\nb\r\n c")]) == "  0:00.0  Caller  a b c\n"


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00.0"), (59.96, "1:00.0"), (61.24, "1:01.2"), (3600, "60:00.0")])
def test_clock(seconds: float, shown: str) -> None:
    assert transcript.clock(seconds) == shown


def test_turns_of_the_internal_channel_are_not_the_callers() -> None:
    events = [
        heard("hello", 0, 800),
        TurnEnded(0, 800, "hello", t=0.5),
        heard("good morning", 400, 1200, "internal"),
        TurnEnded(400, 1200, "good morning", channel="internal", t=0.6),
    ]
    assert [(line.speaker, line.text) for line in transcript.lines(events)] == [
        ("caller", "hello"),
        ("agent", "good morning"),
    ]
