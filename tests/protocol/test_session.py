"""What both ends share: order, acknowledgement, our own misuse, time, the end (P3.1, P3.2)."""

from __future__ import annotations

import json

import pytest
from tests.protocol.foreign import (
    OPEN,
    Foreign,
    a_peer,
    both,
    ended,
    inert,
    to_open_client,
    to_open_server,
)

from offhook.errors import LocalProtocolError
from offhook.protocol import (
    MONO,
    ClientSession,
    Dropped,
    DtmfReceived,
    Entity,
    Finished,
    OpenRequested,
    Pinged,
    Ponged,
    Role,
    ServerSession,
    State,
    Tolerated,
    UnknownMessage,
    Violation,
)
from offhook.testing.pair import SESSION_ID, opening

# Envelope and order.


@both
@pytest.mark.parametrize("seq", [0, 2, 4, 10**15])
def test_a_sequence_number_that_is_not_the_next_ends_the_session(role: str, seq: int) -> None:
    peer = a_peer(role)
    peer.send(*inert(peer))
    assert peer.seq == 2
    [violation] = peer.send(*inert(peer), seq=seq)
    assert violation == Violation(500, "sequence number")
    assert ended(peer)


@both
def test_an_id_of_another_session_ends_the_session(role: str) -> None:
    peer = a_peer(role)
    [violation] = peer.send(*inert(peer), id="00000000-0000-4000-8000-000000000000")
    assert violation == Violation(400, "id of another session")
    assert ended(peer)


@both
def test_an_id_in_other_letters_is_the_same_id(role: str) -> None:
    peer = a_peer(role)
    peer.send(*inert(peer), id=SESSION_ID.upper())
    assert not peer.violations


def test_a_server_without_a_header_takes_the_id_of_open() -> None:
    peer = Foreign(ServerSession(""))
    peer.send("open", OPEN)
    peer.session.accept(None)  # type: ignore[union-attr]
    assert [message["id"] for message in peer.listen()] == [SESSION_ID]
    peer.send("ping", id="00000000-0000-4000-8000-000000000000")
    assert peer.violations


@pytest.mark.parametrize("id", ["", "x", "z" * 60_000, SESSION_ID + "\n", "٣" * 36])
def test_a_server_without_a_header_takes_no_id_that_is_none(id: str) -> None:
    peer = Foreign(ServerSession(""))
    peer.send("open", OPEN, id=id)
    assert [event.rule for event in peer.violations] == ["id of another session"]
    assert peer.types == ["disconnect"]


def test_a_server_refuses_an_acknowledgement_of_what_was_never_sent() -> None:
    peer = to_open_server()
    [violation] = peer.send("ping", serverseq=2)
    assert violation == Violation(400, "acknowledges a message that was never sent")
    assert ended(peer)


def test_a_client_looks_at_what_a_server_acknowledges_in_pongs_alone() -> None:
    peer = to_open_client()
    assert peer.send("event", {"entities": []}, clientseq=99)[0] == Tolerated(
        "acknowledges a message that was never sent"
    )
    assert peer.session.is_live


@both
def test_acknowledging_less_than_before_is_tolerated(role: str) -> None:
    peer = a_peer(role)
    peer.send(*inert(peer))
    key = "serverseq" if peer.role is Role.CLIENT else "clientseq"
    assert peer.send(*inert(peer), **{key: 0})[0] == Tolerated("acknowledges less than before")
    assert peer.session.is_live


@both
def test_messages_carry_the_next_number_and_the_last_one_that_was_heard(role: str) -> None:
    peer = a_peer(role)
    for _ in range(3):
        peer.send(*inert(peer))
    if isinstance(peer.session, ServerSession):
        peer.session.updated()
    else:
        peer.session.dtmf("1")
    [message] = peer.listen()
    assert (message["version"], message["id"], message["seq"]) == ("2", SESSION_ID, 2)
    assert message["clientseq" if role == "server" else "serverseq"] == peer.seq
    assert ("position" in message) is (role == "client")


@both
def test_audio_is_not_counted(role: str) -> None:
    peer = a_peer(role)
    peer.raw(bytes(160))
    peer.session.send_audio(bytes(160))
    peer.listen()
    peer.send(*inert(peer))
    assert not peer.violations
    assert bytes(160) in peer.heard


@both
@pytest.mark.parametrize("text", ["", "{", "\x00", "\ud800", "[" * 50_000, '{"seq":' + "1" * 5000 + "}"])
def test_what_is_no_message_ends_the_session(role: str, text: str) -> None:
    peer = a_peer(role)
    [violation] = peer.raw(text)
    assert violation.code == 400  # type: ignore[union-attr]
    assert ended(peer)


@both
def test_wrong_parameters_end_the_session(role: str) -> None:
    peer = a_peer(role)
    type = "dtmf" if peer.role is Role.CLIENT else "event"
    [violation] = peer.send(type, {"digit": 5, "entities": "none"})
    assert violation == Violation(400, f"wrong parameters in {type!r}")
    assert ended(peer)


@both
def test_unknown_keys_are_ignored_everywhere(role: str) -> None:
    peer = a_peer(role)
    type, parameters = inert(peer)
    peer.send(type, parameters | {"later": [1]}, later={"x": None}, position="PT0S")  # type: ignore[operator]
    assert not peer.violations
    assert peer.session.is_live


# Types that are not for us.


def test_a_server_passes_over_what_it_does_not_know() -> None:
    peer = to_open_server()
    for type in ("later", "pause", "opened", "reconnect"):
        assert peer.send(type, [1]) == [UnknownMessage(type)]
    assert peer.session.is_live


# Our own misuse.


def test_misuse_raises_and_changes_nothing() -> None:
    session = ServerSession(SESSION_ID)
    for ask in (session.pause, session.resume, session.updated, session.close, session.reconnect, session.barge_in):
        with pytest.raises(LocalProtocolError):
            ask()
    with pytest.raises(LocalProtocolError):
        session.accept(None)
    with pytest.raises(LocalProtocolError):
        session.send_audio(b"\xff")
    with pytest.raises(LocalProtocolError):
        session.send_event(Entity("x"))
    client = ClientSession(SESSION_ID, opening())
    for ask in (client.pause, client.resume, client.playback_started, client.playback_completed):
        with pytest.raises(LocalProtocolError):
            ask()
    with pytest.raises(LocalProtocolError):
        client.dtmf("1")
    with pytest.raises(LocalProtocolError):
        client.update("en")
    assert not session.has_output
    assert not client.has_output
    assert session.state is client.state is State.IDLE


# Time and the end.


@both
def test_the_end_comes_once_and_then_nothing_does(role: str) -> None:
    peer = a_peer(role)
    session = peer.session
    assert session.is_live
    assert list(session.connection_lost(1.0)) == [Finished(False)]
    assert list(session.connection_lost(2.0)) == []
    assert list(session.receive("garbage", 3.0)) == []
    assert list(session.receive(bytes(3), 3.0)) == []
    assert list(session.handle_timer(99.0)) == []
    assert list(session.data_to_send(99.0)) == []
    assert session.next_deadline() is None
    assert session.finished
    assert not session.is_live
    assert not session.has_output


@both
def test_after_the_end_nothing_can_be_asked_for_and_nothing_piles_up(role: str) -> None:
    peer = a_peer(role)
    session = peer.session
    session.connection_lost(1.0)
    if isinstance(session, ServerSession):
        for ask in (session.pause, session.disconnect, session.close, session.barge_in):
            with pytest.raises(LocalProtocolError):
                ask()
        with pytest.raises(LocalProtocolError):
            session.send_audio(b"\xff")
    else:
        for ask in (session.pause, session.close, session.playback_started):
            with pytest.raises(LocalProtocolError):
                ask()
        session.send_audio(bytes(160))
        session.skip(5)
    assert not session.has_output


def test_time_that_goes_back_does_no_harm() -> None:
    peer = to_open_server()
    peer.now = 100.0
    peer.send("ping")
    peer.now = 50.0
    peer.send("ping")
    peer.session.send_audio(bytes(400_000))
    peer.listen()
    assert len([data for data in peer.heard if isinstance(data, bytes)]) == 20
    peer.now = 20.0
    assert peer.listen() == []


def test_what_the_application_causes_is_reported_at_the_next_deadline() -> None:
    peer = to_open_server()
    server = peer.session
    assert isinstance(server, ServerSession)
    server.send_audio(bytes(200_000))
    server.disconnect("error")
    assert server.next_deadline() is not None
    assert server.next_deadline() <= peer.now  # type: ignore[operator]
    assert list(server.handle_timer(peer.now)) == [Dropped("audio")]


@both
def test_a_quiet_session_wakes_its_shell_only_when_something_is_due(role: str) -> None:
    peer = a_peer(role)
    deadline = peer.session.next_deadline()
    assert deadline is not None
    assert deadline > peer.now
    assert list(peer.session.handle_timer(peer.now)) == []
    assert peer.session.next_deadline() == deadline


def test_a_pong_acknowledges_its_ping_even_if_more_came_in_before_it_left() -> None:
    """P4.5: the platform compares `pong.clientseq` with the ping's number."""
    peer = to_open_server()
    session = peer.session
    texts = []
    for name, parameters in (("ping", {}), ("dtmf", {"digit": "1"}), ("ping", {"rtt": "PT0.1S"})):
        texts.append(json.dumps(peer.message(name, parameters)))
        peer.seq += 1
    events = [event for text in texts for event in session.receive(text, 0.0)]
    assert [type(event) for event in events] == [Pinged, DtmfReceived, Pinged]
    session.updated()  # type: ignore[union-attr]
    assert [(m["type"], m["clientseq"]) for m in peer.listen()] == [("pong", 2), ("pong", 4), ("updated", 4)]


def test_opening_again_is_passed_over() -> None:
    peer = to_open_server()
    assert peer.send("open", OPEN) == [Tolerated("second open")]
    assert len(peer.of(OpenRequested)) == 1


def test_receiving_audio_costs_one_event_and_no_queue() -> None:
    peer = to_open_server()
    for at in range(100):
        [event] = peer.session.receive(bytes(160), 0.0)
        assert event.position == at * 160  # type: ignore[union-attr]
    assert peer.session.position == 16_000
    client = to_open_client().session
    for _ in range(20):
        assert len(client.receive(bytes(4000), 0.0)) == 1
    assert isinstance(client, ClientSession)
    assert client.received == 80_000
    assert client.media == MONO


def test_round_trips_are_measured_by_the_clock_that_is_given() -> None:
    peer = to_open_client()
    peer.wait(1.0)
    peer.now += 0.031
    assert peer.send("pong") == [Ponged(pytest.approx(0.031))]
