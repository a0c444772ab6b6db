"""The voice encoder: an utterance in, 256 numbers out that are alike for one speaker and differ between speakers.

It is the network of Resemblyzer 0.1.4 (Resemble AI, Apache-2.0; a GE2E encoder after Wan et al., arXiv:1710.10467) with
its published weights, computed in numpy: three LSTM layers over windows of 1.6 s, a linear layer, and the mean of the
windows. 80 ms of one core for 3.5 s of speech.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ...audio import ulaw
from ...audio.resample import resample
from ...errors import EngineMissing
from ..engines import Float32
from ..weights import checked
from . import checkpoint, features

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

SHA256: Final = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
MODEL: Final = f"resemblyzer-0.1.4/{SHA256[:8]}/1"
"""Names the weights, and what is done to audio before it gets to them: change the last number with that. Voiceprints of
another model cannot be compared."""

_WIDTH: Final = 256
_LAYERS: Final = 3
_FRAMES: Final = 160  # of one window
_STEP: Final = 80  # from window to window


@dataclass(frozen=True, slots=True)
class Embedding:
    """What the encoder makes of one utterance.

    Attributes:
        vector: 256 numbers, length 1; all zero if there was no voice.
        seconds: How much voice there was.
    """

    vector: Float32
    seconds: float


class Encoder:
    """The network and its weights; may be used by several threads at once.

    Args:
        weights: By the names in the checkpoint's `model_state`.
    """

    def __init__(self, weights: dict[str, Float32]) -> None:
        self._layers = [
            (
                np.ascontiguousarray(weights[f"lstm.weight_ih_l{layer}"].T),
                np.ascontiguousarray(weights[f"lstm.weight_hh_l{layer}"].T),
                weights[f"lstm.bias_ih_l{layer}"] + weights[f"lstm.bias_hh_l{layer}"],
            )
            for layer in range(_LAYERS)
        ]
        self._linear = np.ascontiguousarray(weights["linear.weight"].T), weights["linear.bias"]

    @classmethod
    def load(cls, path: Path) -> Encoder:
        """Read the weights. Cached for each path.

        Raises:
            EngineMissing: There is no such file, or a library is missing.
            EngineError: It is another file than the one that was measured.
        """
        if not path.is_file():
            raise Missing
        if importlib.util.find_spec("threadpoolctl") is None:
            raise EngineMissing("threadpoolctl", "voiceprint")
        return _load(path)

    def embed(self, speech: bytes) -> Embedding:
        """Encode mu-law at 8 kHz. Blocks: run it in the pool."""
        pcm = features.voiced(resample(ulaw.to_float(speech), ulaw.RATE, features.RATE))
        if not len(pcm):
            return Embedding(np.zeros(_WIDTH, np.float32), 0.0)
        frames = features.mel(features.levelled(pcm))
        if len(frames) < _FRAMES:
            frames = np.pad(frames, ((0, _FRAMES - len(frames)), (0, 0)))
        starts = range(0, len(frames) - _FRAMES + 1, _STEP)
        windows = np.stack([frames[at : at + _FRAMES] for at in starts])
        with _one_thread():
            vector = self._network(windows)
        return Embedding(vector, len(pcm) / features.RATE)

    def _network(self, windows: Float32) -> Float32:
        """Windows of shape (n, 160, 40) to one vector."""
        state = windows
        for layer in self._layers:
            state = _lstm(state, *layer)
        weight, bias = self._linear
        made = np.maximum(state[:, -1] @ weight + bias, 0.0)
        mean: Float32 = unit(made).mean(axis=0)
        return unit(mean)


class Missing(EngineMissing):
    """The weights are not on this machine."""

    def __init__(self) -> None:
        super().__init__("voiceprint", "voiceprint")
        self.args = ("the voice encoder is not installed: offhook engines install voiceprint",)


@functools.cache
def _load(path: Path) -> Encoder:
    return Encoder(checkpoint.read(checked(path, SHA256), "model_state"))


class _OneThread:
    """While anybody computes in it, BLAS uses one thread in this process.

    The products are small: shared among threads, which wait for each other by spinning, they take twice as long on an
    idle machine and thirty times as long on a busy one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._stack = contextlib.ExitStack()

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._stack.enter_context(_controller().limit(limits=1, user_api="blas"))
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    self._stack.close()


_one_thread: Final = _OneThread()


@functools.cache
def _controller() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def unit(vectors: Float32) -> Float32:
    """The same direction at length 1, along the last axis; zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Float32 = (vectors / np.maximum(length, 1e-9)).astype(np.float32)
    return scaled


def _lstm(inputs: Float32, weight: Float32, recurrent: Float32, bias: Float32) -> Float32:
    """One layer. Gates lie in the order input, forget, cell, output, as torch has them.

    Args:
        inputs: Shape (batch, steps, features).
        weight: Shape (features, 4 * width).
        recurrent: Shape (width, 4 * width).
        bias: Shape (4 * width,).

    Returns:
        Hidden states, shape (batch, steps, width).
    """
    batch, steps, _ = inputs.shape
    width = len(recurrent)
    fresh = inputs @ weight + bias
    hidden = np.zeros((batch, width), np.float32)
    cell = np.zeros((batch, width), np.float32)
    outputs = np.empty((batch, steps, width), np.float32)
    for step in range(steps):
        gates = fresh[:, step] + hidden @ recurrent
        opened = _sigmoid(gates)
        cell = opened[:, width : 2 * width] * cell + opened[:, :width] * np.tanh(gates[:, 2 * width : 3 * width])
        hidden = opened[:, 3 * width :] * np.tanh(cell)
        outputs[:, step] = hidden
    return outputs


def _sigmoid(values: Float32) -> Float32:
    # By tanh: exp would overflow where a gate is shut.
    shaped: Float32 = np.float32(0.5) * np.tanh(np.float32(0.5) * values) + np.float32(0.5)
    return shaped
