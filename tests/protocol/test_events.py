"""What sessions report of what a peer sends, and what they answer to its faults (P3.4, P4, P5)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.protocol.foreign import (
    OPEN,
    Foreign,
    client_of,
    error_and_close,
    server_of,
    to_client,
    to_open_client,
    to_open_server,
    to_server,
)

from offhook.errors import LocalProtocolError
from offhook.protocol import (
    BOT_TRANSCRIPTION,
    CONNECTOR,
    MONITOR,
    MONO_L16,
    TRANSCRIPTION,
    AudioReceived,
    ClientSession,
    Disconnected,
    DtmfReceived,
    EntitiesReceived,
    Entity,
    ErrorReported,
    Finished,
    LanguageRequested,
    LanguageUpdated,
    Media,
    PlaybackCompleted,
    PlaybackStarted,
    Profile,
    ReconnectRequested,
    SessionClosed,
    State,
    Tolerated,
    UnknownMessage,
    Violation,
)
from offhook.testing.pair import SESSION_ID, opening


def offers(*media: Media) -> dict[str, Any]:
    return {"media": tuple(media)}


# P3.4: what the platform answers, and whether it ends the session.


FATAL: list[tuple[str, Any, int]] = [
    ("text too large", lambda peer: peer.raw(" " * 65_536), 413),
    ("audio too large", lambda peer: peer.raw(bytes(65_536)), 413),
    ("not JSON", lambda peer: peer.raw("{"), 400),
    ("no envelope", lambda peer: peer.raw("{}"), 400),
    ("no clientseq", lambda peer: peer.send("event", {"entities": []}, clientseq=...), 400),
    ("serverseq for clientseq", lambda peer: peer.send("event", {"entities": []}, clientseq=..., serverseq=1), 400),
    ("wrong seq", lambda peer: peer.send("event", {"entities": []}, seq=9), 500),
    ("wrong id", lambda peer: peer.send("event", {"entities": []}, id="x"), 400),
    ("wrong parameters", lambda peer: peer.send("event", {"entities": [{}]}), 400),
    ("unknown type", lambda peer: peer.send("later"), 400),
    ("a client's type", lambda peer: peer.send("ping"), 405),
    ("a type of another product", lambda peer: peer.send("reconnect"), 405),
    ("a second opened", lambda peer: peer.send("opened", {"media": []}), 409),
    ("closed without close", lambda peer: peer.send("closed"), 409),
]


@pytest.mark.parametrize(("name", "fault", "code"), FATAL, ids=[name for name, _, _ in FATAL])
def test_faults_of_a_server_that_end_the_session(name: str, fault: Any, code: int) -> None:
    peer = to_open_client()
    [violation] = fault(peer)
    assert isinstance(violation, Violation)
    assert (violation.code, violation.fatal) == (code, True)
    assert error_and_close(peer) == (code, "error")
    assert client_of(peer).state is State.CLOSING
    assert peer.send("closed")[-1] == Finished(True)


@pytest.mark.parametrize("type", ["pause", "resume", "event", "pong", "updated", "closed"])
def test_what_comes_before_opened(type: str) -> None:
    peer = to_client()
    peer.send(type, {"entities": []})
    assert error_and_close(peer) == (409, "error")


@pytest.mark.parametrize("profile", [MONITOR, TRANSCRIPTION, BOT_TRANSCRIPTION], ids=lambda profile: profile.name)
def test_audio_where_the_product_takes_none(profile: Profile) -> None:
    peer = to_open_client(profile)
    peer.raw(bytes(160))
    assert error_and_close(peer) == (415, "error")


def test_audio_before_opened_or_without_media() -> None:
    for peer in (to_client(), to_open_client(opened={"media": []})):
        peer.raw(bytes(160))
        assert error_and_close(peer) == (409, "error")


def test_audio_of_less_than_whole_samples() -> None:
    # No product takes L16 from a server; were there one, half samples would end its session.
    peer = to_open_client(CONNECTOR, open=offers(MONO_L16))
    peer.raw(bytes(3))
    assert error_and_close(peer) == (400, "error")


def test_no_opened_in_five_seconds() -> None:
    peer = to_client()
    assert peer.wait(4.9) == []
    assert peer.wait(0.2) == [Violation(408, "open transaction timeout")]
    assert error_and_close(peer) == (408, "error")


def test_no_pong_by_the_next_ping() -> None:
    peer = to_open_client()
    assert peer.wait(5.9) == []
    assert peer.types == ["open", "ping"]
    assert peer.wait(0.2) == [Violation(408, "no pong to the last ping")]
    assert error_and_close(peer) == (408, "error")


def test_no_closed_in_ten_seconds() -> None:
    peer = to_open_client()
    client_of(peer).close()
    peer.listen()
    assert peer.wait(9.9) == []
    assert peer.wait(0.2) == [Violation(408, "close transaction timeout"), Finished(False)]
    assert [message["type"] for message in peer.texts] == ["open", "close", "error"]
    assert peer.texts[-1]["parameters"]["code"] == 408


def test_no_closed_after_a_fault_is_not_reported_again() -> None:
    peer = to_open_client()
    peer.raw("garbage")
    assert peer.wait(11.0) == [Finished(False)]
    assert peer.types == ["open", "error", "close"]


def test_a_pong_without_a_ping_is_reported_and_the_session_goes_on() -> None:
    peer = to_open_client()
    assert peer.send("pong") == [Violation(409, "pong without a ping", fatal=False)]
    assert [(m["type"], m["parameters"]["code"]) for m in peer.texts[1:]] == [("error", 409)]
    assert peer.session.is_live


@pytest.mark.parametrize("clientseq", [0, 1, 3, 99])
def test_a_pong_for_another_message_is_reported_and_the_session_goes_on(clientseq: int) -> None:
    peer = to_open_client()
    peer.wait(1.0)
    events = peer.send("pong", clientseq=clientseq)
    assert Violation(400, "pong for another message", fatal=False) in events
    assert ("error", 400) in [(m["type"], m["parameters"].get("code")) for m in peer.texts]
    assert peer.session.is_live


def test_in_lenient_mode_unknown_messages_are_passed_over() -> None:
    peer = to_open_client(strict=False)
    assert peer.send("later") == [UnknownMessage("later")]
    assert peer.send("reconnect") == [UnknownMessage("reconnect")]
    assert peer.send("event", {"entities": []}, clientseq=...)[0] == Tolerated("no acknowledged sequence number")
    assert peer.session.is_live


def test_once_closing_nothing_is_a_fault_any_more() -> None:
    peer = to_open_client()
    client_of(peer).close()
    peer.listen()
    for type in ("pause", "resume", "pong"):
        assert peer.send(type, clientseq=1) == []
    for type in ("later", "ping"):
        assert peer.send(type) == [UnknownMessage(type)]
    assert peer.raw(bytes(160)) == []
    assert peer.send("pause") == [Tolerated("'pause' behind close")]
    assert peer.send("event", {"entities": [{"type": "x"}]}) == [EntitiesReceived((Entity("x"),))]
    assert peer.send("disconnect", {"reason": "error"}) == [Tolerated("'disconnect' behind close")]
    assert peer.types == ["open", "close"]
    assert peer.send("closed") == [SessionClosed(), Finished(True)]


# What else a client sends (P4.8, P4.11 to P4.13).


@pytest.mark.parametrize("digit", "0123456789*#ABCD")
def test_keys(digit: str) -> None:
    assert to_open_server().send("dtmf", {"digit": digit}) == [DtmfReceived(digit, 0)]


@pytest.mark.parametrize("digit", ["", "12", "E", "a", " ", "\u0661"])
def test_keys_that_no_phone_has_are_passed_on_and_reported(digit: str) -> None:
    events = to_open_server().send("dtmf", {"digit": digit})
    assert events == [Tolerated("a key that no phone has"), DtmfReceived(digit, 0)]


def test_playback() -> None:
    peer = to_open_server()
    assert peer.send("playback_started") == [PlaybackStarted(0)]
    assert peer.send("playback_completed", {}) == [PlaybackCompleted(0)]


def test_update_is_answered_by_the_application() -> None:
    peer = to_open_server()
    assert peer.send("update", {"language": "de-DE"}) == [LanguageRequested("de-DE")]
    assert peer.send("update", {}) == [LanguageRequested(None)]
    server_of(peer).updated()
    assert [(m["type"], m["parameters"]) for m in peer.listen()] == [("updated", {})]


@pytest.mark.parametrize("code", [400, 500, 13990, 0, -5])
def test_a_session_survives_an_error_of_the_client(code: int) -> None:
    peer = to_open_server()
    assert peer.send("error", {"code": code, "message": "gist"}) == [ErrorReported(code, "gist", None)]
    assert peer.send("dtmf", {"digit": "1"}) == [DtmfReceived("1", 0)]
    peer.send("close", {"reason": "end"})
    server_of(peer).close()
    assert [message["type"] for message in peer.listen()] == ["closed"]


def test_a_probe_that_went_wrong_is_reported_before_it_is_open() -> None:
    peer = to_server()
    peer.send("open", OPEN)
    [event] = peer.send("error", {"code": 400, "message": "Connection probe error: Message is malformed"})
    assert isinstance(event, ErrorReported)


@pytest.mark.parametrize("profile", [MONITOR, TRANSCRIPTION], ids=lambda profile: profile.name)
@pytest.mark.parametrize("type", ["dtmf", "playback_started", "playback_completed"])
def test_what_a_product_does_not_have_is_passed_over(profile: Profile, type: str) -> None:
    peer = to_open_server(profile)
    assert peer.send(type, {"digit": "1"}) == [UnknownMessage(type)]
    with pytest.raises(LocalProtocolError, match="takes no audio"):
        server_of(peer).send_audio(b"\xff")


def test_reconnect_exists_only_where_the_product_has_it() -> None:
    peer = to_open_server(MONITOR)
    server_of(peer).reconnect("maintenance")
    assert [(m["type"], m["parameters"]) for m in peer.listen()] == [("reconnect", {"info": "maintenance"})]
    with pytest.raises(LocalProtocolError, match="does not exist in the connector profile"):
        server_of(to_open_server()).reconnect()


# The other side's audio and messages.


def test_server_audio_is_counted_and_passed_on() -> None:
    peer = to_open_client()
    assert peer.raw(b"ab") == [AudioReceived(b"ab", 0)]
    client_of(peer).pause()
    peer.listen()
    assert peer.raw(b"cd") == [AudioReceived(b"cd", 2)]
    assert peer.raw(b"") == [Tolerated("audio of no samples")]
    assert client_of(peer).received == 4


def test_events_updates_and_reconnects_are_passed_on() -> None:
    peer = to_open_client(MONITOR)
    client_of(peer).update("de-DE")
    peer.listen()
    assert peer.texts[-1]["parameters"] == {"language": "de-DE"}
    assert peer.send("updated") == [LanguageUpdated()]
    assert peer.send("reconnect", {"info": "soon"}) == [ReconnectRequested("soon")]
    entities = [{"type": "barge_in", "data": {}}, {"type": "later", "data": [1, {"x": None}]}, {"type": "bare"}]
    assert peer.send("event", {"entities": entities}) == [
        EntitiesReceived((Entity("barge_in", {}), Entity("later", [1, {"x": None}]), Entity("bare")))
    ]


@pytest.mark.parametrize("state", ["opening", "open", "paused"])
def test_disconnect_is_answered_with_close(state: str) -> None:
    peer = to_client() if state == "opening" else to_open_client()
    if state == "paused":
        peer.send("pause")
    output = {"intent": "billing"}
    events = peer.send("disconnect", {"reason": "completed", "info": "done", "outputVariables": output})
    assert events == [Disconnected("completed", "done", output)]
    assert (peer.texts[-1]["type"], peer.texts[-1]["parameters"]) == ("close", {"reason": "disconnect"})
    assert peer.send("disconnect", {"reason": "error"}) == [Tolerated("'disconnect' behind close")]
    assert peer.send("closed")[-1] == Finished(True)


def test_disconnect_may_come_before_open_has_left() -> None:
    peer = Foreign(ClientSession(SESSION_ID, opening()))
    assert peer.send("disconnect", {"reason": "unauthorized"}) == [Disconnected("unauthorized", None, {})]
    assert peer.types == ["close"]
    assert peer.send("closed")[-1] == Finished(True)


@pytest.mark.parametrize("reason", ["completed", "unauthorized", "error", "rejected"])
def test_reasons_that_are_known(reason: str) -> None:
    assert to_open_client().send("disconnect", {"reason": reason}) == [Disconnected(reason, None, {})]


@pytest.mark.parametrize("reason", ["complete", "normal", "", "Completed"])
def test_reasons_that_are_not_known_are_passed_on_and_reported(reason: str) -> None:
    assert to_open_client().send("disconnect", {"reason": reason}) == [
        Tolerated("disconnect for an unknown reason"),
        Disconnected(reason, None, {}),
    ]


def test_output_variables_that_are_no_strings_become_json() -> None:
    events = to_open_client().send(
        "disconnect", {"reason": "completed", "outputVariables": {"n": 5, "s": "x", "l": [1, None], "none": None}}
    )
    assert events == [
        Tolerated("an output variable that is no string"),
        Disconnected("completed", None, {"n": "5", "s": "x", "l": "[1, null]", "none": ""}),
    ]


def test_audio_is_dropped_once_disconnected() -> None:
    peer = to_open_client()
    peer.send("disconnect", {"reason": "completed"})
    assert peer.raw(bytes(160)) == []
    assert not peer.violations
