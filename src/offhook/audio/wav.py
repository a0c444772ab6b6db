"""Sound files: any plain WAV in, mu-law and 16-bit PCM out. Knows files and samples; nothing of calls.

Samples in memory are float32 between -1 and 1, one array a channel (lane); mu-law lanes are bytes.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import AudioFileError
from . import alaw, l16, riff, ulaw
from .channels import interleave, split
from .resample import resample

StrPath = str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Sound:
    """Decoded audio: equally long lanes of samples between -1 and 1, in the order of the file's channels."""

    rate: int
    lanes: tuple[NDArray[np.float32], ...]

    @property
    def samples(self) -> int:
        """Samples of each lane."""
        return len(self.lanes[0])

    @property
    def seconds(self) -> float:
        return self.samples / self.rate


def read(path: StrPath) -> Sound:
    """A WAV file: PCM of 8 to 32 bits, floating point (clipped to full scale), mu-law or A-law; any rate.

    A file that was cut short, or streamed by a writer that could not fill in the sizes, gives what is there.

    Raises:
        AudioFileError: there is no such file, or it cannot be read as one of these.
    """
    return _sound(*_load(path))


def read_ulaw(path: StrPath, channels: int | None = None) -> list[bytes]:
    """The lanes of a WAV file as mu-law at 8 kHz: byte by byte what the file holds if that is what it holds.

    Args:
        path: Anything that `read` takes.
        channels: Lanes to give: 1 asks for the mean of all, and lanes that the file lacks are silent. If not given, the
            lanes of the file.

    Raises:
        AudioFileError: as `read`, or the file has more channels than asked for.
    """
    form, data = _load(path)
    if channels is not None and 1 != channels < form.channels:
        raise AudioFileError(f"{path} has {form.channels} channels; {channels} are wanted")
    to_mono = channels == 1 < form.channels
    if form.tag == riff.ULAW and form.rate == ulaw.RATE and not to_mono:
        lanes = split(data, form.channels)
    else:
        decoded = _sound(form, data).lanes
        if to_mono:
            decoded = (np.mean(decoded, axis=0, dtype=np.float32),)
        lanes = [ulaw.from_float(resample(lane, form.rate, ulaw.RATE)) for lane in decoded]
    missing = (channels or 0) - len(lanes)
    return lanes + [ulaw.silence(len(lanes[0]))] * missing


def write_ulaw(path: StrPath, lanes: Sequence[bytes], rate: int = ulaw.RATE) -> None:
    """Write mu-law lanes as one WAV file, which appears whole or not at all.

    Raises:
        AudioFileError: the file cannot be written.
        ValueError: the lanes differ in length, or there is none.
    """
    _write(path, riff.Format(riff.ULAW, len(lanes), rate, 1), interleave(lanes))


def write_pcm(path: StrPath, lanes: Sequence[NDArray[np.int16]], rate: int) -> None:
    """Write 16-bit lanes as one WAV file, which appears whole or not at all.

    Raises:
        AudioFileError: the file cannot be written.
        ValueError: the lanes differ in length, or there is none.
    """
    data = interleave([l16.encode(lane) for lane in lanes], width=2)
    _write(path, riff.Format(riff.PCM, len(lanes), rate, 2), data)


class UlawWriter:
    """Writes a mu-law WAV file piece by piece. It is readable from the start, and complete up to the last `flush`.

    Args:
        path: The file; one that exists is replaced.
        channels: Channels that are interleaved in what is written.
        rate: Samples a second.

    Raises:
        AudioFileError: the file cannot be created.
    """

    # 4 s of a stereo call: with thousands of calls, fewer and larger writes keep the caches warm.
    _BUFFER = 1 << 16

    def __init__(self, path: StrPath, channels: int, rate: int = ulaw.RATE) -> None:
        if channels < 1:
            raise ValueError("a sound file has at least one channel")
        self.path = Path(path)
        self._format = riff.Format(riff.ULAW, channels, rate, 1)
        self._size = 0
        with _named_errors(self.path, "write"):
            self._file: BinaryIO = self.path.open("wb", buffering=self._BUFFER)
        try:
            self.flush()
        except AudioFileError:
            with suppress(OSError):
                self._file.close()
            raise

    @property
    def samples(self) -> int:
        """Samples of each channel so far."""
        return self._size // self._format.channels

    def write(self, interleaved: bytes) -> None:
        """Append audio.

        Raises:
            AudioFileError: the disk refuses it.
            ValueError: not whole samples of all channels, or the writer is closed.
        """
        if len(interleaved) % self._format.channels:
            raise ValueError(f"{len(interleaved)} bytes are not whole samples of {self._format.channels} channels")
        with _named_errors(self.path, "write"):
            self._file.write(interleaved)
        self._size += len(interleaved)

    def flush(self) -> None:
        """Bring the file up to date: audio first, then the sizes in its header."""
        with _named_errors(self.path, "write"):
            self._file.flush()
            self._file.seek(0)
            self._file.write(riff.header(self._format, self._size))
            self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Complete the file. Closing again does nothing."""
        if self._file.closed:
            return
        try:
            self.flush()
            with _named_errors(self.path, "write"):
                self._file.write(bytes(self._size % 2))
        finally:
            with _named_errors(self.path, "write"):
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _load(path: StrPath) -> tuple[riff.Format, bytes]:
    with _named_errors(path, "read"):
        blob = Path(path).read_bytes()
    try:
        return riff.parse(blob)
    except ValueError as error:
        raise AudioFileError(f"{path} {error}") from None


def _sound(form: riff.Format, data: bytes) -> Sound:
    table = _decode(form, data).reshape(-1, form.channels)
    return Sound(form.rate, tuple(np.ascontiguousarray(lane) for lane in table.T))


def _decode(form: riff.Format, data: bytes) -> NDArray[np.float32]:
    match form.tag, form.width:
        case riff.ULAW, _:
            return ulaw.to_float(data)
        case riff.ALAW, _:
            return alaw.decode(data).astype(np.float32) / np.float32(2**15)
        case riff.FLOAT, width:
            samples = np.nan_to_num(np.frombuffer(data, f"<f{width}").astype(np.float64), nan=0.0)
            return np.clip(samples, -1.0, 1.0).astype(np.float32)
        case _, 1:
            return (np.frombuffer(data, np.uint8).astype(np.float32) - np.float32(128)) / np.float32(2**7)
        case _, 3:
            wide = np.zeros((len(data) // 3, 4), np.uint8)  # the upper three bytes of 32 bits
            wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            return wide.view("<i4").ravel().astype(np.float32) / np.float32(2**31)
        case _, width:
            return np.frombuffer(data, f"<i{width}").astype(np.float32) / np.float32(2 ** (8 * width - 1))


def _write(path: StrPath, form: riff.Format, data: bytes) -> None:
    path = Path(path)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with _named_errors(path, "write"):
        try:
            with open(part, "xb") as file:
                file.write(riff.header(form, len(data)) + data + bytes(len(data) % 2))
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextmanager
def _named_errors(path: StrPath, verb: str) -> Iterator[None]:
    """Faults of the system as `AudioFileError`."""
    try:
        yield
    except OSError as error:
        raise AudioFileError(f"cannot {verb} {path}: {error.strerror or error}") from error
