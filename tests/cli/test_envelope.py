"""Who sent a message, and what is wrong with its envelope alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.running import ID, client, opening, server

from offhook.cli.envelope import envelope_faults, sender_of
from offhook.protocol import Role


@pytest.mark.parametrize(
    ("keys", "type", "sender"),
    [
        ({"serverseq": 1, "position": "PT0S"}, "ping", Role.CLIENT),
        ({"clientseq": 1}, "pong", Role.SERVER),
        ({"serverseq": 1, "position": "PT0S"}, "pause", Role.CLIENT),  # a server's message from a client
        ({"clientseq": 1, "position": "PT0S"}, "pong", Role.SERVER),
        ({"serverseq": 1}, "event", Role.SERVER),  # the documentation's own mistake
        ({"serverseq": 1}, "nonsense", Role.CLIENT),
        ({}, "opened", Role.SERVER),
        ({}, "nonsense", None),
        ({}, 5, None),
    ],
)
def test_keys_and_type_tell_the_sender(keys, type, sender):
    assert sender_of({"type": type, "seq": 1} | keys) is sender


@pytest.mark.parametrize("missing", ["version", "id", "seq", "serverseq", "position"])
def test_every_key_is_required(missing):
    body = client("ping", 2, 1)
    del body[missing]
    assert [fault.what for fault in envelope_faults(body, Role.CLIENT, 100)] == [f"`{missing}` is missing"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"seq": -1}, "`seq` is -1"),
        ({"seq": True}, "`seq` is true"),
        ({"seq": 1.5}, "`seq` is 1.5"),
        ({"id": "S1"}, '`id` is "S1"'),
        ({"position": "PT1E3S"}, '`position` is "PT1E3S"'),
        ({"version": "1"}, '`version` is "1"'),
        ({"parameters": []}, "`parameters` is []"),
        ({"clientseq": 3}, "a client message has `clientseq`"),
    ],
)
def test_every_value_is_judged(change, what):
    named = envelope_faults(client("ping", 2, 1) | change, Role.CLIENT, 100)
    assert [(fault.what, fault.harmless) for fault in named] == [(what, False)]


def test_sizes():
    def said(size: int) -> list[str]:
        return [fault.what for fault in envelope_faults(opening(), Role.CLIENT, size)]

    assert (said(64_000), said(64_001), said(65_536)) == ([], ["it has 64,001 bytes"], ["it has 65,536 bytes"])


@pytest.mark.parametrize("type", ["ping", "close", "paused", "resumed", "error"])
def test_a_server_that_speaks_for_the_client_is_told_what_to_do(type):
    (fault,) = envelope_faults(server(type, 2, 1), Role.SERVER, 100)
    assert fault.what == f"`{type}` comes from the server"
    assert fault.rule


@given(st.dictionaries(st.sampled_from(["version", "id", "type", "seq", "position", "x"]), st.none() | st.text()))
def test_no_envelope_breaks_it(body):
    body.setdefault("id", ID)
    for sender in (None, *Role):
        assert all(fault.what and fault.rule for fault in envelope_faults(body, sender, 10))
