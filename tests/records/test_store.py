"""The store: one private folder for each call, and no call is disturbed when there can be none."""

from __future__ import annotations

import logging
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from tests.records.calls import SESSION, STARTED, fill

from offhook.errors import UsageError
from offhook.records.store import CallStore, load


def test_folders_are_named_by_time_and_id_and_private(tmp_path: Path) -> None:
    store = CallStore(tmp_path / "deep" / "calls")
    kept = store.begin(SESSION, STARTED)
    assert kept.folder == tmp_path / "deep" / "calls" / "20261122-112300-30b0e395"
    assert stat.S_IMODE(kept.folder.stat().st_mode) == 0o700
    kept.finish()
    store.close()
    assert load(kept.folder).session == SESSION


def test_one_id_twice_in_a_second_gets_two_folders(tmp_path: Path) -> None:
    store = CallStore(tmp_path)
    records = [store.begin(SESSION, STARTED) for _ in range(3)]
    for kept in records:
        kept.finish()
    store.close()
    assert [kept.folder.name[-11:] for kept in records if kept.folder] == ["00-30b0e395", "-30b0e395-2", "-30b0e395-3"]


@pytest.mark.parametrize(
    ("session", "name"),
    [("../../etc/passwd", "etcpassw"), ("\x00/..", "call"), ("", "call"), ("ab-cd", "abcd"), ("名前" * 200, "call")],
)
def test_an_id_from_outside_stays_inside(tmp_path: Path, session: str, name: str) -> None:
    store = CallStore(tmp_path)
    kept = store.begin(session, STARTED)
    summary = kept.finish().result()
    store.close()
    assert kept.folder == tmp_path / f"20261122-112300-{name}"
    assert summary.session == session


def test_a_directory_that_cannot_be_made_disturbs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    store = CallStore(tmp_path / "file" / "calls")
    with caplog.at_level(logging.WARNING):
        kept = store.begin(SESSION, STARTED)
        fill(kept)
        summary = kept.finish().result()
    store.close()
    assert kept.folder is None
    assert (summary.outcome, summary.output, summary.files) == ("completed", {"intent": "agent"}, {})
    assert "Not a directory" in summary.failure
    assert len(caplog.records) == 1
    assert store.folders() == []


def test_calls_are_listed_the_latest_first(tmp_path: Path) -> None:
    store = CallStore(tmp_path)
    assert CallStore(tmp_path / "none").folders() == []
    (tmp_path / "something else").mkdir()
    for minutes in (1, 3, 2):
        store.begin(SESSION, STARTED + timedelta(minutes=minutes)).finish().result()
    going_on = store.begin(SESSION, STARTED)
    store._disk.result(lambda: None).result()
    names = [folder.name[9:15] for folder in store.folders()]
    assert names == ["112600", "112500", "112400", "112300"]
    assert store.folders()[-1] == going_on.folder
    assert load(store.folders()[-1]).session == SESSION
    going_on.finish()
    store.close()


def test_nothing_that_a_caller_says_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    store = CallStore(tmp_path / "file")
    with caplog.at_level(logging.INFO):
        kept = store.begin(SESSION, STARTED)
        fill(kept)
        kept.finish().result()
    store.close()
    assert caplog.text
    assert not any(word in caplog.text for word in ("Where", "Monday", "tel:", "gold", "agent"))


def test_a_place_where_nothing_can_be_kept_is_told_ahead(tmp_path: Path) -> None:
    CallStore(tmp_path / "deep" / "calls").prepare()
    assert list((tmp_path / "deep" / "calls").iterdir()) == []
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "calls", Path("/proc/calls")):
        with pytest.raises(UsageError, match="calls cannot be kept in"):
            CallStore(place).prepare()
