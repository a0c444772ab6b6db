"""Rows of usage: written every second, whole sessions each time, and sums that are rounded once a month."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from offhook.errors import UsageError
from offhook.records.metering import RATE, Measured
from offhook.records.usage import Ledger, Meter, Used, charged, free_time, sums

STARTED = datetime(2026, 11, 30, 23, 59, 50, tzinfo=UTC)


def used(session: str, seconds: float, **changes: object) -> Used:
    fields: dict[str, object] = {
        "session": session,
        "conversation": session,
        "integration": "bot",
        "started": STARTED.isoformat(),
        "measured": Measured(0, round(seconds * RATE)),
        "ended": True,
    }
    return Used(**(fields | changes))


def test_minutes_are_rounded_up_once_for_all_sessions_of_a_month():
    (line,) = sums([used("a", 30.0), used("b", 29.5), used("c", 0.5)])
    assert (line.charged_seconds, line.minutes, line.sessions) == (60.0, 1, 3)
    (line,) = sums([used("a", 60.0), used("b", 1 / RATE)])
    assert line.minutes == 2


def test_sums_are_by_month_tenant_and_integration():
    late = used("b", 1.0, measured=Measured(11 * RATE, 12 * RATE))
    rows = [used("a", 1.0), late, used("c", 1.0, tenant="acme"), used("d", 1.0, integration="other")]
    assert [(line.month, line.tenant, line.integration) for line in sums(rows)] == [
        ("2026-11", "", "bot"),
        ("2026-11", "", "other"),
        ("2026-11", "acme", "bot"),
        ("2026-12", "", "bot"),
    ]


def test_transcription_costs_nothing_while_a_connector_runs():
    bot = used("a", 0, measured=Measured(10 * RATE, 40 * RATE), conversation="x")
    other = used("b", 0, measured=Measured(0, 60 * RATE), conversation="y")
    transcription = used("c", 60.0, conversation="x", profile="transcription", integration="stt")
    monitor = used("d", 60.0, conversation="x", profile="monitor", integration="watch")
    rows = [bot, other, transcription, monitor]
    spans = free_time(rows)
    assert charged(transcription, spans) == 30 * RATE
    assert charged(monitor, spans) == 60 * RATE
    (line,) = [line for line in sums(rows) if line.integration == "stt"]
    assert (line.free_seconds, line.charged_seconds) == (30.0, 30.0)


def meter_at(path, now):
    ledger = Ledger(path)
    return ledger, Meter(ledger, lambda: now[0])


def test_a_session_is_written_when_it_opens_every_second_and_when_it_ends(tmp_path):
    now, t = [1000.0], [0.0]
    ledger, meter = meter_at(tmp_path / "u.db", now)
    session = meter.begin(
        "s", conversation="c", integration="bot", tenant="acme", profile="connector", started=STARTED, t=lambda: t[0]
    )
    session.message("client", json.dumps({"type": "open"}), 0.1)
    meter.close()
    assert ledger.read() == []
    session.message("server", json.dumps({"type": "opened", "parameters": {}}), 0.5)
    t[0] = 7.3
    meter.checkpoint()
    meter.close()
    (row,) = ledger.read("2026-11")
    assert (row.measured, row.ended, row.tenant) == (Measured(4000, round(7.3 * RATE)), False, "acme")
    assert row.cut(1011.0)
    assert not row.cut(1009.0)
    session.end(9.0)
    session.end(12.0)
    meter.checkpoint()
    meter.close()
    (row,) = ledger.read()
    assert (row.measured.connected, row.ended) == (round(8.5 * RATE), True)
    ledger.close()


def test_what_cannot_be_written_is_written_later(tmp_path, caplog):
    ledger, meter = meter_at(tmp_path / "u.db", [1000.0])
    session = meter.begin(
        "s", conversation="c", integration="bot", tenant="", profile="connector", started=STARTED, t=lambda: 5.0
    )
    ledger._db.execute("ALTER TABLE usage RENAME TO away")
    session.message("server", json.dumps({"type": "opened"}), 0.0)
    session.end(4.0)
    meter.close()
    assert caplog.text.count("usage cannot be written") == 1
    ledger._db.execute("ALTER TABLE away RENAME TO usage")
    meter.checkpoint()
    meter.close()
    assert [(row.measured.connected, row.ended) for row in ledger.read()] == [(4 * RATE, True)]
    ledger.close()


def test_a_full_disk_loses_no_usage_and_what_it_loses_in_the_end_is_told(tmp_path, caplog):
    ledger, meter = meter_at(tmp_path / "u.db", [1000.0])

    def use(session: str) -> None:
        used = meter.begin(
            session, conversation="c", integration="bot" * 3000, tenant="", profile="connector", started=STARTED,
            t=lambda: 5.0,
        )  # fmt: skip
        used.message("server", json.dumps({"type": "opened"}), 0.0)
        used.end(4.0)

    ledger._db.execute("PRAGMA max_page_count = 1")  # of a file: no more than it has
    use("a")
    meter.close()
    assert "usage cannot be written (database or disk is full)" in caplog.text
    assert "usage of session a could not be written: bot" in caplog.text
    assert "4.0 s" in caplog.text
    ledger._db.execute("PRAGMA max_page_count = 1000000")
    use("b")
    meter.close()
    assert "usage is written again" in caplog.text
    assert [row.session for row in ledger.read()] == ["a", "b"]
    caplog.clear()
    meter.close()
    assert caplog.records == []
    ledger.close()


def test_the_database_is_for_its_owner_only_and_trouble_is_told(tmp_path):
    Ledger(tmp_path / "u.db").close()
    assert (tmp_path / "u.db").stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError, match="cannot be opened"):
        Ledger(tmp_path)


CRASHER = """
import json, sys, time
from datetime import datetime, UTC
from offhook.records.usage import Ledger, Meter
meter = Meter(Ledger(sys.argv[1]), time.time)
began = time.monotonic()
session = meter.begin("s", conversation="c", integration="bot", tenant="", profile="connector",
                      started=datetime.now(UTC), t=lambda: time.monotonic() - began)
session.message("server", json.dumps({"type": "opened", "parameters": {}}), 0.0)
for beat in range(3):
    time.sleep(0.4)
    meter.checkpoint()
    meter.close()
    print(time.monotonic() - began, flush=True)
time.sleep(60)
"""


def test_a_crash_loses_no_more_than_what_came_behind_the_last_write(tmp_path):
    program = subprocess.Popen(
        [sys.executable, "-c", CRASHER, str(tmp_path / "u.db")], stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    times = [float(program.stdout.readline()) for _ in range(3)]
    os.kill(program.pid, signal.SIGKILL)
    program.wait()
    program.stdout.close()
    ledger = Ledger(tmp_path / "u.db")
    (row,) = ledger.read()
    ledger.close()
    assert not row.ended
    assert 1.2 * RATE <= row.measured.connected <= times[-1] * RATE
