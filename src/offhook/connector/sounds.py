"""What a caller hears of the connector itself: prompts, the hold sound, edges without clicks. Knows samples only."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..audio import ulaw, wav

#: Samples of a soft edge: 5 ms.
EDGE: Final = 40
#: Mu-law codes by how loud they are, 0 to 127.
LOUDNESS: Final = bytes(0x7F - (code & 0x7F) for code in range(256))
#: Loudness from which a sound can be heard on a telephone: about -48 dBFS.
AUDIBLE: Final = 0x7F - (ulaw.encode(np.array([128], np.int16))[0] & 0x7F)
#: And from which it is taken for somebody speaking: about -34 dBFS.
SPOKEN: Final = 0x7F - (ulaw.encode(np.array([640], np.int16))[0] & 0x7F)
_INAUDIBLE: Final = bytes(code for code in range(256) if LOUDNESS[code] < AUDIBLE)

_CHORD: Final = ((220.0, 0.5), (277.5, 0.3), (330.0, 0.3), (440.0, 0.12))
_LOOP_SECONDS: Final = 4


def loudness(audio: bytes) -> int:
    """The loudest sample of a piece of mu-law, 0 to 127."""
    return max(audio.translate(LOUDNESS)) if audio else 0


def is_audible(audio: bytes) -> bool:
    """Whether a piece of mu-law is as loud as `AUDIBLE` anywhere."""
    return bool(audio.translate(None, _INAUDIBLE))


@cache
def hold_sound() -> bytes:
    """Four seconds of a soft chord that breathes; it can be looped without a seam and never falls silent."""
    t = np.arange(_LOOP_SECONDS * ulaw.RATE) / ulaw.RATE
    chord = sum(level * np.sin(2 * np.pi * hertz * t) for hertz, level in _CHORD)
    breath = 0.7 - 0.3 * np.cos(2 * np.pi * 0.5 * t)
    return ulaw.encode(np.rint(chord * breath * 2400).astype(np.int16))


def load(path: wav.StrPath) -> bytes:
    """A WAV file of any rate as one lane of mu-law.

    Raises:
        AudioFileError: It cannot be read.
    """
    return wav.read_ulaw(path, 1)[0]


def soften(audio: bytes, left_at: int | None, *, rise: bool) -> bytes:
    """Audio whose beginning does not click.

    Args:
        audio: Mu-law, at least `EDGE` samples.
        left_at: Linear value of the last sample heard, where the sound before was cut off: it decays over the edge.
        rise: Let the audio itself come in softly.
    """
    ramp = np.arange(EDGE) / EDGE
    head: NDArray[np.float64] = ulaw.decode(audio[:EDGE]).astype(np.float64)
    if rise:
        head *= ramp
    if left_at is not None:
        head += left_at * (1 - ramp)
    return ulaw.encode(np.rint(np.clip(head, -32768, 32767)).astype(np.int16)) + audio[EDGE:]
