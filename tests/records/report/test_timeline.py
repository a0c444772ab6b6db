"""The timeline's data: everything in seconds on the caller's stream."""

from __future__ import annotations

import pytest
from tests.records.calls import STARTED, events, summary

from offhook.records.events import (
    Discarded,
    Heard,
    LanguageChanged,
    Paused,
    PeerErred,
    PlaybackStarted,
    Violation,
)
from offhook.records.report import timeline
from offhook.records.report.timeline import Answer, Mark, Span, Timeline
from offhook.records.report.waveform import measure
from offhook.records.summary import CallSummary, summarise

WAVE = measure(b"\x00" * 800, 80)


def build(call: CallSummary, seconds: float = 6.0) -> Timeline:
    return timeline.build(call, (WAVE, WAVE), 100, seconds)


def test_a_call() -> None:
    made = build(summary())
    assert (made.seconds, made.rate) == (6.0, 100)
    assert [lane.name for lane in made.lanes] == ["Caller", "Bot"]
    caller, bot = made.lines
    assert (caller["speaker"], caller["start"], caller["end"]) == ("caller", 1.0, 2.0)
    assert caller["words"] == [("Where", 1.0, 1.25), ("is", 1.375, 1.5), ("it?", 1.625, 2.0)]
    assert (bot["text"], bot["unheard"], bot["start"], bot["end"]) == ("It left", " on Monday.", 2.5, 4.0)
    assert bot["left"] == pytest.approx(0.2)
    assert [(mark.kind, mark.at) for mark in made.marks] == [("barge", 4.0), ("key", 4.0)]
    assert "0.20 s" in made.marks[0].about
    assert made.spans == (Span(4.5, 5.0, "paused by the platform"),)
    assert made.playing == ((2.5, 4.0),)
    said = "Answer heard 0.50 s after the caller stopped; turn decided in 0.40 s; first audio sent after 0.05 s"
    assert made.answers == (Answer(2.0, 2.5, "0.50 s", said),)


def test_what_goes_wrong_is_marked() -> None:
    told = [PeerErred(429, "slow down", t=1.0, position=8000), Violation(400, "bad seq", True, t=2.0, position=16_000)]
    told.append(LanguageChanged("es-ES", t=3.0, position=24_000))  # type: ignore[arg-type]
    assert build(summarise("s", STARTED, told)).marks == (
        Mark(1.0, "fault", "error 429", "slow down"),
        Mark(2.0, "fault", "violation", "We: bad seq"),
        Mark(3.0, "flag", "es-ES", "The language changed to es-ES"),
    )


def test_what_never_ended_lasts_to_the_end() -> None:
    told = [Paused("server", t=1.0, position=8000), PlaybackStarted(t=2.0, position=16_000)]
    made = build(summarise("s", STARTED, told))
    assert made.spans == (Span(1.0, 6.0, "paused by the bot"),)
    assert made.playing == ((2.0, 6.0),)


def test_lost_audio_is_a_span() -> None:
    made = build(summarise("s", STARTED, [Discarded(8000, 4000, t=2.0)]))
    assert made.spans == (Span(1.0, 1.5, "audio lost"),)


def test_without_a_bot_the_other_lane_is_an_agent() -> None:
    told = [Heard("internal", "1", "hello", True, 0, 800, t=1.0)]
    assert build(summarise("s", STARTED, told)).lanes[1].speaker == "agent"


@pytest.mark.parametrize(("recorded", "length"), [(6.0, 6.0), (3.0, 4.0), (0.0, 4.0)])
def test_the_axis_holds_all_that_was_recorded_or_said(recorded: float, length: float) -> None:
    call = summarise("s", STARTED, events()[:-5])
    assert timeline.length(call, recorded) == length


def test_a_call_without_audio_or_words_is_as_long_as_its_session() -> None:
    assert timeline.length(summarise("s", STARTED, [Violation(400, "x", t=2.5)]), 0.0) == 2.5
