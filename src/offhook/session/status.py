"""What a server tells of itself over HTTP, on the port of its calls: its health, and its figures for Prometheus.

Whichever worker is asked answers for all of them, from the board.
"""

from __future__ import annotations

from typing import Final

import msgspec

from . import figures
from .board import STALLED, Board, Worker
from .wire import Refusal

HEALTH_PATHS: Final = frozenset({"/health", "/healthz", "/ready"})
METRICS_PATH: Final = "/metrics"


def health(board: Board) -> Refusal:
    """503 while the worker that is asked drains, else 200; with the state of each worker if there are several."""
    draining = board.own.state == "draining"
    state: dict[str, object] = {"status": "draining" if draining else "ok", "sessions": board.sessions}
    workers = board.workers()
    if len(workers) > 1:
        if not draining and any(_state(worker) != "ready" for worker in workers):
            state["status"] = "degraded"
        state["workers"] = [
            {"worker": each.number, "state": _state(each), "pid": each.pid, "sessions": each.sessions}
            for each in workers
        ]
    return Refusal(503 if draining else 200, body=msgspec.json.encode(state), content_type="application/json")


def metrics(board: Board) -> Refusal:
    """All figures, as text."""
    return Refusal(200, body=board.exposition(), content_type=figures.TEXT)


def _state(worker: Worker) -> str:
    return "stalled" if worker.state != "down" and worker.silent > STALLED else worker.state
