"""The partner's end: what P4 and P8.3 say of it, row by row."""

from __future__ import annotations

from typing import Any

import pytest
from tests.protocol.foreign import (
    OPEN,
    last,
    server_of,
    to_open_server,
    to_server,
)

from offhook.errors import LocalProtocolError
from offhook.protocol import (
    BARGE_IN,
    MONO,
    AudioDiscarded,
    AudioReceived,
    CloseRequested,
    Dropped,
    DtmfReceived,
    ErrorReported,
    Finished,
    Paused,
    Pinged,
    Resumed,
    State,
    Tolerated,
    Violation,
    bot_turn_response,
)

# ping and pong (P4.5).


def test_a_ping_is_answered_at_once_with_the_number_that_it_has() -> None:
    peer = to_open_server()
    assert peer.send("ping") == [Pinged(None)]
    assert peer.send("ping", {"rtt": "PT0.031S"}) == [Pinged(pytest.approx(0.031))]
    assert [(m["type"], m["seq"], m["clientseq"], m["parameters"]) for m in peer.texts[1:]] == [
        ("pong", 2, 2, {}),
        ("pong", 3, 3, {}),
    ]


def test_a_ping_before_opened_is_never_answered() -> None:
    """P15 row 29: or `opened` would not be the first message of the server."""
    peer = to_server()
    peer.send("open", OPEN)
    assert peer.send("ping") == [Tolerated("ping before opened")]
    assert peer.heard == []
    server_of(peer).accept(MONO)
    assert [(m["type"], m["seq"]) for m in peer.listen()] == [("opened", 1)]
    strict = to_server(strict=True)
    strict.send("open", OPEN)
    assert strict.send("ping") == [Violation(409, "'ping' in state opening")]


def test_a_ping_that_crossed_our_disconnect_is_still_answered() -> None:
    peer = to_open_server()
    server_of(peer).disconnect("completed")
    peer.listen()
    peer.send("ping", serverseq=1)
    assert peer.types == ["opened", "disconnect", "pong"]


def test_a_disconnect_that_waits_keeps_no_pong_back() -> None:
    peer = to_open_server()
    server_of(peer).send_audio(bytes(200_000))
    server_of(peer).disconnect("completed")
    peer.listen()
    peer.send("ping")
    assert peer.types == ["opened", "pong"]


def test_a_round_trip_that_cannot_be_read_costs_nothing_but_itself() -> None:
    peer = to_open_server()
    assert peer.send("ping", {"rtt": "1e-3"}) == [Tolerated("no readable round trip"), Pinged(None)]


# Pauses (P4.6).


def test_a_pause_of_ours() -> None:
    peer = to_open_server()
    server = server_of(peer)
    server.pause()
    server.pause()
    assert [message["type"] for message in peer.listen()] == ["pause", "pause"]
    peer.raw(bytes(160))
    assert peer.send("paused", position="PT0.02S") == [Paused(160)]
    assert server.state is State.PAUSED
    server.resume()
    assert [message["type"] for message in peer.listen()] == ["resume"]
    assert peer.send("resumed", {"start": "PT0.02S", "discarded": "PT5S"}, position="PT5.02S") == [Resumed(160, 40_000)]
    assert server.state is State.OPEN
    assert server.position == 40_160
    assert peer.raw(bytes(160)) == [AudioReceived(bytes(160), 40_160)]


def test_a_pause_of_the_clients_own_even_right_behind_opened() -> None:
    peer = to_open_server()
    assert peer.send("paused", position="PT0.0S") == [Paused(0)]
    assert peer.send("ping", position="PT1S") == [Pinged(None)]
    assert server_of(peer).position == 8000
    assert peer.send("paused", position="PT2S") == [Paused(16_000)]
    assert peer.send("resumed", {"start": "PT0S", "discarded": "PT3S"}, position="PT3S") == [Resumed(0, 24_000)]
    assert server_of(peer).position == 24_000


def test_a_resumed_while_nothing_is_paused_tells_the_position() -> None:
    peer = to_open_server()
    peer.raw(bytes(1600))
    assert peer.send("resumed", {"start": "PT0.2S", "discarded": "PT0S"}, position="PT0.2S") == [Resumed(1600, 0)]
    assert server_of(peer).position == 1600


def test_a_gap_that_its_own_position_denies_is_doubted_until_a_later_message_tells() -> None:
    """The vendor's test client announces gaps that are none."""
    gap = {"start": "PT0.2S", "discarded": "PT2S"}
    denied = Tolerated("a gap that the message's own position denies")
    peer = to_open_server()
    peer.raw(bytes(1600))
    assert peer.send("discarded", gap, position="PT0.2S") == [denied]
    assert peer.send("ping", position="PT0.2S") == [Pinged(None)]
    assert server_of(peer).position == 1600

    peer = to_open_server()
    peer.raw(bytes(1600))
    assert peer.send("discarded", gap, position="PT0.2S") == [denied]
    assert peer.raw(bytes(800)) == [AudioReceived(bytes(800), 1600)]
    assert peer.send("ping", position="PT2.3S") == [AudioDiscarded(1600, 16_000), Pinged(None)]
    assert server_of(peer).position == 18_400


def test_audio_in_a_pause_ends_the_session() -> None:
    peer = to_open_server()
    peer.send("paused")
    assert peer.raw(bytes(160)) == [Violation(409, "audio in state paused")]
    assert last(peer)["parameters"] == {"reason": "error", "info": "Client Error: audio in state paused"}


def test_a_bot_may_speak_while_the_caller_is_paused() -> None:
    peer = to_open_server()
    peer.send("paused")
    server_of(peer).send_audio(bytes(160))
    assert peer.listen() == [bytes(160)]


# The end (P4.4, P4.9).


def test_completed_waits_for_what_is_queued() -> None:
    peer = to_open_server()
    server = server_of(peer)
    server.send_audio(bytes(100_000))
    server.disconnect("completed", output={"intent": "billing"})
    assert not server.is_live
    with pytest.raises(LocalProtocolError):
        server.send_audio(b"\xff")
    with pytest.raises(LocalProtocolError):
        server.disconnect("completed")
    peer.wait(10.0)
    assert sum(len(data) for data in peer.heard if isinstance(data, bytes)) == 100_000
    assert last(peer)["parameters"] == {"reason": "completed", "outputVariables": {"intent": "billing"}}


@pytest.mark.parametrize("reason", ["error", "unauthorized"])
def test_other_reasons_leave_at_once_in_place_of_all_that_waits(reason: Any) -> None:
    peer = to_open_server()
    server = server_of(peer)
    server.send_audio(bytes(200_000))
    peer.listen()
    for _ in range(30):
        server.send_event(BARGE_IN)
    peer.listen()
    server.disconnect(reason)
    assert [message["type"] for message in peer.listen()] == ["disconnect"]
    events = peer.settle()
    assert events.count(Dropped("audio")) == 1
    assert events.count(Dropped("event")) == 30 - peer.types.count("event") > 0
    assert server.state is State.ENDING


def test_a_completed_that_waits_gives_way_to_an_error() -> None:
    peer = to_open_server()
    server = server_of(peer)
    server.send_audio(bytes(200_000))
    server.disconnect("completed")
    peer.listen()
    server.disconnect("error", "Server Error")
    peer.listen()
    assert last(peer)["parameters"] == {"reason": "error", "info": "Server Error"}
    assert peer.types.count("disconnect") == 1
    assert peer.settle() == [Dropped("audio"), Dropped("disconnect")]
    with pytest.raises(LocalProtocolError):
        server.disconnect("error")


def test_a_disconnect_that_waits_is_dropped_when_close_comes() -> None:
    peer = to_open_server()
    server = server_of(peer)
    server.send_audio(bytes(200_000))
    server.disconnect("completed")
    peer.listen()
    events = peer.send("close", {"reason": "end"})
    assert events == [Dropped("audio"), Dropped("disconnect"), CloseRequested("end")]
    server.close()
    assert [message["type"] for message in peer.listen()] == ["closed"]
    assert "disconnect" not in peer.types


def test_after_close_only_events_leave_and_then_closed() -> None:
    peer = to_open_server()
    server = server_of(peer)
    for _ in range(5):
        server.pause()
    peer.listen()
    events = peer.send("close", {"reason": "end"})
    assert events == [Dropped("pause"), Dropped("pause"), CloseRequested("end")]
    for ask in (server.pause, server.disconnect, server.updated):
        with pytest.raises(LocalProtocolError):
            ask()
    with pytest.raises(LocalProtocolError):
        server.send_audio(b"\xff")
    server.send_event(bot_turn_response("match"))
    server.close()
    with pytest.raises(LocalProtocolError):
        server.send_event(bot_turn_response("match"))
    out = peer.listen()
    assert [(m["type"], m["seq"], m["clientseq"]) for m in out] == [("event", 5, 2), ("closed", 6, 2)]


@pytest.mark.parametrize("before", ["open", "opened", "after opened"])
def test_close_comes_in_any_state(before: str) -> None:
    peer = to_server()
    if before != "open":
        peer.send("open", OPEN)
    if before == "after opened":
        server_of(peer).accept(MONO)
    assert CloseRequested("end") in peer.send("close", {"reason": "end"})
    server_of(peer).close()
    peer.listen()
    assert peer.types == ["closed"]
    assert list(peer.session.connection_lost(1.0)) == [Finished(True)]


def test_close_while_opened_waits_drops_it() -> None:
    peer = to_server()
    peer.send("open", OPEN)
    server_of(peer).accept(MONO)
    events = peer.send("close", {"reason": "end"})
    assert events == [Dropped("opened"), CloseRequested("end")]
    with pytest.raises(LocalProtocolError):
        server_of(peer).accept(MONO)


def test_audio_after_our_disconnect_or_behind_close_is_dropped_without_a_word() -> None:
    peer = to_open_server()
    server_of(peer).disconnect("completed")
    peer.listen()
    assert peer.raw(bytes(160)) == []
    peer.send("close", {"reason": "disconnect"})
    assert peer.raw(bytes(160)) == []
    server_of(peer).close()
    assert [message["type"] for message in peer.listen()] == ["closed"]
    assert peer.raw(bytes(160)) == []


def test_what_comes_behind_close_is_passed_over_unless_acknowledgements_are_judged() -> None:
    for strict in (False, True):
        peer = to_open_server(strict=strict)
        peer.send("close", {"reason": "end"})
        [event] = peer.send("dtmf", {"digit": "1"})
        assert event == (Violation(409, "'dtmf' in state closing") if strict else Tolerated("'dtmf' behind close"))
        assert isinstance(peer.send("error", {"code": 408, "message": "gist"})[0], ErrorReported)


def test_what_crosses_our_disconnect_keeps_its_place_in_time() -> None:
    """Audio that crossed it is dropped; the positions behind it are right all the same."""
    peer = to_open_server(strict=True)
    server_of(peer).disconnect("completed")
    peer.listen()
    peer.raw(bytes(1600))
    assert peer.send("dtmf", {"digit": "1"}, serverseq=1, position="PT0.2S") == [DtmfReceived("1", 1600)]


def test_a_fault_while_closed_waits_takes_nothing_back() -> None:
    peer = to_open_server()
    server = server_of(peer)
    for _ in range(30):
        server.send_event(BARGE_IN)
    peer.send("close", {"reason": "end"})
    server.close()
    peer.listen()
    assert last(peer)["type"] == "event"
    peer.raw("garbage")
    peer.wait(4.0)
    assert last(peer)["type"] == "closed"
    assert "disconnect" not in peer.types
