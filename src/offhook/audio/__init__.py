"""Sample work of the telephone line: codecs, channels, frames, resampling, tones, keys in the sound, and sound files.

Pure functions and small stateful objects on numpy (and libsoxr, loaded when first needed). Knows nothing of calls,
messages, clocks or event loops. Codecs and files are modules, to be named where they are used (`ulaw.decode`,
`wav.read`); the rest is exported here.
"""

from __future__ import annotations

from . import alaw, l16, tones, ulaw, wav
from .channels import interleave, mix_ulaw, split
from .dtmf import DtmfDetector
from .frame import Framer
from .resample import Resampler
from .wav import Sound, UlawWriter

__all__ = [
    # modules
    "alaw",
    "l16",
    "tones",
    "ulaw",
    "wav",
    # channels and frames
    "interleave",
    "mix_ulaw",
    "split",
    "Framer",
    # rates
    "Resampler",
    # keys in the sound
    "DtmfDetector",
    # sound files
    "Sound",
    "UlawWriter",
]
