"""What can be said of a message only where it stands; and what must not be said where a log tells too little."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cli.running import MONO, STEREO, client, opened, opening, server

from offhook.cli.follow import Follower
from offhook.protocol import CONNECTOR, MONITOR, Role
from offhook.testing.pair import Pair, pair

C, S = Role.CLIENT, Role.SERVER


def followed(*messages: dict, follower: Follower | None = None) -> list[str]:
    """What a follower says of messages one after the other."""
    follower = follower or Follower()
    said: list[str] = []
    for message in messages:
        said += map(str, follower.message(C if "serverseq" in message else S, message))
    return said


def test_numbers_may_not_skip_repeat_or_start_late():
    assert followed(opening(), client("ping", 3)) == [
        "`seq` is 3 after 1: the client numbers its messages from 1 without gaps"
    ]
    assert "`seq` is 1 again" in followed(opening(), client("ping", 1))[0]
    assert "`seq` is 2 in the first message" in followed(server("opened", 2, 1))[0]


def test_nobody_acknowledges_what_was_not_sent_yet():
    assert followed(opening(), server("opened", 1, 2, media=[MONO])) == [
        "`clientseq` is 2: the client has sent 1 so far"
    ]
    assert "`serverseq` is 5" in followed(opening(), opened(), client("ping", 2, 5))[0]


def test_a_log_that_begins_in_the_middle_is_not_judged_by_what_it_lacks():
    assert followed(client("ping", 41, 30), server("pong", 31, 41), client("close", 42, 31, reason="end")) == []


def test_a_log_of_one_side_is_not_judged_by_the_other_one():
    follower = Follower(both=False)
    assert followed(opening(), client("ping", 2, 1), client("dtmf", 3, 2, digit="1"), follower=follower) == []


def test_a_gap_stops_judging_places_and_nothing_else():
    # What is missing may have been `opened`.
    said = followed(opening(), server("event", 2, 1, entities=[]), server("pong", 4, 1))
    assert [fault.partition(":")[0] for fault in said] == ["`seq` is 2 in the first message", "`seq` is 4 after 2"]


@pytest.mark.parametrize(
    ("messages", "fault"),
    [
        ([opening(), client("dtmf", 2, 0)], "`dtmf` in state opening"),
        ([opening(), opened(), opening() | {"seq": 2}], "`open` in state open"),
        ([opening(), server("event", 1, 1)], "`event` in state opening"),
        ([opening(), opened(), client("close", 2, 1), server("closed", 2, 2), server("event", 3, 2)],
         "`event` in state closed"),
        ([opening(), opened(), server("disconnect", 2, 1), server("event", 3, 1)], "`event` in state ending"),
        ([opening(), opened(), client("close", 2, 1), client("dtmf", 3, 1)], "`dtmf` in state closing"),
    ],
)  # fmt: skip
def test_messages_out_of_place(messages, fault):
    said = followed(*messages)
    assert len(said) == 1
    assert said[0].startswith(fault)
    assert " may send " in said[0]


def test_messages_may_cross():
    # The server's `event` and `disconnect` left before it had seen `close`.
    crossing = [
        opening(),
        opened(),
        client("close", 2, 1, reason="end"),
        server("event", 2, 1, entities=[]),
        server("disconnect", 3, 1, reason="completed"),
        server("closed", 4, 2),
    ]
    assert followed(*crossing) == []


def test_late_acknowledgements_are_odd_and_not_wrong():
    follower = Follower()
    closing = opening(), opened(), client("close", 2, 1, reason="end")
    assert followed(*closing, follower=follower) == []
    (fault,) = follower.message(S, server("closed", 2, 1))
    assert (fault.what, fault.harmless) == ("`closed` acknowledges too little", True)


def test_positions_never_go_back_and_gaps_add_up():
    assert followed(opening(), opened(), client("ping", 2, 1, "PT2S"), client("ping", 3, 1, "PT1S")) == [
        "`position` is 1 s after 2 s: a stream never goes back"
    ]
    gap = {"start": "PT1S", "discarded": "PT2S"}
    assert followed(client("resumed", 5, 1, "PT3S", **gap)) == []
    assert "start + discarded is 3 s" in followed(client("resumed", 5, 1, "PT4S", **gap))[0]


def test_a_pong_acknowledges_its_ping():
    assert followed(opening(), opened(), client("ping", 2, 1), server("pong", 2, 1)) == [
        "`clientseq` is 1: a pong acknowledges its ping, 2"
    ]


def test_the_id_is_the_session_s():
    follower = Follower(id="00000000-0000-4000-8000-000000000000")
    assert "id of another session" in followed(opening(), follower=follower)[0]


def test_answers_are_due_in_time():
    follower = Follower()
    assert list(follower.message(C, opening(), 0.0)) == []
    assert "`opened` came after 5.500 s" in str(*follower.message(S, opened(), 5.5))


def test_the_pace_of_the_server_is_counted():
    follower = Follower()
    for message, sender in ((opening(), C), (opened(), S)):
        assert list(follower.message(sender, message, 0.0)) == []
    said = [f for n in range(40) for f in follower.message(S, server("event", 2 + n, 1, entities=[]), 0.1)]
    assert [fault.what for fault in said] == ["too many messages"]
    audio = [f for _ in range(40) for f in Follower().audio(S, 160, 0.0)]
    assert audio == []  # each follower counts its own


def test_audio_must_fit_the_session():
    follower = Follower(CONNECTOR)
    followed(opening(media=[STEREO]), opened(media=[STEREO]), follower=follower)
    assert list(follower.audio(C, 3200)) == []
    assert [f.what for f in follower.audio(C, 3201)] == ["audio of less than whole samples"]
    assert [f.what for f in follower.audio(C, 64_002)] == ["audio of 64,002 bytes"]
    monitor = Follower(MONITOR)
    followed(opening(), opened(), follower=monitor)
    assert [f.what for f in monitor.audio(S, 1600)] == ["audio of the server"]
    early = Follower()
    followed(opening(), follower=early)
    assert [f.what for f in early.audio(S, 1600)] == ["audio of the server in state opening"]


ACTS = ("ping", "key", "event", "pause", "resume", "hold", "unhold", "audio", "talk", "wait")


@settings(max_examples=150)
@given(st.lists(st.sampled_from(ACTS), max_size=25), st.sampled_from(["hang up", "finish"]), st.booleans())
def test_two_correct_ends_are_never_accused(acts, end, at_client):
    """Whatever they do, and whoever keeps the log, messages crossing on the wire."""
    joined = pair(CONNECTOR, strict=False, delay=0.05)
    log: list[tuple[Role, str | bytes, float]] = []
    keep(joined, log, C if at_client else S)
    joined.client.open()
    joined.advance(0.2)
    joined.server.accept(joined.client.parameters.media[0])
    joined.advance(0.2)
    for act in acts:
        perform(joined, act)
    if end == "hang up":
        joined.client.close()
        joined.advance(0.06)
        joined.server.close()
    else:
        joined.server.disconnect("completed", output={"a": "b"})
        joined.advance(8)
        joined.server.close()
    joined.advance(2)
    follower = Follower(CONNECTOR, joined.client.id)
    for sender, data, t in log:
        said = follower.audio(sender, len(data), t) if isinstance(data, bytes) else follower.message(
            sender, json.loads(data), t
        )  # fmt: skip
        assert [str(fault) for fault in said if not fault.harmless] == []


def keep(joined: Pair, log: list[tuple[Role, str | bytes, float]], keeper: Role) -> None:
    """Log what the keeper sends and receives, when it does."""
    session = joined.sides[keeper]
    send, receive = session.data_to_send, session.receive

    def data_to_send(now: float):
        out = send(now)
        log.extend((keeper, data, now) for data in out)
        return out

    def on_receive(data: str | bytes, now: float):
        log.append((keeper.peer, data, now))
        return receive(data, now)

    session.data_to_send, session.receive = data_to_send, on_receive  # type: ignore[method-assign]


def perform(joined: Pair, act: str) -> None:
    client, server = joined.client, joined.server
    if not (client.is_live and server.is_live):
        return
    match act:
        case "key":
            client.dtmf("5")
        case "event":
            server.barge_in()
        case "pause":
            server.pause()
        case "resume":
            server.resume()
        case "hold":
            client.pause()
        case "unhold" if client.client_paused:
            client.resume()
        case "audio":
            client.send_audio(bytes(160))
        case "talk":
            server.send_audio(bytes(800))
        case "wait":
            joined.advance(3.0)
    joined.advance(0.03)
