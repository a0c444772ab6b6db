"""`offhook serve voiceprint`: whether the caller's voice is that of who the caller claims to be, while they talk.

Nobody has to say anything in particular. The result is an event of the call, a `voiceprint` entity for the platform,
and in the session's output variables. With a password it is a bot instead (see `password`). It assists, and must not
decide alone: synthetic voices pass.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ...audio.ulaw import RATE
from ...errors import UsageError
from ...protocol import MONO, STEREO, Entity
from ...speech.engines import Float32, Transcription
from ...speech.voiceprint import VoiceCheck
from ..engines import Engines
from ..host import Host
from ..monitor import Monitor, MonitorCall
from ..voices import Voices
from .claims import claimed
from .password import password_bot

logger = logging.getLogger("offhook.bots")

#: Seconds of speech after which a voice is compared; and again after as many more while there is doubt.
WANTED: Final = 4.0
#: Seconds of speech after which doubt is all that will come of it.
MOST: Final = 24.0
#: Seconds of speech that an enrolment takes.
ENROLMENT: Final = 15.0


def make(
    *, voiceprints: Path, voiceprint_key: Path | None = None, enrol: bool = False, password: str | None = None
) -> Host:
    """A monitor that compares the caller's voice with the voiceprint of the number that calls; a bot, with a password.

    The claim is the input variable `speaker` if there is one, else the caller's number.

    Args:
        voiceprints: Where they are kept.
        voiceprint_key: A file with their key; without it, `OFFHOOK_VOICEPRINT_KEY` holds it.
        enrol: Whether callers who are not enrolled are enrolled: only where they have agreed to it.
        password: What a bot asks the caller to say: see `password_bot`.

    Raises:
        UsageError: There is no key, or no word in the password.
        EngineMissing: The encoder or `cryptography` is not installed.
    """
    if password is not None and not any(letter.isalnum() for letter in password):
        raise UsageError("--password holds no word that could be said")
    voices = Voices(voiceprints, key=voiceprint_key)
    if password is not None:
        return password_bot(voices, password, enrol=enrol)
    monitor = Monitor("voiceprint", engines=Engines(recogniser=_Deaf()), media=(STEREO, MONO))

    @monitor.handler
    async def watch(call: MonitorCall) -> None:
        speaker = claimed(call)
        passive = Passive()
        async for utterance in call.utterances():
            if speaker and not passive.over and passive.add(utterance.audio):
                await _judge(call, voices, speaker, passive, enrol=enrol)
        if passive.fresh and not passive.over and not passive.enrolling:  # hung up: it has to do
            await _judge(call, voices, speaker, passive, enrol=False)

    return monitor


@dataclass(slots=True)
class Passive:
    """The speech of one caller, gathered until there is enough to say something.

    Attributes:
        fresh: Utterances that were not compared yet.
        compared: Those that were.
        enrolling: Whether it is gathered for a voiceprint that does not exist yet.
        over: Whether all is said.
    """

    fresh: list[bytes] = field(default_factory=list)
    compared: list[bytes] = field(default_factory=list)
    enrolling: bool = False
    over: bool = False

    def add(self, audio: bytes) -> bool:
        """Gather an utterance; returns whether there is enough for the next step."""
        self.fresh.append(audio)
        return _seconds(self.fresh) >= (ENROLMENT if self.enrolling else WANTED)

    def step(self) -> None:
        """What was fresh has been compared."""
        self.compared += self.fresh
        self.fresh = []


async def _judge(call: MonitorCall, voices: Voices, speaker: str, passive: Passive, *, enrol: bool) -> None:
    try:
        await _compare(call, voices, speaker, passive, enrol=enrol)
    except UsageError as error:  # a disk, a key: the call is not to suffer from it
        passive.over = True
        call.output["voice_verdict"] = "failed"
        call.journal.note("voiceprints cannot be read or written", call.position)
        logger.warning("session %s: %s", call.session_id, error)


async def _compare(call: MonitorCall, voices: Voices, speaker: str, passive: Passive, *, enrol: bool) -> None:
    if passive.enrolling:
        done = await voices.enrol(speaker, [audio for audio in passive.fresh if len(audio) >= RATE])
        call.journal.note(f"voiceprints: enrolled with {done.seconds:.0f} s of voice", call.position)
        passive.over = True
        return
    check = await voices.verify(call, speaker, passive.fresh, earlier=passive.compared)
    if check.verdict == "unknown" and enrol:
        passive.enrolling = True
        return
    passive.step()
    passive.over = check.verdict not in ("unsure", "too_short") or _seconds(passive.compared) >= MOST
    call.send_event(_entity(check))


def _entity(check: VoiceCheck) -> Entity:
    """The result for the platform: a type of our own, as P5 allows; it names nobody."""
    likely = None if check.probability is None else round(check.probability, 3)
    return Entity("voiceprint", {"verdict": check.verdict, "probability": likely, "seconds": round(check.seconds, 1)})


def _seconds(utterances: list[bytes]) -> float:
    return sum(map(len, utterances)) / RATE


class _Deaf:
    """A recogniser that understands nothing, and loads nothing for it."""

    rate = RATE
    languages: tuple[str, ...] = ()

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        return Transcription("", 0.0, (), "")
