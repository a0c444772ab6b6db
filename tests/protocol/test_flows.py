"""Whole sessions between our two ends, number by number: P8.4, P17, and Appendix A as it stands there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from offhook.protocol import (
    BARGE_IN,
    CONNECTOR,
    MONITOR,
    MONO,
    PROFILES,
    AudioDiscarded,
    AudioReceived,
    CloseRequested,
    Disconnected,
    Finished,
    Paused,
    Profile,
    Resumed,
    Role,
    SessionClosed,
    SessionOpened,
    State,
    Tolerated,
    Violation,
    bot_turn_response,
)
from offhook.testing.pair import CALLER, CONVERSATION_ID, ORGANIZATION_ID, SESSION_ID, Pair, opened, pair

C, S = Role.CLIENT, Role.SERVER


def texts(joined: Pair, role: Role) -> list[dict[str, Any]]:
    return [json.loads(data) for data in joined.sent[role] if isinstance(data, str)]


def numbers(joined: Pair, role: Role) -> list[tuple[str, int, int]]:
    """Type, own number and acknowledged number of all that one side has sent."""
    ack = "serverseq" if role is C else "clientseq"
    return [(message["type"], message["seq"], message[ack]) for message in texts(joined, role)]


def of(joined: Pair, role: Role, *kinds: type) -> list[Any]:
    return [event for event in joined.events[role] if isinstance(event, kinds)]


def faultless(joined: Pair) -> bool:
    return not of(joined, C, Violation, Tolerated) and not of(joined, S, Violation, Tolerated)


# P8.4.


def test_a_normal_session() -> None:
    joined = opened()
    joined.client.send_audio(bytes(1600))
    joined.advance(1.0)
    joined.client.close()
    joined.pump()
    joined.server.close()
    joined.pump()
    assert numbers(joined, C) == [("open", 1, 0), ("ping", 2, 1), ("ping", 3, 2), ("close", 4, 3)]
    assert numbers(joined, S) == [("opened", 1, 1), ("pong", 2, 2), ("pong", 3, 3), ("closed", 4, 4)]
    assert joined.events[C][-2:] == [SessionClosed(), Finished(True)]
    joined.advance(5.0)
    assert joined.events[S][-1] == Finished(True)
    assert faultless(joined)


@pytest.mark.parametrize("reason", ["error", "unauthorized"])
def test_a_refusal(reason: Any) -> None:
    joined = pair()
    joined.client.open()
    joined.pump()
    joined.server.disconnect(reason)
    joined.pump()
    joined.server.close()
    joined.pump()
    assert numbers(joined, C) == [("open", 1, 0), ("close", 2, 1)]
    assert numbers(joined, S) == [("disconnect", 1, 1), ("closed", 2, 2)]
    assert texts(joined, C)[-1]["parameters"] == {"reason": "disconnect"}
    assert of(joined, C, Disconnected) == [Disconnected(reason, None, {})]
    assert joined.client.finished
    assert faultless(joined)


def test_a_turn_of_the_bot_a_barge_in_and_the_end_with_outputs() -> None:
    joined = opened()
    joined.server.send_event(bot_turn_response("match"))
    joined.server.send_audio(bytes(8000))
    joined.pump()
    joined.client.playback_started()
    joined.pump()
    joined.server.barge_in()
    joined.pump()
    joined.client.playback_completed()
    joined.server.send_audio(bytes(160))
    joined.server.disconnect("completed", output={"intent": "billing"})
    joined.pump()
    joined.server.close()
    joined.pump()
    assert [type for type, _, _ in numbers(joined, C)] == ["open", "playback_started", "playback_completed", "close"]
    assert [type for type, _, _ in numbers(joined, S)] == ["opened", "event", "event", "disconnect", "closed"]
    assert of(joined, C, Disconnected) == [Disconnected("completed", None, {"intent": "billing"})]
    assert of(joined, S, CloseRequested) == [CloseRequested("disconnect")]
    assert faultless(joined)


def test_a_hang_up() -> None:
    joined = opened()
    joined.server.send_audio(bytes(200_000))
    joined.client.close()
    joined.pump()
    assert of(joined, S, CloseRequested) == [CloseRequested("end")]
    joined.server.close()
    joined.pump()
    assert joined.client.finished
    assert faultless(joined)


def test_pauses_of_both_sides() -> None:
    joined = opened()
    joined.client.send_audio(bytes(800))
    joined.server.pause()
    joined.pump()
    joined.client.send_audio(bytes(800))
    joined.client.pause()
    joined.server.resume()
    joined.pump()
    joined.client.send_audio(bytes(800))
    joined.client.resume()
    joined.pump()
    assert of(joined, S, Paused, Resumed) == [Paused(800), Paused(1600), Paused(1600), Resumed(800, 1600)]
    assert joined.client.position == joined.server.position == 2400
    assert joined.client.state is joined.server.state is State.OPEN
    assert faultless(joined)


def test_disconnect_and_close_cross() -> None:
    joined = opened()
    joined.server.disconnect("completed")
    joined.client.close()
    joined.pump()
    joined.server.close()
    joined.pump()
    assert numbers(joined, C)[-1] == ("close", 2, 1)
    assert numbers(joined, S)[1:] == [("disconnect", 2, 1), ("closed", 3, 2)]
    assert of(joined, C, Disconnected) == []
    assert joined.client.finished
    assert faultless(joined)


# P7 and P17.


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_a_probe(profile: Profile) -> None:
    """P7: closed right after `opened`, before the first ping, and before any audio."""
    joined = pair(profile, probe=True, supported_languages=True)
    joined.client.open()
    joined.pump()
    joined.server.accept(profile.offers[0], languages=("en-US",))
    joined.pump()
    assert of(joined, C, SessionOpened) == [SessionOpened(profile.offers[0], False, None, ("en-US",))]
    joined.client.close()
    joined.pump()
    joined.server.close()
    joined.pump()
    assert numbers(joined, C) == [("open", 1, 0), ("close", 2, 1)]
    assert numbers(joined, S) == [("opened", 1, 1), ("closed", 2, 2)]
    assert not any(isinstance(data, bytes) for data in joined.sent[C] + joined.sent[S])
    assert texts(joined, C)[0]["parameters"]["participant"] == {
        "id": "00000000-0000-0000-0000-000000000000",
        "ani": "",
        "aniName": "",
        "dnis": "",
    }
    assert faultless(joined)


def test_the_first_ping_and_its_pong() -> None:
    joined = opened()
    joined.advance(1.0)
    ping, pong = texts(joined, C)[1], texts(joined, S)[1]
    assert (ping["seq"], ping["serverseq"], ping["parameters"]) == (2, 1, {})
    assert (pong["seq"], pong["clientseq"], pong["parameters"]) == (2, 2, {})


def test_closed_carries_the_next_number_and_that_of_close() -> None:
    joined = opened()
    joined.advance(20.0)
    joined.client.close()
    joined.pump()
    joined.server.send_event(bot_turn_response("match"))
    joined.server.close()
    joined.pump()
    close, event, closed = texts(joined, C)[-1], *texts(joined, S)[-2:]
    assert (closed["type"], closed["seq"], closed["clientseq"]) == ("closed", event["seq"] + 1, close["seq"])


def test_what_was_kept_arrives_at_its_place_in_time() -> None:
    joined = pair(MONITOR)
    joined.client.open()
    for second in range(31):
        joined.client.send_audio(bytes([second]) * 8000, bytes([100 + second]) * 8000)
    joined.pump()
    joined.server.accept(joined.client.parameters.media[0], discard_to=2 * 8000)
    joined.pump()
    assert of(joined, S, AudioDiscarded) == [AudioDiscarded(0, 16_000)]
    arrived = of(joined, S, AudioReceived)
    assert arrived[0].position == 16_000
    assert b"".join(event.data for event in arrived)[:2] == bytes([2, 102])
    assert joined.server.position == joined.client.position == 31 * 8000
    assert faultless(joined)


# Appendix A.

MEDIA = [{"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}]


def from_client(type: str, seq: int, serverseq: int, position: str, parameters: object) -> dict[str, Any]:
    envelope = {"version": "2", "id": SESSION_ID, "type": type, "seq": seq, "serverseq": serverseq}
    return envelope | {"position": position, "parameters": parameters}


def from_server(type: str, seq: int, clientseq: int, parameters: object) -> dict[str, Any]:
    envelope = {"version": "2", "id": SESSION_ID, "type": type, "seq": seq, "clientseq": clientseq}
    return envelope | {"parameters": parameters}


APPENDIX_A_CLIENT: list[dict[str, Any] | bytes] = [
    from_client(
        "open",
        1,
        0,
        "PT0S",
        {
            "organizationId": ORGANIZATION_ID,
            "conversationId": CONVERSATION_ID,
            "participant": {"id": CALLER.id, "ani": "tel:+15550001111", "aniName": "", "dnis": "tel:+15550002222"},
            "media": MEDIA,
            "language": "en-us",
            "inputVariables": {"tier": "gold"},
        },
    ),
    bytes(1600),
    bytes(1600),
    from_client("playback_started", 2, 2, "PT0.4S", {}),
    *[bytes(1600)] * 3,
    from_client("ping", 3, 2, "PT1S", {}),
    from_client("ping", 4, 3, "PT1S", {"rtt": "PT0.031S"}),
    *[bytes(1600)] * 6,
    from_client("dtmf", 5, 4, "PT2.2S", {"digit": "5"}),
    bytes(1600),
    from_client("playback_completed", 6, 5, "PT2.4S", {}),
    *[bytes(1600)] * 38,
    from_client("paused", 7, 6, "PT10S", {}),
    from_client("resumed", 8, 7, "PT15S", {"start": "PT10S", "discarded": "PT5S"}),
    *[bytes(1600)] * 6,
    from_client("close", 9, 8, "PT16.2S", {"reason": "disconnect"}),
]
TURN = {"type": "bot_turn_response", "data": {"disposition": "match", "text": "hello", "confidence": 1.0}}
APPENDIX_A_SERVER: list[dict[str, Any] | bytes] = [
    from_server("opened", 1, 1, {"startPaused": False, "media": MEDIA}),
    from_server("event", 2, 1, {"entities": [TURN]}),
    bytes(4000),
    from_server("pong", 3, 3, {}),
    from_server("pong", 4, 4, {}),
    from_server("event", 5, 5, {"entities": [{"type": "barge_in", "data": {}}]}),
    from_server("pause", 6, 6, {}),
    from_server("resume", 7, 7, {}),
    from_server("disconnect", 8, 8, {"reason": "completed", "outputVariables": {"intent": "billing"}}),
    from_server("closed", 9, 9, {}),
]


def test_appendix_a() -> None:
    joined = pair(CONNECTOR, delay=0.0155, language="en-us", input_variables={"tier": "gold"})
    client, server = joined.client, joined.server

    def speak(frames: int) -> None:
        for _ in range(frames):
            client.send_audio(bytes(1600))

    def cross() -> None:
        joined.advance(joined.delay)

    client.open()
    cross()
    server.accept(MONO)
    cross()
    speak(2)
    server.send_event(bot_turn_response("match", "hello", 1.0))
    server.send_audio(bytes(4000))
    cross()
    client.playback_started()
    speak(3)
    # The first ping is due a second after `opened`; the second one behind its pong.
    joined.advance(1.1)
    speak(6)
    client.dtmf("5")
    cross()
    server.send_event(BARGE_IN)
    cross()
    speak(1)
    client.playback_completed()
    speak(38)
    cross()
    server.pause()
    cross()
    speak(25)
    cross()
    server.resume()
    cross()
    speak(6)
    cross()
    server.disconnect("completed", output={"intent": "billing"})
    cross()
    cross()
    server.close()
    cross()

    def parsed(role: Role) -> list[dict[str, Any] | bytes]:
        return [json.loads(data) if isinstance(data, str) else data for data in joined.sent[role]]

    assert parsed(C) == APPENDIX_A_CLIENT
    assert parsed(S) == APPENDIX_A_SERVER
    assert joined.events[C][-3:] == [
        Disconnected("completed", None, {"intent": "billing"}),
        SessionClosed(),
        Finished(True),
    ]
    assert faultless(joined)
