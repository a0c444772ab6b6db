"""Messages are found in whatever they are wrapped in."""

from __future__ import annotations

import json
import sys
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cli.running import ID, client, ndjson, opening, server

from offhook.cli.finding import find
from offhook.errors import TraceError
from offhook.protocol import MONITOR, Role, trace

PING, PONG = client("ping", 2, 1, "PT1S"), server("pong", 2, 2)


def bodies(text: str) -> list[object]:
    return [found.body for found in find(text.encode()).messages]


@pytest.mark.parametrize(
    "text",
    [
        ndjson(PING, PONG),
        json.dumps(PING, indent=2) + "\n" + json.dumps(PONG, indent=4),
        json.dumps([PING, PONG]),
        f"2026-01-01 12:00:00 INFO recv {json.dumps(PING)} in 3 ms\n12:00:01 sent: {json.dumps(PONG)}.\n",
        ndjson({"level": "info", "message": json.dumps(PING)}, {"level": "info", "payload": {"ws": PONG}}),
        f"{{ not json }} {json.dumps(PING)} {{'python': 1}} {json.dumps(PONG)}",
        "\ufeff" + ndjson(PING, PONG).replace("\n", "\r\n"),
    ],
    ids=["lines", "pretty", "array", "log", "wrapped", "braces", "windows"],
)
def test_messages_are_found_in(text):
    assert bodies(text) == [PING, PONG]


def test_other_json_is_passed_over():
    others = [{"a": 1}, {"type": "log", "version": "1"}, {"event": "message_seen", "type": "ping", "seq": 3}, 5, "x"]
    assert bodies(ndjson(*others)) == []


def test_each_says_on_which_line_it_begins():
    text = f"first\n{json.dumps(PING, indent=1)}\nmore {json.dumps(PONG)}"
    lines = text.split("\n")
    assert [found.line for found in find(text.encode()).messages] == [2, len(lines)]


def test_its_size_is_that_on_the_wire():
    pretty, compact = json.dumps(PING, indent=8), json.dumps(PING, separators=(",", ":"))
    assert [found.size for found in find(pretty.encode()).messages] == [len(compact)]
    assert [found.size for found in find(json.dumps(PING).encode()).messages] == [len(json.dumps(PING))]


def test_a_message_that_is_cut_off_is_reported_and_the_next_one_is_found():
    cut = json.dumps(opening())[:-40]
    first, second = find(f"{cut}\n{json.dumps(PONG)}\n".encode()).messages
    assert first.broken.startswith("it is no JSON (line 2, column 1: ")
    assert (second.broken, second.body) == ("", PONG)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "[" * 5000])
def test_what_only_python_takes_for_json_is_broken(word):
    text = json.dumps(PING).replace("{}", word)
    assert [bool(found.broken) for found in find(text.encode()).messages] == [True]


def test_traces_tell_sender_time_profile_and_session():
    lines: list[bytes] = []
    writer = trace.TraceWriter(lines.append, role="server", session=ID, profile="monitor")
    writer.message(0.25, "client", json.dumps(PING))
    writer.message(0.5, "client", bytes(320))
    writer.message(0.75, "server", "not json")
    findings = find(b"\n" + b"".join(lines))
    assert (findings.profile, findings.session) == (MONITOR, ID)
    text, audio, garbage = findings.messages
    assert (text.body, text.sender, text.t) == (PING, Role.CLIENT, 0.25)
    assert (audio.audio, audio.size, audio.t) == (True, 320, 0.5)
    assert (garbage.sender, bool(garbage.broken)) == (Role.SERVER, True)


def test_a_damaged_trace_is_told():
    with pytest.raises(TraceError, match="line 2"):
        find(b'{"offhook_trace":1,"role":"client","session":"s"}\nnonsense\n{"t":1,"end":"x"}\n')


@given(st.binary() | st.text().map(str.encode))
def test_no_input_breaks_it(data):
    with suppress(TraceError):  # its own word for a damaged trace
        find(data)


@settings(max_examples=50)
@given(st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_no_json_around_a_message_hides_it(noise):
    assert bodies(json.dumps({"noise": noise, "data": PING})) == [PING]


def test_deep_nesting_is_no_message():
    depth = sys.getrecursionlimit() * 3
    assert bodies('{"a":' * depth) == []


def test_messages_longer_than_any_that_is_allowed_are_found_too():
    long = opening(customConfig={"text": "x" * 200_000})
    (found,) = find(f"log: {json.dumps(long)}\n".encode()).messages
    assert found.body == long
    assert found.size > 200_000
    whole = json.dumps({"lines": [{"data": PING}] * 2000})
    assert len(bodies(whole)) == 2000
