"""What waits for a stack with its own clock: nothing while ticks are on time, and not for long after one was not."""

from __future__ import annotations

import numpy as np

from offhook.audio import tones, ulaw
from offhook.connector.legs.outlet import LIMIT, Outlet

TONE = ulaw.encode(tones.tone(300, 1.0, -12))
SPEECH, QUIET = TONE[:160], ulaw.silence(160)


def test_audio_goes_as_it_comes_while_ticks_are_on_time():
    outlet = Outlet()
    for tick in range(200):
        assert outlet.pace(SPEECH, tick * 0.02 + tick % 3 * 0.002) == SPEECH
        assert outlet.ahead(tick * 0.02 + 0.01) == 0
    assert outlet.skipped == 0


def test_what_a_late_tick_has_put_off_is_taken_back_in_silence_and_not_before():
    outlet = Outlet()
    outlet.pace(SPEECH, 0.0)
    for _ in range(4):
        outlet.pace(SPEECH, 0.08)  # three ticks late
    assert outlet.ahead(0.08) == 3 * 160
    for tick in range(5, 20):
        assert outlet.pace(SPEECH, tick * 0.02) == SPEECH
    assert outlet.ahead(0.381) == 3 * 160
    written = [outlet.pace(QUIET, tick * 0.02) for tick in range(20, 30)]
    assert written.count(b"") == 2
    assert outlet.ahead(0.585) <= 160, "one packet of slack at most"
    assert outlet.skipped == 320


def test_one_packet_of_slack_is_taken_back_when_it_has_not_been_needed_for_some_seconds():
    outlet, needed = Outlet(), 400
    for tick in range(1_000):
        late = 0.018 if tick in (40, needed) else 0.0
        outlet.pace(QUIET, tick * 0.02 + late)
        if 41 <= tick <= 280 or needed < tick <= 640:
            assert outlet.ahead(tick * 0.02 + 0.019) in (0, 160)
            assert outlet.skipped == (0 if tick < 400 else 160)
    assert outlet.ahead(1_000 * 0.02 - 0.001) == 0
    assert outlet.skipped == 320


def test_above_the_limit_speech_is_left_out_and_does_not_click():
    outlet, sent = Outlet(), b""
    for at in range(0, 4_800, 160):
        sent += outlet.pace(TONE[at : at + 160], 0.0)
    assert outlet.ahead(0.0) < LIMIT <= len(sent)
    for tick, at in enumerate(range(4_880, 7_200, 160)):  # 80 samples on: the tone is not where it was
        sent += outlet.pace(TONE[at : at + 160], tick * 0.02)
    assert outlet.skipped >= 4_800 - LIMIT
    steps = np.abs(np.diff(ulaw.decode(sent).astype(int)))
    assert steps.max() <= 1.3 * np.abs(np.diff(ulaw.decode(TONE).astype(int))).max()
