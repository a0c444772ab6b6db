from __future__ import annotations

import msgspec
import pytest

from offhook.protocol import INTERNAL, MONO, MONO_L16, STEREO, Media, choose
from offhook.protocol.media import encode_pcmu

OPUS = Media("audio", "OPUS", ("external",), 48000)


@pytest.mark.parametrize(
    ("media", "width"),
    [(MONO, 1), (STEREO, 2), (INTERNAL, 1), (MONO_L16, 2), (Media("audio", "L16", ("internal", "external"), 8000), 4)],
)
def test_what_audiohook_defines_is_usable(media: Media, width: int) -> None:
    assert media.usable
    assert media.width == width


@pytest.mark.parametrize(
    "media",
    [
        OPUS,
        Media("video", "PCMU", ("external",), 8000),
        Media("audio", "PCMU", ("external",), 16000),
        Media("audio", "PCMU", (), 8000),
        Media("audio", "PCMU", ("capture",), 8000),
        Media("audio", "PCMU", ("external", "external"), 8000),
        Media("audio", "pcmu", ("external",), 8000),
    ],
)
def test_what_audiohook_does_not_define_is_kept_but_not_usable(media: Media) -> None:
    assert not media.usable
    assert choose([media], []) is None


@pytest.mark.parametrize("missing", ["type", "format", "channels", "rate"])
def test_all_four_keys_are_required(missing: str) -> None:
    offer = {"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}
    del offer[missing]
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(offer, Media)


def test_the_choice_follows_our_preference_and_then_the_platforms() -> None:
    offers = [STEREO, MONO, INTERNAL]
    assert choose(offers, []) is STEREO
    assert choose(offers, [MONO]) is MONO
    assert choose(offers, [MONO_L16, INTERNAL, MONO]) is INTERNAL
    assert choose([OPUS, MONO], [OPUS]) is MONO


def test_nothing_usable_gives_a_session_without_audio() -> None:
    assert choose([], [MONO]) is None
    assert choose([OPUS], [MONO]) is None


def test_channels_are_picked_and_interleaved_as_the_media_names_them() -> None:
    encode = encode_pcmu(("external", "internal"))
    lanes = b"\x01\x02\x03", b"\x11\x12\x13"
    assert encode(lanes, STEREO) == b"\x01\x11\x02\x12\x03\x13"
    assert encode(lanes, Media("audio", "PCMU", ("internal", "external"), 8000)) == b"\x11\x01\x12\x02\x13\x03"
    assert encode(lanes, MONO) == lanes[0]
    assert encode(lanes, INTERNAL) == lanes[1]
