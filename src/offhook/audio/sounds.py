"""Voice files of any common kind as one lane of mu-law: WAV, raw mu-law and A-law, and FLAC, MP3, Ogg and AIFF.

WAV and raw files need nothing; the others are read by libsndfile, through soundfile. Knows files and samples only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from ..errors import AudioFileError
from . import alaw, ulaw, wav
from .resample import resample

#: Files without a header, one byte a sample at 8 kHz, by the ends of their names.
_ULAW: Final = frozenset({".ul", ".ulaw", ".ulw", ".mulaw", ".mu", ".pcmu"})
_ALAW: Final = frozenset({".al", ".alaw", ".pcma"})
#: Seconds: what is longer is no prompt, and would fill the memory.
LONGEST: Final = 3600

KINDS: Final = (".wav", *sorted(_ULAW | _ALAW), ".aiff", ".au", ".flac", ".mp3", ".ogg", ".opus")
"""Ends of names that are known; of other files it is the content that tells."""


def read(path: wav.StrPath) -> bytes:
    """A sound file as mu-law at 8 kHz: its first channel, byte by byte where it holds just that.

    Raises:
        AudioFileError: There is no such file, or it cannot be read, or what reads its kind is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix in _ULAW or suffix in _ALAW:
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise AudioFileError(f"cannot read {path}: {error.strerror or error}") from error
        return data if suffix in _ULAW else ulaw.from_float(alaw.decode(data).astype(np.float32) / np.float32(2**15))
    if _is_wav(path):
        return wav.read_ulaw(path)[0]
    return _by_libsndfile(path)


def _is_wav(path: wav.StrPath) -> bool:
    try:
        with open(path, "rb") as file:
            head = file.read(12)
    except OSError as error:
        raise AudioFileError(f"cannot read {path}: {error.strerror or error}") from error
    # Whatever no library would know either is left to ours, whose words say what is wrong.
    return not head or (head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE")


def _by_libsndfile(path: wav.StrPath) -> bytes:
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise AudioFileError(
            f"{path} is no WAV file; to read FLAC, MP3 and Ogg: pip install 'offhook[ssml]'"
        ) from error
    library: Any = soundfile
    try:
        with library.SoundFile(path) as file:
            if file.frames > LONGEST * file.samplerate:
                raise AudioFileError(f"{path} is longer than an hour")
            samples = file.read(dtype="float32", always_2d=True)
            rate = int(file.samplerate)
    except (library.SoundFileError, OSError, TypeError) as error:
        raise AudioFileError(f"{path} cannot be read as a sound file: it is of an unknown kind, or damaged") from error
    lane = np.ascontiguousarray(np.clip(samples[:, 0], -1, 1)) if len(samples) else np.zeros(0, np.float32)
    return ulaw.from_float(resample(lane, rate, ulaw.RATE))
