"""What passes, counted without touching a message."""

from __future__ import annotations

from offhook.protocol import Lane
from offhook.session import figures, traffic
from offhook.session.board import Board
from offhook.session.traffic import Toll, Traffic


def lane(frames: int) -> Lane:
    made = Lane()
    made.sinks = ()
    made.open(True)
    for _ in range(frames):
        assert made.take(bytes(1600))
    return made


def test_what_lanes_have_counted_is_taken_over_once_and_some_at_a_time(monkeypatch):
    monkeypatch.setattr(traffic, "AT_A_TIME", 2)
    lanes = [lane(1), lane(2), lane(4)]
    tolls = [Toll(each) for each in lanes]
    counted = Traffic()
    seen = []
    for _ in range(6):
        counted.collect(lambda: tolls)
        seen.append(counted.frames_in)
    assert seen == [0, 3, 7, 7, 7, 7]
    for _ in range(10):
        lanes[0].take(bytes(1600))
    tolls[0].take_over(counted)
    assert (counted.frames_in, counted.bytes_in) == (17, 17 * 1600)


def test_only_what_is_new_is_added_to_a_row():
    board, counted = Board.alone(), Traffic()
    counted.count_in(bytes(1600))
    counted.count_in("{}")
    counted.publish(board.own)
    counted.count_in("{}")
    counted.publish(board.own)
    assert board.own.get(figures.FRAMES, "in") == 1
    assert board.own.get(figures.BYTES, "in") == 1600
    assert board.own.get(figures.MESSAGES, "in") == 2
    assert board.own.get(figures.FRAMES, "out") == 0
