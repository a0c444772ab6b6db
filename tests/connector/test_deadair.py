"""Dead air: counted from the caller's last word, and only while nobody answers."""

from __future__ import annotations

from offhook.audio import tones, ulaw
from offhook.connector.deadair import DeadAir

LOUD = ulaw.encode(tones.tone(300, 0.02, -20))
HISS = bytes(0xFE if n % 2 else 0x7E for n in range(160))
QUIET = ulaw.silence(160)


def after(watch: DeadAir, said: bytes, heard: bytes, seconds: float) -> DeadAir:
    for _ in range(round(seconds * 50)):
        watch.tick(said, heard)
    return watch


def test_a_caller_who_has_spoken_waits():
    watch = after(after(DeadAir(3.0), LOUD, QUIET, 1.0), QUIET, QUIET, 3.0)
    assert not watch.over
    assert after(watch, QUIET, QUIET, 0.3).over


def test_who_has_said_nothing_waits_for_nothing_and_noise_is_no_speech():
    assert not after(DeadAir(1.0), QUIET, QUIET, 60).over
    assert not after(DeadAir(1.0), HISS, QUIET, 60).over
    assert not after(after(DeadAir(1.0), LOUD, QUIET, 0.06), QUIET, QUIET, 60).over  # a click on the line


def test_an_answer_ends_the_wait_and_hiss_is_none():
    watch = after(after(DeadAir(1.0), LOUD, QUIET, 1.0), QUIET, LOUD, 0.1)
    assert not after(watch, QUIET, QUIET, 60).over
    watch = after(after(DeadAir(1.0), LOUD, QUIET, 1.0), QUIET, HISS, 2.0)
    assert watch.over


def test_a_key_counts_as_speech():
    watch = DeadAir(1.0)
    watch.key()
    assert after(watch, QUIET, QUIET, 1.3).over
