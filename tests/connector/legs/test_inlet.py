"""The short queue before a call: in order, bounded, and drained where nobody hears it."""

from __future__ import annotations

import numpy as np
import pytest

from offhook.audio import tones, ulaw
from offhook.connector.legs.inlet import LIMIT, Inlet
from offhook.connector.sounds import loudness

LOUD, QUIET = b"\x01" * 160, ulaw.silence(160)
TONE = ulaw.encode(tones.tone(437, 2.0, -12))


def test_what_comes_leaves_in_order_and_what_is_missing_is_made_up():
    inlet = Inlet()
    inlet.push(TONE[:400])
    taken = inlet.take(160) + inlet.take(160) + inlet.take(160)
    assert taken[:400] == TONE[:400]
    assert loudness(taken[400:]) > 0
    assert inlet.missed == 80
    inlet.push(LOUD * 2)
    inlet.take(160)
    assert inlet.take(160) == LOUD


def test_a_caller_of_whom_nothing_comes_any_more_falls_silent():
    inlet = Inlet()
    inlet.push(TONE[:480])
    for _ in range(6):
        inlet.take(160)
    assert inlet.take(160) == QUIET


@pytest.mark.parametrize("clock", [0.997, 1.003])
def test_a_clock_that_differs_is_evened_out_without_clicks(clock):
    """A minute of a tone with pauses by a clock that is 3000 ppm off: the queue stays short, and nothing clicks."""
    said = (TONE[:12_000] + ulaw.silence(4_000)) * 30
    inlet, out, sent, arrived = Inlet(), bytearray(), 0, 0.0
    for _ in range(len(said) // 160):
        arrived += 160 * clock
        while sent + 160 <= arrived and sent < len(said):
            inlet.push(said[sent : sent + 160])
            sent += 160
        out += inlet.take(160)
        assert inlet.waiting <= LIMIT
    steps = np.abs(np.diff(ulaw.decode(bytes(out)).astype(int)))
    assert steps.max() <= 1.3 * np.abs(np.diff(ulaw.decode(TONE).astype(int))).max()
    assert (inlet.dropped if clock > 1 else inlet.missed) > 600


def test_what_was_forgotten_is_neither_heard_nor_missed():
    inlet = Inlet()
    inlet.push(TONE[:480])
    inlet.take(160)
    inlet.clear()
    assert inlet.take(160) == QUIET
    assert inlet.missed == 0


def test_before_the_first_audio_nothing_is_missed():
    inlet = Inlet()
    inlet.take(160)
    assert inlet.missed == 0


def test_it_never_holds_more_than_its_limit_and_the_oldest_goes():
    inlet = Inlet()
    inlet.push(LOUD * 20 + QUIET)
    assert inlet.waiting == LIMIT
    assert inlet.dropped == 21 * 160 - LIMIT


def test_a_clock_that_is_too_fast_is_drained_in_silence_only():
    def run(audio: bytes) -> Inlet:
        inlet = Inlet()
        inlet.push(audio * 5)
        for _ in range(200):
            inlet.push(audio)
            inlet.take(160)
        return inlet

    assert run(LOUD).dropped == 0
    quiet = run(QUIET)
    assert quiet.waiting == 160
    assert quiet.dropped == 4 * 160


def test_jitter_makes_its_own_room():
    inlet, missed = Inlet(), []
    for tick in range(300):
        # Every third tick, three packets at once: 60 ms of jitter.
        if tick % 3 == 2:
            inlet.push(LOUD * 3)
        inlet.take(160)
        missed.append(inlet.missed)
    assert missed[-1] == missed[10]
