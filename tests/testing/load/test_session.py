"""The short way of audio comes to the same as the long one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.protocol import MONITOR, MONO, ClientSession, ServerSession, State
from offhook.testing.load.session import LoadSession
from offhook.testing.pair import SESSION_ID, Pair, opening


def joined(kind: type[ClientSession], profile: Any = None, **options: Any) -> Pair:
    chosen = {"profile": profile} if profile else {}
    client = kind(SESSION_ID, opening(**chosen), **chosen, **options)
    pair = Pair(client, ServerSession(SESSION_ID, **chosen))
    client.open()
    pair.pump()
    pair.server.accept(client.parameters.media[0])
    pair.pump()
    return pair


frames = st.lists(st.tuples(st.integers(0, 70_000), st.floats(0.0, 0.4)), max_size=60)


@given(frames, st.booleans())
def test_what_comes_is_judged_alike(messages: list[tuple[int, float]], rates: bool) -> None:
    short, long = (joined(kind, enforce_rates=rates) for kind in (LoadSession, ClientSession))
    now = 0.0
    for size, wait in messages:
        now += wait
        data = bytes(size)
        expected = [type(event).__name__ for event in long.client.receive(data, now)]
        if short.client.take_audio(data, now) >= 0:
            found = ["AudioReceived"]
        else:
            found = [type(event).__name__ for event in short.client.receive(data, now)]
        assert found == expected
        assert short.client.received == long.client.received
        for pair in (short, long):
            list(pair.client.data_to_send(now))
    assert short.client.state is long.client.state


def test_what_leaves_counts_alike() -> None:
    short, long = joined(LoadSession), joined(ClientSession)
    assert isinstance(short.client, LoadSession)
    assert short.client.pass_audio(bytes(1600), 1.0)
    long.client.send_audio(bytes(1600))
    assert short.client.position == long.client.position == 1600
    short.client.dtmf("1")
    assert not short.client.pass_audio(bytes(1600), 1.0), "a message waits: audio must not overtake it"
    short.pump()
    assert short.client.pass_audio(bytes(1600), 1.0)
    short.client.skip(80)
    assert not short.client.pass_audio(bytes(1600), 1.0), "the loss has to be announced first"


@pytest.mark.parametrize("size", [0, 64_001])
def test_odd_sizes_go_the_long_way(size: int) -> None:
    assert not joined(LoadSession).client.pass_audio(bytes(size), 1.0)


def test_half_samples_go_the_long_way() -> None:
    pair = joined(LoadSession, MONITOR)
    assert not pair.client.pass_audio(bytes(3), 1.0)
    assert pair.client.pass_audio(bytes(4), 1.0)
    assert pair.client.position == 2


def test_not_while_paused_nor_once_closing() -> None:
    pair = joined(LoadSession)
    pair.client.pause()
    pair.pump()
    assert pair.client.state is State.PAUSED
    assert not pair.client.pass_audio(bytes(160), 1.0)
    pair.client.resume()
    pair.pump()
    pair.client.close()
    assert not pair.client.pass_audio(bytes(160), 1.0)
    assert pair.client.take_audio(bytes(160), 1.0) == -1
    assert pair.client.media == MONO
