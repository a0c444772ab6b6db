"""Whatever a peer sends: nothing raises, the session still ends, and our answer is well-formed and repeats nothing.

Both roles, in every state, from random bytes to messages that are wrong in one place.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.protocol.foreign import OFFER, OPEN, OPENED, Foreign, to_client, to_open_client, to_open_server, to_server

from offhook.protocol import (
    BOT_TRANSCRIPTION,
    MONITOR,
    ClientSession,
    Disconnected,
    Dropped,
    Finished,
    Role,
    ServerSession,
    Tolerated,
    Violation,
)
from offhook.protocol.messages import KINDS
from offhook.testing.pair import SESSION_ID

MARK = "Zaphod\u2603"
"""Stands in everything that the fuzzed peer says, and must never come back."""


def paused(peer: Foreign) -> Foreign:
    if peer.role is Role.CLIENT:
        peer.send("paused")
    else:
        peer.send("pause")
    return peer


def leaving(peer: Foreign) -> Foreign:
    """A session that we end."""
    if isinstance(peer.session, ServerSession):
        peer.session.disconnect("completed")
    else:
        peer.session.close()
    peer.listen()
    return peer


def left(peer: Foreign) -> Foreign:
    """A session that the peer ends."""
    peer.send("close" if peer.role is Role.CLIENT else "disconnect", {"reason": "end"})
    return peer


def asked() -> Foreign:
    peer = to_server()
    peer.send("open", OPEN)
    return peer


def waiting() -> Foreign:
    """A bot with much to say that has said goodbye already."""
    peer = to_open_server()
    session = peer.session
    assert isinstance(session, ServerSession)
    session.send_audio(bytes(200_000))
    session.pause()
    session.disconnect("completed")
    return peer


def listed() -> Foreign:
    parameters = [OFFER | {"channels": ["external", "internal"]}]
    return to_open_server(MONITOR, parameters={"media": parameters})


STATES: dict[str, Callable[[], Foreign]] = {
    "server idle": to_server,
    "server without an id": lambda: Foreign(ServerSession("")),
    "server opening": asked,
    "server open": to_open_server,
    "server open, strict": lambda: to_open_server(strict=True),
    "server open, stereo": listed,
    "server open, no media": lambda: to_open_server(media=None),
    "server open, wide": lambda: to_open_server(parameters={"media": [OFFER | {"format": "L16"}]}),
    "server paused": lambda: paused(to_open_server()),
    "server waiting": waiting,
    "server ending": lambda: leaving(to_open_server()),
    "server closing": lambda: left(to_open_server()),
    "client opening": to_client,
    "client open": to_open_client,
    "client open, lenient": lambda: to_open_client(strict=False),
    "client open, exact": lambda: to_open_client(exact_acks=True),
    "client open, monitor": lambda: to_open_client(MONITOR),
    "client open, wide": lambda: to_open_client(BOT_TRANSCRIPTION, opened={"media": [OFFER | {"format": "L16"}]}),
    "client open, no media": lambda: to_open_client(opened={"media": []}),
    "client paused": lambda: paused(to_open_client()),
    "client closing": lambda: leaving(to_open_client()),
    "client disconnected": lambda: left(to_open_client()),
}
everywhere = pytest.mark.parametrize("state", STATES)


def check(peer: Foreign) -> None:
    """What must hold whatever was sent, and that the session still comes to its end."""
    session = peer.session
    if isinstance(session, ClientSession) and not session.finished:
        peer.wait(11.0)
        if session.is_live:
            session.close()
    peer.wait(60.0)
    assert session.finished
    assert peer.events[-1] == Finished(peer.events[-1].clean)  # type: ignore[union-attr]
    assert len(peer.of(Finished)) == 1
    assert sum(violation.fatal for violation in peer.violations) <= 1
    for event in peer.events:
        if isinstance(event, (Tolerated, Violation, Dropped)):
            text = event.type if isinstance(event, Dropped) else event.rule
            assert MARK not in text
            assert len(text) < 80
    for number, message in enumerate(peer.texts, 1):
        assert message["seq"] == number
        assert MARK not in json.dumps(message, ensure_ascii=False)
        assert len(json.dumps(message)) < 2000
    assert peer.types.count("disconnect") <= 1
    assert peer.types.count("closed") <= 1
    assert peer.types.count("close") <= 1


HOPELESS = [
    "", " ", "\x00", "\x00" * 65_535, "{", "}", "[]", "{}", "null", "true", "1e400", "NaN", "Infinity", "-0", '"x"',
    "[" * 100_000, "[" * 65_535, '{"a":' * 13_000, "[" * 30_000 + "]" * 30_000, "\ud800", "\udfff" * 21_845,
    "\U0010ffff" * 16_383, '{"version":"2"', '{"version":"2",}', "\ufeff{}", "x" * 65_535, "x" * 65_536, "€" * 21_846,
    '{"seq":' + "9" * 60_000 + "}", "9" * 5000, '{"version":"2","version":"2"}', "\r\n\t ", "//", "/**/{}",
]  # fmt: skip


@everywhere
@pytest.mark.parametrize("data", HOPELESS, ids=lambda data: ascii(data[:12]) + f"-{len(data)}")
def test_hopeless_text(state: str, data: str) -> None:
    peer = STATES[state]()
    peer.raw(data)
    check(peer)


@everywhere
@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 159, 160, 1600, 1601, 64_000, 65_534, 65_535, 65_536, 1_000_000])
def test_audio_of_any_size(state: str, size: int) -> None:
    peer = STATES[state]()
    peer.raw(bytes(size))
    peer.raw(bytes(size))
    check(peer)


@everywhere
@settings(max_examples=20, deadline=None)
@given(data=st.lists(st.one_of(st.text(), st.binary()), min_size=1, max_size=5))
def test_random_messages(state: str, data: list[str | bytes]) -> None:
    peer = STATES[state]()
    for one in data:
        peer.raw(one)
    check(peer)


# Messages that are right but for one place.

GOOD: dict[str, dict[str, Any]] = {
    "open": OPEN
    | {
        "language": "en-US",
        "supportedLanguages": True,
        "continuedSessions": [{"id": "s", "clientseq": 1, "serverseq": 1}],
        "customConfig": {"a": 1},
        "inputVariables": {"a": "b"},
    },
    "ping": {"rtt": "PT0.1S"},
    "paused": {},
    "resumed": {"start": "PT0S", "discarded": "PT0S"},
    "discarded": {"start": "PT0S", "discarded": "PT0S"},
    "update": {"language": "en-US"},
    "dtmf": {"digit": "1"},
    "playback_started": {},
    "playback_completed": {},
    "error": {"code": 429, "message": "gist", "retryAfter": "PT1S"},
    "close": {"reason": "end"},
    "opened": OPENED | {"discardTo": "PT0S", "supportedLanguages": ["en-US"]},
    "pong": {},
    "pause": {},
    "resume": {},
    "event": {"entities": [{"type": "barge_in", "data": {}}]},
    "updated": {},
    "reconnect": {"info": "soon"},
    "disconnect": {"reason": "completed", "info": "done", "outputVariables": {"a": "b"}},
    "closed": {},
}
WRONG: list[Any] = [
    None, True, False, 0, -1, 1.5, 2**53, 2**64, 10**400, "", MARK, "PT1S", "1", "PT" + "9" * 15 + "S", "\x00",
    "x" * 60_000, [], [MARK], [[]], {}, {MARK: MARK}, {"a": {"b": [MARK]}}, [OFFER] * 50, ...,
]  # fmt: skip
#: What `json` cannot write stands for itself in the text.
RAW = ["1e400", "-1e400", "1e-400", "9" * 5000, "[" * 5000 + "]" * 5000, '{"a":' * 900 + "1" + "}" * 900, '"\\ud800"']


def test_every_message_is_fuzzed() -> None:
    assert GOOD.keys() == KINDS.keys()


def paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place within a message."""
    here = [path] if path else []
    if isinstance(value, dict):
        return here + [found for key, item in value.items() for found in paths(item, (*path, key))]
    if isinstance(value, list):
        return here + [found for at, item in enumerate(value) for found in paths(item, (*path, at))]
    return here


def replaced(message: Any, path: tuple[str | int, ...], value: object) -> Any:
    message = json.loads(json.dumps(message))
    target = message
    for step in path[:-1]:
        target = target[step]
    if value is ...:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return message


def in_place_for(type: str) -> list[Callable[[], Foreign]]:
    """Makers of sessions that this message is meant for."""
    if type == "open":
        states = ["server idle", "server without an id"]
    elif type == "opened":
        states = ["client opening"]
    elif type == "closed":
        states = ["client closing"]
    elif KINDS[type].sender is Role.CLIENT:
        states = ["server open", "server paused", "server ending"]
    else:
        states = ["client open", "client paused"]
    return [STATES[state] for state in states]


@pytest.mark.parametrize("type", GOOD)
def test_wrong_in_one_place(type: str) -> None:
    for make in in_place_for(type):
        for path in paths(make().message(type, GOOD[type])):
            for value in WRONG:
                peer = make()
                message = replaced(peer.message(type, GOOD[type]), path, value)
                peer.seq += 1
                peer.raw(json.dumps(message))
                peer.send("close" if peer.role is Role.CLIENT else "event", {"reason": "end", "entities": []})
                check(peer)


@pytest.mark.parametrize("type", GOOD)
@pytest.mark.parametrize("raw", RAW, ids=lambda raw: f"{raw[:8]}-{len(raw)}")
def test_what_json_cannot_write(type: str, raw: str) -> None:
    make = in_place_for(type)[0]
    for path in paths(make().message(type, GOOD[type])):
        peer = make()
        text = json.dumps(replaced(peer.message(type, GOOD[type]), path, "@here@")).replace('"@here@"', raw)
        peer.raw(text)
        check(peer)


@pytest.mark.parametrize("type", GOOD)
def test_keys_twice_and_keys_that_we_do_not_know(type: str) -> None:
    for make in in_place_for(type):
        peer = make()
        text = json.dumps(peer.message(type, GOOD[type]))
        peer.raw(text[:-1] + f', "id": "{MARK}", "{MARK}": 1, "seq": 3}}')
        check(peer)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)


@everywhere
@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(sorted(GOOD)),
            st.one_of(st.none(), json_values),
            st.dictionaries(
                st.sampled_from(["version", "id", "type", "seq", "serverseq", "clientseq", "position"]),
                json_values,
                max_size=1,
            ),
        ),
        min_size=1,
        max_size=6,
    )
)
@example(steps=[("close", None, {}), ("close", None, {}), ("closed", None, {})])
@example(steps=[("disconnect", None, {}), ("opened", None, {}), ("closed", None, {})])
def test_messages_in_any_order_and_shape(state: str, steps: list[tuple[str, Any, dict[str, Any]]]) -> None:
    peer = STATES[state]()
    for type, parameters, envelope in steps:
        message = peer.message(type, GOOD[type] if parameters is None else parameters) | envelope
        peer.seq += 1
        peer.raw(json.dumps(message))
        peer.wait(0.3)
    check(peer)


@everywhere
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_characters_changed_in_a_correct_message(state: str, data: st.DataObject) -> None:
    peer = STATES[state]()
    type = data.draw(st.sampled_from(sorted(GOOD)))
    text = json.dumps(peer.message(type, GOOD[type]), ensure_ascii=False)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.text(max_size=2)) + text[at + data.draw(st.integers(0, 3)) :]
    peer.raw(text)
    check(peer)


def test_variables_nested_deeper_than_can_be_written() -> None:
    """As deep as our JSON reader goes, which may be deeper than what writes it again."""
    for depth in (100, 500, 900, 950, 990, 1000, 5000, 10_000):
        peer = to_open_client()
        text = json.dumps(peer.message("disconnect", {"reason": "completed", "outputVariables": {"a": 0}}))
        peer.raw(text.replace('"a": 0', '"a": ' + "[" * depth + "]" * depth))
        [told] = [event for event in peer.events if isinstance(event, (Disconnected, Violation))]
        assert isinstance(told, Violation) or isinstance(told.output["a"], str)
        check(peer)


def test_a_session_id_is_not_repeated_either() -> None:
    peer = Foreign(ServerSession(""))
    peer.send("open", OPEN, id=MARK * 5000)
    assert peer.texts[-1]["id"] == ""
    peer = to_open_server()
    peer.send("ping", id=MARK)
    assert peer.texts[-1]["id"] == SESSION_ID
