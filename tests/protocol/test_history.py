"""Audio that is kept while a session opens, and what is said of audio that is lost (P4.7, P6.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocol.foreign import (
    OFFER,
    Foreign,
    client_of,
    on_the_wire,
    to_open_client,
)

from offhook.errors import LocalProtocolError
from offhook.protocol import (
    BOT_TRANSCRIPTION,
    INTERNAL,
    MONITOR,
    MONO,
    MONO_L16,
    STEREO,
    ClientSession,
    Media,
)
from offhook.protocol.history import History
from offhook.testing.pair import SESSION_ID, opening


def stream(start: int, length: int) -> bytes:
    return bytes(at % 251 for at in range(start, start + length))


def test_keeps_what_fits() -> None:
    history = History(100)
    history.add((stream(0, 60),))
    history.add((stream(60, 40),))
    assert (history.start, history.end) == (0, 100)
    assert history.take() == (stream(0, 100),)


def test_the_oldest_goes_first() -> None:
    history = History(100)
    for at in range(0, 300, 30):
        history.add((stream(at, 30),))
    assert (history.start, history.end, history.samples) == (200, 300, 100)
    assert history.take() == (stream(200, 100),)


def test_channels_stay_together() -> None:
    history = History(10)
    history.add((b"abcdefgh", b"ABCDEFGH"))
    history.add((b"ijkl", b"IJKL"))
    assert history.take() == (b"cdefghijkl", b"CDEFGHIJKL")


def test_dropping_stops_at_what_is_there() -> None:
    history = History(100)
    history.add((stream(0, 50),))
    history.drop_before(20)
    assert (history.start, history.end) == (20, 50)
    history.drop_before(10)
    assert history.start == 20
    history.drop_before(1000)
    assert (history.start, history.end) == (50, 50)
    assert history.take() is None


def test_a_gap_takes_what_lies_before_it_along() -> None:
    history = History(100)
    history.add((stream(0, 50),))
    history.skip(30)
    history.add((stream(80, 5),))
    assert (history.start, history.end) == (80, 85)
    assert history.take() == (stream(80, 5),)


def test_nothing_and_nothing_again_takes_no_memory() -> None:
    history = History(100)
    for _ in range(1000):
        history.add((b"",))
    assert history.take() is None


def test_it_goes_on_behind_what_was_taken() -> None:
    history = History(100)
    history.add((stream(0, 50),))
    history.take()
    assert (history.start, history.end) == (50, 50)
    assert history.take() is None


@given(st.lists(st.one_of(st.integers(1, 80), st.tuples(st.just("drop"), st.integers(0, 400)))))
def test_what_is_kept_is_always_one_piece_of_the_stream(steps: list[int | tuple[str, int]]) -> None:
    history = History(100)
    for step in steps:
        if isinstance(step, int):
            history.add((stream(history.end, step),))
        else:
            history.drop_before(step[1])
    start, samples = history.start, history.samples
    assert samples <= 100
    kept = history.take()
    assert (kept[0] if kept else b"") == stream(start, samples)


# Audio, history, gaps (P6.2, P6.5).


def test_audio_in_each_state() -> None:
    client = ClientSession(SESSION_ID, opening())
    client.send_audio(b"i" * 80)  # idle: kept
    client.open()
    client.send_audio(b"p" * 80)  # opening: kept
    peer = Foreign(client)
    assert peer.types == ["open"]
    peer.send("opened", {"media": [OFFER]})
    assert peer.heard[1:] == [b"i" * 80 + b"p" * 80]
    client.send_audio(b"o" * 80)
    client.pause()
    client.send_audio(b"x" * 80)
    client.resume()
    client.send_audio(b"r" * 80)
    peer.listen()
    assert [m if isinstance(m, bytes) else m["type"] for m in peer.heard[2:]] == [
        b"o" * 80, "paused", "resumed", b"r" * 80,
    ]  # fmt: skip
    client.close()
    at = client.position
    client.send_audio(b"c" * 80)
    assert [message["type"] for message in peer.listen()] == ["close"]
    peer.send("closed")
    client.send_audio(b"e" * 80)
    assert (client.position, client.has_output) == (at, False)


def test_thirty_seconds_are_kept_and_what_did_not_fit_is_announced_first() -> None:
    client = ClientSession(SESSION_ID, opening())
    client.open()
    for second in range(32):
        client.send_audio(bytes([second]) * 8000)
    peer = Foreign(client)
    peer.send("opened", {"media": [OFFER]})
    discarded, *audio = peer.heard[1:]
    assert (discarded["type"], discarded["seq"], discarded["position"]) == ("discarded", 2, "PT2S")
    assert discarded["parameters"] == {"start": "PT0S", "discarded": "PT2S"}
    assert b"".join(audio) == b"".join(bytes([second]) * 8000 for second in range(2, 32))
    assert all(len(data) <= 64_000 for data in audio)
    assert client.position == 32 * 8000


@pytest.mark.parametrize(
    ("discard_to", "gap", "rest"),
    [
        ("PT0S", None, 16_000),
        ("PT0.5S", {"start": "PT0S", "discarded": "PT0.5S"}, 12_000),
        ("PT2S", {"start": "PT0S", "discarded": "PT2S"}, 0),
        ("PT99S", {"start": "PT0S", "discarded": "PT2S"}, 0),
    ],
)
def test_discard_to_drops_what_is_older_and_is_acknowledged(discard_to: str, gap: object, rest: int) -> None:
    client = ClientSession(SESSION_ID, opening())
    client.open()
    client.send_audio(bytes(16_000))
    peer = Foreign(client)
    peer.send("opened", {"media": [OFFER], "discardTo": discard_to})
    assert [m["parameters"] for m in peer.texts[1:]] == ([] if gap is None else [gap])
    assert sum(len(data) for data in peer.heard if isinstance(data, bytes)) == rest
    assert client.position == 16_000


def test_discard_to_with_nothing_kept_is_nothing() -> None:
    peer = to_open_client(opened={"discardTo": "PT5S"})
    assert peer.types == ["open"]
    assert client_of(peer).position == 0


def test_start_paused_and_discard_to_together_lose_all_in_one_gap() -> None:
    client = ClientSession(SESSION_ID, opening())
    client.open()
    client.send_audio(bytes(16_000))
    peer = Foreign(client)
    peer.send("opened", {"media": [OFFER], "startPaused": True, "discardTo": "PT1S"})
    assert [m["type"] for m in peer.heard[1:]] == ["paused"]
    client.send_audio(bytes(8000))
    peer.send("resume")
    assert peer.texts[-1]["parameters"] == {"start": "PT0S", "discarded": "PT3S"}
    client.send_audio(b"\x01")
    assert peer.listen() == [b"\x01"]


def test_a_loss_is_announced_before_whatever_follows_it() -> None:
    peer = to_open_client()
    client = client_of(peer)
    client.send_audio(bytes(8000))
    client.skip(4000)
    client.skip(4000)
    client.send_audio(bytes(100))
    peer.listen()
    assert peer.heard[-2]["parameters"] == {"start": "PT1S", "discarded": "PT1S"}
    assert peer.heard[-2]["position"] == "PT2S"
    client.skip(100)
    client.dtmf("1")
    assert [(m["type"], m["position"]) for m in peer.listen()] == [("discarded", "PT2.025S"), ("dtmf", "PT2.025S")]


def test_a_loss_before_a_pause_is_announced_before_it() -> None:
    peer = to_open_client()
    client = client_of(peer)
    client.skip(8000)
    client.pause()
    client.skip(8000)
    client.resume()
    client.send_audio(b"\x01")
    assert [m if isinstance(m, bytes) else (m["type"], m["parameters"]) for m in peer.listen()] == [
        ("discarded", {"start": "PT0S", "discarded": "PT1S"}),
        ("paused", {}),
        ("resumed", {"start": "PT1S", "discarded": "PT1S"}),
        b"\x01",
    ]
    client.skip(0)
    client.skip(-5)
    assert client.position == 16_001


def test_a_loss_while_the_session_opens_takes_what_was_kept_along() -> None:
    client = ClientSession(SESSION_ID, opening())
    client.send_audio(bytes(8000))
    client.open()
    client.skip(8000)
    client.send_audio(b"\x01" * 100)
    peer = Foreign(client)
    peer.send("opened", {"media": [OFFER]})
    assert peer.heard[1]["parameters"] == {"start": "PT0S", "discarded": "PT2S"}
    assert peer.heard[2] == b"\x01" * 100
    assert client.position == 16_100


@pytest.mark.parametrize(
    ("media", "sent"),
    [(STEREO, b"\x01\x11\x02\x12"), (MONO, b"\x01\x02"), (INTERNAL, b"\x11\x12")],
)
def test_the_chosen_channels_are_sent(media: Media, sent: bytes) -> None:
    peer = to_open_client(MONITOR, opened={"media": [on_the_wire(media)]})
    client_of(peer).send_audio(b"\x01\x02", b"\x11\x12")
    assert peer.listen() == [sent]
    assert client_of(peer).position == 2


def test_l16_is_made_by_the_encoder_that_was_given() -> None:
    peer = to_open_client(BOT_TRANSCRIPTION, opened={"media": [on_the_wire(MONO_L16)]})
    client_of(peer).send_audio(b"\xff\x80")
    assert peer.listen() == [b"\x00\x00\x7c\x7d"]
    assert client_of(peer).position == 2


@pytest.mark.parametrize("lanes", [(), (b"a", b"b"), (b"a", b"bc")])
def test_audio_has_one_lane_for_each_captured_channel(lanes: tuple[bytes, ...]) -> None:
    with pytest.raises(LocalProtocolError, match="lanes of one length for external"):
        client_of(to_open_client()).send_audio(*lanes)
    with pytest.raises(LocalProtocolError):
        client_of(to_open_client(MONITOR)).send_audio(b"a", b"bc")


def test_a_long_piece_is_cut_at_whole_samples_below_the_limit() -> None:
    peer = to_open_client(MONITOR)
    client_of(peer).send_audio(bytes(100_001), bytes(100_001))
    sizes = [len(data) for data in peer.listen()]
    assert sum(sizes) == 200_002
    assert all(size <= 64_000 and size % 2 == 0 for size in sizes)
