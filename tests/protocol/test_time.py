"""Long sessions under a virtual clock, and deadlines at awkward times."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from tests.protocol.foreign import to_open_client, to_open_server

from offhook.protocol import (
    CONNECTOR,
    AudioReceived,
    Finished,
    Pinged,
    Ponged,
    Role,
    State,
    Tolerated,
    Violation,
)
from offhook.testing.pair import Pair, opened, pair

HOUR = 3600.0


def types(joined: Pair, role: Role) -> Counter[str]:
    return Counter(json.loads(data)["type"] for data in joined.sent[role] if isinstance(data, str))


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.3])
def test_an_hour_of_silence(delay: float) -> None:
    joined = opened(delay=delay)
    joined.advance(HOUR)
    # One at 1 s, one right behind its pong, and then one each 5 s.
    expected = 2 + int((HOUR - 1.0 - 4 * delay) // 5.0)
    assert types(joined, Role.CLIENT)["ping"] == pytest.approx(expected, abs=1)
    assert types(joined, Role.SERVER)["pong"] == pytest.approx(expected, abs=1)
    assert {type(event) for event in joined.events[Role.SERVER][1:]} == {Pinged}
    assert {type(event) for event in joined.events[Role.CLIENT][1:]} == {Ponged}


def test_an_hour_of_talk() -> None:
    joined = opened(delay=0.04)
    frame, seconds = bytes(1600), 0
    for seconds in range(1, 3601):
        for _ in range(5):
            joined.client.send_audio(frame)
        joined.server.send_audio(bytes(8000))
        if seconds % 60 == 0:
            joined.client.dtmf("1")
            joined.server.barge_in()
        joined.advance(1.0)
        # What tests keep is not what sessions keep.
        for role in Role:
            assert not any(isinstance(event, (Violation, Tolerated)) for event in joined.events[role])
            joined.events[role].clear()
            joined.sent[role].clear()
    assert seconds == 3600
    assert joined.server.position == joined.client.position == 3600 * 8000
    assert joined.client.received > 3500 * 8000
    assert joined.client.is_live
    assert joined.server.is_live


def footprint(session: object) -> int:
    """Items in all containers that a session holds, however deep."""
    total, todo, seen = 0, [session], set()
    while todo:
        item = todo.pop()
        if id(item) in seen or isinstance(item, (str, bytes, int, float, type)) or item is None:
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            todo += item.values()
        elif isinstance(item, (list, tuple, set, frozenset)) or hasattr(item, "popleft"):
            todo += list(item)  # type: ignore[call-overload]
        else:
            names = [*getattr(item, "__dict__", {}), *getattr(type(item), "__slots__", ())]
            todo += [getattr(item, name, None) for name in names]
            continue
        total += len(item)  # type: ignore[arg-type]
    return total


def test_a_long_session_does_not_grow() -> None:
    joined = opened()

    def busy(minutes: int) -> None:
        for _ in range(minutes):
            joined.client.send_audio(bytes(1600))
            joined.client.skip(100)
            joined.client.dtmf("1")
            joined.client.update("en-US")
            joined.client.pause()
            joined.server.pause()
            joined.advance(5.0)
            joined.server.updated()
            joined.client.resume()
            joined.server.resume()
            joined.server.send_audio(bytes(8000))
            joined.server.barge_in()
            joined.advance(55.0)

    busy(5)
    before = [footprint(side) for side in (joined.client, joined.server)]
    busy(200)
    assert [footprint(side) for side in (joined.client, joined.server)] == before


def test_a_flood_of_everything_leaves_nothing_behind() -> None:
    joined = pair(CONNECTOR, strict=False)
    joined.client.open()
    joined.pump()
    joined.server.accept(None)
    joined.pump()
    for _ in range(500):
        joined.server.send_event()
        joined.server.pause()
    joined.client.close()
    joined.pump()
    joined.server.close()
    joined.advance(20.0)
    for side in joined.sides.values():
        assert side.finished
        assert not side.has_output
    assert joined.events[Role.CLIENT][-1] == Finished(True)


@pytest.mark.parametrize("start", [0.0, 1e5 + 0.1, 1e7 + 0.3, 1.7e9 + 0.7])
def test_sessions_run_at_any_time_of_the_clock(start: float) -> None:
    """Where a clock has few digits left below the second, waiting for what is due must still come to an end."""
    joined = Pair(pair().client, pair().server)
    joined.now = start
    for side in joined.sides.values():
        side.data_to_send(start)
    joined.client.open()
    joined.pump()
    joined.server.accept(joined.client.parameters.media[0])
    joined.server.send_audio(bytes(8000 * 60))
    for _ in range(50):
        joined.server.send_event()
        joined.server.pause()
    joined.advance(120.0)
    assert joined.client.received == 8000 * 60
    assert joined.client.state is State.PAUSED
    assert not any(isinstance(event, Violation) for role in Role for event in joined.events[role])


def test_a_late_shell_loses_nothing() -> None:
    """A loop that was blocked for a minute: each side does what is due, once, and no deadline is left in the past."""
    server = to_open_server()
    server.now = 60.0
    server.events += server.session.handle_timer(60.0)
    server.listen()
    assert [violation.rule for violation in server.violations] == ["neither ping nor audio"]
    client = to_open_client()
    client.now = 60.0
    assert list(client.session.handle_timer(60.0)) == []
    assert [message["type"] for message in client.listen()] == ["ping"]
    deadline = client.session.next_deadline()
    assert deadline is not None
    assert deadline > 60.0


def test_received_audio_is_never_held_back() -> None:
    joined = opened(delay=0.1)
    joined.client.send_audio(bytes(160))
    joined.advance(0.05)
    assert not any(isinstance(event, AudioReceived) for event in joined.events[Role.SERVER])
    joined.advance(0.06)
    assert any(isinstance(event, AudioReceived) for event in joined.events[Role.SERVER])
