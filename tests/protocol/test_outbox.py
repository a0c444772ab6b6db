"""What waits, in which order it leaves, and that we never come near the platform's limits (P6.3, P6.4, P6.6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocol.foreign import (
    OFFER,
    OPEN,
    server_of,
    to_open_server,
    to_server,
)

from offhook.errors import LocalProtocolError
from offhook.protocol import (
    BARGE_IN,
    MONO,
    bot_turn_response,
    limits,
)
from offhook.protocol.codec import NO_PARAMETERS
from offhook.protocol.outbox import OrderedOutbox, PacedOutbox, Queued
from offhook.protocol.rates import Bucket


def message(type: str, *, urgent: bool = False) -> Queued:
    return Queued(type, NO_PARAMETERS, urgent=urgent)


def leaving(outbox: PacedOutbox | OrderedOutbox, now: float) -> list[str | int]:
    """What leaves now: types of messages, lengths of audio."""
    out: list[str | int] = []
    while (item := outbox.next(now)) is not None:
        out.append(item.type if isinstance(item, Queued) else len(item))
    return out


def through_time(outbox: PacedOutbox, until: float) -> list[tuple[float, str | int]]:
    """What leaves when, woken as a shell would be."""
    now, out = 0.0, []
    for _ in range(100_000):
        out += [(now, item) for item in leaving(outbox, now)]
        wake = outbox.wake(now)
        if wake is None or wake > until:
            return out
        assert wake > now, "woken for nothing"
        now = wake
    raise AssertionError("never done")


def test_a_client_sends_in_order_and_at_once() -> None:
    outbox = OrderedOutbox()
    assert not outbox
    assert outbox.wake(5.0) is None
    outbox.add(message("paused"))
    outbox.add_audio(b"abc")
    outbox.add(message("close", urgent=True))
    assert outbox
    assert outbox.wake(5.0) == 5.0
    assert leaving(outbox, 5.0) == ["paused", 3, "close"]
    outbox.add(message("error"))
    outbox.clear()
    assert not outbox


def test_the_lanes_of_a_server() -> None:
    outbox = PacedOutbox()
    outbox.add(message("disconnect"))
    outbox.add_audio(bytes(100))
    outbox.add(message("event"))
    outbox.add(message("pause"))
    outbox.add(message("event", urgent=True))
    outbox.add(message("pong"))
    assert leaving(outbox, 0.0) == ["pong", "event", "pause", "event", 100, "disconnect"]
    assert not outbox


def test_the_last_word_waits_for_all_that_goes_before_it() -> None:
    outbox = PacedOutbox()
    for _ in range(22):
        outbox.add(message("event"))
    outbox.add(message("closed"))
    out = through_time(outbox, 10.0)
    assert [type for _, type in out] == ["event"] * 22 + ["closed"]
    assert out[-1][0] == pytest.approx(0.5)


def test_an_urgent_last_word_takes_the_place_of_all_that_waits() -> None:
    outbox = PacedOutbox()
    for waiting in ("event", "pause", "updated", "disconnect"):
        outbox.add(message(waiting))
    outbox.add(message("opened", urgent=True))
    outbox.add(message("pong"))
    outbox.add_audio(bytes(10))
    dropped = outbox.add(message("disconnect", urgent=True))
    assert sorted(dropped) == ["audio", "disconnect", "event", "opened", "pause", "updated"]
    assert leaving(outbox, 0.0) == ["pong", "disconnect"]


def test_what_is_urgent_is_never_held_up_and_never_overtaken() -> None:
    outbox = PacedOutbox()
    for _ in range(6):
        outbox.add(message("pause"))
    assert leaving(outbox, 0.0) == ["pause"] * 3
    outbox.add_audio(bytes(8000))
    outbox.clear_audio()
    outbox.add(message("event", urgent=True))
    outbox.add_audio(bytes(100))
    assert leaving(outbox, 0.0) == ["event", 100]


def test_too_much_that_is_urgent_waits_too_and_audio_behind_it() -> None:
    outbox = PacedOutbox()
    for _ in range(30):
        outbox.add(message("event", urgent=True))
    outbox.add_audio(bytes(100))
    assert leaving(outbox, 0.0) == ["event"] * 22
    assert outbox.urgent_waits
    out = through_time(outbox, 10.0)
    assert [item for _, item in out] == ["event"] * 8 + [100]
    assert out[-1][0] == pytest.approx(2.0)
    assert not outbox.urgent_waits


def test_pauses_wait_for_their_own_limit_without_holding_up_audio_and_events() -> None:
    outbox = PacedOutbox()
    for _ in range(5):
        outbox.add(message("pause"))
    outbox.add(message("event"))
    outbox.add_audio(bytes(100))
    assert leaving(outbox, 0.0) == ["pause"] * 3 + ["event", 100]
    assert outbox.wake(0.0) == pytest.approx(1 / 1.6)


def test_audio_leaves_in_frames_and_is_joined_up_to_one() -> None:
    outbox = PacedOutbox(frame=4000)
    outbox.add_audio(bytes(9000))
    assert outbox.audio_bytes == 9000
    assert leaving(outbox, 0.0) == [4000, 4000, 1000]
    for _ in range(30):
        outbox.add_audio(bytes(160))
    assert leaving(outbox, 0.0) == [4000, 800]
    assert outbox.audio_bytes == 0


@given(st.lists(st.binary(max_size=50), max_size=40), st.integers(1, 8))
def test_audio_leaves_byte_for_byte(chunks: list[bytes], width: int) -> None:
    outbox = PacedOutbox(frame=4 * width)
    for chunk in chunks:
        outbox.add_audio(chunk)
    out, now = b"", 0.0
    while outbox:
        while (item := outbox.next(now)) is not None:
            assert isinstance(item, bytes)
            assert 0 < len(item) <= outbox.frame
            out += item
        now += 1.0
    assert out == b"".join(chunks)
    assert outbox.audio_bytes == 0


def test_audio_is_thrown_away_to_the_byte() -> None:
    outbox = PacedOutbox(frame=4000)
    outbox.add_audio(bytes(200_000))
    gone = sum(item for item in leaving(outbox, 0.0) if isinstance(item, int))
    assert outbox.clear_audio() == 200_000 - gone
    assert outbox.clear_audio() == 0
    assert not outbox


def test_sustained_audio_is_faster_than_real_time() -> None:
    outbox = PacedOutbox(frame=4000)
    outbox.add_audio(bytes(8000 * 60))
    out = through_time(outbox, 60.0)
    assert sum(item for _, item in out if isinstance(item, int)) == 8000 * 60
    assert out[-1][0] < 30.0


def test_after_429_nothing_that_can_wait_leaves_for_as_long_as_told() -> None:
    outbox = PacedOutbox(frame=4000)
    outbox.throttle(0.0, 3.0)
    outbox.add(message("pong"))
    outbox.add(message("event", urgent=True))
    outbox.add(message("event"))
    outbox.add(message("pause"))
    outbox.add_audio(bytes(100))
    out = through_time(outbox, 10.0)
    assert [item for at, item in out if at < 3.0] == ["pong", "event"]
    assert sorted(str(item) for at, item in out if at >= 3.0) == ["100", "event", "pause"]


def test_after_429_audio_still_keeps_up_with_real_time() -> None:
    outbox = PacedOutbox(frame=4000)
    for _ in range(5):
        outbox.throttle(0.0, 3.0)
    outbox.add_audio(bytes(8000 * 60))
    out = through_time(outbox, 63.0)
    assert sum(item for _, item in out if isinstance(item, int)) == 8000 * 60
    assert max(item for _, item in out if isinstance(item, int)) <= limits.SEND_MAX
    assert outbox.frame % 4000 == 0


def test_a_waiting_message_is_thrown_away_with_everything() -> None:
    outbox = PacedOutbox()
    for type in ("pong", "event", "closed"):
        outbox.add(message(type))
    outbox.clear()
    assert not outbox
    assert outbox.wake(0.0) is None


def test_for_last_events_the_rest_gives_way() -> None:
    outbox = PacedOutbox()
    for type in ("pause", "event", "disconnect"):
        outbox.add(message(type))
    outbox.add_audio(bytes(10))
    assert outbox.give_way(to_events=True) == ["pause", "audio", "disconnect"]
    assert leaving(outbox, 0.0) == ["event"]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.floats(0.0, 3.0)),
        st.tuples(st.sampled_from(["event", "pause", "resume", "updated", "barge_in", "audio"]), st.integers(1, 60)),
    ),
    max_size=30,
)


@given(STEPS)
def test_whatever_we_are_asked_for_the_platform_has_nothing_to_complain_about(steps: list[tuple[str, float]]) -> None:
    outbox, now, ping = PacedOutbox(), 0.0, 0.0
    theirs = {"text": Bucket(*limits.TEXT_RATE), "audio": Bucket(*limits.AUDIO_RATE)}
    theirs |= {"pause": Bucket(*limits.PAUSE_RATE), "resume": Bucket(*limits.PAUSE_RATE)}

    def leave() -> int:
        left = 0
        while (item := outbox.next(now)) is not None:
            kinds = ["text" if isinstance(item, Queued) else "audio"]
            kinds += [item.type] if isinstance(item, Queued) and item.type in theirs else []
            for kind in kinds:
                assert theirs[kind].wait(now) == 0.0, f"{kind} too fast at {now}"
                theirs[kind].take(now)
            left += 1
        return left

    for step, amount in [*steps, ("wait", 30.0), ("disconnect", 1)]:
        if step == "wait":
            end = now + amount
            while (at := min(filter(None, (outbox.wake(now), ping + 5.0)))) <= end:
                now = max(now, at)
                if now == ping + 5.0:
                    ping = now
                    outbox.add(message("pong"))
                assert leave(), "woken for nothing"
            now = end
        else:
            for _ in range(int(amount)):
                if step == "audio":
                    outbox.add_audio(bytes(160))
                elif step == "barge_in":
                    outbox.add(message("event", urgent=True))
                else:
                    outbox.add(message(step, urgent=step == "disconnect"))
            leave()


# What a bot sends.


def test_events_hold_as_many_entities_as_are_given() -> None:
    peer = to_open_server()
    server_of(peer).send_event(bot_turn_response("match"), BARGE_IN)
    [message] = peer.listen()
    assert [entity["type"] for entity in message["parameters"]["entities"]] == ["bot_turn_response", "barge_in"]


def test_audio_is_cut_into_frames_of_half_a_second() -> None:
    peer = to_open_server()
    server_of(peer).send_audio(bytes(10_000))
    assert [len(data) for data in peer.listen()] == [4000, 4000, 2000]
    offer = OFFER | {"format": "L16"}
    wide = to_open_server(parameters={"media": [offer]})
    server_of(wide).send_audio(bytes(10_000))
    assert [len(data) for data in wide.listen()] == [8000, 2000]


def test_audio_may_be_given_as_soon_as_the_session_is_accepted_and_follows_opened() -> None:
    peer = to_server()
    peer.send("open", OPEN)
    server_of(peer).accept(MONO)
    server_of(peer).send_audio(b"\xff")
    server_of(peer).send_event(BARGE_IN)
    out = peer.listen()
    assert [m if isinstance(m, bytes) else m["type"] for m in out] == ["opened", "event", b"\xff"]


@pytest.mark.parametrize("length", [1, 3, 5])
def test_audio_that_is_no_whole_samples_cannot_be_sent(length: int) -> None:
    peer = to_open_server(parameters={"media": [OFFER | {"format": "L16"}]})
    with pytest.raises(LocalProtocolError, match="not whole samples of 2 bytes"):
        server_of(peer).send_audio(bytes(length))
    server_of(peer).send_audio(b"")
    assert not peer.session.has_output


def test_barge_in_throws_away_what_waits_and_goes_before_new_audio() -> None:
    peer = to_open_server()
    server = server_of(peer)
    server.send_audio(bytes(200_000))
    assert sum(len(data) for data in peer.listen()) == 80_000
    assert server.queued_audio == 120_000
    assert server.barge_in() == 120_000
    server.send_audio(b"\x01" * 100)
    peer.wait(1.0)
    assert [m if isinstance(m, bytes) else m["parameters"] for m in peer.heard[-2:]] == [
        {"entities": [{"type": "barge_in", "data": {}}]},
        b"\x01" * 100,
    ]


def test_many_barge_ins_at_once_are_one_as_soon_as_they_have_to_wait() -> None:
    peer = to_open_server()
    for _ in range(100):
        server_of(peer).barge_in()
    peer.wait(10.0)
    assert peer.types.count("event") == 1
    for _ in range(100):
        server_of(peer).barge_in()
        peer.listen()
    assert peer.types.count("event") < 30
    assert server_of(peer).clear_audio() == 0
