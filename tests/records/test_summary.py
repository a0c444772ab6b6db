"""Summaries: what `call.json` says follows from the events alone."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import msgspec

from offhook.records.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    Note,
    Party,
    SayEnded,
    SayStarted,
    TurnEnded,
    Violation,
)
from offhook.records.summary import AudioCount, CallSummary, Latency, latencies, summarise

STARTED = datetime(2026, 11, 22, 11, 23, tzinfo=UTC)


def answer(id: str, turn_end: int, start: int | None, latency: float = 0.1) -> list[AnyEvent]:
    t = turn_end / 8000
    return [
        TurnEnded(turn_end - 8000, turn_end, "text", 0.9, 0.4, t=t + 0.4),
        SayStarted(id, "reply", t=t + 0.41),
        SayEnded(id, "reply", "reply", start=start, played=800, latency=latency, t=t + 2),
    ]


def test_a_whole_call() -> None:
    events: list[AnyEvent] = [
        CallStarted("s", "c", "connector", "desk", "en-US", Party("p", "1", "n", "2"), {"a": "b"}, "PCMU", t=0.0),
        *answer("1", 16_000, 20_000),
        *answer("2", 80_000, 88_000),
        Violation(400, "wrong", t=12.0),
        Note("hm", t=12.5),
        CallEnded("completed", "completed", "fine", {"intent": "agent"}, 13.25, "", t=13.3),
    ]
    summary = summarise(
        "s",
        STARTED,
        events,
        messages={"client": Counter(ping=2)},
        audio={"client": AudioCount(3, 4800)},
        files={"a": "b"},
    )
    assert (summary.session, summary.conversation, summary.bot, summary.input) == ("s", "c", "desk", {"a": "b"})
    assert (summary.outcome, summary.output, summary.seconds) == ("completed", {"intent": "agent"}, 13.25)
    assert (summary.finished, summary.started) == (True, "2026-11-22T11:23:00.000+00:00")
    assert summary.latencies == (Latency(2.0, 0.4, 0.1, 0.5), Latency(10.0, 0.4, 0.1, 1.0))
    assert summary.answered_in == 0.75
    assert [line.speaker for line in summary.transcript] == ["caller", "bot", "caller", "bot"]
    assert (len(summary.violations), summary.notes) == (1, ("hm",))
    kept = msgspec.json.decode(msgspec.json.encode(summary), type=CallSummary)
    assert kept == summary
    assert kept.messages == {"client": {"ping": 2}}
    assert kept.audio["client"].bytes == 4800


def test_a_call_without_an_end_is_not_finished() -> None:
    summary = summarise("s", STARTED, [Note("x", t=4.5)], profile="monitor", failure="disk full")
    assert (summary.finished, summary.outcome, summary.seconds) == (False, None, 4.5)
    assert (summary.profile, summary.failure, summary.answered_in) == ("monitor", "disk full", None)


def test_nothing_at_all() -> None:
    assert summarise("s", STARTED, []).seconds == 0.0


def test_a_turn_is_answered_by_the_first_saying_after_it() -> None:
    events = [*answer("1", 16_000, 20_000), SayStarted("9", "more", t=5.0), SayEnded("9", "", "", start=60_000, t=6.0)]
    assert len(latencies(events)) == 1


def test_an_answer_that_nobody_heard_has_no_latency() -> None:
    assert latencies(answer("1", 16_000, None)) == ()
    assert latencies(answer("1", 16_000, 15_000)) == ()  # it was heard before the turn was over
    assert latencies([SayStarted("1", "greeting", t=0.0)]) == ()
