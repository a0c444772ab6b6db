"""The platform's end: what P4, P4.5, P4.6 and P8.2 say of it, row by row."""

from __future__ import annotations

from typing import Any

import pytest
from tests.protocol.foreign import (
    OFFER,
    Foreign,
    client_of,
    error_and_close,
    to_client,
    to_open_client,
)

from offhook.errors import LocalProtocolError
from offhook.protocol import (
    INTERNAL,
    MONO,
    MONO_L16,
    STEREO,
    ClientSession,
    Finished,
    Media,
    PauseRequested,
    Ponged,
    ResumeRequested,
    SessionClosed,
    SessionOpened,
    Violation,
)
from offhook.testing.pair import ORGANIZATION_ID, SESSION_ID, opening


def offers(*media: Media) -> dict[str, Any]:
    return {"media": tuple(media)}


# open and opened.


def test_open_is_the_first_message() -> None:
    peer = to_client(open={"input_variables": {"tier": "gold"}, "language": "en-us"})
    [message] = peer.heard
    participant = message["parameters"].pop("participant")
    assert message == {
        "version": "2",
        "type": "open",
        "id": SESSION_ID,
        "seq": 1,
        "serverseq": 0,
        "position": "PT0S",
        "parameters": {
            "organizationId": ORGANIZATION_ID,
            "conversationId": "090eaa2f-72fa-480a-83e0-8667ff89c0ec",
            "media": [OFFER],
            "language": "en-us",
            "inputVariables": {"tier": "gold"},
        },
    }
    assert participant.keys() == {"id", "ani", "aniName", "dnis"}


def test_opened_is_reported() -> None:
    peer = to_client(open={"supported_languages": True})
    events = peer.send("opened", {"media": [OFFER], "supportedLanguages": ["en-US"], "discardTo": "PT0S"})
    assert events == [SessionOpened(MONO, False, 0, ("en-US",))]
    assert peer.session.is_live


def test_opened_without_media_is_no_refusal() -> None:
    peer = to_open_client(opened={"media": []})
    assert peer.of(SessionOpened)[0].media is None
    client_of(peer).send_audio(bytes(1600))
    assert peer.listen() == []
    peer.wait(1.0)
    assert peer.texts[-1]["position"] == "PT0.2S"


@pytest.mark.parametrize(
    "media",
    [
        [OFFER | {"channels": ["internal"]}],
        [OFFER | {"format": "L16"}],
        [OFFER | {"rate": 16000}],
        [OFFER | {"channels": ["internal", "external"]}],
        [OFFER, OFFER],
    ],
)
def test_media_that_was_not_offered_or_more_than_one(media: object) -> None:
    peer = to_client()
    assert peer.send("opened", {"media": media}) == [Violation(400, "media that was not offered")]
    assert error_and_close(peer) == (400, "error")


def test_media_that_audiohook_does_not_define_may_be_offered_but_not_chosen() -> None:
    peer = to_client(open=offers(Media("audio", "OPUS", ("external",), 48_000), MONO))
    client_of(peer).send_audio(b"\xff")
    assert peer.send("opened", {"media": [OFFER | {"format": "OPUS", "rate": 48_000}]}) == [
        Violation(400, "media that was not offered")
    ]


@pytest.mark.parametrize("discard_to", ["5", "PT1M", "PT-1S", ""])
def test_a_discard_to_that_cannot_be_read(discard_to: str) -> None:
    peer = to_client()
    assert peer.send("opened", {"media": [OFFER], "discardTo": discard_to}) == [
        Violation(400, "wrong parameters in 'opened'")
    ]
    assert error_and_close(peer) == (400, "error")


@pytest.mark.parametrize(
    ("media", "capture", "encode"),
    [((STEREO,), ("external",), None), ((INTERNAL,), ("external",), None), ((MONO_L16,), None, None)],
)
def test_what_cannot_be_sent_cannot_be_offered(media: Any, capture: Any, encode: Any) -> None:
    with pytest.raises(LocalProtocolError, match="offer only"):
        ClientSession(SESSION_ID, opening(media=media), capture=capture, encode=encode)


# Pings (P4.5).


def test_pings_one_second_after_opened_then_at_once_after_the_first_pong_then_every_five() -> None:
    peer = to_open_client()
    left: list[float] = []
    for _ in range(5):
        peer.wait(peer.session.next_deadline() - peer.now)  # type: ignore[operator]
        assert peer.types[-1] == "ping"
        left.append(peer.now)
        peer.now += 0.03
        assert isinstance(peer.send("pong")[0], Ponged)
    assert left == pytest.approx([1.0, 1.03, 6.03, 11.03, 16.03])


def test_the_first_ping_has_no_round_trip_and_the_second_that_of_the_first() -> None:
    peer = to_open_client()
    peer.wait(1.0)
    assert [(m["type"], m["seq"], m["serverseq"], m["parameters"]) for m in peer.texts[1:]] == [("ping", 2, 1, {})]
    peer.now = 1.03125
    peer.send("pong")
    peer.settle()
    assert [(m["type"], m["seq"], m["serverseq"], m["parameters"]) for m in peer.texts[2:]] == [
        ("ping", 3, 2, {"rtt": "PT0.03125S"})
    ]


def test_no_pings_before_opened_and_after_close() -> None:
    peer = to_client()
    peer.wait(4.0)
    assert peer.types == ["open"]
    peer = to_open_client()
    client_of(peer).close()
    peer.wait(9.0)
    assert peer.types == ["open", "close"]


def test_a_ping_that_left_together_with_close_is_not_waited_for() -> None:
    peer = to_open_client()
    client = client_of(peer)
    client.handle_timer(1.0)
    client.close()
    peer.now = 1.0
    peer.listen()
    assert peer.types == ["open", "ping", "close"]
    assert peer.wait(9.5) == []
    assert not peer.violations


def test_open_and_close_in_one_breath() -> None:
    client = ClientSession(SESSION_ID, opening())
    client.open()
    client.close()
    peer = Foreign(client)
    assert peer.types == ["open", "close"]
    assert peer.wait(9.0) == []
    assert peer.send("opened", {"media": [OFFER]}, clientseq=1) == []
    assert peer.send("closed", clientseq=2) == [SessionClosed(), Finished(True)]


# Pauses (P4.6), line by line.


def pause_flags(client: ClientSession) -> tuple[bool, bool]:
    return client.server_paused, client.client_paused


def test_start_paused() -> None:
    peer = to_open_client(opened={"startPaused": True})
    assert peer.types == ["open", "paused"]
    assert pause_flags(client_of(peer)) == (True, False)
    client_of(peer).send_audio(bytes(8000))
    assert peer.listen() == []
    peer.send("resume")
    assert peer.texts[-1]["parameters"] == {"start": "PT0S", "discarded": "PT1S"}


def test_server_pause_is_answered_each_time() -> None:
    peer = to_open_client()
    assert peer.send("pause") == [PauseRequested()]
    assert peer.send("pause") == [PauseRequested()]
    assert peer.types == ["open", "paused", "paused"]
    assert pause_flags(client_of(peer)) == (True, False)


def test_server_resume_with_the_client_flag_clear() -> None:
    peer = to_open_client()
    client = client_of(peer)
    client.send_audio(bytes(8000))
    peer.send("pause")
    client.send_audio(bytes(4000))
    assert peer.send("resume") == [ResumeRequested()]
    message = peer.texts[-1]
    assert (message["type"], message["position"]) == ("resumed", "PT1.5S")
    assert message["parameters"] == {"start": "PT1S", "discarded": "PT0.5S"}
    client.send_audio(bytes(100))
    assert peer.listen() == [bytes(100)]


def test_server_resume_with_the_client_flag_set() -> None:
    peer = to_open_client()
    client = client_of(peer)
    peer.send("pause")
    client.pause()
    peer.listen()
    peer.send("resume")
    assert peer.types == ["open", "paused", "paused", "paused"]
    assert pause_flags(client) == (False, True)
    client.send_audio(bytes(100))
    assert peer.listen() == []


def test_server_resume_with_nothing_paused_asks_for_the_position() -> None:
    peer = to_open_client()
    client_of(peer).send_audio(bytes(12_000))
    peer.send("resume")
    message = peer.texts[-1]
    assert (message["type"], message["position"]) == ("resumed", "PT1.5S")
    assert message["parameters"] == {"start": "PT1.5S", "discarded": "PT0S"}


@pytest.mark.parametrize("server_first", [False, True])
def test_client_pause_begins_unprompted(server_first: bool) -> None:
    peer = to_open_client()
    if server_first:
        peer.send("pause")
    client_of(peer).pause()
    assert [message["type"] for message in peer.listen()] == ["paused"]
    assert pause_flags(client_of(peer)) == (server_first, True)


def test_client_pause_ends_with_the_server_flag_clear() -> None:
    peer = to_open_client()
    client = client_of(peer)
    client.pause()
    client.send_audio(bytes(8000))
    client.resume()
    assert [message["type"] for message in peer.listen()] == ["paused", "resumed"]
    assert peer.texts[-1]["parameters"] == {"start": "PT0S", "discarded": "PT1S"}
    assert pause_flags(client) == (False, False)


def test_client_pause_ends_with_the_server_flag_set() -> None:
    peer = to_open_client()
    client = client_of(peer)
    client.pause()
    client.send_audio(bytes(8000))
    peer.send("pause")
    client.resume()
    assert peer.listen() == []
    client.send_audio(bytes(8000))
    assert peer.listen() == []
    peer.send("resume")
    assert peer.texts[-1]["parameters"] == {"start": "PT0S", "discarded": "PT2S"}


def test_only_who_paused_may_resume() -> None:
    peer = to_open_client()
    peer.send("pause")
    with pytest.raises(LocalProtocolError, match="none is on"):
        client_of(peer).resume()
    assert pause_flags(client_of(peer)) == (True, False)


def test_no_silence_is_sent_in_a_pause() -> None:
    peer = to_open_client()
    client_of(peer).pause()
    peer.listen()
    for _ in range(50):
        client_of(peer).send_audio(bytes(160))
        peer.wait(0.02)
    assert not [data for data in peer.heard if isinstance(data, bytes)]
    assert client_of(peer).position == 8000


def test_pings_go_on_in_a_pause_and_tell_the_time() -> None:
    peer = to_open_client()
    client_of(peer).pause()
    client_of(peer).send_audio(bytes(8000))
    peer.wait(1.0)
    assert (peer.texts[-1]["type"], peer.texts[-1]["position"]) == ("ping", "PT1S")


def test_a_pause_and_its_end_before_anything_left() -> None:
    peer = to_open_client()
    client = client_of(peer)
    client.send_audio(b"\x01")
    client.pause()
    client.send_audio(b"\x02")
    client.resume()
    client.send_audio(b"\x03")
    out = peer.listen()
    assert [m if isinstance(m, bytes) else m["type"] for m in out] == [b"\x01", "paused", "resumed", b"\x03"]


# What the application asks for.


def test_keys_are_those_of_a_phone() -> None:
    client = client_of(to_open_client())
    for digit in "0123456789*#ABCD":
        client.dtmf(digit)
    for digit in ("", "E", "12", "a"):
        with pytest.raises(LocalProtocolError):
            client.dtmf(digit)


@pytest.mark.parametrize("reason", ["end", "disconnect", "error", "reconnect"])
def test_close_reasons(reason: Any) -> None:
    peer = to_open_client()
    client_of(peer).close(reason)
    assert peer.listen()[0]["parameters"] == {"reason": reason}
    with pytest.raises(LocalProtocolError):
        client_of(peer).close()


def test_messages_that_no_server_may_get_any_more() -> None:
    peer = to_open_client()
    client = client_of(peer)
    client.close()
    for ask in (client.pause, client.playback_started, client.playback_completed):
        with pytest.raises(LocalProtocolError):
            ask()
    assert not client.client_paused


def test_a_socket_lost_in_mid_session() -> None:
    peer = to_open_client()
    assert list(peer.session.connection_lost(1.0)) == [Finished(False)]
