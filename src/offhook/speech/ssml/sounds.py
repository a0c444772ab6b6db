"""The sound files of `<audio>`: found in one folder, read, and cut as the tag says."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import numpy as np

from ...audio import sounds, ulaw
from ...audio.stretch import stretch
from ...errors import AudioFileError, SSMLError
from ..leveller import rounded
from ..reports import report
from .document import Audio

#: Seconds that one `<audio>` may last with all its repeats.
LONGEST: Final = 600


class Sounds:
    """Loads sounds.

    Args:
        folder: Where they are; what lies outside is not played, for SSML may be made of somebody else's text. By
            default the working directory.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = (folder or Path()).resolve()

    def load(self, audio: Audio) -> bytes | None:
        """The sound as mu-law; None if it cannot be played and something stands in for it.

        Raises:
            SSMLError: It cannot be played, and nothing stands in for it.
        """
        try:
            return _fitted(sounds.read(self._found(audio.source)), audio)
        except AudioFileError as error:
            if not audio.fallback:
                raise SSMLError(audio.line, audio.column, str(error)) from error
            report("SSML:", f"what stands in for <audio> is said: {error}")
            return None

    def _found(self, source: str) -> Path:
        parts = urlsplit(source)
        if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
            raise AudioFileError(f"<audio> plays files of this machine only, not {parts.scheme or parts.netloc}")
        path = (self._folder / (unquote(parts.path) if parts.scheme else source)).resolve()
        if not path.is_relative_to(self._folder):
            raise AudioFileError(f"<audio> plays files from {self._folder} only; Bot(sounds=...) says where they are")
        return path


def _fitted(lane: bytes, audio: Audio) -> bytes:
    begin = round(audio.begin * ulaw.RATE)
    end = len(lane) if audio.end is None else round(audio.end * ulaw.RATE)
    lane = lane[begin:end]
    if audio.speed != 1 or audio.gain:
        pcm = ulaw.to_float(lane)
        if audio.speed != 1:
            pcm = stretch(pcm, ulaw.RATE, [(len(pcm), audio.speed)])[0]
        lane = ulaw.from_float(rounded((pcm * 10 ** (audio.gain / 20)).astype(np.float32)))
    if len(lane) * audio.repeat > LONGEST * ulaw.RATE:
        raise AudioFileError(f"<audio> lasts longer than {LONGEST} s with its repeats")
    return lane * audio.repeat
