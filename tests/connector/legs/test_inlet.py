"""The short queue before a call: in order, bounded, and drained where nobody hears it."""

from __future__ import annotations

from offhook.audio import ulaw
from offhook.connector.legs.inlet import LIMIT, Inlet

LOUD, QUIET = b"\x01" * 160, ulaw.silence(160)


def test_what_comes_leaves_in_order_and_silence_stands_for_what_is_missing():
    inlet = Inlet()
    inlet.push(bytes(range(100)))
    assert inlet.take(160) == bytes(range(100)) + ulaw.silence(60)
    assert inlet.missed == 60
    inlet.push(LOUD * 2)
    assert inlet.take(160) == LOUD


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
