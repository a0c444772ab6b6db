"""The products: P1's table."""

from __future__ import annotations

import pytest

from offhook.protocol import (
    BOT_TRANSCRIPTION,
    CONNECTOR,
    INTERNAL,
    MONITOR,
    MONO,
    MONO_L16,
    PROFILES,
    STEREO,
    TRANSCRIPTION,
    Profile,
    Role,
    ServerAudio,
)
from offhook.protocol.messages import KINDS
from offhook.protocol.states import State

PLAYBACK = {"dtmf", "playback_started", "playback_completed"}


def test_they_are_found_by_name() -> None:
    assert {name: profile.name for name, profile in PROFILES.items()} == {
        name: name for name in ("monitor", "connector", "transcription", "bot-transcription")
    }


@pytest.mark.parametrize(
    ("profile", "offers", "speaks", "reconnects", "missing"),
    [
        (MONITOR, (STEREO, MONO, INTERNAL), False, True, PLAYBACK),
        (CONNECTOR, (MONO,), True, False, {"reconnect"}),
        (TRANSCRIPTION, (STEREO, MONO, INTERNAL), False, True, PLAYBACK),
        (BOT_TRANSCRIPTION, (MONO, MONO_L16), False, False, {"reconnect"}),
    ],
    ids=lambda value: value.name if isinstance(value, Profile) else None,
)
def test_what_each_offers_and_lacks(
    profile: Profile, offers: object, speaks: bool, reconnects: bool, missing: set[str]
) -> None:
    assert profile.offers == offers
    assert profile.speaks is speaks
    assert (profile.server_audio is ServerAudio.PLAY) is speaks
    assert profile.reconnects is reconnects is ("reconnect" in profile.types)
    assert set(KINDS) - profile.types == missing


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_tables_are_narrowed_and_otherwise_the_same(profile: Profile) -> None:
    for role, machine in profile.machines.items():
        assert all(type in profile.types for row in machine.values() for _, type in row)
        assert (Role.CLIENT, "close") in machine[State.OPEN]
        assert role in Role
