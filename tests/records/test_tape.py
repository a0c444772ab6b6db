"""The files that grow during a call: made at once, and closed whatever happens."""

from __future__ import annotations

import errno
import gc
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.records.calls import TONE

from offhook.audio.wav import read_ulaw
from offhook.protocol import trace
from offhook.records import recording, tape
from offhook.records.recording import Lane
from offhook.records.tape import Message, Sound, Tape


def begin(folder: Path, *, audio: bool = True, lines: bool = True) -> Tape:
    made = Tape(folder, audio=audio, trace=lines)
    made.open("server", "s", "monitor", "then")
    return made


def test_batches_end_up_in_both_files(tmp_path: Path) -> None:
    made = begin(tmp_path)
    made.write(
        [Message(0.5, "client", "{}"), Message(0.6, "server", b"\x01")], [Sound(1, 1600, TONE), Sound(0, 0, TONE)]
    )
    made.end(1.0, "closed")
    made.close()
    kept = trace.read((tmp_path / "trace.ndjson").read_bytes().splitlines())
    assert kept.header == trace.TraceHeader(1, "server", "s", "monitor", "then")
    assert [(message.t, message.sender, message.data) for message in kept.messages] == [
        (0.5, "client", "{}"),
        (0.6, "server", b"\x01"),
    ]
    assert kept.end == trace.TraceEnd(1.0, "closed")
    silence = b"\xff" * 1600
    assert read_ulaw(tmp_path / "audio.wav") == [TONE + silence, silence + TONE]


@given(st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.integers(0, 400), st.integers(0, 60)), max_size=40))
def test_sounds_in_one_batch_are_as_sounds_one_by_one(drawn: list[tuple[Lane, int, int]]) -> None:
    """Most of them go on where the one before ended, as those of a call do."""
    sounds, end = [], 0
    for number, (lane, gap, samples) in enumerate(drawn):
        position = end if gap > 100 else gap
        sounds.append(Sound(lane, position, bytes([number]) * (samples * (2 if lane == recording.BOTH else 1))))
        end = position + samples
    kept = []
    for batches in ([sounds], [[sound] for sound in sounds]):
        with tempfile.TemporaryDirectory() as folder:
            made = begin(Path(folder), lines=False)
            for batch in batches:
                made.write([], batch)
            made.close()
            file = Path(folder) / "audio.wav"
            kept.append(file.read_bytes() if file.exists() else b"")
    assert kept[0] == kept[1]


def test_the_trace_begins_before_any_message(tmp_path: Path) -> None:
    made = begin(tmp_path)
    assert trace.read((tmp_path / "trace.ndjson").read_bytes().splitlines()).header.session == "s"
    made.close()


@pytest.mark.parametrize(("audio", "lines", "names"), [(False, True, {"trace.ndjson"}), (True, False, {"audio.wav"})])
def test_only_what_is_wanted_is_made(tmp_path: Path, audio: bool, lines: bool, names: set[str]) -> None:
    made = begin(tmp_path, audio=audio, lines=lines)
    made.write([Message(0.5, "client", "{}")], [Sound(0, 0, TONE)])
    made.end(1.0, "closed")
    made.close()
    assert {file.name for file in tmp_path.iterdir()} == names


def test_a_recording_of_nothing_is_taken_away(tmp_path: Path) -> None:
    made = begin(tmp_path)
    made.close()
    assert {file.name for file in tmp_path.iterdir()} == {"trace.ndjson"}


def test_a_tape_that_was_never_opened_can_be_closed(tmp_path: Path) -> None:
    Tape(tmp_path, audio=True, trace=True).close()


def test_files_are_closed_even_if_the_disk_refuses_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = begin(tmp_path)
    made.write([], [Sound(0, 0, TONE)])

    def full(*given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(recording, "write_all", full)
    with pytest.raises(OSError, match="No space"):
        made.close()
    del made
    gc.collect()  # an open file would warn here


def test_names_are_those_of_the_layout() -> None:
    assert (tape.TRACE, tape.AUDIO) == ("trace.ndjson", "audio.wav")
