"""One worker of `offhook serve --workers N`: a fresh process that the parent has started.

Run as `python -m offhook.cli.worker TARGET NUMBER FD`, where FD is the line to the parent; the other words are there to
be seen in a list of processes. Everything else comes over the line.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from typing import Any

import msgspec

from ..session.board import Board
from ..session.lifeline import Lifeline
from ..session.server import Server
from .access import access
from .logs import set_up
from .main import guard

#: Seconds beyond the drain that a worker has to end when its parent is gone.
_PATIENCE = 30.0


class Assignment(msgspec.Struct):
    """What a worker is told.

    Attributes:
        number: Which worker it is, from 1.
        workers: How many there are.
        board: File descriptor of the board.
        keys: API keys for which the board has room.
        port: Held by the parent.
        options: Of `offhook serve`, as the parent read them from everywhere.
    """

    number: int
    workers: int
    board: int
    keys: int
    port: int
    target: str
    log_level: str
    options: dict[str, Any]


def work(line: Lifeline) -> int:
    """Serve until told to stop, or until the parent is gone."""
    from .serving import Serving  # heavy: a worker that is not needed any more dies before it

    given = line.assignment(Assignment)
    set_up(given.log_level, json=given.options["as_json"], worker=given.number)
    os.set_inheritable(given.board, False)
    board = Board.inherit(given.board, given.workers, given.keys, given.number - 1)
    board.own.begin(os.getpid())
    allowed = access(given.options)
    serving = Serving(given.target, given.options, allowed, board=board, number=given.number, workers=given.workers)
    if allowed.warning and given.number == 1:
        logging.getLogger("offhook").warning("%s", allowed.warning)

    def started(server: Server, loop: asyncio.AbstractEventLoop) -> None:
        def obey(word: str) -> None:
            match word:
                case "drain":
                    server.tell_to_drain()
                case "end":
                    server.tell_to_end()
                case "report":
                    serving.report()
                case "orphaned":
                    # The port is free for whoever follows the parent; running calls go on.
                    server.tell_to_drain(deaf=True)

        def order(word: str) -> None:
            try:
                loop.call_soon_threadsafe(obey, word)
            except RuntimeError:
                pass  # the loop has ended already

        line.follow(order, patience=given.options["drain"] + _PATIENCE)
        line.ready(serving.host.name)

    serving.run(given.port, started)
    return 0


def main() -> None:
    """Run a worker and exit."""
    line = Lifeline(socket.socket(fileno=int(sys.argv[-1])))
    sys.exit(guard(lambda: work(line)))


if __name__ == "__main__":
    main()
