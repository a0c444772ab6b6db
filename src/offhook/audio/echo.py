"""A bot's own voice in what the caller's line brings back, found from what was played and taken away.

The echo of a speakerphone is what was played, later, softer and coloured by a room. Delay and colour are found anew
from each piece of audio by least squares over the last 0.6 s, so there is nothing to converge: the caller's own voice
has nothing in common with what was played and hardly disturbs the fit. It knows samples at 8 kHz and no positions.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .ulaw import RATE

Float32 = NDArray[np.float32]

AHEAD: Final = RATE // 5
"""Samples of what is played next that `clean` wants to see: a platform may tell a frame late when it began to play."""

BLOCK: Final = 160
"""Samples of which it is told together how much may be left."""

_LONGEST: Final = RATE * 2 // 5  # delay at most: that of calls abroad and of mobile phones is less
_MEMORY: Final = RATE * 3 // 5  # samples that are fitted over
_TAPS: Final = 80
_DIAGONAL: Final = np.arange(_TAPS)
_LAGS: Final = np.abs(_DIAGONAL[:, None] - _DIAGONAL[None, :])
_BEFORE: Final = 16  # taps before the strongest path
_LEAST: Final = 1e-7  # power of the softest noise that a line is taken to have
_QUIET: Final = 1e-3**2  # power, -57 dBFS: no echo below that is worth a thought
_FAINT: Final = 10 ** (-36 / 10)  # of the power played; nor one that much softer
_CLEAR: Final = 0.16  # correlation from which a delay is believed; that of two voices stays below 0.12 over 0.6 s
_SPREAD: Final = 1.5  # times the power of the echo found, that may be left in what was cleaned: room beyond the taps
_ASSUMED: Final = 10 ** (-12 / 10)  # of what is played may come back before it is known how much does
_FADE: Final = 10 ** (-60 / 10 / (0.4 * RATE / 160))  # for each 20 ms: a room that takes 0.4 s to fall silent


class Cleaned(NamedTuple):
    """Audio without the echo.

    Attributes:
        audio: As long as what was heard.
        doubt: For each block of 160 samples, the power up to which what is left may still be echo.
    """

    audio: Float32
    doubt: Float32


class EchoGuard:
    """Cleans one line. What is heard and what is played come in step, in pieces of any length.

    A piece of 200 ms takes 1.1 to 1.8 ms while the bot is heard, 30 to 40 us while it is silent (on a busy machine;
    `python benchmarks/barge_in.py --cost`).

    Attributes:
        delay: Samples from what is played to its echo; None while none is known. Negative if it was told late.
        gain: Its strength as a factor, 0 while none is known.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """What comes next does not follow the last."""
        self.delay: int | None = None
        self.gain = 0.0
        self._heard = np.zeros(_MEMORY, np.float32)
        self._played = np.zeros(_MEMORY + _LONGEST + AHEAD + _TAPS, np.float32)
        self._playing = 0  # samples since the bot began to speak
        self._floor = 0.0  # power of the line's noise
        self._listened = False
        self._left = 0.0  # power of echo that may still ring in the room
        self._since = _MEMORY + _LONGEST  # samples since something was played

    def clean(self, heard: Float32, played: Float32) -> Cleaned:
        """Takes the echo away.

        Args:
            heard: The next audio of the line.
            played: What was played at the same time, and `AHEAD` samples of what follows.
        """
        count = len(heard)
        self._since = 0 if played.any() else self._since + count
        self._heard = np.concatenate((self._heard, heard))[-max(_MEMORY, count) :]
        kept = self._played[: len(self._played) - AHEAD]
        self._played = np.concatenate((kept, played))[-(max(_MEMORY, count) + _LONGEST + AHEAD + _TAPS) :]
        blocks = -(-count // BLOCK)
        if self._since > _MEMORY + _LONGEST:
            self._left, self._playing = 0.0, 0
            self._hear_floor(heard)
            return Cleaned(heard, np.zeros(blocks, np.float32))
        self._playing += count
        echo = self._echo(count)
        padded = np.zeros(blocks * BLOCK, np.float32)
        padded[:count] = np.square(echo)
        power = padded.reshape(blocks, BLOCK).mean(axis=1)
        if self.delay is None and self._playing <= _MEMORY + count:
            power = np.maximum(power, np.float32(_ASSUMED / _SPREAD * self._loudest()))
        cleaned = heard - echo
        self._hear_floor(cleaned)
        return Cleaned(cleaned, self._doubt(power))

    def _doubt(self, power: Float32) -> Float32:
        doubt = np.empty_like(power)
        for index, found in enumerate(power):
            self._left = max(float(found), self._left * _FADE)
            doubt[index] = self._left * _SPREAD + (self._floor if self._left > _QUIET else 0.0)
        return doubt

    def _loudest(self) -> float:
        """The power of the loudest block that was played so shortly ago that its echo may come now."""
        recent = self._played[: len(self._played) - AHEAD][-_LONGEST - 2 * AHEAD :]
        blocks = recent[: len(recent) // BLOCK * BLOCK].reshape(-1, BLOCK)
        return float(np.square(blocks).mean(axis=1).max())

    def _hear_floor(self, pcm: Float32) -> None:
        """The noise is what the quietest blocks hold; it rises slowly, by 3 dB a second, and falls at once."""
        if len(pcm) >= BLOCK:
            power = float(np.square(pcm[: len(pcm) // BLOCK * BLOCK].reshape(-1, BLOCK)).mean(axis=1).min())
            risen = max(self._floor, _LEAST) * 2 ** (len(pcm) / RATE)
            self._floor = min(power, risen) if self._listened else power
            self._listened = True

    def _echo(self, count: int) -> Float32:
        """The echo in the last so many samples heard, as far as it can be found."""
        nothing = np.zeros(count, np.float32)
        window = self._heard[-max(count, min(_MEMORY, self._playing)) :]
        if float(np.square(window).mean()) < max(_QUIET, _FAINT * float(np.square(self._played).mean())):
            return nothing
        if not self._find_delay(window) or self.delay is None:
            return nothing
        # `played[at + k]` stands in the fit for tap k of the sample heard at the beginning of the window.
        first = len(self._played) - AHEAD - len(window) - self.delay - (_TAPS - 1 - _BEFORE)
        if first < 0 or first + len(window) + _TAPS - 1 > len(self._played):
            return nothing
        source = self._played[first : first + len(window) + _TAPS - 1]
        taps = _fit(source, window)
        echo = np.convolve(source[-(count + _TAPS - 1) :], taps[::-1], "valid")
        self.gain = float(np.sqrt(np.square(taps).sum()))
        return echo.astype(np.float32, copy=False)

    def _find_delay(self, window: Float32) -> bool:
        """Looks for the delay; one that is known already is kept while it is not clearly another."""
        span = len(window) + _LONGEST + AHEAD
        source = self._played[-span:]
        size = _fft_size(span)  # what wraps round falls on delays that are not looked at
        sharp, source_sharp = _sharpened(window), _sharpened(source)
        product = np.fft.rfft(source_sharp, size) * np.conj(np.fft.rfft(sharp, size))
        # Index i: `source[i:]` against the window; the delay is `_LONGEST - i`, as the source reaches AHEAD beyond.
        scores = np.fft.irfft(product, size)[: _LONGEST + AHEAD + 1]
        power = np.concatenate(([0.0], np.cumsum(np.square(source_sharp, dtype=np.float64))))
        lengths = power[len(window) :][: len(scores)] - power[: len(scores)]
        total = float(np.square(sharp, dtype=np.float64).sum())
        scores = scores[: len(lengths)] / np.sqrt(np.maximum(lengths * total, 1e-9))
        best = int(np.abs(scores).argmax())
        if abs(scores[best]) >= max(_CLEAR, 7 / math.sqrt(len(window))):
            self.delay = _LONGEST - best
        return self.delay is not None


def _sharpened(pcm: Float32) -> Float32:
    """Without the tilt of speech, which would blur where two signals fit."""
    out = np.empty_like(pcm)
    out[0] = pcm[0]
    np.subtract(pcm[1:], np.float32(0.9) * pcm[:-1], out=out[1:])
    return out


def _fit(source: Float32, target: Float32) -> Float32:
    """The taps that make `target` of `source`: tap k weighs `source[n + k]`. Correlations by FFT, then one solution."""
    count = len(target)
    size = _fft_size(len(source))
    cross = np.fft.irfft(np.fft.rfft(source, size) * np.conj(np.fft.rfft(target, size)), size)[:_TAPS]
    middle = source[_TAPS - 1 : _TAPS - 1 + count - _TAPS]  # what all taps see: near enough the same for each
    spectrum = np.fft.rfft(middle, size)  # shorter than the source by twice the taps: nothing wraps round
    auto = np.fft.irfft(np.square(spectrum.real) + np.square(spectrum.imag), size)[:_TAPS]
    matrix = auto[_LAGS].astype(np.float64)  # one solution of 80 is cheap, and single precision is too little for it
    matrix[_DIAGONAL, _DIAGONAL] += 1e-3 * float(auto[0]) + 1e-9
    return np.asarray(np.linalg.solve(matrix, cross.astype(np.float64)), np.float32)


@lru_cache(256)
def _fft_size(least: int) -> int:
    """The next length without a prime factor above 5, which an FFT is quick at; a power of two may be twice as long."""
    size = least
    while True:
        rest = size
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return size
        size += 1
