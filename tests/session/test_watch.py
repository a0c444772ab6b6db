"""The watch of an event loop: what it measures, and whom it names."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import time

import pytest

from offhook.session import figures
from offhook.session.board import Board
from offhook.session.watch import Watch, culprit, resident


def hog(until: threading.Event) -> None:
    """Keeps the loop until the watch has said something."""
    deadline = time.monotonic() + 20
    while not until.is_set() and time.monotonic() < deadline:
        time.sleep(0.005)


class Ear(logging.Handler):
    """Hears what the watch says, in whichever thread."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.heard = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())
        self.heard.set()


@pytest.fixture
def ear():
    made = Ear()
    logging.getLogger("offhook.session").addHandler(made)
    yield made
    logging.getLogger("offhook.session").removeHandler(made)


async def beats(board: Board, count: int) -> None:
    """Wait for so many beats."""

    def beaten() -> int:
        at = figures.cell(figures.LAG)
        return int(sum(board.own.cells[at : at + len(figures.LAG.bounds) + 1]))

    wanted = beaten() + count
    async with asyncio.timeout(20):
        while True:
            if beaten() >= wanted:
                return
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("loop", ["uvloop", pytest.param("asyncio", marks=pytest.mark.stock_loop)])
async def test_who_keeps_the_loop_is_named_once_with_file_and_line(loop, ear):
    board = Board.alone()
    watch = Watch(board.own, budget=0.02, beat=0.005).start()
    try:
        await beats(board, 2)
        hog(ear.heard)
        await beats(board, 1)
        assert "hog (" in ear.said[0]
        assert "test_watch.py, line" in ear.said[0]
        assert "asyncio.to_thread" in ear.said[0]
        assert board.own.get(figures.STALLS) >= 1
        again = threading.Timer(0.2, ear.heard.set)
        ear.heard.clear()
        again.start()
        hog(ear.heard)
        again.join()
        assert len([words for words in ear.said if "hog (" in words]) == 1
    finally:
        watch.stop()


async def test_pauses_of_the_collector_are_counted():
    board = Board.alone()
    watch = Watch(board.own, beat=0.005).start()
    try:
        await beats(board, 1)
        gc.collect()
    finally:
        watch.stop()
    at = figures.cell(figures.GC)
    assert sum(board.own.cells[at : at + len(figures.GC.bounds) + 1]) >= 1
    assert watch._on_gc not in gc.callbacks


async def test_each_second_the_row_gets_a_sign_of_life():
    board, called = Board.alone(), []
    watch = Watch(board.own, lambda: called.append(1)).start()
    watch.publish(12.5)
    watch.stop()
    assert called == [1]
    assert board.own.beat == 12.5
    assert board.own.get(figures.CPU) > 0
    assert board.own.get(figures.MEMORY) > 1_000_000


def test_below_the_loop_nobody_is_a_culprit():
    here = sys._getframe()
    assert culprit(here, here) is None
    found = (lambda: culprit(sys._getframe(), here))()
    assert found is not None
    assert "<lambda>" in found.name
    assert resident() > 1_000_000
