"""The record of a running call: cheap while the call goes on, complete at its end, harmless when the disk is not."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import threading
from pathlib import Path

import pytest
from tests.records.calls import SESSION, STARTED, TONE, fill

from offhook.audio.wav import read_ulaw
from offhook.errors import UsageError
from offhook.protocol import trace
from offhook.records import disk, layout, recording, report, tape
from offhook.records.events import Heard, Key, MessageSeen
from offhook.records.store import CallRecord, CallStore, Keep


def test_a_whole_call(tmp_path: Path) -> None:
    store = CallStore(tmp_path)
    kept = store.begin(SESSION, STARTED, profile="connector")
    fill(kept)
    summary = kept.finish().result()
    store.close()
    assert kept.folder is not None
    assert layout.load(kept.folder) == summary
    assert set(summary.files) == {"call", "transcript", "text", "subtitles", "report", "trace", "audio"}
    assert all((kept.folder / name).stat().st_size for name in summary.files.values())
    assert summary.audio["client"].messages == 30
    assert summary.audio["client"].bytes == 48_000
    assert summary.messages == {"client": {"open": 1}, "server": {}}
    assert not any(isinstance(event, MessageSeen) for event in summary.events)
    assert [event.final for event in summary.events if isinstance(event, Heard)] == [True]
    with (kept.folder / "trace.ndjson").open("rb") as lines:
        told = trace.read(lines)
    assert (told.header.session, told.header.profile, told.header.role) == (SESSION, "connector", "server")
    assert (len(told.messages), told.messages[1].data, told.cut) == (31, TONE, False)
    assert told.end == trace.TraceEnd(6.0, "completed")
    external, internal = read_ulaw(kept.folder / "audio.wav")
    assert external == TONE * 30
    assert internal == b"\xff" * 20_000 + TONE * 7 + b"\xff" * (48_000 - 20_000 - 11_200)


async def test_a_running_loop_can_wait_for_the_end(tmp_path: Path) -> None:
    store = CallStore(tmp_path)
    kept = store.begin(SESSION, STARTED)
    fill(kept)
    assert (await asyncio.wrap_future(kept.finish())).outcome == "completed"
    store.close()


def test_finishing_twice_is_finishing_once(tmp_path: Path) -> None:
    store = CallStore(tmp_path)
    kept = store.begin(SESSION, STARTED)
    fill(kept)
    assert kept.finish() is kept.finish()
    kept.message("client", "{}", 9.0)
    kept.external.write(0, TONE)
    kept.add(Key("1", t=9.0))
    store.close()
    assert kept.finish().result().files["audio"] == "audio.wav"


@pytest.mark.parametrize(
    ("keep", "missing"),
    [
        (Keep(audio=False), {"audio.wav"}),
        (Keep(trace=False), {"trace.ndjson"}),
        (Keep(report=False), {"call.html"}),
        (Keep(False, False, False), {"audio.wav", "trace.ndjson", "call.html"}),
    ],
)
def test_only_what_is_wanted_is_kept(tmp_path: Path, keep: Keep, missing: set[str]) -> None:
    store = CallStore(tmp_path, keep)
    kept = store.begin(SESSION, STARTED)
    fill(kept)
    summary = kept.finish().result()
    store.close()
    assert kept.folder is not None
    names = {file.name for file in kept.folder.iterdir()}
    assert names == set(summary.files.values())
    assert not names & missing
    assert summary.audio["client"].bytes == 48_000
    assert (kept.failure, summary.failure) == ("", "")


def test_a_trace_of_messages_holds_no_audio_and_still_counts_it(tmp_path: Path) -> None:
    store = CallStore(tmp_path, Keep.of("messages"))
    kept = store.begin(SESSION, STARTED)
    assert not kept.wants_audio
    kept.message("client", '{"type":"ping"}', 0.1)
    kept.message("server", b"\xff" * 800, 0.2)
    kept.passed("client", 3, 4800)
    summary = kept.finish().result()
    store.close()
    assert kept.folder is not None
    written = trace.read((kept.folder / "trace.ndjson").read_bytes().splitlines())
    assert [message.data for message in written.messages] == ['{"type":"ping"}']
    assert (summary.audio["client"].messages, summary.audio["client"].bytes) == (3, 4800)
    assert (summary.audio["server"].messages, summary.audio["server"].bytes) == (1, 800)


def test_what_to_keep_is_named() -> None:
    assert Keep.of("audio,trace,report") == Keep()
    assert Keep.of("messages, audio") == Keep(True, "messages", False)
    assert Keep.of("") == Keep(False, False, False)
    for wrong in ("sound", "trace,messages"):
        with pytest.raises(UsageError):
            Keep.of(wrong)


def test_a_call_without_audio_leaves_no_sound_file(tmp_path: Path) -> None:
    store = CallStore(tmp_path)
    kept = store.begin(SESSION, STARTED)
    summary = kept.finish().result()
    store.close()
    assert "audio" not in summary.files
    assert kept.folder is not None
    assert not (kept.folder / "audio.wav").exists()
    assert (summary.finished, summary.outcome) == (False, None)


def test_a_crash_leaves_trace_and_audio(tmp_path: Path) -> None:
    store = CallStore(tmp_path)
    kept = store.begin(SESSION, STARTED)
    fill(kept, seconds=60)
    store._disk.result(lambda: None).result()  # all that was handed in is on disk; a crash now loses what is in memory
    assert kept.folder is not None
    assert not (kept.folder / "call.json").exists()
    call = layout.load(kept.folder)
    assert not call.finished
    assert call.session == SESSION
    assert call.seconds >= 60 - 2.3  # of sound and trace, 16 kB wait for the rest of their piece
    external, _ = read_ulaw(kept.folder / "audio.wav")
    assert len(external) >= 57 * 8000
    assert external == (TONE * 300)[: len(external)]
    kept.finish()
    store.close()


def test_work_for_the_disk_is_rare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = CallStore(tmp_path)
    kept = store.begin(SESSION, STARTED)
    handed = 0
    submit = disk.Disk.submit

    def count(*given: object, **how: object) -> object:
        nonlocal handed
        handed += 1
        return submit(*given, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(disk.Disk, "submit", count)
    fill(kept, seconds=60)  # 300 messages
    assert handed <= 61  # 16 kB a second from this side, twice: sound and trace
    kept.finish().result()
    store.close()


def test_what_comes_now_and_then_is_gathered_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message in five seconds never fills a piece: a crash still finds those that are older than `disk.GATHER`."""
    monkeypatch.setattr(disk, "GATHER", 0.01)
    store = CallStore(tmp_path, Keep.of("messages"))
    kept = store.begin(SESSION, STARTED)
    written = threading.Event()
    write = tape.Tape.write

    def told(*given: object) -> None:
        write(*given)  # type: ignore[arg-type]
        written.set()

    monkeypatch.setattr(tape.Tape, "write", told)
    assert kept.folder is not None
    for number in range(3):
        kept.message("client", f'{{"version":"2","type":"ping","seq":{number}}}', number)
        kept.message("server", "no JSON", number)
        assert written.wait(10)
        written.clear()
        with (kept.folder / "trace.ndjson").open("rb") as lines:
            assert len(trace.read(lines).messages) in (2 * number + 1, 2 * number + 2), "the second may gather again"
    summary = kept.finish().result()
    assert summary.messages == {"client": {"ping": 3}, "server": {}}
    with (kept.folder / "trace.ndjson").open("rb") as lines:
        told_in_order = [message.data for message in trace.read(lines).messages if message.sender == "client"]
    assert [f'"seq":{number}' in data for number, data in enumerate(told_in_order)] == [True] * 3
    kept.message("client", "late", 4.0)
    store.close()


def test_what_was_gathered_is_written_when_the_process_ends(tmp_path: Path) -> None:
    store = CallStore(tmp_path, Keep.of("messages"))
    kept = store.begin(SESSION, STARTED)
    kept.message("client", '{"version":"2","type":"ping","seq":1}', 0.5)
    store.close()
    assert kept.folder is not None
    with (kept.folder / "trace.ndjson").open("rb") as lines:
        assert len(trace.read(lines).messages) == 1
    kept.finish().result()
    store.close()


def test_what_may_wait_is_written_soon_and_in_order(tmp_path: Path) -> None:
    store = CallStore(tmp_path)
    kept = store.begin(SESSION, STARTED)
    done, order = threading.Event(), []
    store._disk.submit(lambda: order.append("may wait"), soon=True)
    store._disk.submit(lambda: (order.append("last"), done.set()), soon=True)
    assert done.wait(10), "nobody has hurried it, and it is done all the same"
    store._disk.submit(lambda: order.append("may wait too"), soon=True)
    kept.finish().result()
    assert order == ["may wait", "last", "may wait too"]
    store.close()


def fail(*given: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("module", [recording, tape])
def test_a_full_disk_ends_the_records_and_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, module: object
) -> None:
    store = CallStore(tmp_path)
    kept = store.begin(SESSION, STARTED)
    monkeypatch.setattr(module, "write_all", fail)
    with caplog.at_level(logging.WARNING):
        fill(kept, seconds=30)
        summary = kept.finish().result()
        store.close()
    assert "No space left" in summary.failure
    assert sum("No space left" in line for line in caplog.messages) == 1
    assert sum("No space left" in note for note in summary.notes) == 1
    assert summary.outcome == "completed"
    assert kept.folder is not None
    assert layout.load(kept.folder).failure == summary.failure  # there was room for this much


def test_a_disk_that_fails_at_the_end_still_gives_the_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = CallStore(tmp_path)
    kept = store.begin(SESSION, STARTED)
    fill(kept)
    monkeypatch.setattr(disk, "write_all", fail)
    summary = kept.finish().result()
    store.close()
    assert "No space left" in summary.failure
    assert summary.output == {"intent": "agent"}
    assert kept.folder is not None
    assert not (kept.folder / "call.json").exists()


def test_a_disk_that_does_not_keep_up_ends_the_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "MAX_WAITING", 100_000)
    go = threading.Event()
    store = CallStore(tmp_path)
    kept = store.begin(SESSION, STARTED)
    store._disk.submit(go.wait)
    fill(kept, seconds=60)
    assert store._disk.waiting < 200_000
    go.set()
    summary = kept.finish().result()
    store.close()
    assert "keep up" in summary.failure
    assert store._disk.waiting == 0


def test_a_fault_in_the_report_does_not_cost_the_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "render", lambda *given, **named: 1 / 0)
    store = CallStore(tmp_path)
    kept = store.begin(SESSION, STARTED)
    fill(kept)
    summary = kept.finish().result()
    store.close()
    assert summary.failure == "ZeroDivisionError while the report was made"
    assert kept.folder is not None
    assert json.loads((kept.folder / "call.json").read_bytes())["outcome"] == "completed"


def test_a_wild_position_is_noted(tmp_path: Path) -> None:
    store = CallStore(tmp_path)
    kept = store.begin(SESSION, STARTED)
    kept.external.write(10**12, TONE)
    summary = kept.finish().result()
    store.close()
    assert "left out" in summary.notes[0]


def test_records_without_a_folder_keep_nothing(tmp_path: Path) -> None:
    worker = disk.Disk()
    kept = CallRecord(None, worker, Keep(), SESSION, STARTED, "server", "")
    fill(kept)
    summary = kept.finish().result()
    worker.close()
    assert (summary.outcome, summary.files) == ("completed", {})
