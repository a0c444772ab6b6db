"""Positions: as text, and as both ends count them (P3.1, P4.7, P6.5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocol.foreign import (
    OPEN,
    last,
    on_the_wire,
    server_of,
    to_open_server,
    to_server,
)

from offhook.protocol import (
    BOT_TRANSCRIPTION,
    CONNECTOR,
    INTERNAL,
    MONITOR,
    MONO,
    MONO_L16,
    STEREO,
    AudioDiscarded,
    AudioReceived,
    DtmfReceived,
    Media,
    Profile,
    Tolerated,
    Violation,
    position,
)

# P3.1: what the vendor's validator takes and what it refuses.
GOOD = [
    ("PT0S", 0),
    ("PT0.0S", 0),
    ("PT6.3S", 6_300_000_000),
    ("PT.5S", 500_000_000),
    ("PT16.2S", 16_200_000_000),
    ("PT007S", 7_000_000_000),
    ("PT0.031S", 31_000_000),
    ("PT0.123456789S", 123_456_789),
    ("PT1.0000000009S", 1_000_000_000),
    ("PT0.30000000000000004S", 300_000_000),
]
BAD = [
    "PT5.S", "PT1M", "PT1e-7S", "PT1E3S", "PT-1S", "PT+1S", "P1D", "1.5", "", "PTS", "PT.S", "pt1s", "PT1s",
    " PT1S", "PT1S ", "PT1S\n", "PT1,5S", "PT1..5S", "PT1.5.5S", "PT٣S", "PT1_000S", "PT" + "9" * 13 + "S",
    "PT1." + "1" * 31 + "S", "PT" + "9" * 100_000 + "S",
]  # fmt: skip


@pytest.mark.parametrize(("text", "nanoseconds"), GOOD)
def test_reads_durations(text: str, nanoseconds: int) -> None:
    assert position.parse_nanoseconds(text) == nanoseconds


@pytest.mark.parametrize("text", BAD)
def test_refuses_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError):
        position.parse_nanoseconds(text)
    with pytest.raises(ValueError):
        position.parse(text)


@pytest.mark.parametrize(
    ("samples", "text"),
    [
        (0, "PT0S"),
        (1, "PT0.000125S"),
        (1600, "PT0.2S"),
        (8000, "PT1S"),
        (8001, "PT1.000125S"),
        (129_600, "PT16.2S"),
        (8000 * 86_400, "PT86400S"),
    ],
)
def test_writes_the_shortest_decimal(samples: int, text: str) -> None:
    assert position.format(samples) == text


def test_a_negative_position_is_refused_before_it_reaches_the_wire() -> None:
    with pytest.raises(ValueError):
        position.format(-1)


@given(st.integers(0, 10**15))
def test_every_position_survives_the_wire(samples: int) -> None:
    text = position.format(samples)
    assert position.parse(text) == samples
    assert "e" not in text.lower()


@given(st.integers(0, 10**9), st.integers(-62_499, 62_499))
def test_a_position_rounded_by_a_peer_is_the_nearest_sample(samples: int, off: int) -> None:
    nanoseconds = max(samples * 125_000 + off, 0)
    whole, rest = divmod(nanoseconds, 10**9)
    assert position.parse(f"PT{whole}.{rest:09d}S") == samples


@given(st.floats(0, 1e6))
def test_seconds_keep_nine_decimals(seconds: float) -> None:
    text = position.format_seconds(seconds)
    assert position.parse_nanoseconds(text) == round(seconds * 1e9)


def test_a_negative_round_trip_is_none_at_all() -> None:
    assert position.format_seconds(-0.1) == "PT0S"


# Gaps and positions (P4.7, P6.5).


def test_a_gap_advances_the_position() -> None:
    peer = to_open_server()
    peer.raw(bytes(800))
    assert peer.send("discarded", {"start": "PT0.1S", "discarded": "PT2S"}, position="PT2.1S") == [
        AudioDiscarded(800, 16_000)
    ]
    assert server_of(peer).position == 16_800


def test_a_gap_that_ends_in_the_past_never_turns_time_back() -> None:
    peer = to_open_server()
    peer.raw(bytes(8000))
    peer.send("discarded", {"start": "PT0S", "discarded": "PT0.5S"}, position="PT0.5S")
    assert peer.of(Tolerated) == [Tolerated("a gap that ends in the past")]
    assert server_of(peer).position == 8000


@pytest.mark.parametrize("gap", [{"start": "5", "discarded": "PT1S"}, {"start": "PT1S", "discarded": "PT1M"}])
def test_a_gap_that_cannot_be_read_ends_the_session(gap: dict[str, str]) -> None:
    peer = to_open_server()
    assert peer.send("discarded", gap) == [Violation(400, "wrong parameters in 'discarded'")]


def test_positions_are_checked_against_the_audio_and_only_reported() -> None:
    peer = to_open_server()
    peer.raw(bytes(160))
    assert peer.send("dtmf", {"digit": "1"}, position="PT0.02S") == [DtmfReceived("1", 160)]
    assert peer.send("dtmf", {"digit": "2"}, position="PT0.04S") == [
        Tolerated("position differs from the audio received"),
        DtmfReceived("2", 320),
    ]
    assert server_of(peer).position == 160


@pytest.mark.parametrize("position", [..., "", "PT", "0", "PT1M", "P" * 1000])
def test_a_message_without_readable_position_stands_where_we_are(position: object) -> None:
    peer = to_open_server()
    peer.raw(bytes(160))
    events = peer.send("dtmf", {"digit": "1"}, position=position)
    assert events == [Tolerated("no readable position"), DtmfReceived("1", 160)]


def test_without_audio_the_client_alone_tells_how_time_goes_on() -> None:
    peer = to_open_server(media=None)
    peer.send("ping", position="PT1S")
    assert server_of(peer).position == 8000
    assert not peer.of(Tolerated)


def test_positions_begin_where_open_says() -> None:
    peer = to_server()
    peer.send("open", OPEN, position="PT20S")
    server_of(peer).accept(MONO)
    peer.listen()
    assert peer.raw(bytes(8)) == [AudioReceived(bytes(8), 160_000)]


@pytest.mark.parametrize(
    ("profile", "media", "width"),
    [(CONNECTOR, MONO, 1), (MONITOR, STEREO, 2), (MONITOR, INTERNAL, 1), (BOT_TRANSCRIPTION, MONO_L16, 2)],
    ids=lambda value: getattr(value, "name", None),
)
def test_samples_are_counted_per_channel_and_frames_may_have_any_size(
    profile: Profile, media: Media, width: int
) -> None:
    offers = [on_the_wire(offer) for offer in profile.offers]
    peer = to_open_server(profile, media=media, parameters={"media": offers})
    for samples in (1, 160, 1600, 3, 30_000):
        at = server_of(peer).position
        assert peer.raw(bytes(samples * width)) == [AudioReceived(bytes(samples * width), at)]
        assert server_of(peer).position == at + samples
    if width > 1:
        assert peer.raw(bytes(width + 1)) == [Violation(400, "audio of less than whole samples")]


def test_audio_of_no_samples_is_nothing() -> None:
    peer = to_open_server()
    assert peer.raw(b"") == [Tolerated("audio of no samples")]
    assert peer.session.is_live


@pytest.mark.parametrize("state", ["idle", "opening"])
def test_audio_before_opened_ends_the_session(state: str) -> None:
    peer = to_server()
    if state == "opening":
        peer.send("open", OPEN)
    assert peer.raw(bytes(160)) == [Violation(409, f"audio in state {state}")]
    assert last(peer)["parameters"]["reason"] == "error"


def test_audio_proves_that_opened_was_seen() -> None:
    peer = to_open_server(strict=True)
    assert peer.raw(bytes(160)) == [AudioReceived(bytes(160), 0)]
