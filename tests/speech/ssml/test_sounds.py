"""Sounds of SSML come from one folder, and are cut, repeated and made louder as the tag says."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from offhook.audio import ulaw, wav
from offhook.errors import SSMLError
from offhook.speech import reports
from offhook.speech.ssml.document import Audio, Text
from offhook.speech.ssml.reader import parse
from offhook.speech.ssml.sounds import Sounds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    reports.forget()
    inner = tmp_path / "sounds"
    inner.mkdir()
    tone = 0.1 * np.sin(2 * np.pi * 500 * np.arange(16000) / 8000)
    wav.write_ulaw(inner / "a.wav", [ulaw.from_float(tone.astype(np.float32))])
    wav.write_ulaw(tmp_path / "outside.wav", [b"\x20" * 80])
    return inner


def load(folder: Path, tag: str) -> bytes | None:
    (audio,) = parse(tag).children
    assert isinstance(audio, Audio)
    return Sounds(folder).load(audio)


def test_a_file_is_played_byte_by_byte(folder: Path) -> None:
    whole = wav.read_ulaw(folder / "a.wav")[0]
    assert load(folder, "<audio src='a.wav'/>") == whole
    assert load(folder, f"<audio src='{(folder / 'a.wav').as_uri()}'/>") == whole
    assert load(folder, "<audio src='a.wav' clipBegin='500ms' clipEnd='1s' repeatCount='2'/>") == whole[4000:8000] * 2


def test_loudness_and_speed(folder: Path) -> None:
    whole = wav.read_ulaw(folder / "a.wav")[0]
    louder = load(folder, "<audio src='a.wav' soundLevel='+6dB'/>")
    assert louder is not None
    assert ulaw.level_dbfs(louder) == pytest.approx(ulaw.level_dbfs(whole) + 6, abs=0.3)
    faster = load(folder, "<audio src='a.wav' speed='200%'/>")
    assert faster is not None
    assert len(faster) == 8000
    assert int(np.abs(np.fft.rfft(ulaw.to_float(faster))).argmax()) == 500


@pytest.mark.parametrize("source", ["b.wav", "../outside.wav", "/etc/passwd", "http://127.0.0.1/a.wav", "//host/a.wav"])
def test_what_cannot_be_played_is_stood_in_for_or_refused(
    folder: Path, source: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SSMLError, match="line 1, column 3"):
        Sounds(folder).load(Audio(source, column=3))
    with caplog.at_level(logging.WARNING):
        assert Sounds(folder).load(Audio(source, (Text("instead"),))) is None
        assert Sounds(folder).load(Audio(source, (Text("instead"),))) is None
    assert len(caplog.records) == 1
    assert "instead" not in caplog.text
