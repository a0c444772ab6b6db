"""Nonces that were used, in the sight of several workers."""

from __future__ import annotations

import statistics
import time

from offhook.protocol.signature import NonceCache
from offhook.session.board import RING, Board
from offhook.session.replays import SharedNonces

NOW, UNTIL = 1000.0, 1016.0


def memories(count: int = 2) -> tuple[Board, list[SharedNonces]]:
    made = Board.create(count)
    boards = [Board.inherit(made.fd, count, made.keys, own) for own in range(count)]
    return made, [SharedNonces(board, clock=lambda: NOW) for board in boards]


def used(memory: SharedNonces, nonce: str, key: str = "key", now: float = NOW) -> bool:
    return not memory.add(key, nonce, until=UNTIL, now=now)


def test_a_nonce_is_good_once_for_all_and_once_for_each_key():
    _, (one, other) = memories()
    assert not used(one, "a")
    assert used(one, "a")
    assert used(other, "a")
    assert not used(other, "a", key="another")
    assert used(one, "a", key="another")


def test_its_time_passes():
    _, (one, other) = memories()
    assert not used(one, "a")
    assert not used(other, "a", now=UNTIL + 1)


def test_of_two_at_the_same_instant_at_most_one_gets_in(monkeypatch):
    _, (one, other) = memories()
    catch_up = other.catch_up

    def meanwhile(now: float | None = None) -> None:
        catch_up(now)
        monkeypatch.setattr(other, "catch_up", catch_up)
        assert not used(one, "a")  # the first one comes in after the second has looked

    monkeypatch.setattr(other, "catch_up", meanwhile)
    assert used(other, "a")


def test_a_worker_that_is_started_again_knows_what_its_predecessor_let_in():
    board, (one, _) = memories()
    assert not used(one, "a")
    board.rows[0].begin(99)
    again = SharedNonces(Board.inherit(board.fd, 2, board.keys, 0), clock=lambda: NOW)
    assert used(again, "a")


def test_replays_do_not_fill_the_ring_and_a_full_ring_goes_round():
    board, (one, other) = memories()
    for _ in range(3):
        one.add("key", "a", until=UNTIL, now=NOW)
    assert board.rows[0].nonces == 1
    for number in range(RING):
        assert not used(one, f"nonce {number}", key=f"key {number % 3}")
    assert board.rows[0].nonces == RING + 1
    other.catch_up(NOW)
    assert all(used(other, f"nonce {number}", key=f"key {number % 3}") for number in range(RING - 100, RING))


def test_a_full_memory_is_about_as_fast_as_an_empty_one():
    """Who looks for the oldest from the front of a plain dict passes over thousands that are gone."""
    nonces = NonceCache()

    def cost_of(first):
        times = []
        for block in range(first, first + 8000, 200):
            began = time.thread_time()
            for n in range(block, block + 200):
                nonces.remember("a", n.to_bytes(16), until=100, now=0)
            times.append(time.thread_time() - began)
        return statistics.median(times)

    empty = cost_of(0)
    cost_of(8000)
    assert cost_of(16000) < 6 * empty
