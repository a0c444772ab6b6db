"""Traces: what is written is read again, cut files give what they hold, and a shared trace holds nothing personal."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.errors import TraceError
from offhook.protocol import trace

OPEN = {
    "version": "2",
    "id": "30b0e395-84d3-4570-ac13-9a62d8f514c0",
    "type": "open",
    "seq": 1,
    "serverseq": 0,
    "position": "PT0S",
    "parameters": {
        "organizationId": "d7934305-0972-4844-938e-9060eef73d05",
        "conversationId": "b1b6f5d0-4c2f-41f5-9d0f-3f0a3f9f1a20",
        "participant": {"id": "p", "ani": "tel:+15550001111", "aniName": "Miller", "dnis": "tel:+15550002222"},
        "media": [{"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}],
        "language": "en-US",
        "customConfig": {"secret": "hunter2", "deep": [{"pin": 4711}]},
        "inputVariables": {"tier": "gold", "id": "passport-77"},
    },
}


def write(messages: list[tuple[float, trace.Side, str | bytes]], end: str | None = "closed", **options: bool) -> bytes:
    out = bytearray()
    writer = trace.TraceWriter(out.extend, role="server", session="s", profile="connector", started="now", **options)
    for message in messages:
        writer.message(*message)
    if end is not None:
        writer.end(9.5, end)
    return bytes(out)


def read(data: bytes) -> trace.Trace:
    return trace.read(data.splitlines(keepends=True))


strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | strings,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(strings, json_values, max_size=3).map(json.dumps)
texts = strings | objects
messages = st.lists(
    st.tuples(st.integers(0, 10**9).map(lambda n: n / 1e6), st.sampled_from(["client", "server"]), texts | st.binary()),
    max_size=4,
)


@given(messages)
@settings(max_examples=50)
def test_what_is_written_is_read(sent: list[tuple[float, trace.Side, str | bytes]]) -> None:
    kept = trace.read(write(sent).split(b"\n")[:-1])
    assert kept.header == trace.TraceHeader(1, "server", "s", "connector", "now")
    assert kept.end == trace.TraceEnd(9.5, "closed")
    assert not kept.cut
    assert [(message.t, message.sender) for message in kept.messages] == [(t, side) for t, side, _ in sent]
    for message, (_, _, data) in zip(kept.messages, sent, strict=True):
        assert type(message.data) is type(data)
        assert message.data == data or same_json(message.data, data)


def same_json(one: str | bytes, other: str | bytes) -> bool:
    """Equal but for blanks between tokens."""
    return isinstance(json.loads(other), dict) and json.loads(one) == json.loads(other)


def test_each_line_is_json_and_objects_stay_objects() -> None:
    pretty = json.dumps(OPEN, indent=2).replace("\n", "\r\n")
    lines = write([(0.25, "client", pretty), (0.5, "server", b"\xff\x00"), (0.75, "client", '"text"')]).splitlines()
    header, first, second, third, last = (json.loads(line) for line in lines)
    assert header["offhook_trace"] == 1
    assert first == {"t": 0.25, "from": "client", "text": OPEN}
    assert second == {"t": 0.5, "from": "server", "audio": "/wA="}
    assert third["text"] == '"text"'
    assert last == {"t": 9.5, "end": "closed"}


@pytest.mark.parametrize("text", ["", "garbage", "[1,2]", "null", '{"a":1', '{"a":1}x', "[" * 5000, '{"a":"\ud800"}'])
def test_what_is_no_message_is_kept_as_a_string(text: str) -> None:
    [message] = read(write([(0.0, "client", text)])).messages
    assert message.data == text.encode(errors="replace").decode()


def test_deep_nesting_is_read_again() -> None:
    text = '{"a":' * 5000 + "1" + "}" * 5000
    [message] = read(write([(0.0, "client", text)])).messages
    assert message.data == text


def test_a_cut_last_line_is_left_out_and_reported() -> None:
    whole = write([(0.1, "client", '{"seq":1}'), (0.2, "server", bytes(50))], end=None)
    lines = whole.splitlines(keepends=True)
    before = b"".join(lines[:-1])
    for length in range(1, len(lines[-1]) - 1):
        kept = read(before + lines[-1][:length])
        assert kept.cut, length
        assert [message.t for message in kept.messages] == [0.1]
    kept = read(whole.rstrip(b"\n"))
    assert not kept.cut
    assert kept.end is None
    assert len(kept.messages) == 2


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "line 1"),
        (["garbage"], "line 1"),
        (['{"offhook_trace":2,"role":"server","session":"s"}'], "format 2"),
        (['{"offhook_trace":1,"role":"server","session":"s"}', "garbage", '{"t":1,"end":""}'], "line 2"),
        (['{"offhook_trace":1,"role":"server","session":"s"}', '{"t":1}', '{"t":1,"end":""}'], "line 2"),
        (['{"offhook_trace":1,"role":"server","session":"s"}', '{"t":1,"end":""}', '{"t":2,"end":""}'], "line 3"),
    ],
)
def test_a_trace_damaged_elsewhere_is_refused(lines: list[str], said: str) -> None:
    with pytest.raises(TraceError, match=said):
        trace.read(lines)


def test_blank_lines_do_no_harm() -> None:
    kept = read(write([(0.1, "client", "{}")]).replace(b"\n", b"\n\n"))
    assert (len(kept.messages), kept.cut) == (1, False)


@given(st.lists(st.binary() | st.sampled_from([b'{"t":1,"from":"client","text":{}}', b'{"t":1,"from":"client"}'])))
def test_nothing_but_trace_errors(lines: list[bytes]) -> None:
    header = b'{"offhook_trace":1,"role":"server","session":"s"}'
    for candidate in (lines, [header, *lines]):
        try:
            trace.read(candidate)
        except TraceError:
            continue


def test_a_shared_trace_holds_nothing_personal() -> None:
    said = {"type": "transcript", "data": {"id": "u", "isFinal": True, "alternatives": []}}
    said["data"]["alternatives"] = [  # type: ignore[index]
        {"confidence": 0.9, "interpretations": [{"type": "display", "transcript": "my secret", "tokens": []}]}
    ]
    other = {"type": "crm", "data": {"name": "Miller", "message": "my secret", "account": 4711}}
    kept = read(
        write(
            [
                (0.0, "client", json.dumps(OPEN)),
                (1.0, "client", '{"type":"dtmf","seq":2,"parameters":{"digit":"7"}}'),
                (2.0, "server", json.dumps({"type": "event", "seq": 1, "parameters": {"entities": [said, other]}})),
                (
                    3.0,
                    "server",
                    '{"type":"disconnect","parameters":{"reason":"completed","outputVariables":{"a":"gold"}}}',
                ),
                (4.0, "client", "garbage of Miller"),
                (5.0, "client", bytes(range(256))),
            ],
            redact=True,
        )
    )
    assert kept.header.redacted
    text = " ".join(str(message.data) for message in kept.messages)
    for secret in ("tel:", "Miller", "hunter2", "4711", "gold", "passport", "my secret", '"7"', "garbage"):
        assert secret not in text
    opened, key, event, gone, _, audio = (message.data for message in kept.messages)
    cleaned = msgspec.json.decode(opened)
    assert cleaned["parameters"]["media"] == OPEN["parameters"]["media"]  # type: ignore[index]
    assert cleaned["parameters"]["inputVariables"] == {"tier": trace.REDACTED, "id": trace.REDACTED}
    assert json.loads(key)["parameters"] == {"digit": "0"}
    assert [entity["type"] for entity in json.loads(event)["parameters"]["entities"]] == ["transcript", "crm"]
    assert json.loads(event)["parameters"]["entities"][0]["data"]["alternatives"][0]["confidence"] == 0.9
    assert json.loads(gone)["parameters"]["reason"] == "completed"
    assert audio == b"\xff" * 256


@given(texts | st.binary())
@settings(max_examples=50)
def test_redaction_takes_anything(data: str | bytes) -> None:
    assert type(trace.redact(data)) is type(data)
    assert trace.redact(trace.redact(data)) == trace.redact(data)
