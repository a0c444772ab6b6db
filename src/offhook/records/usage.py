"""Usage: one row for each session that was connected, written every second while it is, and sums of it by month.

A crash loses what has happened since the last second; nothing is ever counted twice, since a row is the whole session
and not a part of it. Knows sessions and their messages; nothing of calls or bots.
"""

from __future__ import annotations

import logging
import math
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import msgspec

from ..errors import UsageError
from .disk import Disk
from .metering import RATE, Gauge, Measured, Span, total

logger = logging.getLogger(__name__)

#: Seconds between two writes of a session that is connected.
EVERY: Final = 1.0
#: Seconds without a write after which a session that never ended was cut off by a crash.
_CUT_AFTER: Final = 10.0

_TABLE: Final = """CREATE TABLE IF NOT EXISTS usage (
    session TEXT PRIMARY KEY, conversation TEXT, integration TEXT, tenant TEXT, profile TEXT,
    month TEXT, started TEXT, measured TEXT, written REAL, ended INTEGER)"""


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """One session.

    Attributes:
        started: ISO 8601 time of the call's start, from which `measured` counts.
        written: UNIX time of the last write.
        ended: Whether its end was written: if not, it is connected, or a crash cut it off.
    """

    session: str
    conversation: str
    integration: str
    tenant: str = ""
    profile: str = "connector"
    started: str = ""
    measured: Measured = Measured()
    written: float = 0.0
    ended: bool = False

    @property
    def month(self) -> str:
        """`2026-11`, in UTC: the month in which it was opened."""
        began = datetime.fromisoformat(self.started) + timedelta(seconds=(self.measured.opened or 0) / RATE)
        return began.astimezone(UTC).strftime("%Y-%m")

    def cut(self, now: float) -> bool:
        """Whether a crash has cut it off."""
        return not self.ended and now - self.written > _CUT_AFTER


class Ledger:
    """The database of usage.

    Raises:
        UsageError: It cannot be opened.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = path
        try:
            if str(path) != ":memory:":
                Path(path).touch(mode=0o600)
            self._db = sqlite3.connect(path, check_same_thread=False)
            self._db.execute("PRAGMA busy_timeout = 5000")
            if str(path) != ":memory:":
                self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            with self._db:
                self._db.execute(_TABLE)
        except (OSError, sqlite3.Error) as error:
            raise UsageError(f"the usage in {path} cannot be opened: {error}") from None

    def write(self, rows: Iterable[Used]) -> None:
        """Write sessions as they stand. Raises `sqlite3.Error`."""
        encode = msgspec.json.encode
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        row.session, row.conversation, row.integration, row.tenant, row.profile, row.month,
                        row.started, encode(row.measured).decode(), row.written, row.ended,
                    )
                    for row in rows
                ],
            )  # fmt: skip

    def read(self, month: str | None = None) -> list[Used]:
        """Sessions of one month, or all, in the order in which they began."""
        where, values = ("WHERE month = ?", (month,)) if month else ("", ())
        rows = self._db.execute(
            "SELECT session, conversation, integration, tenant, profile, started, measured, written, ended "
            f"FROM usage {where} ORDER BY started, session",
            values,
        )
        return [
            Used(
                session=row[0], conversation=row[1], integration=row[2], tenant=row[3], profile=row[4],
                started=row[5], measured=msgspec.json.decode(row[6], type=Measured), written=row[7], ended=bool(row[8]),
            )
            for row in rows
        ]  # fmt: skip

    def close(self) -> None:
        self._db.close()


class Metered:
    """One session that is being measured; made by `Meter.begin`."""

    def __init__(self, meter: Meter, used: Used, t: Callable[[], float]) -> None:
        self._meter = meter
        self._used = used
        self._t = t
        self.gauge = Gauge()

    def message(self, sender: Literal["client", "server"], data: str | bytes, t: float) -> None:
        """A message passed, `t` seconds since the call's start."""
        if isinstance(data, str):
            was = self.gauge.open
            self.gauge.message(t, sender, data)
            if self.gauge.open != was:
                self._meter.changed(self)

    def end(self, t: float) -> None:
        """The session is over."""
        was = self.gauge.open
        self.gauge.end(t)
        if was:
            self._meter.changed(self)

    def row(self, written: float) -> Used:
        measured = self.gauge.measured(round(self._t(), 6))
        return msgspec.structs.replace(self._used, measured=measured, written=written, ended=not self.gauge.open)


class Meter:
    """Writes the usage of all sessions of a process. It waits for the disk's thread; calls never wait for it.

    Args:
        ledger: Where to.
        clock: UNIX time.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._disk = Disk()
        self._connected: set[Metered] = set()
        self._unwritten: dict[str, Used] = {}  # of the disk's thread

    def begin(
        self,
        session: str,
        *,
        conversation: str,
        integration: str,
        tenant: str,
        profile: str,
        started: datetime,
        t: Callable[[], float],
    ) -> Metered:
        """Measure one session. Nothing is written of one that is never opened.

        Args:
            started: Time at which `t` is 0.
            t: Seconds since then.
        """
        used = Used(
            session=session,
            conversation=conversation,
            integration=integration,
            tenant=tenant,
            profile=profile,
            started=started.isoformat(timespec="milliseconds"),
        )
        return Metered(self, used, t)

    def changed(self, metered: Metered) -> None:
        """A session was opened or has ended: write it now."""
        (self._connected.add if metered.gauge.open else self._connected.discard)(metered)
        self._write([metered.row(self._clock())])

    def checkpoint(self) -> None:
        """Write all sessions that are connected, and what could not be written before: every second."""
        if self._connected or self._unwritten:
            now = self._clock()
            self._write([metered.row(now) for metered in self._connected])

    def _write(self, rows: list[Used]) -> None:
        self._disk.submit(lambda: self._put(rows))

    def _put(self, rows: list[Used]) -> None:
        if self._unwritten:
            rows = list((self._unwritten | {row.session: row for row in rows}).values())
        try:
            self._ledger.write(rows)
        except sqlite3.Error as error:
            if not self._unwritten:
                logger.warning("usage cannot be written (%s): it is tried again every second", error)
            self._unwritten = {row.session: row for row in rows}
        else:
            if self._unwritten:
                logger.warning("usage is written again: nothing of it was lost")
            self._unwritten = {}

    def close(self) -> None:
        """Wait until all is written. What cannot be, is told in the log: it is charged for."""
        if self._unwritten:
            self._write([])
        self._disk.close()
        for row in self._unwritten.values():
            seconds = row.measured.connected / RATE
            logger.error("usage of session %s could not be written: %s, %.1f s", row.session, row.integration, seconds)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """The usage of one integration in one month. Seconds are exact; `minutes` is what is charged."""

    month: str
    tenant: str
    integration: str
    profile: str
    sessions: int
    connected_seconds: float
    client_paused_seconds: float
    server_paused_seconds: float
    free_seconds: float
    charged_seconds: float
    minutes: int


def free_time(rows: Iterable[Used]) -> Mapping[str, list[Span]]:
    """Time of each conversation in which an Audio Connector was connected: transcription costs nothing then (P14)."""
    spans: dict[str, list[Span]] = defaultdict(list)
    for row in rows:
        if row.profile == "connector" and row.measured.opened is not None:
            spans[row.conversation].append((row.measured.opened, row.measured.last))
    return spans


def charged(row: Used, connectors: Mapping[str, list[Span]], *, server_pauses: bool = True) -> int:
    """Samples that one session is charged for."""
    free = connectors.get(row.conversation, []) if row.profile == "transcription" else []
    return row.measured.charged(server_pauses=server_pauses, free=free)


def sums(rows: list[Used], *, server_pauses: bool = True) -> list[Line]:
    """Sums by month, tenant and integration; minutes are rounded up once for each sum (P14: rounded per month)."""
    groups: dict[tuple[str, str, str, str], list[Used]] = defaultdict(list)
    for row in rows:
        groups[row.month, row.tenant, row.integration, row.profile].append(row)
    connectors = free_time(rows)
    lines = []
    for (month, tenant, integration, profile), members in sorted(groups.items()):
        paid = sum(charged(row, connectors, server_pauses=server_pauses) for row in members)
        full = sum(row.measured.charged(server_pauses=server_pauses) for row in members)
        lines.append(
            Line(
                month=month,
                tenant=tenant,
                integration=integration,
                profile=profile,
                sessions=len(members),
                connected_seconds=sum(row.measured.connected for row in members) / RATE,
                client_paused_seconds=sum(total(row.measured.client) for row in members) / RATE,
                server_paused_seconds=sum(total(row.measured.server) for row in members) / RATE,
                free_seconds=(full - paid) / RATE,
                charged_seconds=paid / RATE,
                minutes=math.ceil(paid / (60 * RATE)),
            )
        )
    return lines
