"""The short way of a ping does what the long way does, or leaves all as it was."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocol.foreign import OPEN

from offhook.protocol import MONO, OpenRequested, Pinged, ServerSession
from offhook.testing.pair import SESSION_ID as SESSION


def opened(now: float = 0.0) -> ServerSession:
    """A session after `open` and `opened`, at rest."""
    session = ServerSession(SESSION)
    first = {"version": "2", "type": "open", "id": SESSION, "seq": 1, "serverseq": 0, "position": "PT0S"}
    assert any(
        isinstance(event, OpenRequested) for event in session.receive(json.dumps(first | {"parameters": OPEN}), now)
    )
    session.accept(MONO)
    assert len(session.data_to_send(now)) == 1
    return session


def ping(**other: Any) -> str:
    return json.dumps(
        {"version": "2", "type": "ping", "id": SESSION, "seq": 2, "serverseq": 1, "position": "PT0S", "parameters": {}}
        | other
    )


def at_rest() -> ServerSession:
    """One whose client has seen `opened`."""
    session = opened()
    assert session.receive(ping(), 1.0) == [Pinged(None)]
    assert len(session.data_to_send(1.0)) == 1
    return session


def left_by(session: ServerSession) -> dict[str, Any]:
    """All that a session is, lanes apart, so that two can be compared."""
    names = {name for kind in type(session).__mro__ for name in getattr(kind, "__slots__", ())} - {"__dict__"}
    values = {name: getattr(session, name) for name in names}
    lane = values.pop("lane")
    outbox = values.pop("_outbox")
    del values["_paced"]
    values["lane"] = {name: getattr(lane, name) for name in lane.__slots__}
    buckets = (outbox._text_bucket, outbox._audio_bucket)
    values["buckets"] = [(bucket._level, bucket._stamp, bucket.rate) for bucket in buckets]
    values["waits"] = bool(outbox)
    return values


def test_a_plain_ping_is_answered() -> None:
    session = at_rest()
    pong = session.answer_ping(ping(seq=3, serverseq=2, parameters={"rtt": "PT0.02S"}), 6.0)
    assert pong is not None
    assert json.loads(pong) == {
        "version": "2", "type": "pong", "id": SESSION, "seq": 3, "clientseq": 3, "parameters": {}
    }  # fmt: skip
    assert session.seqs == (3, 3)
    assert session.next_deadline() == pytest.approx(15.0), "the deadline is looked at when it comes"
    assert session.handle_timer(15.0) == ()
    assert session.next_deadline() == pytest.approx(21.0), "the ping was a sign of life"


ODD = {
    "another's": ping(seq=3, serverseq=2, id="30b0e395-84d3-4570-ac13-9a62d8f514c1"),
    "out of order": ping(seq=4, serverseq=2),
    "acknowledges what never was": ping(seq=3, serverseq=9),
    "acknowledges less": ping(seq=3, serverseq=0),
    "acknowledges nothing": ping(seq=3, serverseq=None),
    "elsewhere": ping(seq=3, serverseq=2, position="PT7S"),
    "nowhere": ping(seq=3, serverseq=2, position="soon"),
    "no position": ping(seq=3, serverseq=2, position=None),
    "a round trip of words": ping(seq=3, serverseq=2, parameters={"rtt": "fast"}),
    "no parameters": ping(seq=3, serverseq=2, parameters=[]),
    "another type": ping(seq=3, serverseq=2, type="paused"),
    "no JSON": '{"type":"ping"',
    "another version": ping(seq=3, serverseq=2, version="3"),
    "long": ping(seq=3, serverseq=2, parameters={"x": "-" * 2000}),
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_what_is_odd_goes_the_long_way_and_leaves_nothing_behind(text: str) -> None:
    session = at_rest()
    before = copy.deepcopy(left_by(session))
    assert session.answer_ping(text, 6.0) is None
    assert left_by(session) == before


def test_while_something_waits_or_is_not_acknowledged_the_long_way_is_taken() -> None:
    unacknowledged = opened()
    assert unacknowledged.answer_ping(ping(), 1.0) is None, "`opened` has to be seen first"
    waiting = at_rest()
    waiting.pause()
    assert waiting.answer_ping(ping(seq=3, serverseq=2), 6.0) is None
    ended = at_rest()
    ended.disconnect()
    assert ended.data_to_send(2.0)
    assert ended.answer_ping(ping(seq=3, serverseq=2), 6.0) is None


step = st.one_of(
    st.builds(lambda serverseq, position, rtt: ("ping", serverseq, position, rtt), st.integers(-1, 1),
              st.sampled_from(["", "", "", "PT1S", "x"]), st.sampled_from([None, None, "PT0.1S", "y"])),
    st.sampled_from([("audio", 0, "", None), ("audio", 0, "", None), ("paused", 0, "", None), ("resumed", 0, "", None),
                     ("dtmf", 0, "", None), ("close", 0, "", None), ("we pause", 0, "", None), ("time", 0, "", None)]),
)  # fmt: skip


@given(st.lists(step, max_size=30))
def test_both_ways_lead_to_the_same(steps: list[tuple[str, int, str, str | None]]) -> None:
    """Two sessions hear the same; one is asked for the short way first."""
    short, long = opened(), opened()
    now, seq = 0.0, 1
    for what, ack, position, rtt in steps:
        now += 1.25 if what != "time" else 16.0
        if what == "time":
            assert list(short.handle_timer(now)) == list(long.handle_timer(now))
        elif what == "we pause":
            for session in (short, long):
                if session.is_live:
                    session.pause()
        elif what == "audio":
            assert list(short.receive(b"\xff" * 1600, now)) == list(long.receive(b"\xff" * 1600, now))
        else:
            seq += 1
            parameters: dict[str, Any] = {"rtt": rtt} if rtt and what == "ping" else {}
            parameters |= {"dtmf": {"digit": "1"}, "close": {"reason": "end"}}.get(what, {})
            parameters |= {"start": "PT0S", "discarded": "PT0S"} if what == "resumed" else {}
            samples = long.position / 8000
            text = ping(type=what, seq=seq, serverseq=long.seqs[0] + ack, parameters=parameters,
                        position=position or f"PT{samples:.6f}S")  # fmt: skip
            events = list(long.receive(text, now))
            pong = short.answer_ping(text, now)
            if pong is not None:
                assert [type(event) for event in events] == [Pinged]
                assert [pong] == list(long.data_to_send(now))
            else:
                assert list(short.receive(text, now)) == events
        assert list(short.data_to_send(now)) == list(long.data_to_send(now))
        assert left_by(short) == left_by(long)
