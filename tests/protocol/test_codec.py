from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.protocol import Entity, codec
from offhook.protocol.messages import ClientMessage, Disconnect, Event, Open, Parameters, Participant, ServerMessage

GOOD = {"version": "2", "id": "s", "type": "ping", "seq": 1, "serverseq": 0, "position": "PT0S", "parameters": {}}
NONSENSE = [
    "", " ", "\x00", "{", "{}", "[]", "null", "1", '"text"', "{'a': 1}", "\ufeff{}", '{"version":"2"}', "\ud800",
    '{"id":"\\ud800"}', "[" * 100_000, '{"a":' * 100_000, "NaN", '{"version":"2","id":"s","type":"ping","seq":1}}',
    '{"version":"2","id":"s","type":"ping","seq":1,"parameters":' + "[" * 100_000,
    '{"version":"2","id":"s","type":"ping","seq":1,"more":' + "[" * 30_000 + "]" * 30_000 + "}",
]  # fmt: skip


def test_the_envelope_is_read_and_keys_that_we_do_not_know_are_passed_over() -> None:
    header = codec.decode_header(json.dumps(GOOD | {"later": {"version": "3"}, "selectedLanguage": "en"}))
    assert (header.id, header.type, header.seq, header.serverseq, header.clientseq) == ("s", "ping", 1, 0, None)
    assert header.position == "PT0S"


def test_the_order_of_keys_is_irrelevant() -> None:
    backwards = json.dumps(dict(reversed(GOOD.items())))
    assert codec.decode_header(backwards).type == "ping"


@pytest.mark.parametrize("missing", ["version", "id", "type", "seq"])
def test_required_keys_of_the_envelope(missing: str) -> None:
    with pytest.raises(codec.Malformed, match="not an AudioHook message"):
        codec.decode_header(json.dumps({key: value for key, value in GOOD.items() if key != missing}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", "1"), ("version", "3"), ("version", 2), ("version", None), ("id", 5), ("id", None), ("id", ["s"]),
        ("type", None), ("type", 1), ("seq", "1"), ("seq", 1.5), ("seq", -1), ("seq", True), ("seq", None),
        ("seq", 10**400), ("seq", 2**53 + 1), ("serverseq", -1), ("serverseq", "0"), ("serverseq", 0.5),
        ("clientseq", {}), ("position", 0), ("position", ["PT0S"]),
    ],
)  # fmt: skip
def test_wrong_types_in_the_envelope(key: str, value: object) -> None:
    with pytest.raises(codec.Malformed):
        codec.decode_header(json.dumps(GOOD | {key: value}))


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1e999999999", "0" * 5000 + "1", "9" * 5000, "0x1", "+1", "1."])
def test_numbers_that_are_none(number: str) -> None:
    with pytest.raises(codec.Malformed):
        codec.decode_header(json.dumps(GOOD).replace('"seq": 1', f'"seq": {number}'))


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_malformed_and_never_repeated(text: str) -> None:
    with pytest.raises(codec.Malformed) as caught:
        codec.decode_header(text)
    assert caught.value.rule in ("not well-formed JSON", "not an AudioHook message")


@given(st.text(), st.text())
def test_no_text_raises_anything_else(one: str, two: str) -> None:
    for text in (one, json.dumps(GOOD | {one: two}), json.dumps(GOOD).replace("ping", one)):
        with contextlib.suppress(codec.Malformed):
            codec.decode_header(text)


@pytest.mark.parametrize("type", ["ping", "pong", "paused", "pause", "closed", "updated", "reconnect", "update"])
def test_parameters_may_be_absent_where_none_are_needed(type: str) -> None:
    header = codec.decode_header(json.dumps({"version": "2", "id": "s", "type": type, "seq": 1}))
    assert isinstance(codec.decode_parameters(header), Parameters)


@pytest.mark.parametrize("type", ["open", "opened", "resumed", "discarded", "dtmf", "error", "close", "event"])
def test_parameters_may_not_be_absent_elsewhere(type: str) -> None:
    header = codec.decode_header(json.dumps({"version": "2", "id": "s", "type": type, "seq": 1}))
    with pytest.raises(codec.Malformed, match=f"wrong parameters in '{type}'"):
        codec.decode_parameters(header)


@pytest.mark.parametrize("value", [None, [], "x", 0, True])
def test_parameters_are_an_object(value: object) -> None:
    header = codec.decode_header(json.dumps(GOOD | {"parameters": value}))
    with pytest.raises(codec.Malformed):
        codec.decode_parameters(header)


def test_an_unknown_type_has_a_header_but_no_parameters() -> None:
    header = codec.decode_header(json.dumps(GOOD | {"type": "later", "parameters": [1]}))
    with pytest.raises(KeyError):
        codec.decode_parameters(header)


def test_a_duplicate_key_counts_once() -> None:
    text = json.dumps(GOOD)[:-1] + ', "seq": 9}'
    assert codec.decode_header(text).seq == 9


def test_messages_are_written_with_the_keys_of_their_side() -> None:
    client = ClientMessage("2", "ping", "s", 3, 2, "PT1S", Parameters())
    server = ServerMessage("2", "pong", "s", 3, 3, codec.NO_PARAMETERS)
    assert codec.encode(client) == (
        '{"version":"2","type":"ping","id":"s","seq":3,"serverseq":2,"position":"PT1S","parameters":{}}'
    )
    assert codec.encode(server) == '{"version":"2","type":"pong","id":"s","seq":3,"clientseq":3,"parameters":{}}'


CIRCLE: list[object] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    "parameters",
    [
        Event((Entity("x", object()),)),
        Event((Entity("x", CIRCLE),)),
        Disconnect("error", "\ud800"),
        Open("o", "c", Participant("p"), (), custom_config={"a": {1: object()}}),
    ],
)
def test_what_json_cannot_hold_is_refused_when_it_is_given(parameters: Parameters) -> None:
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        codec.encode_parameters(parameters)
