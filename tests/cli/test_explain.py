"""The table says of every message what the protocol knows of it, and no more."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.running import MONO, ORGANIZATION, opening

from offhook.cli.explain import TABLE, parameter_faults, parameter_words
from offhook.protocol.limits import NULL_UUID
from offhook.protocol.messages import KINDS

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_every_message_is_explained():
    assert set(TABLE) == set(KINDS)
    for entry in TABLE.values():
        assert entry.meaning.endswith(".")
        assert entry.after.endswith(".")


@pytest.mark.parametrize("type", KINDS)
def test_parameters_are_those_of_the_protocol(type):
    known = {field.encode_name for field in msgspec.structs.fields(KINDS[type].parameters)}
    assert set(TABLE[type].parameters) == known


@given(st.sampled_from(sorted(TABLE)), st.dictionaries(st.text(), ANY_JSON, max_size=3), ANY_JSON)
def test_whatever_a_peer_sends_is_said_and_judged(type, parameters, value):
    for name in TABLE[type].parameters:
        parameters[name] = value
    for fault in parameter_faults(type, parameters):
        assert fault.what
        assert fault.rule
    for words in parameter_words(type, parameters).values():
        assert words.isprintable()


def test_a_half_null_open_is_odd():
    parameters = opening(conversationId=NULL_UUID)["parameters"]
    assert [fault.what for fault in parameter_faults("open", parameters)] == [
        "only one of conversation and participant is null"
    ]
    parameters["participant"] = dict.fromkeys(("ani", "aniName", "dnis"), "") | {"id": NULL_UUID}
    assert list(parameter_faults("open", parameters)) == []
    assert parameter_words("open", parameters)["conversationId"] == "null"


def test_values_are_said_in_words():
    words = parameter_words("open", opening(media=[], supportedLanguages=True)["parameters"])
    assert words["media"] == "no audio"
    assert words["supportedLanguages"] == "yes"
    assert words["organizationId"] == ORGANIZATION
    assert parameter_words("error", {"code": 429, "retryAfter": "PT3S"}) == {
        "code": "429 (too many messages)",
        "retryAfter": "3 s",
    }
    stereo = MONO | {"channels": ["external", "internal"]}
    assert parameter_words("opened", {"media": [stereo]})["media"] == "PCMU, 8000 Hz, external + internal"
