"""Voice files of every kind become mu-law; what is none is told in one line."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from offhook.audio import alaw, sounds, ulaw, wav
from offhook.errors import AudioFileError

TONE = (0.3 * np.sin(2 * np.pi * 500 * np.arange(22050) / 22050)).astype(np.float32)


def test_raw_and_wav_files_are_taken_as_they_are(tmp_path: Path) -> None:
    lane = bytes(range(256))
    (tmp_path / "a.ulaw").write_bytes(lane)
    (tmp_path / "b.al").write_bytes(lane)
    wav.write_ulaw(tmp_path / "c.wav", [lane])
    assert sounds.read(tmp_path / "a.ulaw") == lane
    assert sounds.read(tmp_path / "c.wav") == lane
    decoded = alaw.decode(lane).astype(np.int32)
    assert np.abs(ulaw.decode(sounds.read(tmp_path / "b.al")) - decoded).max() <= 512


@pytest.mark.parametrize("kind", ["flac", "mp3", "ogg", "aiff"])
def test_compressed_files(tmp_path: Path, kind: str) -> None:
    soundfile = pytest.importorskip("soundfile")
    path = tmp_path / f"a.{kind}"
    soundfile.write(path, np.stack((TONE, np.zeros_like(TONE)), axis=1), 22050, format=kind.upper())
    lane = sounds.read(path)
    assert len(lane) == pytest.approx(8000, abs=500)
    spectrum = np.abs(np.fft.rfft(ulaw.to_float(lane)))
    assert int(spectrum.argmax()) * 8000 / len(lane) == pytest.approx(500, abs=5)
    assert ulaw.level_dbfs(lane) == pytest.approx(-10.5, abs=1.0), "the first channel, not the mean of both"


@pytest.mark.parametrize(("name", "content"), [("a.mp3", b"no music"), ("b.wav", b""), ("c.flac", b"fLaC" + bytes(50))])
def test_what_is_no_sound_is_told(tmp_path: Path, name: str, content: bytes) -> None:
    pytest.importorskip("soundfile")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AudioFileError, match=name):
        sounds.read(tmp_path / name)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for name in ("a.wav", "a.ul", "a.mp3"):
        with pytest.raises(AudioFileError, match="No such file"):
            sounds.read(tmp_path / name)


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    (tmp_path / "a.mp3").write_bytes(b"ID3" + bytes(100))
    with pytest.raises(AudioFileError, match=r"pip install 'offhook\[ssml\]'"):
        sounds.read(tmp_path / "a.mp3")
