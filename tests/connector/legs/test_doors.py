"""Kinds of legs by name: built in, or of a package that somebody else has installed."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from offhook.connector.legs import doors
from offhook.connector.legs.wav import WavLeg
from offhook.errors import UsageError

#: A whole package as pip leaves it behind: a module, and what says that it has a leg.
MODULE = """
from contextlib import asynccontextmanager
import msgspec
from offhook.connector.legs.wav import WavLeg

class Table(msgspec.Struct, rename="kebab", forbid_unknown_fields=True):
    pager_number: str
    rings: int = 1

@asynccontextmanager
async def serve(table, board):
    if table.rings > 5:
        raise ValueError("it never rings so often")
    for _ in range(table.rings):
        board.take(WavLeg())
    yield f"pager {table.pager_number}"
    board.take("closed")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "offhook_pager-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: offhook-pager\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[offhook.legs]\npager = offhook_pager\nlost = offhook_pager.nowhere\nwrong = offhook_pager:MODULE_NAME\n"
    )
    (tmp_path / "offhook_pager.py").write_text(MODULE + "MODULE_NAME = 'pager'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("offhook_pager", None)


class Board:
    def __init__(self) -> None:
        self.bridge = None
        self.taken: list[object] = []

    def take(self, leg: object) -> None:
        self.taken.append(leg)


@pytest.mark.usefixtures("package")
async def test_a_leg_of_another_package_takes_calls_by_its_name():
    assert {"pager", "sip", "talk", "twilio", "asterisk"} <= set(doors.names())
    board = Board()
    found = doors.door("pager", {"pager-number": "0123", "rings": 2}, Path())
    async with found.opened(board) as where:
        assert where == "pager 0123"
        assert [type(leg) for leg in board.taken] == [WavLeg, WavLeg]
    assert board.taken[-1] == "closed"


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("name", "table", "says"),
    [
        ("pager", {}, r"\[legs.pager\] object missing required field pager-number"),
        ("pager", {"pager-number": 5}, r"\[legs.pager\] pager-number: expected str, got int"),
        ("lost", {}, r"\[legs.lost\] offhook_pager.nowhere cannot be loaded"),
        ("wrong", {}, r"\[legs.wrong\] offhook_pager:MODULE_NAME cannot be loaded"),
        ("fax", {}, r"\[legs.fax\] there is no such kind of leg; there are: asterisk, lost, pager, sip, talk"),
    ],
)
def test_what_cannot_be_used_is_told(name, table, says):
    with pytest.raises(UsageError, match=says):
        doors.door(name, table, Path())


@pytest.mark.usefixtures("package")
async def test_a_door_that_does_not_open_is_told_in_one_line():
    with pytest.raises(UsageError, match=r"^\[legs.pager\] cannot be opened: ValueError\('it never"):
        async with doors.door("pager", {"pager-number": "1", "rings": 9}, Path()).opened(Board()):
            pass
    with pytest.raises(UsageError, match=r"^\[legs.talk\] cannot listen on port 0 on nowhere.invalid"):
        async with doors.door("talk", {"port": 0, "host": "nowhere.invalid"}, Path()).opened(Board()):
            pass


async def test_what_goes_wrong_while_it_is_open_is_left_alone():
    class Kind:
        Table = dict

        @staticmethod
        @asynccontextmanager
        async def serve(table: object, board: object) -> AsyncIterator[str]:
            yield "open"

    with pytest.raises(KeyError):
        async with doors.Door("x", Kind(), {}).opened(Board()):
            raise KeyError("of the call")


def test_built_in_kinds_are_entry_points_too():
    declared = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]["entry-points"]
    assert declared[doors.GROUP] == doors._BUILT_IN
