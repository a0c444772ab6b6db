"""How the end of a call is named. (Whole calls are in test_call.)"""

from __future__ import annotations

import pytest

from offhook.connector import new_session, opening
from offhook.connector.result import Result, RoundTrips, summarise
from offhook.connector.tally import Tally
from offhook.errors import ConnectionLost, PeerError, UpgradeRejected
from offhook.protocol import CONNECTOR, MONO, Disconnected, Event, Finished, SessionOpened, Violation

OPENED = SessionOpened(MONO, False, None, None)
CLEAN, CUT = Finished(clean=True), Finished(clean=False)


def result(*events: Event, hung_up: bool = False, failure: PeerError | None = None) -> Result:
    tally = Tally()
    tally.hung_up = hung_up
    for event in events:
        tally.event(event, 1.0)
    return summarise(new_session(opening(CONNECTOR), CONNECTOR), None, tally, failure, 2.0)


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ((OPENED,), "running"),
        ((OPENED, Disconnected("completed", None, {}), CLEAN), "completed"),
        ((OPENED, Disconnected("completed", None, {}), CUT), "lost"),
        ((OPENED, Disconnected("completed", None, {}), Violation(408, "late"), CUT), "error"),
        ((OPENED, Disconnected("error", None, {}), CUT), "error"),
        ((OPENED, Disconnected("banana", None, {}), CLEAN), "error"),
        ((OPENED, Disconnected("unauthorized", None, {}), CLEAN), "unauthorized"),
        ((Disconnected("error", None, {}), CLEAN), "refused"),
        ((OPENED, Violation(409, "odd", fatal=False), CUT), "lost"),
        ((OPENED, Violation(400, "bad"), CLEAN), "error"),
        ((OPENED, CUT), "lost"),
        ((OPENED, CLEAN), "error"),
    ],
)
def test_every_end_has_its_name(events, outcome):
    assert result(*events).outcome == outcome


def test_our_own_end_is_a_hang_up_unless_it_fails():
    assert result(OPENED, CLEAN, hung_up=True).outcome == "hangup"
    assert result(OPENED, hung_up=True).outcome == "hangup"
    assert result(OPENED, CUT, hung_up=True).outcome == "lost"
    assert result(OPENED, Violation(408, "late"), CUT, hung_up=True).outcome == "error"


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (UpgradeRejected(401), "unauthorized"),
        (UpgradeRejected(403), "unauthorized"),
        (UpgradeRejected(503), "refused"),
        (ConnectionLost("nobody"), "lost"),
    ],
)
def test_calls_that_never_began(failure, outcome):
    assert result(failure=failure).outcome == outcome
    assert result(failure=failure).reason == str(failure)


def test_only_a_good_end_without_faults_is_good():
    assert result(OPENED, CLEAN, hung_up=True).ok
    assert not result(OPENED, Violation(409, "odd", fatal=False), CLEAN, hung_up=True).ok
    assert not result(OPENED, CUT).ok


def test_round_trips_are_summed_up():
    assert RoundTrips.of([]) is None
    assert RoundTrips.of([0.002, 0.010, 0.003]) == RoundTrips(3, 2.0, 3.0, 10.0)
