"""The cost of a process and its children, from /proc."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from offhook.errors import UsageError
from offhook.testing.load.server import Watched

CHILD = "import sys; sum(range(3_000_000)); print(flush=True); sys.stdin.read()"
PARENT = f"import subprocess, sys; c = subprocess.Popen([sys.executable, '-c', {CHILD!r}]); c.wait()"


def test_a_process_with_a_child() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        watched = Watched(process.pid)
        process.stdout.readline()
        cost = watched.look()
        assert cost.processes == 2
        assert cost.cpu > 0.01
        assert cost.memory > 2 * 4_000_000
        process.stdin.close()
        process.wait()
        after = watched.look()
    assert after.processes == 0
    assert after.cpu >= cost.cpu, "what it has spent stays"


def test_no_such_process() -> None:
    with pytest.raises(UsageError, match="no such process"):
        Watched(2**22 + 1)


def test_accounts_that_cannot_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "7"
    (folder / "task").mkdir(parents=True)
    (folder / "stat").write_text("7 (a) b) S 1 0")
    (folder / "statm").write_text("1 1")
    with pytest.raises(UsageError, match="cannot be read"):
        Watched(7, tmp_path)


def test_itself() -> None:
    assert Watched(os.getpid()).look().processes >= 1
