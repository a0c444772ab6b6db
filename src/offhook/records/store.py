"""Where calls are kept: a folder for each, such as `20261122-112300-30b0e395`, in one directory.

`layout` says what is in it, `record` how it is filled while the call goes on.
"""

from __future__ import annotations

import re
import tempfile
from datetime import datetime
from pathlib import Path

from ..errors import UsageError
from .disk import Disk
from .events import Side
from .layout import CALL, load
from .record import CallRecord, Keep
from .tape import TRACE

__all__ = ["CallRecord", "CallStore", "Keep", "load"]


class CallStore:
    """Keeps calls. Close it when none is left.

    Args:
        directory: Made when the first call begins, or by `prepare`.
        keep: What is kept of each; all of it if not given.
    """

    def __init__(self, directory: Path, keep: Keep | None = None) -> None:
        self.directory = directory
        self.keep = keep or Keep()
        self._disk = Disk()

    def prepare(self) -> None:
        """Make the folder now, so that a mistake in its name is told before the first call and not by it.

        Raises:
            UsageError: It cannot be made, or not be written to.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.directory):
                pass
        except OSError as error:
            raise UsageError(f"calls cannot be kept in {self.directory}: {error.strerror}") from None

    def begin(self, session_id: str, started: datetime, *, role: Side = "server", profile: str = "") -> CallRecord:
        """Open the records of one call. It never fails: without a folder the record keeps nothing, and says so.

        Args:
            session_id: As the peer gave it; only letters and digits of it come into the folder's name.
            started: The moment at which `t` of the call's events is 0, with its time zone.
            role: Which side of the session we are.
            profile: Name of the product's profile.
        """
        folder, failure = None, ""
        try:
            folder = self._make_folder(session_id, started)
        except OSError as error:
            failure = str(error)
        record = CallRecord(folder, self._disk, self.keep, session_id, started, role, profile)
        if failure:
            record.fail(failure)
        return record

    def folders(self) -> list[Path]:
        """The calls kept here, the latest first; those whose records broke off too."""
        if not self.directory.is_dir():
            return []
        kept = (path for path in self.directory.iterdir() if (path / CALL).exists() or (path / TRACE).exists())
        return sorted(kept, reverse=True)

    def close(self) -> None:
        """Wait until all that was handed in is on disk."""
        self._disk.close()

    def _make_folder(self, session_id: str, started: datetime) -> Path:
        """A new folder for its owner only. A peer that does not keep the rules may use an id twice within a second."""
        name = f"{started:%Y%m%d-%H%M%S}-{re.sub('[^0-9A-Za-z]', '', session_id)[:8] or 'call'}"
        self.directory.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, 1000):
            folder = self.directory / (name if attempt == 1 else f"{name}-{attempt}")
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                continue
            return folder
        raise FileExistsError(f"there are 1000 folders named {name} already")
