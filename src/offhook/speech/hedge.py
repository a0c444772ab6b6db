"""Hedging: the next engine is started while the first one is merely slow, and the first result is taken.

`hedge?1=deepgram&2=moonshine&after=0.8`. It is a fallback with less patience: see `offhook.speech.fallback`.
"""

from __future__ import annotations

from . import registry
from .engines import Recogniser, Synthesiser
from .fallback import FallbackRecogniser, FallbackSynthesiser, fallback, relay
from .registry import Options

__all__ = ["fallback", "recogniser", "synthesiser"]

_AFTER = 0.8

#: It is made of other engines.
LOCAL = False


def recogniser(options: Options) -> Recogniser:
    """`hedge?1=URI&2=URI[&...][&after=0.8][&timeout=6][&failures=2][&rest=30]`."""
    return FallbackRecogniser(relay(options, registry.recogniser, options.number("after", _AFTER, 0, 60)))


def synthesiser(options: Options) -> Synthesiser:
    """As `recogniser`."""
    return FallbackSynthesiser(relay(options, registry.synthesiser, options.number("after", _AFTER, 0, 60)))
