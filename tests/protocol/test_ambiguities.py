"""What the sources leave open (P15), row by row, with the answer that the sheet suggests.

Rows that are not the core's, and where they are settled:

| row | question | where |
|---|---|---|
| 2 | byte order of L16 | audio/l16.py takes it as an argument; here: the core passes on what its encoder makes |
| 3 | size of inbound frames | here: any; that our own callers send 200 ms is the connector's |
| 6, 7, 8, 9 | components, age, replay, unsigned requests | test_signature.py |
| 16 | `disconnect` before audio has played | here: behind what is queued; waiting for the playback is the bot's |
| 17, 18 | what `barge_in` flushes, when playback is completed | the connector's player; here: what the messages say |
| 21 | case of languages | here: passed on as it came; compared by the bot |
| 27 | header of retries | session/test_keys.py: the request carries it |
| 33, 34 | number of integrations, charging of pauses | documentation only |
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.protocol.foreign import (
    OFFER,
    OPEN,
    Foreign,
    on_the_wire,
    to_client,
    to_open_client,
    to_open_server,
    to_server,
)

from offhook.errors import LocalProtocolError
from offhook.protocol import (
    BARGE_IN,
    BOT_TRANSCRIPTION,
    CONNECTOR,
    MONITOR,
    MONO,
    MONO_L16,
    STEREO,
    TRANSCRIPTION,
    AudioReceived,
    ClientSession,
    CloseRequested,
    Disconnected,
    DtmfReceived,
    Entity,
    Finished,
    OpenRequested,
    Pinged,
    Ponged,
    Profile,
    ServerAudio,
    ServerSession,
    SessionOpened,
    Tolerated,
    UnknownMessage,
    Violation,
    choose,
)
from offhook.protocol.limits import NULL_UUID
from offhook.testing.pair import SESSION_ID, opening


def server_of(peer: Foreign) -> ServerSession:
    assert isinstance(peer.session, ServerSession)
    return peer.session


def client_of(peer: Foreign) -> ClientSession:
    assert isinstance(peer.session, ClientSession)
    return peer.session


@pytest.mark.parametrize("to", [to_open_server, to_open_client])
def test_row_1_text_up_to_65535_bytes_is_taken_and_up_to_64000_sent(to: Any) -> None:
    peer = to()
    type, parameters = ("update", {}) if to is to_open_server else ("event", {"entities": []})
    message = json.dumps(peer.message(type, parameters))
    peer.raw(message + " " * (65_535 - len(message)))
    assert not peer.violations
    peer.raw(" " * 65_536)
    assert [violation.code for violation in peer.violations] == [413]
    with pytest.raises(LocalProtocolError, match="64000"):
        server_of(to_open_server()).send_event(Entity("x", "a" * 64_000))
    server_of(to_open_server()).send_event(Entity("x", "a" * 63_700))


@pytest.mark.parametrize("order", ["little", "big"])
def test_row_2_the_byte_order_of_l16_is_the_encoders(order: Any) -> None:
    def encode(lanes: tuple[bytes, ...], media: object) -> bytes:
        return b"".join((byte * 2).to_bytes(2, order) for byte in lanes[0])

    peer = to_open_client(BOT_TRANSCRIPTION, encode=encode, opened={"media": [on_the_wire(MONO_L16)]})
    client_of(peer).send_audio(b"\x01\x02")
    assert peer.listen() == [b"\x02\x00\x04\x00" if order == "little" else b"\x00\x02\x00\x04"]
    # Where there is a choice, PCMU is taken.
    assert choose([MONO_L16, MONO], [MONO]) is MONO


@pytest.mark.parametrize("size", [1, 160, 800, 1600, 1601, 16_000, 65_535])
def test_row_3_inbound_frames_of_any_size(size: int) -> None:
    assert to_open_server().raw(bytes(size)) == [AudioReceived(bytes(size), 0)]


@pytest.mark.parametrize("text", ["PT0.5S", "PT.5S", "PT0.50S", "PT00.500000000000S"])
def test_row_4_durations_are_read_in_any_length_and_written_short_without_exponent(text: str) -> None:
    peer = to_server()
    peer.send("open", OPEN, position=text)
    assert server_of(peer).position == 4000
    ours = to_open_client()
    client_of(ours).send_audio(b"\xff")
    client_of(ours).dtmf("1")
    ours.listen()
    assert ours.texts[-1]["position"] == "PT0.000125S"
    assert ours.texts[0]["position"] == "PT0S"


def test_row_5_gaps_count_in_the_servers_position() -> None:
    peer = to_open_server()
    peer.send("discarded", {"start": "PT0S", "discarded": "PT1S"}, position="PT1S")
    peer.send("paused", position="PT1S")
    peer.send("resumed", {"start": "PT1S", "discarded": "PT2S"}, position="PT3S")
    assert peer.raw(bytes(8)) == [AudioReceived(bytes(8), 24_000)]


def test_row_10_start_paused_is_always_sent() -> None:
    assert to_open_server().texts[0]["parameters"]["startPaused"] is False
    assert to_client().send("opened", {"media": [OFFER]}) == [SessionOpened(MONO, False, None, None)]


@pytest.mark.parametrize("profile", [MONITOR, CONNECTOR, TRANSCRIPTION, BOT_TRANSCRIPTION], ids=lambda p: p.name)
def test_row_11_a_probe_gets_the_media_that_a_call_would_get(profile: Profile) -> None:
    offers = [on_the_wire(offer) for offer in profile.offers]
    for conversation in (NULL_UUID, OPEN["conversationId"]):
        peer = to_server(profile)
        [event] = peer.send("open", OPEN | {"media": offers, "conversationId": conversation})
        assert isinstance(event, OpenRequested)
        server_of(peer).accept(choose(event.offers, ()))
        peer.listen()
        assert peer.texts[0]["parameters"]["media"] == offers[:1]


def test_row_12_update_is_answered_with_updated() -> None:
    peer = to_open_server()
    peer.send("update", {"language": "de-DE"})
    server_of(peer).updated()
    assert [(message["type"], message["parameters"]) for message in peer.listen()] == [("updated", {})]
    # Servers that predate it stay silent, and nothing is missed.
    ours = to_open_client()
    client_of(ours).update("de-DE")
    ours.listen()
    ours.pongs = True
    ours.wait(20.0)
    assert len(ours.of(Ponged)) == 5
    assert not ours.violations


def test_row_13_a_server_passes_over_unknown_types_a_client_ends_the_session_unless_lenient() -> None:
    assert to_open_server().send("later") == [UnknownMessage("later")]
    assert to_open_client().send("later")[0].code == 400  # type: ignore[union-attr]
    assert to_open_client().send("reconnect")[0].code == 405  # type: ignore[union-attr]
    assert to_open_client(strict=False).send("later") == [UnknownMessage("later")]


def test_row_14_audio_to_a_product_without_is_refused_or_ignored_as_the_profile_says() -> None:
    assert to_open_client(MONITOR).raw(bytes(160))[0].code == 415  # type: ignore[union-attr]
    lenient = replace(MONITOR, server_audio=ServerAudio.IGNORE)
    peer = to_open_client(lenient)
    assert peer.raw(bytes(160)) == []
    assert peer.session.is_live


def test_row_15_output_variables_travel_in_disconnect_alone() -> None:
    peer = to_open_server()
    server_of(peer).disconnect("completed", output={"a": "b"})
    peer.listen()
    peer.send("close", {"reason": "disconnect"})
    server_of(peer).close()
    peer.listen()
    assert [message["parameters"] for message in peer.texts[1:]] == [
        {"reason": "completed", "outputVariables": {"a": "b"}},
        {},
    ]
    # A server that puts them into `closed` too does no harm.
    ours = to_open_client()
    ours.send("disconnect", {"reason": "completed", "outputVariables": {"a": "b"}})
    ours.send("closed", {"outputVariables": {"a": "c"}})
    assert ours.of(Disconnected) == [Disconnected("completed", None, {"a": "b"})]
    assert not ours.violations


def test_row_16_completed_leaves_behind_what_is_queued() -> None:
    peer = to_open_server()
    server_of(peer).send_audio(bytes(4001))
    server_of(peer).disconnect("completed")
    out = peer.listen()
    assert [len(item) if isinstance(item, bytes) else item["type"] for item in out] == [4000, 1, "disconnect"]


def test_row_17_barge_in_empties_our_queue_and_tells_the_platform_to_do_the_same() -> None:
    peer = to_open_server()
    server_of(peer).send_audio(bytes(200_000))
    peer.listen()
    assert server_of(peer).barge_in() == 120_000
    assert [message["parameters"] for message in peer.listen()] == [{"entities": [{"type": "barge_in", "data": {}}]}]


def test_row_18_playback_may_start_and_complete_as_often_as_the_queue_runs_dry() -> None:
    peer = to_open_server(strict=True)
    for _ in range(5):
        for type in ("playback_started", "playback_completed"):
            assert len(peer.send(type)) == 1
    assert not peer.violations


def test_row_19_the_alphabet_of_keys() -> None:
    for digit in "0123456789*#ABCD":
        assert to_open_server().send("dtmf", {"digit": digit}) == [DtmfReceived(digit, 0)]
        client_of(to_open_client()).dtmf(digit)
    assert isinstance(to_open_server().send("dtmf", {"digit": "E"})[0], Tolerated)
    with pytest.raises(LocalProtocolError):
        client_of(to_open_client()).dtmf("E")


def test_row_20_a_client_warns_and_then_closes_a_server_backs_off() -> None:
    peer = to_open_client()
    for _ in range(100):
        peer.send("event", {"entities": []})
        peer.now += 0.1
    assert [(violation.code, violation.fatal) for violation in peer.violations] == [(429, False), (429, True)]
    ours = to_open_server()
    ours.send("error", {"code": 429, "message": "", "retryAfter": "PT3S"})
    server_of(ours).send_event(BARGE_IN)
    ours.wait(2.9)
    assert ours.types == ["opened"]
    ours.wait(0.7)
    assert ours.types == ["opened", "event"]


def test_row_21_languages_are_passed_on_in_the_case_in_which_they_came() -> None:
    [event] = to_server().send("open", OPEN | {"language": "es-ES"})
    assert isinstance(event, OpenRequested)
    assert event.parameters.language == "es-ES"
    [event] = to_server().send("open", OPEN | {"language": "es-es"})
    assert isinstance(event, OpenRequested)
    assert event.parameters.language == "es-es"


def test_row_22_a_missing_serverseq_is_zero() -> None:
    peer = to_server()
    tolerated, event = peer.send("open", OPEN, serverseq=...)
    assert tolerated == Tolerated("no acknowledged sequence number")
    assert isinstance(event, OpenRequested)
    strict = to_server(strict=True)
    assert strict.send("open", OPEN, serverseq=...) == [Violation(400, "no acknowledged sequence number")]


def test_row_23_absent_parameters_are_empty_where_none_are_needed() -> None:
    peer = to_open_server()
    text = peer.message("ping")
    del text["parameters"]
    assert peer.raw(json.dumps(text)) == [Pinged(None)]
    ours = to_open_client()
    ours.wait(1.0)
    text = ours.message("pong")
    del text["parameters"]
    assert ours.raw(json.dumps(text)) == [Ponged(0.0)]


@pytest.mark.parametrize("id", ["1aec8efd-e26f-45f0-fdb1-bcfe549fb148", NULL_UUID, SESSION_ID.upper()])
def test_row_24_ids_are_any_hexadecimal_digits(id: str) -> None:
    peer = Foreign(ServerSession(""))
    assert isinstance(peer.send("open", OPEN | {"participant": {"id": id}}, id=id)[0], OpenRequested)


def test_row_25_the_client_closes_tcp_and_the_server_only_after_five_seconds() -> None:
    ours = to_open_client()
    client_of(ours).close()
    ours.listen()
    assert ours.send("closed")[-1] == Finished(True)
    peer = to_open_server()
    peer.send("close", {"reason": "end"})
    server_of(peer).close()
    peer.listen()
    assert peer.wait(4.9) == []
    assert peer.wait(0.2) == [Finished(True)]


def test_row_26_rejected_is_understood_and_never_sent() -> None:
    assert to_open_client().send("disconnect", {"reason": "rejected"}) == [Disconnected("rejected", None, {})]
    with pytest.raises(LocalProtocolError):
        server_of(to_open_server()).disconnect("rejected")  # type: ignore[arg-type]


def test_row_28_which_offer_is_taken_can_be_chosen_and_else_is_the_first_that_can_be_used() -> None:
    offers = (STEREO, MONO)
    assert choose(offers, ()) is STEREO
    assert choose(offers, (MONO, STEREO)) is MONO
    assert choose(reversed(offers), (STEREO,)) is STEREO


def test_row_29_no_pong_before_opened() -> None:
    peer = to_server()
    peer.send("open", OPEN)
    peer.send("ping")
    peer.send("ping")
    assert peer.heard == []
    server_of(peer).accept(None)
    assert [(message["type"], message["seq"]) for message in peer.listen()] == [("opened", 1)]
    peer.send("ping")
    assert (peer.texts[-1]["type"], peer.texts[-1]["seq"], peer.texts[-1]["clientseq"]) == ("pong", 2, 4)


def test_row_30_the_end_of_a_clients_pause_is_silent_while_the_server_holds_one() -> None:
    peer = to_open_client()
    client_of(peer).pause()
    peer.listen()
    peer.send("pause")
    client_of(peer).resume()
    assert peer.listen() == []


def test_row_31_a_null_conversation_is_enough_for_a_probe() -> None:
    assert opening(conversation_id=NULL_UUID).is_probe
    assert opening(probe=True).is_probe
    assert not opening().is_probe


def test_row_32_audio_behind_close_is_dropped_and_closed_still_comes() -> None:
    peer = to_open_server()
    peer.send("close", {"reason": "end"})
    assert peer.raw(bytes(160)) == []
    assert peer.raw(bytes(3)) == []
    server_of(peer).close()
    assert [message["type"] for message in peer.listen()] == ["closed"]
    assert peer.of(CloseRequested) == [CloseRequested("end")]
    assert not peer.violations


def test_row_35_reconnecting_exists_where_the_product_has_it() -> None:
    for profile in (MONITOR, TRANSCRIPTION):
        peer = to_open_server(profile)
        server_of(peer).reconnect()
        assert [message["type"] for message in peer.listen()] == ["reconnect"]
    for profile in (CONNECTOR, BOT_TRANSCRIPTION):
        with pytest.raises(LocalProtocolError):
            server_of(to_open_server(profile)).reconnect()
    # What a new session says of its predecessors is passed on.
    before = [{"id": "s", "clientseq": 7, "serverseq": 8}]
    [event] = to_server(MONITOR).send("open", OPEN | {"continuedSessions": before}, position="PT20S")
    assert isinstance(event, OpenRequested)
    assert (event.position, event.parameters.continued_sessions[0].clientseq) == (160_000, 7)
