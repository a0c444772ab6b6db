"""The board: rows in shared memory, each written by one process and read by all."""

from __future__ import annotations

import os
import subprocess
import sys

from offhook.session import figures
from offhook.session.board import Board, key_mark


def two() -> tuple[Board, Board]:
    """The same board as two workers see it."""
    made = Board.create(2)
    boards = tuple(Board.inherit(made.fd, 2, made.keys, own) for own in (0, 1))
    for number, board in enumerate(boards, 1):
        board.own.begin(number)
    return boards  # type: ignore[return-value]


def test_what_one_worker_writes_the_other_reads():
    one, other = two()
    one.own.set(figures.SESSIONS, 3)
    other.own.set(figures.SESSIONS, 4)
    assert one.sessions == other.sessions == 7
    assert [worker.sessions for worker in other.workers()] == [3, 4]
    assert [row.get(figures.SESSIONS) for row in one.others()] == [4]


def test_another_process_sees_it_through_the_file_descriptor():
    board = Board.create(2)
    code = (
        "import sys; from offhook.session.board import Board; from offhook.session import figures\n"
        f"board = Board.inherit({board.fd}, 2, {board.keys}, 1); board.own.add(figures.RESTARTS, amount=5)"
    )
    subprocess.run([sys.executable, "-c", code], pass_fds=(board.fd,), check=True)
    assert board.rows[1].get(figures.RESTARTS) == 5
    os.close(board.fd)


def test_a_row_that_is_taken_again_keeps_its_counters_and_counts_its_sessions_as_lost():
    board, _ = two()
    board.own.state = "ready"
    board.own.set(figures.SESSIONS, 3)
    board.own.add(figures.VIOLATIONS, "409", 2)
    board.own.set_of_key(key_mark("key"), 3)
    board.own.begin(99)
    assert (board.own.state, board.own.pid) == ("starting", 99)
    assert board.own.get(figures.SESSIONS) == board.of_key("key") == 0
    assert board.own.get(figures.VIOLATIONS, "409") == 2
    assert board.own.get(figures.ENDED, "lost") == 3


def test_sessions_of_a_key_are_counted_over_all_rows_and_keys_do_not_mix():
    one, other = two()
    for number in range(64):  # as many as there is room for
        one.own.set_of_key(key_mark(f"key {number}"), number)
        other.own.set_of_key(key_mark(f"key {number}"), 100)
    assert [one.of_key(f"key {number}") for number in range(64)] == [100 + number for number in range(64)]
    one.own.set_of_key(key_mark("one too many"), 5)
    assert one.of_key("one too many") == 0


def test_the_text_tells_of_each_worker():
    board, _ = two()
    board.own.state = "ready"
    text = board.exposition().decode()
    assert 'offhook_workers{state="ready"} 1' in text
    assert 'offhook_workers{state="starting"} 1' in text
    assert 'offhook_worker_sessions{worker="2"} 0' in text
