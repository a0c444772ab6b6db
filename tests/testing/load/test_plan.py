"""Plans: what cannot be carried out is said, and the places of a run are shared out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.errors import UsageError
from offhook.testing.load.plan import Plan

URI = "ws://127.0.0.1:1/x"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"uri": "http://x"}, "must begin with ws://"),
        ({"secret": "?"}, "base64"),
        ({"profile": "bot-transcription"}, "choose monitor, connector, transcription"),
        ({"talk": "sing"}, "as echo or bot"),
        ({"talk": "echo", "profile": "monitor"}, "leave out --talk echo"),
        ({"dtmf_every": 3.0, "profile": "monitor"}, "has no keys"),
        ({"frame_ms": 10}, "choose 20 to 1000"),
        ({"calls": 0}, "--calls must be above zero"),
        ({"ramp": 0.0}, "--ramp must be above zero"),
        ({"seconds": -1.0}, "duration"),
        ({"channels": "both"}, "choose another --profile"),
        ({"organization_id": "x"}, "must be a UUID"),
    ],
)
def test_what_is_wrong_is_said(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Plan(**{"uri": URI} | wrong).check()


@given(st.integers(1, 200), st.integers(1, 8))
def test_every_place_is_somebodys(calls: int, processes: int) -> None:
    plan = Plan(uri=URI, calls=calls, processes=processes)
    places = [number for process in range(processes) for number in plan.numbers(process)]
    assert sorted(places) == list(range(calls))


def test_keys_are_for_those_that_have_them() -> None:
    assert Plan(uri=URI).keys_every == 10.0
    assert Plan(uri=URI, dtmf_every=0.0).keys_every is None
    assert Plan(uri=URI, dtmf_every=2.0).keys_every == 2.0
    assert Plan(uri=URI, profile="monitor").keys_every is None


def test_rates_are_the_platforms_where_the_frames_are() -> None:
    assert Plan(uri=URI, frame_ms=200).enforces_rates
    assert not Plan(uri=URI, frame_ms=20).enforces_rates


def test_it_travels() -> None:
    plan = Plan(uri=URI, calls=3, input={"a": "b"}, wav="x.wav", call_seconds=2.0)
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan
