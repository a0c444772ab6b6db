"""The numbers: sizes (P3.3), timers (P8.1) and rates (P6.6), of both ends."""

from __future__ import annotations

import json

import pytest
from tests.protocol.foreign import (
    OPEN,
    Foreign,
    a_peer,
    both,
    client_of,
    ended,
    error_and_close,
    inert,
    last,
    server_of,
    to_open_client,
    to_open_server,
    to_server,
)

from offhook.errors import LocalProtocolError
from offhook.protocol import (
    BARGE_IN,
    Dropped,
    EntitiesReceived,
    Entity,
    ErrorReported,
    Finished,
    ServerSession,
    Violation,
)
from offhook.protocol.limits import RECEIVE_MAX, SEND_MAX

# Sizes (P3.3).


def padded(peer: Foreign, size: int, filler: str = "x") -> str:
    """A correct message of so many bytes."""
    type, parameters = inert(peer)
    message = peer.message(type, parameters, more="")
    message["more"] = filler * ((size - len(json.dumps(message, ensure_ascii=False).encode())) // len(filler.encode()))
    text = json.dumps(message, ensure_ascii=False)
    return text + " " * (size - len(text.encode()))


@both
@pytest.mark.parametrize("filler", ["x", "€", "\U0001f600"])
def test_text_of_65535_bytes_is_taken_and_of_one_more_is_not(role: str, filler: str) -> None:
    peer = a_peer(role)
    text = padded(peer, RECEIVE_MAX, filler)
    assert len(text.encode()) == 65_535
    peer.raw(text)
    peer.seq += 1
    assert not peer.violations
    [violation] = peer.raw(padded(peer, RECEIVE_MAX + 1, filler))
    assert violation == Violation(413, "message too large")
    assert ended(peer)


@both
def test_audio_of_65535_bytes_is_taken_and_of_one_more_is_not(role: str) -> None:
    peer = a_peer(role)
    peer.raw(bytes(RECEIVE_MAX))
    assert not peer.violations
    [violation] = peer.raw(bytes(RECEIVE_MAX + 1))
    assert violation == Violation(413, "message too large")
    assert ended(peer)


def test_what_is_too_large_to_send_is_refused_and_changes_nothing() -> None:
    peer = to_open_server()
    server = peer.session
    assert isinstance(server, ServerSession)
    room = SEND_MAX - len(json.dumps(peer.texts[0])) - 200
    server.send_event(Entity("x", "a" * room))
    with pytest.raises(LocalProtocolError, match="the platform takes 64000"):
        server.send_event(Entity("x", "a" * SEND_MAX))
    with pytest.raises(LocalProtocolError):
        server.send_event(Entity("x", "€" * (SEND_MAX // 3)))
    with pytest.raises(LocalProtocolError):
        server.disconnect("completed", output={"a": "b" * SEND_MAX})
    assert server.is_live
    assert [message["seq"] for message in peer.listen()] == [2]


@pytest.mark.parametrize("data", [object(), "\ud800", {1: object()}])
def test_what_json_cannot_hold_is_refused_and_changes_nothing(data: object) -> None:
    server = to_open_server().session
    with pytest.raises(LocalProtocolError, match="cannot be written as JSON"):
        server.send_event(Entity("x", data))  # type: ignore[union-attr]
    assert not server.has_output
    client = to_open_client().session
    with pytest.raises(LocalProtocolError):
        client.update("\ud800")  # type: ignore[union-attr]
    assert not client.has_output


def test_what_was_queued_does_not_change_any_more() -> None:
    peer = to_open_server()
    data = {"a": 1}
    peer.session.send_event(Entity("x", data))  # type: ignore[union-attr]
    data["a"] = 2
    assert peer.listen()[0]["parameters"]["entities"] == [{"type": "x", "data": {"a": 1}}]


# Timers of a server (P8.1).


def test_no_open_in_ten_seconds() -> None:
    peer = to_server()
    assert peer.wait(9.9) == []
    assert peer.wait(0.2) == [Violation(408, "no open")]
    assert last(peer)["parameters"] == {"reason": "error", "info": "Client Error: no open"}
    assert peer.wait(9.8) == []
    assert peer.wait(0.2) == [Finished(False)]


def test_a_client_that_falls_silent() -> None:
    peer = to_open_server()
    for _ in range(5):
        peer.wait(10.0)
        peer.send("ping")
    peer.wait(14.0)
    peer.raw(bytes(160))
    peer.wait(14.9)
    assert not peer.violations
    peer.wait(0.2)
    assert peer.violations == [Violation(408, "neither ping nor audio")]
    assert last(peer)["type"] == "disconnect"


def test_a_client_whose_audio_takes_the_short_way_falls_silent() -> None:
    peer = to_open_server()
    peer.send("ping")
    peer.session.lane.sinks = ()
    for _ in range(4):
        peer.wait(10.0)
        assert peer.session.lane.take(bytes(160))
    assert not peer.violations
    peer.wait(30.0)
    assert peer.violations == [Violation(408, "neither ping nor audio")]


@pytest.mark.parametrize("start", [0.1, 0.7, 1.1, 1e6 + 0.3, 1.7e9 + 0.1])
def test_the_silence_is_measured_without_waking_for_nothing(start: float) -> None:
    peer = to_open_server()
    peer.now = start
    peer.send("ping", {})
    assert len([event for event in peer.wait(100.0) if isinstance(event, Violation)]) == 1


def test_an_application_that_never_answers_open_holds_nothing_for_ever() -> None:
    peer = to_server()
    peer.send("open", OPEN)
    peer.wait(60.0)
    assert peer.events[-1] == Finished(False)


def test_no_close_in_ten_seconds_after_disconnect() -> None:
    peer = to_open_server()
    server_of(peer).disconnect("completed")
    peer.listen()
    assert peer.wait(9.9) == []
    assert peer.wait(0.2) == [Finished(False)]


def test_closed_leaves_by_itself_after_nine_seconds() -> None:
    peer = to_open_server()
    for _ in range(40):
        server_of(peer).send_event(BARGE_IN)
    peer.send("error", {"code": 429, "message": "", "retryAfter": "PT30S"})
    peer.send("close", {"reason": "end"})
    assert peer.wait(8.9) == []
    dropped = peer.wait(0.2)
    assert last(peer)["type"] == "closed"
    assert set(dropped) == {Dropped("event")}
    with pytest.raises(LocalProtocolError):
        server_of(peer).close()


def test_the_server_gives_up_on_tcp_five_seconds_after_closed() -> None:
    peer = to_open_server()
    peer.send("close", {"reason": "end"})
    server_of(peer).close()
    peer.listen()
    assert peer.wait(4.9) == []
    assert peer.wait(0.2) == [Finished(True)]


def test_a_socket_that_is_lost_in_mid_session() -> None:
    peer = to_open_server()
    assert list(peer.session.connection_lost(1.0)) == [Finished(False)]


# Rates: a server (P6.6).


def test_429_makes_us_wait_as_long_as_told() -> None:
    peer = to_open_server()
    assert peer.send("error", {"code": 429, "message": "", "retryAfter": "PT2S"}) == [ErrorReported(429, "", 2.0)]
    server_of(peer).send_audio(bytes(100))
    server_of(peer).send_event(BARGE_IN)
    peer.wait(1.9)
    assert peer.types == ["opened"]
    peer.wait(0.3)
    assert bytes(100) in peer.heard
    assert peer.types == ["opened", "event"]


@pytest.mark.parametrize(("given", "seconds"), [(..., 3.0), ("nonsense", 3.0), ("PT0.5S", 0.5), ("PT9999S", 60.0)])
def test_429_with_and_without_a_time(given: object, seconds: float) -> None:
    peer = to_open_server()
    parameters = {"code": 429, "message": ""} | ({} if given is ... else {"retryAfter": given})
    peer.send("error", parameters)
    server_of(peer).send_audio(bytes(100))
    while bytes(100) not in peer.heard:
        peer.wait(0.1)
        peer.send("ping")
    assert peer.now == pytest.approx(max(seconds, 0.5), abs=0.2)


# Rates: the platform (P6.6, P15 row 20).


def flood(peer: Foreign, count: int) -> None:
    for _ in range(count):
        peer.send("event", {"entities": []})


def test_too_many_texts_are_reported_once_and_heard_all_the_same() -> None:
    peer = to_open_client()
    flood(peer, 24)
    assert not peer.violations
    flood(peer, 10)
    assert peer.violations == [Violation(429, "too many messages", fatal=False)]
    assert [m["parameters"] for m in peer.texts if m["type"] == "error"] == [
        {"code": 429, "message": "too many messages", "retryAfter": "PT3S"}
    ]
    assert len(peer.of(EntitiesReceived)) == 34
    assert peer.session.is_live


def test_a_server_that_obeys_goes_on() -> None:
    peer = to_open_client()
    flood(peer, 30)
    peer.pongs = True
    peer.wait(4.0)
    flood(peer, 10)
    assert [violation.fatal for violation in peer.violations] == [False]


def test_a_server_that_does_not_is_cut_off() -> None:
    peer = to_open_client()
    for _ in range(40):
        flood(peer, 10)
        peer.now += 0.1
    assert [violation.fatal for violation in peer.violations] == [False, True]
    assert error_and_close(peer) == (429, "error")


def test_audio_and_pauses_have_limits_of_their_own() -> None:
    peer = to_open_client()
    for _ in range(26):
        peer.raw(bytes(160))
    assert peer.violations == [Violation(429, "too many messages", fatal=False)]
    assert client_of(peer).received == 26 * 160
    for type in ("pause", "resume"):
        peer = to_open_client()
        for _ in range(4):
            peer.send(type)
        assert not peer.violations
        peer.send(type)
        assert peer.violations == [Violation(429, "too many messages", fatal=False)]


def test_rates_need_not_be_enforced() -> None:
    peer = to_open_client(enforce_rates=False)
    for _ in range(200):
        peer.raw(bytes(160))
        peer.send("event", {"entities": []})
    assert not peer.violations


def test_a_steady_server_within_the_limits_is_never_stopped() -> None:
    peer = to_open_client()
    peer.pongs = True
    for _ in range(300):
        peer.wait(0.21)
        peer.send("event", {"entities": []})
        peer.raw(bytes(1600))
    assert not peer.violations
