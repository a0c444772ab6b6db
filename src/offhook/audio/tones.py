"""Sounds made here: test tones and DTMF. Levels are dB of a sine at full scale (AES17). Knows samples only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .dtmf import HIGH, KEYS, LOW

_RATE = 8000
_FULL_SCALE = 32767
_TONE_RAMP = 0.005  # seconds: no clicks
_KEY_RAMP = 0.002
_MAX_KEY_DBFS = -6.1  # two tones together reach twice the amplitude of one


def tone(hz: float, seconds: float, dbfs: float = -12.0, rate: int = _RATE) -> NDArray[np.int16]:
    """A sine with soft ends.

    Raises:
        ValueError: the frequency does not fit below half the rate, or the level is above full scale.
    """
    if not 0 < hz < rate / 2:
        raise ValueError(f"a tone at a rate of {rate} Hz must lie between 0 and {rate / 2:g} Hz, not at {hz:g} Hz")
    if dbfs > 0:
        raise ValueError(f"a level above full scale would be clipped: {dbfs:g} dBFS")
    samples = _sine(hz, round(seconds * rate), dbfs, rate)
    return np.rint(_ramped(samples, round(_TONE_RAMP * rate))).astype(np.int16)


def dtmf(digits: str, on: float = 0.1, off: float = 0.1, dbfs: float = -10.0) -> NDArray[np.int16]:
    """Keys as sound at 8 kHz: each sounds for `on` seconds and is followed by `off` seconds of silence.

    Args:
        digits: Out of `0`-`9`, `*`, `#`, `A`-`D`.
        on: Seconds that a key sounds; receivers need 0.04 (ITU-T Q.24).
        off: Seconds of silence after each key; receivers need 0.04.
        dbfs: Level of each of the two tones.

    Raises:
        ValueError: a key that does not exist, or a level at which the two tones would be clipped.
    """
    if unknown := sorted(set(digits) - set(KEYS)):
        raise ValueError(f"no such DTMF key: {' '.join(unknown)}; keys are 0-9 * # A-D")
    if dbfs > _MAX_KEY_DBFS:
        raise ValueError(f"two tones of {dbfs:g} dBFS would be clipped; {_MAX_KEY_DBFS:g} dBFS each is the most")
    pause = np.zeros(round(off * _RATE), np.int16)
    parts = [pause[:0]]
    for digit in digits:
        row, column = divmod(KEYS.index(digit), 4)
        length = round(on * _RATE)
        both = _sine(LOW[row], length, dbfs, _RATE) + _sine(HIGH[column], length, dbfs, _RATE)
        parts += [np.rint(_ramped(both, round(_KEY_RAMP * _RATE))).astype(np.int16), pause]
    return np.concatenate(parts)


def _sine(hz: float, samples: int, dbfs: float, rate: int) -> NDArray[np.float64]:
    amplitude: float = _FULL_SCALE * 10 ** (dbfs / 20)
    sine: NDArray[np.float64] = np.sin(2 * np.pi * hz / rate * np.arange(samples))
    return amplitude * sine


def _ramped(samples: NDArray[np.float64], ramp: int) -> NDArray[np.float64]:
    ramp = min(ramp, len(samples) // 2)
    rise = np.arange(ramp) / max(ramp, 1)
    samples[:ramp] *= rise
    samples[len(samples) - ramp :] *= rise[::-1]
    return samples
