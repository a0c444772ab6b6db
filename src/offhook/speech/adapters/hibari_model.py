"""hibari's network with its hooks: phonemes in, audio out, with a pitch for each of them and the time that it takes.

The network works out how long each phoneme lasts and keeps that to itself; here it is made one of its outputs, which
costs nothing. Knows that library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ...audio.stretch import warp
from ..engines import Float32

#: The node that sums up the lengths of phonemes, and the samples of one unit of it.
_ENDS: Final = "/CumSum_output_0"
_UNIT: Final = 600
_INT64: Final = 7  # of onnx.TensorProto.DataType


@dataclass(frozen=True, slots=True)
class Colour:
    """A voice made of another one: `pitch` scales the fundamental, `formants` the resonances.

    The network's spectrum has the harmonics of its own pitch in it, so the pitch cannot be moved far by itself, and
    bins of the spectrum cannot be moved at all: formants are moved by reading the audio slower or faster.
    """

    pitch: float = 1.0
    formants: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Sounded:
    """Audio at 24 kHz, and the sample behind each of the phonemes."""

    pcm: Float32
    ends: npt.NDArray[np.int64]


class Model:
    """One voice.

    Args:
        name: As hibari registers it.
        path: Of its weights.
    """

    def __init__(self, name: str, path: Path) -> None:
        from hibari import Hibari, dsp

        self._dsp = dsp
        # onnxruntime takes the bytes of a model in place of its path, and hibari hands on what it is given.
        self._model: Any = Hibari(name, with_output(path.read_bytes(), _ENDS), threads=1)
        self._vocabulary: dict[str, int] = self._model.vocab

    @property
    def g2p(self) -> Any:
        return self._model.g2p

    def knows(self, phoneme: str) -> bool:
        """Whether a character stands for a sound, a stress or a stop."""
        return phoneme in self._vocabulary

    def sound(self, phonemes: str, pitches: Sequence[float], *, speed: float, colour: Colour) -> Sounded:
        """Speaks phonemes (of hibari's alphabet; others are left out), each at its own factor of the pitch."""
        kept = [at for at, phoneme in enumerate(phonemes) if self.knows(phoneme)]
        ids = [0, *(self._vocabulary[phonemes[at]] for at in kept), 0]
        if len(ids) < 3:
            return Sounded(np.zeros(0, np.float32), np.zeros(len(phonemes), np.int64))
        inputs = {"ids": np.asarray([ids], np.int64), "speed": np.asarray([speed / colour.formants], np.float32)}
        *spectra, f0, ends = (out.squeeze(0) if out.ndim > 1 else out for out in self._model.sess.run(None, inputs))
        f0 = f0 * self._per_frame(ends, [pitches[at] for at in kept], len(f0)) * (colour.pitch / colour.formants)
        pcm: Float32 = self._dsp.synth(*spectra, f0.astype(np.float32), np.random.default_rng(0))
        scale = 1.0
        if colour.formants != 1:
            pcm, scale = warp(pcm, [(len(pcm), colour.formants)])[0], 1 / colour.formants
        reached = np.zeros(len(phonemes) + 1, np.int64)
        reached[[at + 1 for at in kept]] = ends[1:-1] * _UNIT * scale
        return Sounded(pcm, np.maximum.accumulate(reached)[1:])

    @staticmethod
    def _per_frame(ends: npt.NDArray[np.int64], pitches: list[float], frames: int) -> npt.NDArray[np.float32]:
        if all(pitch == pitches[0] for pitch in pitches):
            return np.full(frames, pitches[0], np.float32)
        each = [pitches[0], *pitches, pitches[-1]]
        curve = np.repeat(np.asarray(each, np.float32), np.diff(ends, prepend=0) * frames // int(ends[-1]))
        return np.pad(curve, (0, max(0, frames - len(curve))), mode="edge")[:frames]


def with_output(model: bytes, name: str) -> bytes:
    """An ONNX model that also gives out the int64 tensor `name`.

    The parts of a serialised message that is written twice are merged (protobuf, "Last One Wins"): so another output is
    added to the graph by appending a graph that has only this output.
    """
    tensor = _field(1, name.encode()) + _field(2, _field(1, bytes((1 << 3, _INT64))))  # ValueInfoProto: name, type
    return model + _field(7, _field(12, tensor))  # ModelProto.graph, GraphProto.output


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))
