"""A small call for the tests of records: one turn, one answer that is cut short, one key, an end."""

from __future__ import annotations

from datetime import UTC, datetime

from offhook.records.events import (
    AnyEvent,
    BargeIn,
    CallEnded,
    CallStarted,
    Heard,
    Key,
    MessageSeen,
    Party,
    Paused,
    PlaybackCompleted,
    PlaybackStarted,
    Resumed,
    SayEnded,
    SayStarted,
    TurnEnded,
    Word,
)
from offhook.records.record import CallRecord
from offhook.records.summary import CallSummary, summarise

SESSION = "30b0e395-84d3-4570-ac13-9a62d8f514c0"
STARTED = datetime(2026, 11, 22, 11, 23, tzinfo=UTC)
TONE = bytes.fromhex("ff0d060dff8d868d") * 200  # 200 ms of 1 kHz (P6.1)
WORDS = (Word("Where", 8000, 10_000, 0.9), Word("is", 11_000, 12_000, 0.3), Word("it?", 13_000, 16_000, 0.9))


def events() -> list[AnyEvent]:
    return [
        CallStarted(
            SESSION, "c", "connector", "desk", "en-US", Party("p", "tel:+1555"), {"tier": "gold"}, "PCMU", t=0.0
        ),
        Heard("external", "u", "Where", False, 8000, 10_000, t=1.2),
        Heard("external", "u", "Where is it?", True, 8000, 16_000, 0.9, WORDS, t=2.3, position=18_400),
        TurnEnded(8000, 16_000, "Where is it?", 0.9, 0.4, t=2.4, position=19_200),
        SayStarted("s", "It left on Monday.", t=2.45, position=19_600),
        PlaybackStarted(t=2.5, position=20_000),
        BargeIn("key", 1600, t=4.0, position=32_000),
        PlaybackCompleted(t=4.0, position=32_000),
        SayEnded("s", "It left on Monday.", "It left", True, 13_600, 12_000, 20_000, 0.05, t=4.1, position=32_800),
        Key("5", t=4.0, position=32_000),
        MessageSeen("client", "dtmf", 2, 100, t=4.0),
        Paused("client", t=4.5, position=36_000),
        Resumed("client", 4000, t=5.0, position=40_000),
        CallEnded("completed", "completed", "", {"intent": "agent"}, 6.0, "", t=6.0, position=48_000),
    ]


def summary() -> CallSummary:
    return summarise(SESSION, STARTED, events())


def fill(record: CallRecord, seconds: int = 6) -> None:
    """Hand a whole call in, as a session would."""
    record.message("client", '{"version":"2","type":"open","seq":1,"parameters":{}}', 0.001)
    for position in range(0, seconds * 8000, 1600):
        record.message("client", TONE, position / 8000)
        record.external.write(position, TONE)
    record.internal.write(20_000, TONE * 7)
    for event in events():
        record.add(event)
