"""What is counted of a call."""

from __future__ import annotations

import pytest

from offhook.connector.tally import Tally
from offhook.protocol import (
    BARGE_IN,
    Disconnected,
    EntitiesReceived,
    Finished,
    Ponged,
    Role,
    Tolerated,
    UnknownMessage,
    Violation,
)

CLIENT, SERVER = Role.CLIENT, Role.SERVER


def test_messages_are_counted_by_sender_and_type():
    tally = Tally()
    tally.message(CLIENT, '{"type":"open"}', 1.0)
    tally.message(SERVER, '{"seq":1,"type":"opened"}', 1.5)
    tally.message(CLIENT, b"abc", 2.0)
    tally.message(CLIENT, b"defg", 2.2)
    assert tally.messages == {CLIENT: {"open": 1, "audio": 2}, SERVER: {"opened": 1}}
    assert tally.audio_bytes == {CLIENT: 7, SERVER: 0}
    assert (tally.started, tally.answered) == (1.0, 1.5)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"type":7}', '{"type":"fill my memory"}', "\ud800", "[" * 10_000])
def test_what_is_no_message_is_unknown(text):
    tally = Tally()
    tally.message(SERVER, text, 0.0)
    assert tally.messages[SERVER] == {"unknown": 1}


def test_events_are_noted():
    tally = Tally()
    gone = Disconnected("completed", None, {"a": "b"})
    faults = [Violation(409, "first", fatal=False), Violation(400, "second")]
    for event in (
        Ponged(0.25),
        EntitiesReceived((BARGE_IN, BARGE_IN)),
        Tolerated("late"),
        Tolerated("late"),
        UnknownMessage("whatever"),
        *faults,
        gone,
        Finished(clean=True),
    ):
        tally.event(event, 9.0)
    assert tally.round_trips == [0.25]
    assert tally.entities == [BARGE_IN, BARGE_IN]
    assert tally.tolerated == ["late", "a message of an unknown type"]
    assert tally.violations == faults
    assert (tally.disconnected, tally.clean, tally.ended) == (gone, True, 9.0)
