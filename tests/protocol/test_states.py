"""The tables: nothing is missing in them, they say what P4, P8.2 and P8.3 say, and peers are judged by them."""

from __future__ import annotations

import itertools
import json

import pytest
from tests.protocol.foreign import (
    a_peer,
    both,
    ended,
    to_client,
    to_open_client,
    to_open_server,
    to_server,
)

from offhook.protocol import (
    MACHINES,
    PROFILES,
    CloseRequested,
    Dropped,
    Finished,
    Profile,
    Role,
    SessionClosed,
    State,
    Tolerated,
    Violation,
)
from offhook.protocol.messages import KINDS
from offhook.protocol.states import Machine, after, may_carry_audio, may_send

STATES = {
    Role.CLIENT: set(State) - {State.ENDING},
    Role.SERVER: set(State),
}
tables = pytest.mark.parametrize(
    ("role", "machine", "types"),
    [
        pytest.param(role, profile.machines[role], profile.types, id=f"{profile.name}-{role}")
        for profile in PROFILES.values()
        for role in Role
    ]
    + [pytest.param(role, MACHINES[role], frozenset(KINDS), id=f"all-{role}") for role in Role],
)


def sendable(role: Role, state: State, machine: Machine | None = None) -> set[str]:
    return {type for by, type in (machine or MACHINES[role])[state] if by is role}


@tables
def test_every_state_has_a_row_and_every_target_is_a_state_of_the_role(
    role: Role, machine: Machine, types: frozenset[str]
) -> None:
    assert set(machine) == STATES[role]
    assert {target for row in machine.values() for target in row.values()} <= STATES[role]


@tables
def test_every_type_stands_somewhere_under_its_own_sender_and_no_other_does(
    role: Role, machine: Machine, types: frozenset[str]
) -> None:
    steps = {step for row in machine.values() for step in row}
    assert all(KINDS[type].sender is sender for sender, type in steps)
    assert {type for sender, type in steps if sender is role} == {t for t in types if KINDS[t].sender is role}
    assert {type for _, type in steps} <= types


@tables
def test_every_state_can_be_reached_and_closed_from(role: Role, machine: Machine, types: frozenset[str]) -> None:
    def reach(state: State, seen: set[State]) -> set[State]:
        for target in set(machine[state].values()) - seen:
            seen |= reach(target, seen | {target})
        return seen

    assert reach(State.IDLE, {State.IDLE}) == STATES[role]
    for state in STATES[role]:
        assert State.CLOSED in reach(state, {state})
    assert not machine[State.CLOSED]


@tables
def test_closing_never_goes_back(role: Role, machine: Machine, types: frozenset[str]) -> None:
    rank = {State.IDLE: 0, State.OPENING: 1, State.OPEN: 2, State.PAUSED: 2}
    rank |= {State.ENDING: 3, State.CLOSING: 4, State.CLOSED: 5}
    for state, row in machine.items():
        assert all(rank[target] >= rank[state] for target in row.values())


def test_a_client_closes_from_anywhere_and_then_sends_nothing_but_the_report_of_a_timeout() -> None:
    for state in STATES[Role.CLIENT] - {State.CLOSING, State.CLOSED}:
        assert may_send(MACHINES[Role.CLIENT], state, Role.CLIENT, "close")
    assert sendable(Role.CLIENT, State.CLOSING) == {"error"}
    assert sendable(Role.CLIENT, State.CLOSED) == set()


def test_before_opened_a_client_can_only_open_report_and_close() -> None:
    assert sendable(Role.CLIENT, State.IDLE) == {"open", "error", "close"}
    assert sendable(Role.CLIENT, State.OPENING) == {"error", "close"}


def test_a_server_speaks_first_with_opened_or_disconnect() -> None:
    assert sendable(Role.SERVER, State.IDLE) == {"disconnect"}
    assert sendable(Role.SERVER, State.OPENING) == {"opened", "disconnect"}


def test_a_server_sends_disconnect_only_before_close() -> None:
    legal = {state for state in State if "disconnect" in sendable(Role.SERVER, state)}
    assert legal == {State.IDLE, State.OPENING, State.OPEN, State.PAUSED}


def test_events_leave_in_open_paused_and_closing_only() -> None:
    legal = {state for state in State if "event" in sendable(Role.SERVER, state)}
    assert legal == {State.OPEN, State.PAUSED, State.CLOSING}


def test_closed_is_the_last_word_and_answers_close_alone() -> None:
    assert sendable(Role.SERVER, State.CLOSING) == {"event", "closed"}
    assert sendable(Role.SERVER, State.CLOSED) == set()
    assert [state for state in State if "closed" in sendable(Role.SERVER, state)] == [State.CLOSING]


def test_a_server_that_said_disconnect_still_answers_pings() -> None:
    assert sendable(Role.SERVER, State.ENDING) == {"pong"}


def test_what_is_nothing_to_a_machine_leaves_it_where_it_is() -> None:
    machine = MACHINES[Role.CLIENT]
    for state, type in itertools.product(STATES[Role.CLIENT], ("event", "pong", "later")):
        assert after(machine, state, Role.SERVER, type) is state


def test_a_client_sends_audio_only_while_not_paused_and_a_bot_also_then() -> None:
    assert [state for state in State if may_carry_audio(state, Role.CLIENT)] == [State.OPEN]
    assert [state for state in State if may_carry_audio(state, Role.SERVER)] == [State.OPEN, State.PAUSED]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_only_what_moves_the_other_machine_needs_to_be_acknowledged(profile: Profile) -> None:
    assert profile.moves[Role.CLIENT] == {"opened", "closed"}
    assert profile.moves[Role.SERVER] == {"open", "close", "paused", "resumed"}


# Judgement.


@both
def test_a_message_that_has_no_place_here_ends_the_session(role: str) -> None:
    peer = to_server() if role == "server" else to_client()
    if role == "server":
        [violation] = peer.send("dtmf", {"digit": "1"})
        assert violation == Violation(409, "'dtmf' in state idle")
    else:
        [violation] = peer.send("pause")
        assert violation == Violation(409, "'pause' in state opening")
    assert ended(peer)


def test_a_late_acknowledgement_is_tolerated_unless_acknowledgements_are_judged() -> None:
    peer = to_open_server()
    assert peer.send("update", {"language": "en"}, serverseq=0)[0] == Tolerated("acknowledges late")
    assert peer.session.is_live
    peer = to_open_server(strict=True)
    assert peer.send("update", {"language": "en"}, serverseq=0) == [Violation(409, "'update' in state opening")]
    peer = to_open_client()
    peer.session.close()  # type: ignore[union-attr]
    peer.listen()
    events = peer.send("closed", clientseq=1)
    assert events == [Tolerated("acknowledges late"), SessionClosed(), Finished(True)]
    peer = to_open_client(exact_acks=True)
    peer.session.close()  # type: ignore[union-attr]
    peer.listen()
    assert Violation(409, "'closed' in state open") in peer.send("closed", clientseq=1)


def test_what_crosses_on_the_wire_is_no_fault() -> None:
    """A pong may arrive after our `close` has left, and an event too: their sender had not seen it."""
    peer = to_open_client(exact_acks=True)
    peer.wait(1.0)
    peer.session.close()  # type: ignore[union-attr]
    peer.listen()
    for type, parameters in (
        ("pong", {}),
        ("event", {"entities": []}),
        ("pause", {}),
        ("disconnect", {"reason": "error"}),
    ):
        peer.send(type, parameters, clientseq=2)
    assert not peer.violations
    assert peer.types == ["open", "ping", "close"]
    peer.send("closed", clientseq=3)
    assert peer.events[-1] == Finished(True)


def test_what_comes_too_late_is_a_fault_for_who_had_seen_it() -> None:
    peer = to_open_client(exact_acks=True)
    peer.session.close()  # type: ignore[union-attr]
    peer.listen()
    assert Violation(409, "'pause' in state closing") in peer.send("pause")


@both
def test_only_the_first_fault_is_reported_and_answered(role: str) -> None:
    peer = a_peer(role)
    peer.raw("garbage")
    heard = len(peer.heard)
    for _ in range(5):
        peer.raw("garbage")
        peer.send("later", seq=77)
        peer.raw(bytes(3))
    assert len(peer.violations) == 1
    assert len(peer.heard) == heard


@both
def test_after_a_fault_the_session_still_ends_well(role: str) -> None:
    peer = a_peer(role)
    peer.raw("garbage")
    if role == "server":
        assert peer.send("close", {"reason": "disconnect"}) == [CloseRequested("disconnect")]
        peer.session.close()  # type: ignore[union-attr]
        assert peer.listen()[0]["type"] == "closed"
    else:
        assert peer.send("closed") == [SessionClosed(), Finished(True)]


@pytest.mark.parametrize(
    "fault",
    [{"seq": 50}, {"serverseq": 50}, {"parameters": {}}, {"parameters": {"reason": 5}}, {"parameters": ...}],
    ids=str,
)
def test_a_faulty_close_is_a_close_all_the_same(fault: dict[str, object]) -> None:
    """It will not come again, and its sender waits for `closed` alone."""
    peer = to_open_server()
    message = peer.message("close", {"reason": "end"})
    peer.seq += 1
    events = peer.raw(json.dumps({key: value for key, value in (message | fault).items() if value is not ...}))
    assert [type(event) for event in events] == [Violation, Dropped, CloseRequested]
    assert peer.types == ["opened"]
    peer.session.close()  # type: ignore[union-attr]
    assert [message["type"] for message in peer.listen()] == ["closed"]


def test_a_second_close_is_nothing_after_a_fault() -> None:
    peer = to_open_server()
    peer.raw("garbage")
    peer.send("close", {"reason": "end"})
    peer.wait(5.0)
    assert peer.send("close", {"reason": "end"}) == [Tolerated("'close' behind close")]
    peer.wait(4.5)
    assert peer.types == ["opened", "disconnect", "closed"]
    assert peer.send("close", {"reason": "end"}) == [Tolerated("'close' behind close")]
    peer.wait(60.0)
    assert peer.types == ["opened", "disconnect", "closed"]
    assert peer.of(Finished) == [Finished(True)]
