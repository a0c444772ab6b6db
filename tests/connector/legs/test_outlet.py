"""The queue towards a stack with a clock of its own: slack after a gap, and none for long."""

from __future__ import annotations

from offhook.audio import tones, ulaw
from offhook.connector.legs.outlet import CUSHION, LIMIT, Outlet

SPEECH = ulaw.encode(tones.tone(300, 0.02, -12))
QUIET = ulaw.silence(160)


def test_what_comes_after_a_gap_gets_a_cushion():
    outlet = Outlet()
    assert outlet.pace(SPEECH, 0) == ulaw.silence(CUSHION) + SPEECH
    assert outlet.pace(SPEECH, 160) == SPEECH
    assert outlet.gaps == 1


def test_slack_is_taken_back_in_silence_and_above_the_limit_at_once():
    outlet = Outlet()
    assert outlet.pace(SPEECH, 800) == SPEECH
    assert outlet.pace(QUIET, 800) == b""
    assert outlet.pace(SPEECH, LIMIT + 1) == b""
    assert outlet.skipped == 320


def test_a_stack_that_stops_for_a_moment_does_not_make_the_caller_hear_late_for_ever():
    outlet, waiting = Outlet(), 0
    for tick in range(300):
        audio = SPEECH if tick % 50 < 25 else QUIET
        waiting += len(outlet.pace(audio, waiting))
        if not 10 <= tick < 15:  # 100 ms in which nothing is sent
            waiting = max(0, waiting - 160)
    assert waiting <= 320
    assert outlet.gaps == 1
