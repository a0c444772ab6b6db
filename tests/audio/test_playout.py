"""The playout: a cushion at once, then real time, and nothing lost or reordered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from offhook.audio.playout import CAPACITY, CUSHION, FRAME, Playout
from offhook.audio.ulaw import RATE


def seconds(length: float, start: int = 0) -> bytes:
    return bytes((start + i) % 251 for i in range(int(length * RATE)))


def run(playout: Playout, until: float) -> list[tuple[float, bytes]]:
    """Let a timer that fires when asked to drive the playout; returns what left and when."""
    now, out = 0.0, []
    while now <= until:
        out += [(now, data) for data in playout.due(now)]
        due = playout.next_due()
        if due is None or due > until:
            break
        now = max(now, due)
    return out


def test_cushion_leaves_at_once_and_the_rest_in_real_time() -> None:
    playout = Playout()
    playout.push(seconds(3))
    left = run(playout, 10.0)
    assert [len(data) for at, data in left if at == 0.0] == [int(CUSHION * RATE)]
    sent = 0
    for at, data in left:
        ahead = sent / RATE - at
        assert ahead <= CUSHION - FRAME + 0.002 or at == 0.0
        sent += len(data)
        assert sent / RATE >= at, "the listener would have run dry"
    assert b"".join(data for _, data in left) == seconds(3)


def test_messages_stay_below_the_rate_limit() -> None:
    playout = Playout()
    playout.push(seconds(60))
    left = run(playout, 60.0)
    assert len(left) / 60 < 4.0


def test_silence_ends_a_run_and_the_next_one_has_a_cushion_again() -> None:
    playout = Playout()
    playout.push(seconds(1))
    run(playout, 5.0)
    playout.push(seconds(1))
    assert [len(data) for data in playout.due(5.0)] == [int(CUSHION * RATE)]


def test_clear_throws_away_and_starts_anew() -> None:
    playout = Playout()
    playout.push(seconds(2))
    assert len(playout.due(0.0)) == 1
    assert playout.clear() == int(2 * RATE - CUSHION * RATE)
    assert playout.next_due() is None
    playout.push(seconds(0.5))
    assert [len(data) for data in playout.due(0.1)] == [RATE // 2]


def test_a_small_rest_waits_for_more_until_the_listener_runs_dry() -> None:
    playout = Playout()
    playout.push(seconds(0.6), more=True)
    playout.due(0.0)
    playout.push(seconds(0.05), more=True)
    assert playout.due(0.31) == []
    due = playout.next_due()
    assert due is not None
    assert abs(due - 0.5) < 1e-9
    assert len(playout.due(due)) == 1


def test_the_end_of_a_saying_does_not_wait() -> None:
    playout = Playout()
    playout.push(seconds(0.6), more=True)
    playout.due(0.0)
    playout.push(seconds(0.05), more=True)
    playout.push(b"")
    assert len(playout.due(0.31)) == 1


def test_room_is_told_once_the_queue_is_half_empty() -> None:
    told = []
    playout = Playout(on_room=lambda: told.append(playout.queued))
    playout.push(seconds(CAPACITY))
    assert playout.full
    run(playout, 60.0)
    assert len(told) == 1
    assert told[0] < CAPACITY * RATE / 2


@given(
    pushes=st.lists(st.tuples(st.floats(0, 2), st.integers(1, 20000), st.booleans()), max_size=12),
    step=st.floats(0.001, 0.3),
)
def test_everything_leaves_in_order(pushes: list[tuple[float, int, bool]], step: float) -> None:
    playout, now, out, pushed = Playout(), 0.0, bytearray(), bytearray()
    for wait, size, more in pushes:
        end = now + wait
        while now < end:
            out += b"".join(playout.due(now))
            now += step
        data = bytes((len(pushed) + i) % 251 for i in range(size))
        pushed += data
        playout.push(data, more=more)
    playout.push(b"")
    for _ in range(100_000):
        out += b"".join(playout.due(now))
        if not playout.queued:
            break
        due = playout.next_due()
        assert due is not None
        now = max(now + 1e-6, due)
    assert bytes(out) == bytes(pushed)
    assert playout.next_due() is None


def test_a_rest_that_waits_for_more_does_not_wake_its_timer_again_and_again() -> None:
    """What is due at the time that `next_due` names is due then, whatever the clock's last digit."""
    for tick in range(200):
        playout, now = Playout(), 1000 + tick / 977
        playout.push(bytes(4800 + 100), more=True)
        assert sum(map(len, playout.due(now))) == 4800
        at = playout.next_due()
        assert at is not None
        assert sum(map(len, playout.due(at))) == 100
