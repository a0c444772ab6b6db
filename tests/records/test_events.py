"""Events: each survives being written, has its own tag, and can be stripped of what is personal."""

from __future__ import annotations

import typing

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.records import events
from offhook.records.events import PERSONAL, REDACTED, AnyEvent, Event

KINDS: tuple[type[Event], ...] = typing.get_args(AnyEvent)
SECRET = "tel:+15550001111"

letters = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
st.register_type_strategy(str, letters)
st.register_type_strategy(float, st.integers(0, 10**6).map(lambda n: n / 1000))
st.register_type_strategy(int, st.integers(0, 10**9))


@given(st.one_of(*(st.builds(kind, **dict.fromkeys(kind.__struct_fields__, ...)) for kind in KINDS)))
def test_what_is_written_is_read(event: AnyEvent) -> None:
    line = events.encode(event)
    assert b"\n" not in line
    assert events.decode(line) == event


def test_tags_are_plain_words() -> None:
    tags = [kind.__struct_config__.tag for kind in KINDS]
    assert len(set(tags)) == len(tags)
    assert {"call_started", "turn_ended", "barge_in", "key", "note"} < set(tags)


def test_the_sender_is_called_from() -> None:
    line = events.encode(events.MessageSeen("client", "ping", 2, 151, t=1.0))
    assert msgspec.json.decode(line) == {
        "event": "message_seen", "from": "client", "type": "ping", "seq": 2, "size": 151, "t": 1.0
    }  # fmt: skip


@pytest.mark.parametrize("line", [b"", b"{}", b'{"event":"no such","t":1}', b'{"event":"key","t":1}', b"[]"])
def test_what_is_no_event_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        events.decode(line)


def test_personal_fields_exist_and_cannot_be_changed() -> None:
    for kind, names in PERSONAL.items():
        assert set(names) <= set(kind.__struct_fields__)
    with pytest.raises(TypeError):
        PERSONAL[events.Note] = ("text",)  # type: ignore[index]


def test_nothing_personal_is_left() -> None:
    party = events.Party("id", SECRET, SECRET, SECRET)
    words = (events.Word(SECRET, 0, 1, 0.5),)
    told: list[AnyEvent] = [
        events.CallStarted("s", participant=party, input={"who": SECRET}, bot="desk", t=0.0),
        events.Heard("external", "1", SECRET, True, 0, 1, words=words, t=0.0),
        events.TurnEnded(0, 1, SECRET, t=0.0),
        events.SayStarted("1", SECRET, t=0.0),
        events.SayEnded("1", SECRET, SECRET, t=0.0),
        events.Key("7", t=0.0),
        events.CallEnded("completed", output={"who": SECRET}, t=0.0),
    ]
    assert {type(event) for event in told} == set(PERSONAL)
    for event in told:
        cleaned = events.redacted(event)
        assert SECRET.encode() not in events.encode(cleaned)
        assert type(cleaned) is type(event)
    assert events.redacted(told[0]).input == {"who": REDACTED}  # type: ignore[union-attr]
    assert events.redacted(told[5]).digit == REDACTED  # type: ignore[union-attr]


def test_an_event_without_anything_personal_is_itself() -> None:
    event = events.BargeIn("speech", 100, t=1.0)
    assert events.redacted(event) is event
