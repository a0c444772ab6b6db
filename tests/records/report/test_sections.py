"""The parts of the page that need no script."""

from __future__ import annotations

import msgspec
import pytest
from tests.records.calls import SESSION, STARTED, summary
from tests.records.report.test_markup import parse

from offhook.records.events import CallEnded, Note, Violation
from offhook.records.report import sections
from offhook.records.summary import Latency, summarise


def text(markup: str | None) -> str:
    return " ".join(parse((markup or "").replace("<", " <")).text.split())


def test_heading() -> None:
    assert text(sections.heading(summary())) == "Call record desk 22 November 2026, 11:23:00 UTC en-US PCMU Completed"


@pytest.mark.parametrize("outcome", list(sections.OUTCOMES))
def test_each_outcome_has_a_name_and_a_tone(outcome: str) -> None:
    call = summarise("s", STARTED, [CallEnded(outcome, t=1.0)])  # type: ignore[arg-type]
    name, tone = sections.OUTCOMES[outcome]
    assert name in sections.heading(call)
    assert f'class="outcome {tone}"' in sections.heading(call)


def test_a_call_without_an_end_says_so() -> None:
    call = summarise("s", STARTED, [], profile="monitor", failure="disk full")
    assert text(sections.heading(call)).endswith(
        "Monitor call 22 November 2026, 11:23:00 UTC no audio Records broke off"
    )
    assert text(sections.notices(call)) == (
        "The records are incomplete: disk full The records end before the call did."
    )


def test_figures() -> None:
    assert text(sections.figures(summary())) == (
        "Duration 0:06.0 Turns of the caller 1 Answered in 0.50 s median; longest 0.50 s Barge-ins 1 Keys 1"
    )
    assert "0.02 s" in sections.figures(summarise("s", STARTED, [Note("", t=0.02)]))


def test_notices() -> None:
    assert sections.notices(summary()) == ""
    told = [Violation(400, "bad seq", t=1.0), CallEnded("error", error="the bot raised KeyError", t=1.0)]
    assert text(sections.notices(summarise("s", STARTED, told))) == "The bot raised KeyError The peer: bad seq"


def test_transcript() -> None:
    markup = sections.transcript(summary())
    assert text(markup) == (
        "0:01.0 Caller Where is it? 0:02.5 Bot It left on Monday. cut off answered in 0.50 s 0:04.0 Caller 5"
    )
    assert '<s title="not heard"> on Monday.</s>' in markup
    assert '<span data-at="1.375" data-to="1.500" class="unsure">is</span>' in markup
    assert "<kbd>5</kbd>" in markup
    assert "Nothing was said" in sections.transcript(summarise("s", STARTED, []))


def test_words_that_are_not_the_text_do_not_replace_it() -> None:
    call = summary()
    first = msgspec.structs.replace(call.transcript[0], text="Where is my order?")
    markup = sections.transcript(msgspec.structs.replace(call, transcript=(first,)))
    assert "Where is my order?" in markup
    assert "data-to" not in markup


def test_particulars() -> None:
    told = text(sections.particulars(summary()))
    assert "Output variables intent agent Input variables tier gold Time to answer 0:02.0 0.50 s" in told
    assert f"People From tel:+1555 Ids Session {SESSION} Conversation c Participant p" in told


def test_the_shares_of_an_answer_fill_its_bar() -> None:
    delays = (Latency(1.0, 0.4, 0.1, 1.0), Latency(2.0, 0.4, 0.1, 0.3), Latency(3.0, None, None, 0.5))
    markup = sections.particulars(msgspec.structs.replace(summary(), latencies=delays))
    widths = [
        float(item["style"].removeprefix("width:").removesuffix("%"))  # type: ignore[union-attr]
        for item in parse(markup).attributes
        if "style" in item
    ]
    assert widths == pytest.approx([40, 10, 50, 30, 0, 0, 0, 0, 50])


def test_of_many_answers_the_slowest_are_shown() -> None:
    delays = tuple(Latency(float(n), heard=0.5 + (n % 20) / 100) for n in range(40))
    told = text(sections.particulars(msgspec.structs.replace(summary(), latencies=delays)))
    assert "the 12 slowest of 40" in told
    assert "0.69 s" in told
    assert "0.55 s" not in told


def test_events() -> None:
    told = text(sections.events(summary()))
    assert "2.400 2.400 turn ended start 8000, end 16000, text Where is it?" in told
    assert "4.000 4.000 key digit 5" in told
    assert sections.events(summarise("s", STARTED, [])) is None
