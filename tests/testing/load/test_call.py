"""One call of a load in virtual time: a true session, its audio on schedule, what it measures."""

from __future__ import annotations

import asyncio

import pytest
from tests.testing.load.memory import Partner, ran

from offhook.protocol import DtmfReceived, PlaybackCompleted, PlaybackStarted

pytestmark = pytest.mark.virtual_time


async def test_audio_is_in_real_time_without_drift() -> None:
    run = await ran(calls=1, seconds=60.0)
    (partner,) = run.partners
    steps = [later - earlier for earlier, later in zip(partner.times, partner.times[1:], strict=False)]
    assert steps == pytest.approx([0.2] * 299, abs=0.002)
    assert run.rows[0].frames_out == len(partner.times)


@pytest.mark.parametrize(("frame_ms", "count"), [(20, 250), (100, 50), (200, 25)])
async def test_frames_of_any_length(frame_ms: int, count: int) -> None:
    run = await ran(calls=1, seconds=5.0, frame_ms=frame_ms)
    assert run.whole.frames_out == pytest.approx(count, abs=1)


async def test_echo_of_our_own_server_is_matched_to_the_sample() -> None:
    """It sends at most four messages a second and joins what waits: frames come back in other cuts."""
    run = await ran(calls=3, seconds=30.0, talk="echo", delay=0.05)
    whole = run.whole
    assert whole.echoed == whole.frames_out
    assert whole.frames_in < whole.frames_out
    assert (whole.missing, whole.foreign, whole.repeated, whole.failed) == (0, 0, 0, 0)
    assert whole.echo.quantile(0.01) == pytest.approx(0.1, abs=0.003)
    assert run.rows[0].echo is not None


async def test_what_is_measured() -> None:
    run = await ran(calls=2, seconds=12.0, delay=0.05)
    whole = run.whole
    assert whole.ping.quantile(0.5) == pytest.approx(0.1, abs=0.003)
    assert whole.ping.count >= 6
    assert whole.opening.max == pytest.approx(0.1, abs=0.003)
    assert whole.lag.max <= 0.002
    assert run.rows[0].opened_ms == pytest.approx(100, abs=3)


async def test_keys_come_now_and_then() -> None:
    run = await ran(calls=1, seconds=10.0, dtmf_every=2.0)
    keys = [event.digit for event in run.partners[0].events if isinstance(event, DtmfReceived)]
    assert 4 <= len(keys) <= 5
    assert len(set(keys)) == len(keys)
    assert run.whole.keys == len(keys)


async def test_a_monitor_is_sent_both_channels() -> None:
    run = await ran(calls=1, seconds=2.0, profile="monitor")
    media = run.partners[0].session.media
    assert media is not None
    assert media.channels == ("external", "internal")
    assert run.whole.frames_out == 10
    assert run.whole.keys == 0
    assert run.whole.failed == 0


def speaking(partner: Partner, *actions: tuple[float, bytes | str]) -> None:
    loop = asyncio.get_running_loop()

    def act(what: bytes | str) -> None:
        if isinstance(what, bytes):
            partner.connection.send_audio(what)
        else:
            getattr(partner.session, what)()
        partner.connection.flush()

    for at, what in actions:
        loop.call_later(at, act, what)


async def test_playback_is_reported_as_it_would_be_heard() -> None:
    run = await ran(lambda partner: speaking(partner, (1.0, bytes(4000)), (1.3, bytes(4000))), calls=1, seconds=5.0)
    started, completed = run.partners[0].events
    assert isinstance(started, PlaybackStarted)
    assert isinstance(completed, PlaybackCompleted)
    assert (completed.position - started.position) / 8000 == pytest.approx(1.0, abs=0.25)
    assert run.whole.gap.count == 0


async def test_a_gap_is_heard() -> None:
    run = await ran(lambda partner: speaking(partner, (1.0, bytes(1600)), (1.35, bytes(1600))), calls=1, seconds=5.0)
    assert run.whole.gap.count == 1
    assert run.whole.gap.max == pytest.approx(0.13, abs=0.005)
    assert run.rows[0].gaps == 1


async def test_a_barge_in_ends_the_playback() -> None:
    run = await ran(lambda partner: speaking(partner, (1.0, bytes(40_000)), (2.0, "barge_in")), calls=1, seconds=4.0)
    started, completed = run.partners[0].events
    assert isinstance(started, PlaybackStarted)
    assert isinstance(completed, PlaybackCompleted)
    assert completed.position - started.position < 1.5 * 8000
    assert run.whole.events == 1


async def test_a_pause_of_the_server_stops_the_audio() -> None:
    run = await ran(
        lambda partner: speaking(partner, (1.0, "pause"), (3.0, "resume")), calls=1, seconds=6.0, talk="echo"
    )
    assert run.whole.failed == 0
    assert run.whole.frames_out == pytest.approx(20, abs=2)
    assert (run.whole.missing, run.whole.foreign) == (0, 0)


async def test_no_echo_where_one_is_expected_fails_the_call() -> None:
    def silent(partner: Partner) -> None:
        partner.echo = False

    run = await ran(silent, calls=1, seconds=3.0, talk="echo")
    assert run.whole.failures == {"nothing of what was said came back": 1}
    assert run.whole.missing > 0


async def test_an_error_of_the_bot_fails_the_call() -> None:
    def fail(partner: Partner) -> None:
        asyncio.get_running_loop().call_later(1.0, lambda: speaking_error(partner))

    def speaking_error(partner: Partner) -> None:
        partner.session.disconnect("error", "oh")
        partner.connection.flush()

    run = await ran(fail, calls=1, seconds=3.0)
    assert run.whole.failures == {"disconnected: error": 1}
    assert run.rows[0].reason == "disconnected: error"
