"""What the soaks judge by: a call that ends in another way than its flow says, and usage that is missing or wrong."""

from __future__ import annotations

import pytest

from offhook.connector import happenings as h
from offhook.records.metering import Measured
from offhook.records.usage import Used
from offhook.testing.crowd import Toll, unaccounted


@pytest.mark.parametrize(
    ("outcome", "by", "good"),
    [
        ("success", "flow", True),
        ("failure", "transfer", True),
        ("failure", "flow", False),
        ("success", "error", False),
        ("cut", "caller", False),
    ],
)
def test_a_call_ends_as_its_flow_says(outcome, by, good):
    toll = Toll(lambda session: None)
    toll("c", h.StepEnded("audio_connector", outcome, t=0.0))
    toll("c", h.CallOver(by, t=0.0))
    assert (toll.problems == []) is good
    assert (toll.calls, toll.served) == (1, outcome == "success")


def test_a_call_that_reached_no_bot_step_and_a_decision_without_a_reason_are_problems():
    toll = Toll(lambda session: None)
    toll("c", h.Decided("retry", "gone", t=0.0))
    assert toll.problems == []
    toll("c", h.Decided("retry", "", t=0.0))
    toll("c", h.CallOver("flow", t=0.0))
    assert len(toll.problems) == 2


def test_usage_has_all_sessions_with_their_ends(tmp_path):
    seen: set[str] = set()
    toll = Toll(seen.add)
    for session in ("a", "b"):
        toll("c", h.SessionBegan("bot", session, "bot", "connector", 1.0, t=0.0))
    measured = Measured(opened=0, last=8000)
    rows = [
        Used(session=session, conversation="c", integration="bot", started="2026-11-01T00:00:00+00:00",
             measured=measured, ended=session != "x")
        for session in ("b", "x")
    ]  # fmt: skip
    found = list(unaccounted(rows, tmp_path, seen))
    assert found[:3] == ["a: opened and not counted", "x: counted and never opened", "x: its end was not counted"]
    assert [line.partition(":")[0] for line in found[3:]] == ["b", "x"]  # and there are no traces of them
