from __future__ import annotations

import pytest

from offhook.protocol import (
    BOT_TRANSCRIPTION,
    CONNECTOR,
    MONITOR,
    MONO,
    MONO_L16,
    PROFILES,
    STEREO,
    AudioReceived,
    Finished,
    OpenRequested,
    Pinged,
    Profile,
    Role,
    State,
    Violation,
)
from offhook.testing.pair import Busy, Pair, encoder, opened, opening, pair

profiles = pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)


@profiles
def test_an_open_pair_is_open_on_both_sides(profile: Profile) -> None:
    joined = opened(profile)
    assert joined.client.state is joined.server.state is State.OPEN
    assert joined.client.media == joined.server.media == profile.offers[0]
    joined.client.send_audio(*[b"\xff"] * len(profile.offers[0].channels))
    joined.pump()
    assert joined.client.position == joined.server.position == 1


def test_nothing_moves_until_it_is_delivered() -> None:
    joined = pair()
    joined.client.open()
    joined.flush()
    assert len(joined.wire[Role.CLIENT]) == 1
    assert joined.server.state is State.IDLE
    [event] = joined.deliver(Role.CLIENT)
    assert isinstance(event, OpenRequested)
    assert joined.events[Role.SERVER] == [event]
    assert not joined.wire[Role.CLIENT]


def test_messages_cross() -> None:
    joined = opened()
    joined.client.close()
    joined.server.disconnect("completed")
    joined.flush()
    assert len(joined.wire[Role.CLIENT]) == len(joined.wire[Role.SERVER]) == 1
    joined.deliver(Role.SERVER)
    joined.deliver(Role.CLIENT)
    assert joined.client.state is joined.server.state is State.CLOSING
    assert not any(isinstance(event, Violation) for role in Role for event in joined.events[role])


def test_time_fires_every_deadline_on_its_way() -> None:
    joined = opened()
    joined.advance(60.0)
    assert joined.now == 60.0
    assert sum(isinstance(event, Pinged) for event in joined.events[Role.SERVER]) == 13


def test_the_wire_takes_its_time() -> None:
    joined = opened(delay=0.25)
    joined.client.send_audio(b"\xff")
    joined.advance(0.2)
    assert joined.server.position == 0
    joined.advance(0.1)
    assert joined.server.position == 1
    joined.advance(1.0)
    rtt = next(event.rtt for event in reversed(joined.events[Role.CLIENT]) if hasattr(event, "rtt"))
    assert rtt == pytest.approx(0.5)


def test_a_cut_reaches_both_sides() -> None:
    joined = opened()
    joined.client.dtmf("1")
    joined.flush()
    joined.cut()
    assert [joined.events[role][-1] for role in Role] == [Finished(False)] * 2
    assert not joined.wire[Role.CLIENT]
    joined.advance(100.0)
    assert joined.now == 100.0


def test_what_was_sent_is_kept() -> None:
    joined = opened()
    joined.server.send_audio(b"\x01\x02")
    joined.pump()
    assert joined.sent[Role.SERVER][-1] == b"\x01\x02"
    assert AudioReceived(b"\x01\x02", 0) in joined.events[Role.CLIENT]


def test_a_side_that_keeps_its_shell_busy_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    joined = opened()
    monkeypatch.setattr(joined.server, "next_deadline", lambda: joined.now)
    with pytest.raises(Busy):
        joined.advance(1.0)


def test_openings_are_plausible_and_can_be_changed() -> None:
    assert opening().media == (MONO,)
    assert not opening().is_probe
    assert opening(MONITOR, language="de-DE").language == "de-DE"
    probe = opening(probe=True)
    assert probe.is_probe
    assert probe.participant.ani == ""


def test_the_encoder_makes_whatever_is_offered() -> None:
    encode = encoder(BOT_TRANSCRIPTION.offers)
    assert encode((b"\xff\x80",), MONO) == b"\xff\x80"
    assert encode((b"\xff\x80",), MONO_L16) == b"\x00\x00\x7c\x7d"
    assert encoder(MONITOR.offers)((b"\x01\x02", b"\x11\x12"), STEREO) == b"\x01\x11\x02\x12"


def test_a_pair_can_be_made_of_any_two_sessions() -> None:
    one, two = pair(CONNECTOR, strict=False), pair(CONNECTOR, strict=False)
    joined = Pair(one.client, two.server)
    joined.client.open()
    joined.pump()
    assert joined.server.state is State.OPENING
