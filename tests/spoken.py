"""What tests with recorded speech need, and the reason for which they are skipped where it is missing."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from offhook.audio import ulaw, wav
from offhook.errors import UsageError
from offhook.speech.voiceprint import Encoder
from offhook.speech.voiceprint.install import weights
from offhook.testing.recordings import Recordings

_BUILD = Path(__file__).parent.parent / "build"


@functools.cache
def prompts() -> Recordings:
    """Debian's prompts, by Allison Smith."""
    try:
        found = Recordings.find()
    except UsageError:
        found = None
    if found is None or found.source != "asterisk":
        pytest.skip("there are no recordings: make recordings")
    return found


def says(key: str) -> bytes:
    """One prompt, mu-law."""
    return prompts().utterance([key]).audio


@functools.cache
def says_in_spanish(key: str) -> bytes:
    """One prompt by Allison Smith in Spanish, mu-law."""
    folder = "usr/share/asterisk/sounds/es_MX_f_Allison"
    for root in (_BUILD / "spanish", Path("/")):
        if (path := root / folder / f"{key}.wav").is_file():
            return wav.read_ulaw(path, channels=1)[0]
    pytest.skip("there are no Spanish recordings: make spanish")


@functools.cache
def reader(number: int) -> bytes:
    """Three seconds and a half of a man who reads Dickens, from the moonshine-voice wheel."""
    from importlib.util import find_spec

    spec = find_spec("moonshine_voice")
    if spec is None or spec.origin is None:
        pytest.skip("moonshine-voice is not installed")
    audio = wav.read_ulaw(Path(spec.origin).parent / "assets/two_cities.wav", channels=1)[0]
    pcm = ulaw.to_float(audio)
    loud = ulaw.from_float(pcm * (0.5 / abs(pcm).max()))
    return loud[8000 + number * 28_000 : 8000 + (number + 1) * 28_000]


@functools.cache
def encoder() -> Encoder:
    """The real one."""
    if not weights().is_file():
        pytest.skip("there is no voice encoder: offhook engines install voiceprint")
    return Encoder.load(weights())
