"""What comes back is matched to the sample: cut, joined, lost, repeated, mixed with other sounds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.protocol import MONO
from offhook.testing.load.echo import Echo
from offhook.testing.load.sound import make_sound
from offhook.testing.load.tally import Tally

SOUND = make_sound(20, marked=True)
FRAME = SOUND.frame
MESSAGES: Sequence[bytes] = SOUND.messages(MONO)


def say(echo: Echo, frames: int, first: int = 0) -> bytes:
    """Send so many frames, one each 20 ms from time 0."""
    begun = echo.sent // FRAME
    for number in range(begun, begun + frames):
        echo.left(0.02 * number)
    return b"".join(MESSAGES[(first + number) % len(MESSAGES)] for number in range(begun, begun + frames))


@given(st.lists(st.integers(1, 900), min_size=1, max_size=30), st.integers(0, len(MESSAGES) - 1))
def test_cut_and_joined_as_it_may_be(cuts: list[int], first: int) -> None:
    echo, tally = Echo(SOUND, first), Tally()
    total = sum(cuts)
    stream = say(echo, -(-total // FRAME), first)
    at = 0
    for cut in cuts:
        echo.came(stream[at : at + cut], 1.0, tally)
        at += cut
    assert tally.echoed == tally.echo.count == total // FRAME
    assert (tally.foreign, tally.repeated) == (0, 0)
    assert echo.missing == echo.sent - total


def test_latency_is_that_of_the_last_byte_of_a_frame() -> None:
    echo, tally = Echo(SOUND), Tally()
    stream = say(echo, 2)
    echo.came(stream[:100], 0.030, tally)
    assert tally.echo.count == 0
    echo.came(stream[100:], 0.045, tally)
    assert tally.echo.count == 2
    assert tally.echo.max == pytest.approx(0.045)
    assert echo.latency.mean == pytest.approx((45 + 25) / 2)


def test_frames_that_are_lost() -> None:
    echo, tally = Echo(SOUND), Tally()
    stream = say(echo, 10)
    echo.came(stream[: 3 * FRAME], 0.5, tally)
    echo.came(stream[5 * FRAME :], 0.5, tally)
    assert tally.echoed == 8
    assert echo.missing == 2 * FRAME
    assert tally.foreign == 0


def test_a_greeting_first() -> None:
    echo, tally = Echo(SOUND), Tally()
    stream = say(echo, 10)
    echo.came(bytes([0x55]) * 4000, 0.1, tally)
    echo.came(bytes([0x55]) * 400 + stream[: 4 * FRAME], 0.2, tally)
    echo.came(stream[4 * FRAME :], 0.3, tally)
    assert abs(tally.foreign - 4400) < 20
    assert tally.echoed >= 9


def test_what_comes_twice_counts_once() -> None:
    echo, tally = Echo(SOUND), Tally()
    stream = say(echo, 4)
    echo.came(stream, 0.1, tally)
    echo.came(stream[FRAME : 3 * FRAME], 0.2, tally)
    assert tally.echoed == 4
    assert tally.repeated == 2 * FRAME
    assert echo.missing == 0


def test_the_audio_of_another_call_is_foreign() -> None:
    mine, tally = Echo(SOUND, 0), Tally()
    say(mine, 10)
    other = b"".join(MESSAGES[400:405])
    mine.came(other, 0.3, tally)
    assert tally.foreign == len(other)
    assert tally.echoed == 0


def test_what_was_not_sent_yet_cannot_come_back() -> None:
    echo, tally = Echo(SOUND), Tally()
    say(echo, 2)
    echo.came(b"".join(MESSAGES[5:8]), 0.1, tally)
    assert tally.foreign == 3 * FRAME


def test_round_after_round() -> None:
    echo, tally = Echo(SOUND), Tally()
    for _ in range(2 * SOUND.frames + 5):
        echo.came(say(echo, 1), 0.02 * (echo.sent // FRAME), tally)
    assert tally.echoed == 2 * SOUND.frames + 5
    assert tally.foreign == echo.missing == 0
    # Lost in a later round: found again by the latest place it can have been sent from.
    stream = say(echo, 4)
    echo.came(stream[2 * FRAME :], 0.02 * (echo.sent // FRAME), tally)
    assert echo.missing == 2 * FRAME
