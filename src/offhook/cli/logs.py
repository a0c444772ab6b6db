"""Logging of the command line: lines for people, or one JSON object a line."""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime
from typing import Final

import msgspec

logger = logging.getLogger("offhook")

#: Libraries that write headers with keys at DEBUG, and a line for each request at INFO.
_TALKATIVE: Final = (
    "botocore", "deepgram", "elevenlabs", "google", "grpc", "h2", "hpack", "httpcore", "httpx", "openai", "urllib3",
    "websockets",
)  # fmt: skip


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


class Output:
    """Lines on standard output, until it takes no more: nobody reads it, or its disk is full. Calls go on without."""

    def __init__(self) -> None:
        self._open = True

    def __bool__(self) -> bool:
        return self._open

    def write(self, line: str) -> None:
        """Write a line; told once in the log if that fails. Never raises."""
        if not self._open:
            return
        try:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        except OSError as error:
            self._open = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(error, BrokenPipeError):
                what = "nobody reads standard output any more"
            else:
                what = f"standard output cannot be written to ({error.strerror})"
            logger.warning("%s: events are no longer written", what)


def set_up(level: str, *, json: bool = False, worker: int | None = None) -> None:
    """Log to standard error, with the number of the worker if there are several; of libraries, warnings only."""
    tag = "" if worker is None else f"[{worker}] "
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonLines(worker) if json else logging.Formatter(f"%(asctime)s {tag}%(levelname)s %(message)s", "%H:%M:%S")
    )
    for library in _TALKATIVE:
        logging.getLogger(library).setLevel(logging.WARNING)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
