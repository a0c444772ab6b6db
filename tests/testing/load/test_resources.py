"""Limits of the kernel: raised where that can be, and said where not."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from offhook.errors import UsageError
from offhook.testing.load import resources


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    kept = [(256, 4096)]
    monkeypatch.setattr(resource, "getrlimit", lambda kind: kept[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limit: kept.append(limit))
    return kept


def test_enough_is_left_alone(limits: list[tuple[int, int]]) -> None:
    resources.make_room(100)
    assert limits == [(256, 4096)]


def test_the_soft_limit_is_raised(limits: list[tuple[int, int]]) -> None:
    resources.make_room(1000)
    assert limits[-1] == (4096, 4096)


def test_the_hard_limit_is_told(limits: list[tuple[int, int]]) -> None:
    with pytest.raises(UsageError, match=r"need 5064 file descriptors and it may have 4096: .*ulimit -n 5064"):
        resources.make_room(5000)


def test_ports(tmp_path: Path) -> None:
    ports = tmp_path / "range"
    ports.write_text("40000\t40099\n")
    resources.check_ports(100, ports)
    with pytest.raises(UsageError, match=r"this machine gives 100: .*ip_local_port_range"):
        resources.check_ports(101, ports)
    resources.check_ports(10**6, tmp_path / "absent")
