"""The records' file work: in order, counted, private, and whole or not at all."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from offhook.records import disk
from offhook.records.disk import Disk


def test_work_is_done_in_order_by_another_thread() -> None:
    done: list[int] = []
    threads: set[int] = set()
    worker = Disk()
    for number in range(50):
        worker.submit(lambda number=number: (done.append(number), threads.add(threading.get_ident())))  # type: ignore[misc]
    worker.close()
    assert done == list(range(50))
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


def test_what_waits_is_counted() -> None:
    worker, go = Disk(), threading.Event()
    worker.submit(go.wait, disk.MAX_WAITING)
    assert not worker.is_behind
    worker.submit(lambda: None, 1)
    assert worker.is_behind
    go.set()
    worker.close()
    assert worker.waiting == 0


def test_failed_work_does_not_stop_what_follows(caplog: pytest.LogCaptureFixture) -> None:
    worker = Disk()
    worker.submit(lambda: 1 / 0, 100)
    assert worker.result(lambda: 7).result() == 7
    worker.close()
    assert worker.waiting == 0
    assert "ZeroDivisionError" in caplog.text


def test_a_result_may_be_a_failure() -> None:
    worker = Disk()
    with pytest.raises(ZeroDivisionError):
        worker.result(lambda: 1 / 0).result()
    worker.close()


def test_what_is_queued_is_done_even_if_nobody_closes(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from offhook.records.disk import Disk
disk = Disk()
disk.submit(lambda: sum(range(1_000_000)))
disk.submit(lambda: Path({str(tmp_path / "done")!r}).touch())
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    assert (tmp_path / "done").exists()


def test_a_closed_disk_can_be_used_again_and_closed_twice() -> None:
    worker = Disk()
    worker.close()
    assert worker.result(lambda: 1).result() == 1
    worker.close()
    worker.close()
    assert worker.result(lambda: 2).result() == 2
    worker.close()


def test_replace_writes_all_of_it_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    path.write_bytes(b"before")
    disk.replace(path, [b"one", b"", b"two" * 100_000])
    assert path.read_bytes() == b"one" + b"two" * 100_000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_replace_leaves_what_was_there_if_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    path.write_bytes(b"before")

    def parts() -> Iterator[bytes]:
        yield b"half"
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        disk.replace(path, parts())
    assert path.read_bytes() == b"before"
    assert [file.name for file in tmp_path.iterdir()] == ["call.json"]


class _Grudging:
    """Takes three bytes at a time, as a pipe may."""

    def __init__(self) -> None:
        self.taken = b""

    def write(self, data: memoryview) -> int:
        self.taken += bytes(data[:3])
        return min(len(data), 3)


def test_write_all_goes_on_until_all_is_taken() -> None:
    file = _Grudging()
    disk.write_all(file, b"12345678")  # type: ignore[arg-type]
    assert file.taken == b"12345678"
