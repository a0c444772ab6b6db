"""What a run has shown, told to programs."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

from offhook.testing.conformance.case import CaseResult, TraceLine, Verdict
from offhook.testing.conformance.scorecard import TRACE_LINES, Scorecard
from offhook.testing.conformance.suites import server_suite

SUITE = server_suite()
LONG = tuple(TraceLine(0.1, "client", "audio", 160) for _ in range(TRACE_LINES + 5))
RESULTS = (
    CaseResult("1.1", "A", Verdict.OK, "", 0.5, (TraceLine(0.0, "client", "text", 2, '{"type":"open"}'),)),
    CaseResult("1.2", "B", Verdict.SKIPPED_UNSEEN, "not now", 0.0),
    CaseResult("3.1", "C", Verdict.NON_STRICT, "odd", 0.25, LONG),
    CaseResult("3.2", "D", Verdict.INFO, "seen", 0.25),
)
BAD = CaseResult("3.3", "E <&>", Verdict.FAILED, "sent \x00 `error` <b>", 0.25)


def card(*results: CaseResult) -> Scorecard:
    cases = {result.number: SUITE[result.number] for result in results}
    return Scorecard("server", "ws://h/<x>", "connector", "0.1", 7, 1.5, cases, SUITE.chapters, results)


def test_only_what_failed_fails() -> None:
    assert card(*RESULTS).ok
    assert not card(*RESULTS, BAD).ok
    assert card(*RESULTS, BAD).counts == {
        "OK": 1, "INFO": 1, "SKIPPED (profile)": 0, "SKIPPED (no key)": 0, "SKIPPED (not seen)": 1,
        "NON-STRICT": 1, "FAILED": 1,
    }  # fmt: skip


def test_as_json() -> None:
    told = json.loads(json.dumps(card(*RESULTS).as_object()))
    assert (told["ok"], told["seed"], told["seconds"]) == (True, 7, 1.5)
    first, _, third, _ = told["cases"]
    assert first["chapter"] == SUITE.chapters[1]
    assert first["advice"]
    assert first["trace"] == [{"t": 0.0, "sender": "client", "kind": "text", "size": 2, "text": '{"type":"open"}'}]
    assert len(third["trace"]) == TRACE_LINES
    assert "trace" not in card(*RESULTS).as_object(traces=False)["cases"][0]


def test_as_junit() -> None:
    root = ElementTree.fromstring(card(*RESULTS, BAD).as_junit())
    one, three = root.findall("testsuite")
    assert (one.get("tests"), one.get("failures"), one.get("skipped")) == ("2", "0", "1")
    assert (three.get("tests"), three.get("failures"), three.get("time")) == ("3", "1", "0.750")
    (skipped,) = one.iter("skipped")
    assert skipped.get("message") == "SKIPPED (not seen): not now"
    (failure,) = three.iter("failure")
    assert failure.get("message") == "sent  `error` <b>"
    assert SUITE["3.3"].advice in str(failure.text)
    assert [output.text for output in three.iter("system-out")] == ["NON-STRICT: odd", "INFO: seen"]
