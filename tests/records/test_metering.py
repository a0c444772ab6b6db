"""Connected and paused time told from messages: exact to the sample, whoever pauses, in whatever order."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.records.metering import RATE, Gauge, Measured, covered


def measured(*script: tuple[float, str, str] | tuple[float, str, str, dict], until: float) -> Measured:
    gauge = Gauge()
    for t, sender, type, *more in script:
        gauge.message(t, sender, json.dumps({"type": type, "parameters": more[0] if more else {}}))
    return gauge.measured(until)


def seconds(*spans: tuple[float, float]) -> tuple[tuple[int, int], ...]:
    return tuple((round(a * RATE), round(b * RATE)) for a, b in spans)


OPEN = ((0.1, "client", "open"), (0.5, "server", "opened"))


def test_connected_is_from_opened_to_close():
    found = measured(*OPEN, (10.25, "client", "close"), (10.3, "server", "closed"), until=11)
    assert (found.opened, found.connected) == (4000, 78_000)
    assert found.charged() == 78_000


def test_nothing_is_charged_before_opened_or_for_a_session_that_never_was():
    assert measured(OPEN[0], (5.0, "client", "close"), until=6).charged() == 0
    assert measured((0.1, "client", "open"), (0.2, "server", "disconnect"), until=6).charged() == 0


def test_a_pause_of_the_client_is_not_charged():
    found = measured(*OPEN, (2, "client", "paused"), (5, "client", "resumed"), (10, "client", "close"), until=10)
    assert found.client == seconds((2, 5))
    assert found.charged() == round(6.5 * RATE)


def test_a_pause_of_the_server_is_charged_unless_it_is_set_otherwise():
    found = measured(
        *OPEN,
        (2, "server", "pause"), (2.01, "client", "paused"), (5, "server", "resume"), (5.01, "client", "resumed"),
        (10, "client", "close"), until=10,
    )  # fmt: skip
    assert found.server == seconds((2, 5))
    assert found.client == ()
    assert found.charged() == round(9.5 * RATE)
    assert found.charged(server_pauses=False) == round(6.5 * RATE)


def test_both_may_pause_at_once_and_time_is_taken_off_once():
    found = measured(
        *OPEN,
        (2, "server", "pause"), (2, "client", "paused"), (3, "client", "paused"),
        (4, "server", "resume"), (4, "client", "paused"), (6, "client", "resumed"), (10, "client", "close"), until=10,
    )  # fmt: skip
    assert (found.server, found.client) == (seconds((2, 4)), seconds((3, 6)))
    assert found.charged(server_pauses=False) == round((9.5 - 4) * RATE)
    assert found.charged() == round((9.5 - 3) * RATE)


def test_a_session_that_starts_paused_or_ends_so():
    found = measured(
        OPEN[0], (0.5, "server", "opened", {"startPaused": True}), (0.5, "client", "paused"),
        (1, "server", "resume"), (1, "client", "resumed"), (3, "client", "paused"), (4, "client", "close"), until=9,
    )  # fmt: skip
    assert found.server == seconds((0.5, 1))
    assert found.client == seconds((3, 4))
    assert found.charged(server_pauses=False) == 2 * RATE


def test_what_a_peer_sends_that_is_no_message_counts_nothing():
    gauge = Gauge()
    for data in ("{", "[]", "\ud800", '{"type":5}', '{"type":"opened","parameters":7}', b"\xff", '{"type":"nonsense"}'):
        gauge.message(1.0, "server", data)
    assert gauge.measured(2.0).opened == RATE  # `opened` it was, whatever its parameters


def test_free_time_is_taken_off_once():
    found = Measured(0, 100, client=((10, 20),))
    assert found.charged(free=[(15, 40), (30, 50), (90, 200)]) == 100 - 40 - 10


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60))), st.integers(0, 60), st.integers(0, 60))
def test_covered_is_what_counting_samples_gives(spans, start, length):
    counted = sum(any(a <= n < b for a, b in spans) for n in range(start, start + length))
    assert covered(spans, (start, start + length)) == counted


@pytest.mark.parametrize("t", [0.1, 1 / 3, 123.456789, 7199.999875])
def test_times_become_samples_as_a_trace_would_write_them(t):
    assert measured(OPEN[0], (round(t, 6), "server", "opened"), until=9e9).opened == round(float(f"{t:.6f}") * RATE)
