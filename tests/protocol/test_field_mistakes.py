"""The mistakes seen in the field (P16), one by one: that ours does not make them, and what it does with who does.

| # | mistake | seen at | where it is tested |
|---|---|---|---|
| 1 | `opened` with seq 2 | CES | here |
| 2 | media with `codec` in place of `format` | ART | here |
| 3 | channels named capture and playback | ART | here |
| 4 | pongs that nobody asked for, as keepalive | AR | here |
| 5 | `disconnect` for the reason `complete` | LK | here |
| 6 | `disconnect` for the reason `normal` | CES | here |
| 7 | messages of the server that carry `position` | PC | here |
| 8 | a client that is thought to send `pause` | PC | here |
| 9 | secrets that are not base64-decoded | R2 | session/test_keys.py: `test_secret_is_base64_with_or_without_padding` |
| 10 | an empty buffer that makes every key good | R2 | test_signature.py: `test_no_signature_passes_without_a_secret` |
| 11 | an answer every 20 ms, until 429 | several | here |
| 12 | silence filled with 0x00 | R2 | here |
| 13 | `disconnect` after `close` | NV | here |
| 14 | a reader that stands still during recognition | ART, 0006 | here, as the platform sees it |
| 15 | a WebSocket close code in place of 401 | ART | the shell's: a `Refusal` of 401 in session/test_reception.py |
| 16 | a WebSocket close code in place of `disconnect` | ART | here |
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.protocol.foreign import OFFER, OPEN, OPENED, to_client, to_open_client, to_open_server, to_server

from offhook.audio import ulaw
from offhook.errors import LocalProtocolError
from offhook.protocol import (
    CloseRequested,
    Disconnected,
    Dropped,
    EntitiesReceived,
    Finished,
    Role,
    ServerSession,
    Tolerated,
    UnknownMessage,
    Violation,
)
from offhook.testing.pair import opened


def test_1_opened_with_seq_2() -> None:
    peer = to_client()
    assert peer.send("opened", OPENED, seq=2) == [Violation(500, "sequence number")]
    assert peer.types == ["open", "error", "close"]
    ours = to_open_server()
    assert (ours.texts[0]["type"], ours.texts[0]["seq"]) == ("opened", 1)


def test_2_media_with_codec_in_place_of_format() -> None:
    peer = to_client()
    wrong = {key: value for key, value in OFFER.items() if key != "format"} | {"codec": "PCMU"}
    assert peer.send("opened", {"media": [wrong]}) == [Violation(400, "wrong parameters in 'opened'")]
    ours = to_open_server()
    assert ours.texts[0]["parameters"]["media"] == [OFFER]


def test_3_channels_named_capture_and_playback() -> None:
    peer = to_client()
    wrong = OFFER | {"channels": ["capture", "playback"]}
    assert peer.send("opened", {"media": [wrong]}) == [Violation(400, "media that was not offered")]


def test_4_pongs_that_nobody_asked_for() -> None:
    peer = to_open_client()
    assert peer.send("pong") == [Violation(409, "pong without a ping", fatal=False)]
    assert peer.session.is_live
    ours = to_open_server()
    ours.wait(14.0)
    assert ours.types == ["opened"]


@pytest.mark.parametrize("reason", ["complete", "normal"])
def test_5_and_6_reasons_that_do_not_exist(reason: Any) -> None:
    peer = to_open_client()
    assert peer.send("disconnect", {"reason": reason}) == [
        Tolerated("disconnect for an unknown reason"),
        Disconnected(reason, None, {}),
    ]
    ours = to_open_server().session
    assert isinstance(ours, ServerSession)
    with pytest.raises(LocalProtocolError, match="completed, unauthorized or error"):
        ours.disconnect(reason)
    assert ours.is_live


def test_7_messages_of_the_server_that_carry_position() -> None:
    peer = to_open_client()
    assert peer.send("event", {"entities": []}, position="PT1S") == [EntitiesReceived(())]
    ours = to_open_server()
    ours.send("ping")
    assert not any("position" in message for message in ours.texts)


def test_8_a_client_that_is_thought_to_send_pause() -> None:
    peer = to_open_server()
    assert peer.send("pause") == [UnknownMessage("pause")]
    assert peer.session.is_live
    ours = to_open_client()
    ours.session.pause()
    ours.listen()
    assert ours.types == ["open", "paused"]


def test_11_an_answer_every_20_ms() -> None:
    peer = to_open_client()
    for _ in range(50):
        peer.raw(bytes(160))
        peer.now += 0.02
    assert Violation(429, "too many messages", fatal=False) in peer.violations
    ours = opened()
    for _ in range(500):
        ours.server.send_audio(bytes(160))
        ours.advance(0.02)
    ours.advance(1.0)
    assert ours.client.received == 500 * 160
    assert not any(isinstance(event, Violation) for event in ours.events[Role.CLIENT])


def test_12_silence_is_ff_and_is_never_made_up() -> None:
    assert ulaw.silence(3) == b"\xff\xff\xff"
    assert ulaw.decode(b"\xff").tolist() == [0]
    assert ulaw.decode(b"\x00").tolist() == [-32124]
    ours = to_open_server()
    ours.wait(10.0)
    ours.session.send_audio(b"\x01")
    ours.wait(1.0)
    assert [data for data in ours.heard if isinstance(data, bytes)] == [b"\x01"]


def test_13_disconnect_after_close() -> None:
    ours = to_open_server()
    session = ours.session
    assert isinstance(session, ServerSession)
    session.send_audio(bytes(200_000))
    session.disconnect("completed")
    ours.listen()
    assert Dropped("disconnect") in ours.send("close", {"reason": "end"})
    with pytest.raises(LocalProtocolError):
        session.disconnect("completed")
    session.close()
    ours.wait(1.0)
    assert ours.types == ["opened", "closed"]
    theirs = to_open_client(exact_acks=True)
    theirs.session.close()
    theirs.listen()
    assert theirs.send("disconnect", {"reason": "completed"}) == [Violation(409, "'disconnect' in state closing")]


def test_14_a_reader_that_stands_still() -> None:
    peer = to_open_client()
    peer.wait(6.5)
    assert peer.violations == [Violation(408, "no pong to the last ping")]
    # Ours answers while it reads; no code of a user stands between.
    ours = to_open_server()
    text = json.dumps(ours.message("ping"))
    ours.session.receive(text, 0.0)
    assert ours.session.next_deadline() == 0.0
    assert [message["type"] for message in ours.listen()] == ["pong"]


def test_16_who_may_not_come_in_is_told_so_and_closes_itself() -> None:
    ours = to_server()
    session = ours.session
    assert isinstance(session, ServerSession)
    ours.send("open", OPEN)
    session.disconnect("unauthorized")
    ours.listen()
    assert ours.texts[-1]["parameters"] == {"reason": "unauthorized"}
    assert ours.wait(5.0) == []
    assert not session.finished
    assert ours.send("close", {"reason": "disconnect"}) == [CloseRequested("disconnect")]
    session.close()
    ours.wait(4.0)
    assert not session.finished
    # A socket that is closed without a word counts as a loss (P4.4).
    theirs = to_open_client()
    assert list(theirs.session.connection_lost(1.0)) == [Finished(False)]
