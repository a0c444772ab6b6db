"""The recording of a call: two lanes on one axis."""

from __future__ import annotations

import pytest

from offhook.audio import wav
from offhook.connector.recorder import Recorder
from offhook.errors import AudioFileError


def test_both_lanes_grow_together_and_are_written_left_and_right(tmp_path):
    recorder = Recorder()
    recorder.add(b"ab", b"12")
    recorder.add(b"c", b"3")
    assert recorder.samples == 3
    assert recorder.lanes() == (b"abc", b"123")
    assert recorder.heard(1, 3) == b"23"
    recorder.write(tmp_path / "call.wav")
    assert wav.read_ulaw(tmp_path / "call.wav") == [b"abc", b"123"]


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(AudioFileError, match="missing"):
        Recorder().write(tmp_path / "missing" / "call.wav")
