"""Sounds: whole frames, shared by all calls, marked where an echo is to be known again."""

from __future__ import annotations

from pathlib import Path

import pytest

from offhook.audio import wav
from offhook.errors import AudioFileError
from offhook.protocol import INTERNAL, MONO, STEREO
from offhook.testing.load.sound import make_sound

SPEECH = bytes(range(0x80, 0xE4)) * 10  # 1000 samples


@pytest.mark.parametrize("frame_ms", [20, 100, 200])
@pytest.mark.parametrize("marked", [False, True])
def test_noise_is_long_and_whole(frame_ms: int, marked: bool) -> None:
    sound = make_sound(frame_ms, marked=marked)
    assert len(sound.external) == len(sound.internal) == sound.frames * sound.frame
    assert len(sound.external) > 16 * 8000 - sound.frame
    assert {len(message) for message in sound.messages(MONO)} == {frame_ms * 8}
    assert {len(message) for message in sound.messages(STEREO)} == {frame_ms * 16}
    assert sound.messages(MONO) is sound.messages(MONO)


def test_a_file_is_said_in_full(tmp_path: Path) -> None:
    wav.write_ulaw(tmp_path / "a.wav", [SPEECH])
    sound = make_sound(200, str(tmp_path / "a.wav"))
    assert sound.external[:1600] == SPEECH + bytes([0xFF]) * 600
    assert sound.external[1600:3200] == sound.external[:1600]
    assert set(sound.internal) == {0xFF}


def test_two_channels(tmp_path: Path) -> None:
    wav.write_ulaw(tmp_path / "a.wav", [SPEECH, SPEECH[::-1]])
    sound = make_sound(20, str(tmp_path / "a.wav"))
    first = sound.messages(STEREO)[0]
    assert (first[::2], first[1::2]) == (SPEECH[:160], SPEECH[::-1][:160])
    assert sound.messages(INTERNAL)[0] == SPEECH[::-1][:160]


def test_marks_change_the_lowest_bit_alone(tmp_path: Path) -> None:
    wav.write_ulaw(tmp_path / "a.wav", [SPEECH])
    path = str(tmp_path / "a.wav")
    plain, marked = make_sound(200, path), make_sound(200, path, marked=True)
    assert all((a ^ b) & 0xFE in (0, 0x80) for a, b in zip(plain.external, marked.external, strict=True))
    assert plain.external != marked.external


def test_files_that_cannot_be_said(tmp_path: Path) -> None:
    wav.write_ulaw(tmp_path / "3.wav", [SPEECH] * 3)
    wav.write_ulaw(tmp_path / "0.wav", [b""])
    with pytest.raises(AudioFileError, match="3 channels"):
        make_sound(20, str(tmp_path / "3.wav"))
    with pytest.raises(AudioFileError, match="holds no sound"):
        make_sound(20, str(tmp_path / "0.wav"))
    with pytest.raises(AudioFileError):
        make_sound(20, str(tmp_path / "absent.wav"))
