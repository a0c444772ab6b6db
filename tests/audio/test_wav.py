"""Sound files: every plain format in, mu-law and PCM out, and one clear sentence for whatever cannot be read."""

from __future__ import annotations

import struct
import wave
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offhook.audio import alaw, riff, tones, ulaw, wav
from offhook.errors import AudioFileError

VALUES = [0.0, 0.5, -0.5, 0.25, -1.0, 0.75]


def wav_file(path: Path, form: riff.Format, data: bytes) -> Path:
    path.write_bytes(riff.header(form, len(data)) + data)
    return path


def pcm24(value: float) -> bytes:
    return struct.pack("<i", round(value * 2**23))[:3]


ENCODINGS = {
    "8 bits": (riff.PCM, 1, lambda v: bytes([round(v * 128) + 128])),
    "16 bits": (riff.PCM, 2, lambda v: struct.pack("<h", round(v * 2**15))),
    "24 bits": (riff.PCM, 3, pcm24),
    "32 bits": (riff.PCM, 4, lambda v: struct.pack("<i", round(v * 2**31))),
    "float": (riff.FLOAT, 4, lambda v: struct.pack("<f", v)),
    "double": (riff.FLOAT, 8, lambda v: struct.pack("<d", v)),
}


@pytest.mark.parametrize(("tag", "width", "encode"), ENCODINGS.values(), ids=ENCODINGS.keys())
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_reads_linear_samples_exactly(tmp_path: Path, tag: int, width: int, encode, channels: int) -> None:  # type: ignore[no-untyped-def]
    path = wav_file(tmp_path / "a.wav", riff.Format(tag, channels, 16000, width), b"".join(map(encode, VALUES)))
    sound = wav.read(path)
    assert sound.rate == 16000
    assert [lane.tolist() for lane in sound.lanes] == [VALUES[channel::channels] for channel in range(channels)]
    assert all(lane.dtype == np.float32 for lane in sound.lanes)
    assert sound.samples == 6 // channels
    assert sound.seconds == sound.samples / 16000


def test_reads_g711(tmp_path: Path) -> None:
    codes = bytes(range(256))
    for tag, decode in ((riff.ULAW, ulaw.decode), (riff.ALAW, alaw.decode)):
        (lane,) = wav.read(wav_file(tmp_path / "a.wav", riff.Format(tag, 1, 8000, 1), codes)).lanes
        assert (lane * 32768 == decode(codes)).all()


def test_floats_that_are_no_samples_become_some(tmp_path: Path) -> None:
    data = struct.pack("<4d", float("nan"), float("inf"), float("-inf"), 1e300)
    (lane,) = wav.read(wav_file(tmp_path / "a.wav", riff.Format(riff.FLOAT, 1, 8000, 8), data)).lanes
    assert lane.tolist() == [0.0, 1.0, -1.0, 1.0]


def test_reads_what_the_standard_library_writes(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(struct.pack("<4h", 1, -1, 2, -2))
    sound = wav.read(str(tmp_path / "a.wav"))
    assert [(lane * 32768).tolist() for lane in sound.lanes] == [[1, 2], [-1, -2]]


def test_an_empty_sound(tmp_path: Path) -> None:
    path = wav_file(tmp_path / "a.wav", riff.Format(riff.PCM, 2, 44100, 2), b"")
    assert wav.read(path).seconds == 0
    assert wav.read_ulaw(path) == [b"", b""]


def test_mu_law_comes_out_as_it_lies_in_the_file(tmp_path: Path) -> None:
    lanes = [bytes(range(256)), bytes(range(255, -1, -1))]  # with both zeros
    wav.write_ulaw(tmp_path / "a.wav", lanes)
    assert wav.read_ulaw(tmp_path / "a.wav") == lanes
    assert wav.read_ulaw(tmp_path / "a.wav", channels=2) == lanes


def test_linear_samples_of_the_same_rate_are_only_encoded(tmp_path: Path) -> None:
    pcm = np.arange(-32768, 32768, 7).astype(np.int16)
    wav.write_pcm(tmp_path / "a.wav", [pcm], 8000)
    assert wav.read_ulaw(tmp_path / "a.wav") == [ulaw.encode(pcm)]


def test_other_rates_are_resampled(tmp_path: Path) -> None:
    wav.write_pcm(tmp_path / "a.wav", [tones.tone(1000, 1.0, rate=44100), tones.tone(7000, 1.0, rate=44100)], 44100)
    tone, nothing = wav.read_ulaw(tmp_path / "a.wav")
    assert len(tone) == len(nothing) == 8000
    assert ulaw.level_dbfs(tone) == pytest.approx(-12, abs=0.2)
    assert ulaw.level_dbfs(nothing) < -60


def test_channels_that_the_file_lacks_are_silent(tmp_path: Path) -> None:
    wav.write_ulaw(tmp_path / "a.wav", [b"\x80\x81"])
    assert wav.read_ulaw(tmp_path / "a.wav", channels=2) == [b"\x80\x81", b"\xff\xff"]


def test_one_channel_of_several_is_their_mean(tmp_path: Path) -> None:
    wav.write_pcm(tmp_path / "a.wav", [np.array([1000, 200], np.int16), np.array([3000, -200], np.int16)], 8000)
    assert wav.read_ulaw(tmp_path / "a.wav", channels=1) == [ulaw.encode(np.array([2000, 0], np.int16))]
    wav.write_ulaw(tmp_path / "b.wav", [b"\x80", b"\x80"])
    assert wav.read_ulaw(tmp_path / "b.wav", channels=1) == [b"\x80"]


def test_channels_are_not_dropped_silently(tmp_path: Path) -> None:
    wav.write_ulaw(tmp_path / "a.wav", [b"a", b"b", b"c"])
    with pytest.raises(AudioFileError, match=r"a\.wav has 3 channels; 2 are wanted"):
        wav.read_ulaw(tmp_path / "a.wav", channels=2)


def test_faults_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match=r"cannot read .*none\.wav: No such file"):
        wav.read(tmp_path / "none.wav")
    with pytest.raises(AudioFileError, match="Is a directory"):
        wav.read(tmp_path)
    (tmp_path / "song.wav").write_bytes(b"ID3\x04 and so on")
    with pytest.raises(AudioFileError, match=r"song\.wav is not a WAV file: it begins with b'ID3"):
        wav.read_ulaw(tmp_path / "song.wav")


SAMPLE = riff.header(riff.Format(riff.ULAW, 2, 8000, 1), 8) + b"abcdefgh"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), max_size=6), st.integers(0, len(SAMPLE))
)
def test_damaged_files_are_read_or_refused(tmp_path: Path, damage: list[tuple[int, int]], length: int) -> None:
    blob = bytearray(SAMPLE)
    for place, value in damage:
        blob[place] = value
    (tmp_path / "a.wav").write_bytes(blob[:length])
    with suppress(AudioFileError):
        assert wav.read(tmp_path / "a.wav").samples <= len(SAMPLE)


def test_writes_mu_law_that_others_can_parse(tmp_path: Path) -> None:
    wav.write_ulaw(tmp_path / "a.wav", [b"abc"])
    blob = (tmp_path / "a.wav").read_bytes()
    assert len(blob) % 2 == 0
    assert struct.unpack_from("<I", blob, 4)[0] == len(blob) - 8
    assert blob[-8:] == struct.pack("<I", 3) + b"abc\0"


def test_writes_pcm_that_the_standard_library_reads(tmp_path: Path) -> None:
    wav.write_pcm(tmp_path / "a.wav", [np.array([1, 2], np.int16), np.array([-1, -2], np.int16)], 16000)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getparams()[:4] == (2, 2, 16000, 2)
        assert struct.unpack("<4h", file.readframes(9)) == (1, -1, 2, -2)


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    wav.write_ulaw(tmp_path / "a.wav", [b"old"])
    with pytest.raises(ValueError, match="equally long"):
        wav.write_ulaw(tmp_path / "a.wav", [b"ab", b"c"])
    (tmp_path / "dir.wav").mkdir()
    with pytest.raises(AudioFileError, match=r"cannot write .*dir\.wav"):
        wav.write_ulaw(tmp_path / "dir.wav", [b"new"])
    with pytest.raises(AudioFileError, match="cannot write"):
        wav.write_pcm(tmp_path / "missing" / "a.wav", [np.zeros(1, np.int16)], 8000)
    assert wav.read_ulaw(tmp_path / "a.wav") == [b"old"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "dir.wav"]


def test_the_writer_is_readable_after_each_flush(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wav.UlawWriter(path, 2) as writer:
        assert wav.read_ulaw(path) == [b"", b""]
        writer.write(b"EI" * 50)
        writer.flush()
        writer.write(b"ei")
        assert wav.read_ulaw(path) == [b"E" * 50, b"I" * 50]
        assert writer.samples == 51
    assert wav.read_ulaw(path) == [b"E" * 50 + b"e", b"I" * 50 + b"i"]


@pytest.mark.parametrize("samples", [0, 1, 2, 100_001])
def test_the_writer_leaves_the_same_file_as_writing_at_once(tmp_path: Path, samples: int) -> None:
    audio = bytes(range(251)) * (samples // 251 + 1)
    audio = audio[:samples]
    wav.write_ulaw(tmp_path / "a.wav", [audio], rate=16000)
    with wav.UlawWriter(tmp_path / "b.wav", 1, rate=16000) as writer:
        for start in range(0, samples, 1600):
            writer.write(audio[start : start + 1600])
            if start % 4800 == 0:
                writer.flush()
    assert (tmp_path / "b.wav").read_bytes() == (tmp_path / "a.wav").read_bytes()


def test_the_writer_takes_whole_samples_until_it_is_closed(tmp_path: Path) -> None:
    writer = wav.UlawWriter(tmp_path / "a.wav", 2)
    with pytest.raises(ValueError, match="2 channels"):
        writer.write(b"abc")
    writer.close()
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.write(b"ab")
    with pytest.raises(ValueError, match="at least one channel"):
        wav.UlawWriter(tmp_path / "b.wav", 0)


def test_the_writer_says_which_file_it_cannot_write(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match=r"cannot write .*missing"):
        wav.UlawWriter(tmp_path / "missing" / "a.wav", 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_an_audio_file_error() -> None:
    with pytest.raises(AudioFileError, match=r"cannot write /dev/full: No space left"):
        wav.UlawWriter("/dev/full", 1)
