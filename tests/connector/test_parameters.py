"""What a caller's options become in `open`."""

from __future__ import annotations

import uuid

import pytest

from offhook.connector.parameters import ANI, ORGANIZATION, offers, opening, profile_of
from offhook.errors import UsageError
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
)
from offhook.protocol.limits import NULL_UUID

UUID = "30b0e395-84d3-4570-ac13-9a62d8f514c0"


def test_profiles_have_names():
    assert profile_of("monitor") is MONITOR
    assert profile_of(MONITOR) is MONITOR
    with pytest.raises(UsageError, match="connector"):
        profile_of("fax")


@pytest.mark.parametrize(
    ("profile", "channels", "media"),
    [
        (CONNECTOR, None, (MONO,)),
        (CONNECTOR, "external", (MONO,)),
        (BOT_TRANSCRIPTION, None, (MONO, MONO_L16)),
        (BOT_TRANSCRIPTION, "external", (MONO, MONO_L16)),
        (MONITOR, None, (STEREO, MONO, INTERNAL)),
        (MONITOR, "both", (STEREO, MONO, INTERNAL)),
        (TRANSCRIPTION, "external", (MONO,)),
        (MONITOR, "internal", (INTERNAL,)),
    ],
)
def test_channels_narrow_the_offers(profile, channels, media):
    assert offers(profile, channels) == media


@pytest.mark.parametrize(
    ("profile", "channels"), [(CONNECTOR, "both"), (BOT_TRANSCRIPTION, "internal"), (MONITOR, "x")]
)
def test_channels_that_a_product_does_not_carry_are_refused(profile, channels):
    with pytest.raises(UsageError):
        offers(profile, channels)


def test_an_open_has_all_that_the_platform_sends():
    open = opening(
        CONNECTOR,
        language="de-DE",
        input={"a": "b", "n": [1]},
        custom_config={"x": 1},
        ani="+15550001111",
        ani_name="Ann",
        dnis="sip:desk@example.org",
    )
    assert open.organization_id == ORGANIZATION
    assert str(uuid.UUID(open.conversation_id)) == open.conversation_id
    assert open.conversation_id != opening(CONNECTOR).conversation_id
    assert open.participant.ani == "tel:+15550001111"
    assert (open.participant.ani_name, open.participant.dnis) == ("Ann", "sip:desk@example.org")
    assert open.input_variables == {"a": "b", "n": "[1]"}
    assert (open.language, open.custom_config, open.media) == ("de-DE", {"x": 1}, (MONO,))
    assert not open.is_probe
    assert not open.supported_languages


def test_ids_can_be_given_and_numbers_withheld():
    open = opening(CONNECTOR, conversation_id=UUID, organization_id=UUID.upper(), participant_id=UUID, ani="")
    assert (open.conversation_id, open.organization_id, open.participant.id) == (UUID, UUID, UUID)
    assert open.participant.ani == ""
    assert opening(CONNECTOR).participant.ani == ANI


def test_a_transcription_asks_for_the_languages():
    assert opening(TRANSCRIPTION).supported_languages


def test_a_probe_names_nobody_and_offers_everything():
    open = opening(MONITOR, channels="internal", input={"a": "b"}, probe=True)
    assert open.is_probe
    assert open.participant.id == NULL_UUID
    assert (open.participant.ani, open.participant.ani_name, open.participant.dnis) == ("", "", "")
    assert open.media == PROFILES["monitor"].offers
    assert open.input_variables == {}


def test_a_configuration_has_a_limit():
    with pytest.raises(UsageError, match="60000"):
        opening(CONNECTOR, custom_config={"x": "y" * 60_000})
