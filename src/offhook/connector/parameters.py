"""What a caller's options come to in the protocol: the profile, the media offers and the parameters of `open`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final, Literal, TypedDict

import msgspec

from ..errors import UsageError
from ..protocol import (
    INTERNAL,
    MONO,
    PROFILES,
    STEREO,
    TRANSCRIPTION,
    ContinuedSession,
    Media,
    Open,
    Participant,
    Profile,
)
from ..protocol.limits import CUSTOM_CONFIG_MAX, NULL_UUID
from ..protocol.variables import as_variables

Channels = Literal["external", "internal", "both"]

ORGANIZATION: Final = "d7934305-0972-4844-938e-9060eef73d05"
"""The organisation of the vendor's examples (P2.8): one that stays the same from call to call."""
ANI: Final = "tel:+13175550142"
DNIS: Final = "tel:+13175550199"
"""Numbers that belong to nobody."""

_OFFERS: Final[dict[str, tuple[Media, ...]]] = {
    "external": (MONO,),
    "internal": (INTERNAL,),
    "both": (STEREO, MONO, INTERNAL),
}


class OpenOptions(TypedDict, total=False):
    """What may be chosen of `open`.

    Attributes:
        channels: Channels that the integration is set to; None: those that the product usually has.
        language: Language tag of the call, `en-US` if not given; None to send none.
        input: Input variables; values that are no strings are sent as JSON.
        custom_config: The integration's configuration: any JSON.
        ani: Who calls: a number, a URI, or empty where it is withheld.
        ani_name: Name beside it.
        dnis: The number called.
        participant_id: UUID of the participant; a new one if None.
        conversation_id: UUID of the conversation; a new one if None.
        organization_id: UUID of the organisation; that of the vendor's examples if None.
        probe: Make a connection probe instead of a call: null ids, no numbers, no input, all offers (P7).
    """

    channels: Channels | None
    language: str | None
    input: Mapping[str, object] | None
    custom_config: object
    ani: str
    ani_name: str
    dnis: str
    participant_id: str | None
    conversation_id: str | None
    organization_id: str | None
    probe: bool


def profile_of(profile: Profile | str) -> Profile:
    """A profile, or the one of that name.

    Raises:
        UsageError: There is none.
    """
    if isinstance(profile, Profile):
        return profile
    if profile not in PROFILES:
        raise UsageError(f"there is no profile {profile!r}: choose {', '.join(PROFILES)}")
    return PROFILES[profile]


def offers(profile: Profile, channels: Channels | None) -> tuple[Media, ...]:
    """The media that the platform offers where the integration is set to these channels (P4.2).

    Raises:
        UsageError: The product does not carry them.
    """
    if channels is None or (channels == "external" and profile.offers[0] == MONO):
        return profile.offers
    if channels not in _OFFERS:
        raise UsageError(f"there are no channels {channels!r}: choose external, internal or both")
    wanted = _OFFERS[channels]
    if not set(wanted) <= set(profile.offers):
        raise UsageError(f"the {profile.name} profile carries the external channel alone: choose another --profile")
    return wanted


def opening(
    profile: Profile,
    *,
    channels: Channels | None = None,
    language: str | None = "en-US",
    input: Mapping[str, object] | None = None,
    custom_config: object = None,
    ani: str = ANI,
    ani_name: str = "",
    dnis: str = DNIS,
    participant_id: str | None = None,
    conversation_id: str | None = None,
    organization_id: str | None = None,
    probe: bool = False,
    continued: tuple[ContinuedSession, ...] = (),
) -> Open:
    """Build the parameters of `open` as the platform sends them; see `OpenOptions`. Numbers become `tel:` URIs.

    `continued` are the predecessors of a session that goes on after a reconnect.

    Raises:
        UsageError: Channels that the product does not carry, an id that is no UUID, or a `custom_config` too large.
    """
    organization = _uuid("organization id", organization_id) or ORGANIZATION
    if len(msgspec.json.encode(custom_config)) > CUSTOM_CONFIG_MAX:
        raise UsageError(f"custom_config may have {CUSTOM_CONFIG_MAX} bytes of JSON at most")
    if probe:
        nobody = Participant(NULL_UUID)
        return Open(organization, NULL_UUID, nobody, profile.offers, language, custom_config=custom_config)
    return Open(
        organization_id=organization,
        conversation_id=_uuid("conversation id", conversation_id) or str(uuid.uuid4()),
        participant=Participant(
            _uuid("participant id", participant_id) or str(uuid.uuid4()), _number(ani), ani_name, _number(dnis)
        ),
        media=offers(profile, channels),
        language=language,
        supported_languages=profile is TRANSCRIPTION,
        custom_config=custom_config,
        continued_sessions=continued,
        input_variables=as_variables(input or {}),
    )


def _uuid(name: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise UsageError(f"the {name} must be a UUID such as {ORGANIZATION}") from None


def _number(text: str) -> str:
    return text if not text or ":" in text else f"tel:{text}"
