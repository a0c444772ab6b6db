"""Recorded speech is found where it is, read as it was recorded, and joined without a click or a lost word."""

from __future__ import annotations

import gzip
import importlib.util
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from offhook.audio import ulaw, wav
from offhook.errors import AudioFileError, UsageError
from offhook.testing.recordings import Clip, Recordings

TEXTS = """; Core Asterisk Sounds in English

hello: Hello.
digits/4: four
digits/7: seven
vm-num-i-have: the number i have is
dir-multi2: ... for ...
letters/at: at [@]
beep: [this is a simple beep tone]
silence/1: (1 second of silence)
lost: Somebody deleted this file.
"""
EDGE = 0.02
SCRIPT = Path(__file__).parents[2] / "scripts" / "fetch_recordings.sh"


def tone(seconds: float, level: float = 0.5, rate: int = 8000) -> np.ndarray:
    return np.rint(32767 * level * np.sin(np.arange(round(seconds * rate)) * (2 * np.pi * 500 / rate))).astype(np.int16)


def between_silences(speech: np.ndarray, before: float = 0.2, after: float = 0.3) -> np.ndarray:
    return np.concatenate([np.zeros(round(before * 8000), np.int16), speech, np.zeros(round(after * 8000), np.int16)])


def unpacked(root: Path) -> Path:
    """A folder like the one that the script leaves: four words, and files that are not speech."""
    sounds = root / "usr/share/asterisk/sounds/en_US_f_Allison"
    texts = root / "usr/share/doc/asterisk-core-sounds-en"
    texts.mkdir(parents=True)
    (texts / "core-sounds-en.txt.gz").write_bytes(gzip.compress(TEXTS.encode()))
    for key, seconds in {"hello": 0.4, "digits/4": 0.3, "digits/7": 0.5, "beep": 0.1, "dir-multi2": 0.2}.items():
        (sounds / key).parent.mkdir(parents=True, exist_ok=True)
        wav.write_pcm(sounds / f"{key}.wav", [between_silences(tone(seconds))], 8000)
    wav.write_pcm(sounds / "vm-num-i-have.wav", [np.zeros(800, np.int16)], 8000)
    return root


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    return Recordings.find(unpacked(tmp_path / "with spaces"))


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without recordings: an empty working directory, and neither Debian's package nor the wheel."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OFFHOOK_RECORDINGS", raising=False)
    monkeypatch.setattr("offhook.testing.recordings._SYSTEM", tmp_path / "not/installed")
    monkeypatch.setattr("offhook.testing.recordings._moonshine", dict)
    return tmp_path


def test_what_is_speech_and_there_has_a_key_and_words(recordings: Recordings) -> None:
    assert recordings.source == "asterisk"
    assert "Allison Smith" in recordings.origin
    assert "CC-BY-SA-3.0" in recordings.origin
    assert {key: clip.text for key, clip in recordings.clips.items()} == {
        "hello": "Hello.",
        "digits/4": "four",
        "digits/7": "seven",
        "vm-num-i-have": "the number i have is",
        "dir-multi2": "for",
    }


def test_a_phrase_is_the_speech_without_the_silence_around_it(recordings: Recordings) -> None:
    audio, text = recordings.phrase("hello")
    assert text == "Hello."
    assert len(audio) / 8000 == pytest.approx(0.4 + 2 * EDGE, abs=0.002)
    assert ulaw.encode(tone(0.4))[1:-1] in audio
    assert set(audio[:100]) == {ulaw.SILENCE}


def test_soft_consonants_are_not_cut_off(recordings: Recordings) -> None:
    soft = between_silences(np.concatenate([tone(0.1, 0.003), tone(0.2), tone(0.1, 0.003)]))
    wav.write_pcm(recordings.clips["hello"].path, [soft], 8000)
    assert len(recordings.phrase("hello")[0]) / 8000 == pytest.approx(0.4 + 2 * EDGE, abs=0.005)


def test_a_recording_of_silence_stays_as_it_is(recordings: Recordings) -> None:
    assert recordings.phrase("vm-num-i-have")[0] == ulaw.silence(800)


def test_an_utterance_is_its_phrases_with_a_gap_between_them(recordings: Recordings) -> None:
    utterance = recordings.utterance(["digits/4", "digits/7", "digits/4"], gap=0.12)
    four, seven = recordings.phrase("digits/4")[0], recordings.phrase("digits/7")[0]
    gap = ulaw.silence(960)
    assert utterance.audio == four + gap + seven + gap + four
    assert utterance.text == "four seven four"
    assert utterance.seconds == len(utterance.audio) / 8000


def test_a_number_among_the_keys_is_the_pause_at_that_place(recordings: Recordings) -> None:
    utterance = recordings.utterance(["hello", 0.5, "digits/4", "digits/7"], gap=0.1)
    hello, four, seven = (recordings.phrase(key)[0] for key in ("hello", "digits/4", "digits/7"))
    assert utterance.audio == hello + ulaw.silence(4000) + four + ulaw.silence(800) + seven


def test_a_piece_of_a_longer_recording_is_cut_at_its_seconds_and_brought_to_level(tmp_path: Path) -> None:
    path = tmp_path / "reading.wav"
    words = np.concatenate([tone(0.5, 0.02, 48000), np.zeros(24000, np.int16), tone(1.0, 0.1, 48000)])
    wav.write_pcm(path, [words], 48000)
    clips = {"second": Clip(path, "second", 0.9, 1.5, gain=4), "whole": Clip(path, "both")}
    recordings = Recordings("moonshine", "a reading", clips)
    second, _ = recordings.phrase("second")
    assert len(second) / 8000 == pytest.approx(0.5 + EDGE, abs=0.005)
    assert np.abs(ulaw.to_float(second)).max() == pytest.approx(0.4, rel=0.05)
    assert len(recordings.phrase("whole")[0]) / 8000 == pytest.approx(2.0, abs=0.005)


def test_an_unknown_key_and_a_lost_file_are_named(recordings: Recordings) -> None:
    with pytest.raises(UsageError, match="'digits/99'"):
        recordings.utterance(["hello", "digits/99"])
    recordings.clips["hello"].path.unlink()
    with pytest.raises(AudioFileError, match=r"hello\.wav"):
        recordings.phrase("hello")


def test_the_folder_of_sounds_itself_will_do(tmp_path: Path) -> None:
    root = unpacked(tmp_path)
    assert "hello" in Recordings.find(root / "usr/share/asterisk/sounds").clips


def test_a_folder_of_ones_own_may_hold_the_list_of_words(tmp_path: Path) -> None:
    root = unpacked(tmp_path / "unpacked")
    own = tmp_path / "own"
    shutil.copytree(root / "usr/share/asterisk/sounds", own)
    shutil.copy(root / "usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz", own)
    assert Recordings.find(own).clips["hello"] == Clip(own / "en_US_f_Allison/hello.wav", "Hello.")


def test_order_of_search(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(directory: Path | None = None) -> Path:
        return Recordings.find(directory).clips["hello"].path

    named, variable = unpacked(bare / "named"), unpacked(bare / "variable")
    system = unpacked(bare / "system") / "usr/share/asterisk/sounds"
    monkeypatch.setattr("offhook.testing.recordings._SYSTEM", system)
    assert found().is_relative_to(system)
    unpacked(bare / "build/recordings")
    assert found().is_relative_to(bare / "build/recordings")
    monkeypatch.setenv("OFFHOOK_RECORDINGS", str(variable))
    assert found().is_relative_to(variable)
    assert found(named).is_relative_to(named)


def test_a_folder_that_was_named_is_not_passed_over(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked(bare / "build/recordings")
    with pytest.raises(UsageError, match=r"elsewhere.*make recordings"):
        Recordings.find(bare / "elsewhere")
    monkeypatch.setenv("OFFHOOK_RECORDINGS", str(bare / "elsewhere"))
    with pytest.raises(UsageError, match=r"elsewhere.*make recordings"):
        Recordings.find()
    with pytest.raises(UsageError, match="make recordings"):
        Recordings.find(Path())


def test_sounds_without_their_words_are_of_no_use(bare: Path) -> None:
    root = unpacked(bare / "build/recordings")
    shutil.rmtree(root / "usr/share/doc")
    with pytest.raises(UsageError, match="make recordings"):
        Recordings.find()


def test_a_damaged_list_of_words_is_named(tmp_path: Path) -> None:
    root = unpacked(tmp_path)
    (root / "usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz").write_bytes(b"not a gzip file")
    with pytest.raises(UsageError, match=r"core-sounds-en\.txt\.gz.*make recordings"):
        Recordings.find(root)


@pytest.mark.usefixtures("bare")
def test_a_machine_without_any_says_what_to_run() -> None:
    with pytest.raises(UsageError, match="make recordings"):
        Recordings.find()


@pytest.mark.skipif(importlib.util.find_spec("moonshine_voice") is None, reason="moonshine-voice is not installed")
def test_the_readings_in_the_wheel_are_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OFFHOOK_RECORDINGS", raising=False)
    monkeypatch.setattr("offhook.testing.recordings._SYSTEM", tmp_path / "not/installed")
    recordings = Recordings.find()
    assert recordings.source == "moonshine"
    assert "moonshine-voice wheel" in recordings.origin
    for key in recordings.clips:
        samples = np.abs(ulaw.to_float(recordings.phrase(key)[0]))
        assert 0.3 < samples.max() < 0.9, f"{key} is as loud as the others, and not clipped"
        assert max(samples[:160].max(), samples[-160:].max()) < 0.05, f"{key} is cut in a pause"


def test_the_script_leaves_alone_what_it_did_not_make(tmp_path: Path) -> None:
    folder = tmp_path / "my own files"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    run = subprocess.run(["sh", SCRIPT, folder], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert "holds other things" in run.stderr
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_the_script_does_nothing_twice_and_says_when_there_is_no_apt(tmp_path: Path) -> None:
    folder = tmp_path / "with spaces" / "recordings"
    no_apt = {"PATH": str(tmp_path)}
    run = subprocess.run(["/bin/sh", SCRIPT, folder], env=no_apt, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert "apt-get is missing" in run.stderr
    assert not folder.exists()
    folder.mkdir(parents=True)
    (folder / ".complete").touch()
    run = subprocess.run(["/bin/sh", SCRIPT, folder], env=no_apt, capture_output=True, text=True, check=False)
    assert run.returncode == 0
    assert str(folder) in run.stdout
