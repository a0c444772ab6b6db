"""Who sends what, with which parameters: P4.1 to P4.13, message by message, and `open` and `opened` in full."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.protocol.foreign import (
    OFFER,
    OPEN,
    last,
    server_of,
    to_open_server,
    to_server,
)

from offhook.errors import LocalProtocolError
from offhook.protocol import (
    BARGE_IN,
    MONITOR,
    MONO,
    MONO_L16,
    STEREO,
    CloseRequested,
    OpenRequested,
    Role,
    State,
    Violation,
    codec,
)
from offhook.protocol.limits import NULL_UUID
from offhook.protocol.messages import (
    KINDS,
    Close,
    ContinuedSession,
    Disconnect,
    Dtmf,
    Error,
    Event,
    Gap,
    Open,
    Opened,
    Parameters,
    Participant,
    Ping,
    Reconnect,
    Update,
)
from offhook.testing.pair import ORGANIZATION_ID, SESSION_ID

# P4.1, both tables.
CLIENT_SENDS = {
    "open", "ping", "paused", "resumed", "discarded", "update", "dtmf", "playback_started", "playback_completed",
    "error", "close",
}  # fmt: skip
SERVER_SENDS = {"opened", "pong", "pause", "resume", "event", "updated", "reconnect", "disconnect", "closed"}
MEDIA = {"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}

# Parameters as we write them, and the keys and values that must stand on the wire: no more and no less.
WRITTEN: list[tuple[str, Parameters, dict[str, Any]]] = [
    (
        "open",
        Open("o", "c", Participant("p", "tel:+1", "", "tel:+2"), (MONO,), "en-US", input_variables={"tier": "gold"}),
        {
            "organizationId": "o",
            "conversationId": "c",
            "participant": {"id": "p", "ani": "tel:+1", "aniName": "", "dnis": "tel:+2"},
            "media": [MEDIA],
            "language": "en-US",
            "inputVariables": {"tier": "gold"},
        },
    ),
    (
        "open",
        Open(
            "o",
            "c",
            Participant("p"),
            (),
            supported_languages=True,
            continued_sessions=(ContinuedSession("s", 7, 8),),
            custom_config={"a": [1]},
        ),
        {
            "organizationId": "o",
            "conversationId": "c",
            "participant": {"id": "p", "ani": "", "aniName": "", "dnis": ""},
            "media": [],
            "supportedLanguages": True,
            "continuedSessions": [{"id": "s", "clientseq": 7, "serverseq": 8}],
            "customConfig": {"a": [1]},
        },
    ),
    ("opened", Opened(False, (MONO,)), {"startPaused": False, "media": [MEDIA]}),
    (
        "opened",
        Opened(True, (), "PT2S", ("en-US",)),
        {"startPaused": True, "media": [], "discardTo": "PT2S", "supportedLanguages": ["en-US"]},
    ),
    ("opened", Opened(False, (), None, ()), {"startPaused": False, "media": [], "supportedLanguages": []}),
    ("ping", Ping(), {}),
    ("ping", Ping("PT0.031S"), {"rtt": "PT0.031S"}),
    ("pong", Parameters(), {}),
    ("resumed", Gap("PT10S", "PT5S"), {"start": "PT10S", "discarded": "PT5S"}),
    ("discarded", Gap("PT0S", "PT0.5S"), {"start": "PT0S", "discarded": "PT0.5S"}),
    ("update", Update("es-es"), {"language": "es-es"}),
    ("dtmf", Dtmf("#"), {"digit": "#"}),
    ("error", Error(409, "gist"), {"code": 409, "message": "gist"}),
    ("error", Error(429, "gist", "PT3S"), {"code": 429, "message": "gist", "retryAfter": "PT3S"}),
    ("close", Close("end"), {"reason": "end"}),
    ("event", Event((BARGE_IN,)), {"entities": [{"type": "barge_in", "data": {}}]}),
    ("disconnect", Disconnect("completed"), {"reason": "completed"}),
    (
        "disconnect",
        Disconnect("completed", "why", {"a": "b"}),
        {"reason": "completed", "info": "why", "outputVariables": {"a": "b"}},
    ),
    ("disconnect", Disconnect("completed", None, {}), {"reason": "completed", "outputVariables": {}}),
    ("reconnect", Reconnect("why"), {"info": "why"}),
    ("reconnect", Reconnect(), {}),
]


def test_every_message_of_the_protocol_is_known_with_its_sender() -> None:
    assert {type for type, kind in KINDS.items() if kind.sender is Role.CLIENT} == CLIENT_SENDS
    assert {type for type, kind in KINDS.items() if kind.sender is Role.SERVER} == SERVER_SENDS


def test_roles_face_each_other() -> None:
    assert Role.CLIENT.peer is Role.SERVER
    assert Role.SERVER.peer is Role.CLIENT


@pytest.mark.parametrize(("type", "parameters", "wire"), WRITTEN)
def test_parameters_are_written_with_documented_keys_only(type: str, parameters: Parameters, wire: object) -> None:
    assert json.loads(bytes(codec.encode_parameters(parameters))) == wire


@pytest.mark.parametrize(("type", "parameters", "wire"), WRITTEN)
def test_what_we_write_we_read(type: str, parameters: Parameters, wire: object) -> None:
    raw = codec.encode_parameters(parameters)
    read = msgspec.json.decode(raw, type=KINDS[type].parameters)
    assert codec.encode_parameters(read) == raw or type == "opened"
    assert {name: getattr(read, name) for name in parameters.__struct_fields__} == msgspec.structs.asdict(parameters)


def test_start_paused_may_be_absent_in_what_we_read_but_not_in_what_we_write() -> None:
    read = msgspec.json.decode(b'{"media":[]}', type=KINDS["opened"].parameters)
    assert read.start_paused is False  # type: ignore[attr-defined]
    assert b"startPaused" in bytes(codec.encode_parameters(Opened(False, ())))


@pytest.mark.parametrize(
    ("conversation", "participant", "probe"),
    [(NULL_UUID, NULL_UUID, True), (NULL_UUID, "p", True), ("c", NULL_UUID, False), ("c", "p", False)],
)
def test_a_null_conversation_is_a_probe(conversation: str, participant: str, probe: bool) -> None:
    assert Open("o", conversation, Participant(participant), ()).is_probe is probe


# open and opened (P4.2, P4.3).


def test_open_is_reported_with_all_that_it_holds() -> None:
    peer = to_server()
    more = {
        "language": "es-es",
        "supportedLanguages": True,
        "continuedSessions": [{"id": "s", "clientseq": 7, "serverseq": 8}],
        "customConfig": {"a": [1]},
        "inputVariables": {"tier": "gold"},
    }
    [event] = peer.send("open", OPEN | more, position="PT1.5S")
    assert isinstance(event, OpenRequested)
    assert event.position == 12_000
    assert event.offers == (MONO,)
    assert not event.is_probe
    opening = event.parameters
    assert (opening.organization_id, opening.language, opening.supported_languages) == (ORGANIZATION_ID, "es-es", True)
    assert (opening.custom_config, opening.input_variables) == ({"a": [1]}, {"tier": "gold"})
    assert opening.continued_sessions[0].serverseq == 8
    assert peer.heard == []


@pytest.mark.parametrize("config", [{"a": 1}, '{"a": 1}', None, [1], 5])
def test_custom_config_is_taken_as_whatever_it_is(config: object) -> None:
    [event] = to_server().send("open", OPEN | {"customConfig": config})
    assert event.parameters.custom_config == config  # type: ignore[union-attr]


@pytest.mark.parametrize("language", ["en-US", "es-es", "es-419", "en", "zh-Hans-CN", ""])
def test_any_language_is_taken(language: str) -> None:
    [event] = to_server().send("open", OPEN | {"language": language})
    assert event.parameters.language == language  # type: ignore[union-attr]


@pytest.mark.parametrize("participant", [{"id": "1aec8efd-e26f-45f0-fdb1-bcfe549fb148"}, OPEN["participant"]])
def test_loose_ids_and_absent_numbers_are_taken(participant: object) -> None:
    [event] = to_server().send("open", OPEN | {"participant": participant})
    assert isinstance(event, OpenRequested)


@pytest.mark.parametrize("key", ["organizationId", "conversationId", "participant", "media"])
def test_what_open_must_hold(key: str) -> None:
    peer = to_server()
    [violation] = peer.send("open", {name: value for name, value in OPEN.items() if name != key})
    assert violation == Violation(400, "wrong parameters in 'open'")
    assert (last(peer)["type"], last(peer)["seq"], last(peer)["clientseq"]) == ("disconnect", 1, 1)


def test_opened_carries_an_exact_copy_of_the_offer_and_always_start_paused() -> None:
    peer = to_open_server()
    assert peer.heard == [
        {
            "version": "2",
            "id": SESSION_ID,
            "type": "opened",
            "seq": 1,
            "clientseq": 1,
            "parameters": {"startPaused": False, "media": [OFFER]},
        }
    ]
    assert server_of(peer).media == MONO
    assert server_of(peer).is_live


def test_opened_without_media_is_a_session_without_audio() -> None:
    peer = to_open_server(media=None)
    assert last(peer)["parameters"] == {"startPaused": False, "media": []}
    with pytest.raises(LocalProtocolError):
        server_of(peer).send_audio(b"\xff")
    assert peer.raw(bytes(160)) == [Violation(409, "audio in a session without media")]


def test_media_that_was_not_offered_cannot_be_accepted() -> None:
    peer = to_server()
    peer.send("open", OPEN)
    for media in (STEREO, MONO_L16):
        with pytest.raises(LocalProtocolError, match="offered"):
            server_of(peer).accept(media)
    server_of(peer).accept(MONO)
    with pytest.raises(LocalProtocolError, match="once"):
        server_of(peer).accept(MONO)
    assert [message["type"] for message in peer.listen()] == ["opened"]


def test_media_that_audiohook_does_not_define_cannot_be_accepted() -> None:
    peer = to_server()
    [event] = peer.send("open", OPEN | {"media": [OFFER | {"format": "OPUS"}, OFFER]})
    assert isinstance(event, OpenRequested)
    with pytest.raises(LocalProtocolError, match="usable"):
        server_of(peer).accept(event.offers[0])
    server_of(peer).accept(event.offers[1])
    assert peer.listen()[0]["parameters"]["media"] == [OFFER]


def test_start_paused_and_discard_to() -> None:
    peer = to_open_server(accept={"start_paused": True, "discard_to": 12_000})
    assert last(peer)["parameters"] == {"startPaused": True, "media": [OFFER], "discardTo": "PT1.5S"}
    peer.send("paused")
    assert server_of(peer).state is State.PAUSED


@pytest.mark.parametrize(
    ("asked", "listed"), [(True, {"supportedLanguages": ["en-US", "de-DE"]}), (False, {}), (None, {})]
)
def test_languages_are_listed_only_if_asked_for(asked: bool | None, listed: dict[str, object]) -> None:
    more = {} if asked is None else {"supportedLanguages": asked}
    peer = to_open_server(parameters=more, accept={"languages": ["en-US", "de-DE"]})
    assert last(peer)["parameters"] == {"startPaused": False, "media": [OFFER]} | listed


def test_an_empty_list_of_languages_is_a_list() -> None:
    peer = to_open_server(parameters={"supportedLanguages": True})
    assert last(peer)["parameters"]["supportedLanguages"] == []


def test_a_probe_is_known_by_its_conversation() -> None:
    peer = to_server(MONITOR)
    nobody = {"id": NULL_UUID, "ani": "", "aniName": "", "dnis": ""}
    [event] = peer.send("open", OPEN | {"conversationId": NULL_UUID, "participant": nobody})
    assert event.is_probe  # type: ignore[union-attr]
    server_of(peer).accept(MONO)
    peer.listen()
    peer.send("close", {"reason": "end"})
    server_of(peer).close()
    assert [(m["type"], m["seq"], m["clientseq"]) for m in peer.listen()] == [("closed", 2, 2)]


@pytest.mark.parametrize("reason", ["error", "unauthorized", "completed"])
def test_a_refusal_takes_the_place_of_opened(reason: Any) -> None:
    peer = to_server()
    peer.send("open", OPEN)
    server_of(peer).disconnect(reason, "no such bot")
    peer.listen()
    assert [(m["type"], m["seq"], m["parameters"]) for m in peer.texts] == [
        ("disconnect", 1, {"reason": reason, "info": "no such bot"})
    ]
    assert peer.send("close", {"reason": "disconnect"}) == [CloseRequested("disconnect")]


def test_a_refusal_may_leave_before_open_and_then_open_is_passed_over() -> None:
    peer = to_server(organization_id="another")
    server_of(peer).disconnect("unauthorized")
    peer.listen()
    assert peer.send("open", OPEN) == []
    with pytest.raises(LocalProtocolError):
        server_of(peer).accept(MONO)
    assert peer.send("close", {"reason": "disconnect"}) == [CloseRequested("disconnect")]


def test_open_is_passed_over_after_a_fault_too() -> None:
    peer = to_server()
    peer.raw("garbage")
    assert peer.send("open", OPEN) == []
    assert peer.types == ["disconnect"]


def test_the_organization_of_the_header_and_of_open_must_agree() -> None:
    peer = to_server(organization_id="00000000-0000-4000-8000-000000000000")
    [violation] = peer.send("open", OPEN)
    assert isinstance(violation, Violation)
    assert last(peer)["parameters"] == {"reason": "unauthorized"}
    peer = to_server(organization_id=ORGANIZATION_ID.upper())
    assert isinstance(peer.send("open", OPEN)[0], OpenRequested)
