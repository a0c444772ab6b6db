"""Logging of the command line: lines for people, or one JSON object a line."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import msgspec


class JsonLines(logging.Formatter):
    """One JSON object a record: `time`, `level`, `logger`, `message`, `error`; `worker` if there are several."""

    def __init__(self, worker: int | None = None) -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {} if self._worker is None else {"worker": self._worker}
        line |= {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def set_up(level: str, *, json: bool = False, worker: int | None = None) -> None:
    """Log to standard error, with the number of the worker if there are several."""
    tag = "" if worker is None else f"[{worker}] "
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonLines(worker) if json else logging.Formatter(f"%(asctime)s {tag}%(levelname)s %(message)s", "%H:%M:%S")
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
