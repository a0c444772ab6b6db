"""The parent, with workers that do not serve: what real ones do is tested with the command line."""

from __future__ import annotations

import asyncio
import io
import sys

import pytest

from offhook.session import figures
from offhook.session.board import Board
from offhook.session.supervisor import Supervisor

pytestmark = pytest.mark.stock_loop

STUCK = """
import socket, sys, time
line = socket.socket(fileno=int(sys.argv[-1]))
line.recv(100)
line.sendall(b"stuck")
time.sleep(60)
"""


def supervisor(code: str, on_ready=lambda *_: None, **options) -> tuple[Supervisor, Board, io.BytesIO]:
    board, said = Board.create(2), io.BytesIO()
    command = [sys.executable, "-c", code]
    made = Supervisor(board, command, lambda _: b"go", on_ready, stdout=said, stderr=said, **options)
    return made, board, said


async def test_a_worker_that_gives_no_sign_of_life_is_killed(caplog):
    def on_ready(name: str, pids: list[int]) -> None:
        assert (name, len(pids)) == ("stuck", 2)
        board.rows[0].beat = 1.0
        asyncio.get_running_loop().create_task(stop())

    async def stop() -> None:
        async with asyncio.timeout(20):
            while True:
                if board.rows[0].get(figures.RESTARTS):
                    break
                await asyncio.sleep(0.01)
        for _ in range(3):  # the second one does not listen to the first two
            made._on_signal()

    made, board, _ = supervisor(STUCK, on_ready, drain=0.0, hung=0.2)
    for row in board.rows:
        row.beat = 1e12  # they are well, until one is not
    assert await made.run() == 0
    assert "worker 1 gives no sign of life" in caplog.text
    assert "worker 1 ended with SIGKILL" in caplog.text
    assert "worker 2 gives no sign" not in caplog.text


async def test_the_exit_code_of_a_worker_that_cannot_start_is_the_command_s(caplog):
    made, _, said = supervisor("print('offhook: wrong'); raise SystemExit(2)", drain=0.0)
    assert await made.run() == 2
    assert said.getvalue() == b"offhook: wrong\n"
