"""The folder of a call: complete if it was finished, readable if it was not."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from tests.records.calls import SESSION, summary

from offhook.errors import UsageError
from offhook.protocol.trace import TraceWriter
from offhook.records import layout


def test_what_is_written_is_loaded(tmp_path: Path) -> None:
    call = summary()
    layout.write(tmp_path, call, report=True)
    assert layout.load(tmp_path) == call
    assert layout.load(tmp_path / "call.json") == call
    assert {file.name for file in tmp_path.iterdir()} == {
        "call.json",
        "call.html",
        "transcript.json",
        "transcript.txt",
        "transcript.vtt",
    }
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in tmp_path.iterdir())


def test_files_are_plain_json_and_text(tmp_path: Path) -> None:
    layout.write(tmp_path, summary(), report=False)
    call = json.loads((tmp_path / "call.json").read_bytes())
    assert (call["offhook_call"], call["session"], call["output"]) == (1, SESSION, {"intent": "agent"})
    lines = json.loads((tmp_path / "transcript.json").read_bytes())
    assert lines == call["transcript"]
    assert lines[0]["words"][0] == ["Where", 1.0, 1.25, 0.9]
    assert "[not heard: on Monday.]" in (tmp_path / "transcript.txt").read_text()
    assert not (tmp_path / "call.html").exists()


def test_files_are_named_by_kind(tmp_path: Path) -> None:
    assert set(layout.files(tmp_path, report=False)) == {"call", "transcript", "text", "subtitles"}
    (tmp_path / "trace.ndjson").touch()
    (tmp_path / "audio.wav").touch()
    assert set(layout.files(tmp_path, report=True)) == {
        "call",
        "transcript",
        "text",
        "subtitles",
        "report",
        "trace",
        "audio",
    }


def test_a_call_whose_records_broke_off_is_told_by_its_trace(tmp_path: Path) -> None:
    with (tmp_path / "trace.ndjson").open("wb") as file:
        writer = TraceWriter(file.write, role="server", session="s", profile="monitor", started="then")
        writer.message(3.5, "client", b"\xff")
        file.write(b'{"t":4.0,"fr')
    call = layout.load(tmp_path)
    assert (call.session, call.profile, call.started, call.seconds) == ("s", "monitor", "then", 3.5)
    assert (call.finished, call.outcome, call.files) == (False, None, {"trace": "trace.ndjson"})
    layout.write_report(tmp_path, call)
    assert "Records broke off" in (tmp_path / "call.html").read_text()


@pytest.mark.parametrize("content", [None, b"{}", b"garbage", b'{"offhook_call":2,"session":"s"}'])
def test_what_is_no_call_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "call.json").write_bytes(content)
    with pytest.raises(UsageError, match=str(tmp_path)):
        layout.load(tmp_path)
