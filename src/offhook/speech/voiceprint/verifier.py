"""Enrols speakers and says whether a voice is theirs. Blocks (encoding, files): run it in the pool.

It is an aid to whoever decides. It cannot tell a good synthetic voice from a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec
import numpy as np

from ...errors import UsageError
from . import calibration, replay
from .encoder import MODEL, Embedding, Encoder, unit
from .phrase import same_words
from .templates import Template, TemplateStore

Verdict = Literal["accepted", "rejected", "unsure", "wrong_words", "replayed", "too_short", "unknown", "outdated"]

#: Seconds of voice without which nothing is said: the encoder looks at windows of 1.6 s.
LEAST: Final = 1.0
#: Seconds of voice that a template should hold in all.
ENOUGH: Final = 6.0
#: Recordings of a speaker that are remembered, so that none of them is taken twice.
_REMEMBERED: Final = 100
#: Likeness below which an utterance does not belong with those that are enrolled already.
_STRANGER: Final = 0.70


@dataclass(frozen=True, slots=True)
class VoiceCheck:
    """What was found. It assists, and never decides alone.

    Attributes:
        verdict: `accepted` or `rejected`; `unsure` between the two; `wrong_words` for the right voice or not;
            `replayed` if this very recording was heard before; `too_short`; `unknown` for a speaker who is not
            enrolled; `outdated` for one who was with another model, and must be enrolled anew.
        probability: That it is the speaker's voice if every second claim is true; None where voices were not compared.
        likeness: Cosine between the voice and the template; None where they were not compared.
        seconds: Of voice.
    """

    verdict: Verdict
    probability: float | None = None
    likeness: float | None = None
    seconds: float = 0.0

    @property
    def accepted(self) -> bool:
        return self.verdict == "accepted"

    def output(self) -> dict[str, str]:
        """As output variables of a bot: `voice_verdict`, `voice_probability` (0 to 1, empty if unknown)."""
        probability = "" if self.probability is None else f"{self.probability:.3f}"
        return {"voice_verdict": self.verdict, "voice_probability": probability}


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What became of an enrolment.

    Attributes:
        taken: Utterances that were added.
        refused: Why the others were not, one word for each: `too_short`, `replayed`, `other_voice`.
        seconds: Of voice in the template now.
        utterances: In the template now.
    """

    taken: int
    refused: tuple[str, ...]
    seconds: float
    utterances: int

    @property
    def complete(self) -> bool:
        """Whether there is enough to compare with."""
        return self.seconds >= ENOUGH


class Verifier:
    """Compares voices with those that are kept.

    Args:
        encoder: Makes vectors of voices.
        store: Keeps them.
    """

    def __init__(self, encoder: Encoder, store: TemplateStore) -> None:
        self.store = store
        self._encoder = encoder

    def enrol(self, speaker: str, utterances: Sequence[bytes]) -> Enrolment:
        """Add utterances to what is kept of a speaker; one of an older model is replaced.

        Args:
            speaker: Who it is.
            utterances: Mu-law at 8 kHz, 2 to 10 s each.

        Raises:
            UsageError: There is no name, or what is kept cannot be read or written.
        """
        if not speaker:
            raise UsageError("a speaker needs a name to be enrolled")
        heard = [(self._encoder.embed(audio), replay.fingerprint(audio)) for audio in utterances]
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self.store.changing():
            template = self.store.load(speaker)
            if template is None or template.model != MODEL:
                template = Template(speaker, MODEL, created=now, updated=now)
            refused: list[str] = []
            for embedding, bits in heard:
                if problem := _problem(template, embedding, bits):
                    refused.append(problem)
                    continue
                template = _added(template, embedding, bits, now)
            if len(refused) < len(heard):
                self.store.save(template)
        return Enrolment(len(heard) - len(refused), tuple(refused), template.seconds, len(template.vectors))

    def verify(
        self,
        speaker: str,
        utterances: Sequence[bytes],
        *,
        earlier: Sequence[bytes] = (),
        phrase: str | None = None,
        heard: str = "",
    ) -> VoiceCheck:
        """Compare what was said with what is kept of the speaker that it is claimed to be.

        What was not rejected is remembered, and is refused if it comes again.

        Args:
            speaker: Who it is claimed to be.
            utterances: Mu-law at 8 kHz; more of them make it surer.
            earlier: What the same caller said before and was compared already: it counts for the voice.
            phrase: The words that had to be said, for a spoken password.
            heard: The words that were recognised.

        Raises:
            UsageError: What is kept cannot be read or written.
        """
        embeddings = [self._encoder.embed(audio) for audio in (*earlier, *utterances)]
        prints = [replay.fingerprint(audio) for audio in utterances]
        seconds = sum(embedding.seconds for embedding in embeddings)
        with self.store.changing():
            template = self.store.load(speaker)
            if template is None or not template.vectors:
                return VoiceCheck("unknown", seconds=seconds)
            if template.model != MODEL:
                return VoiceCheck("outdated", seconds=seconds)
            if seconds < LEAST:
                return VoiceCheck("too_short", seconds=seconds)
            if any(_known(template, bits) for bits in prints):
                return VoiceCheck("replayed", seconds=seconds)
            likeness = float(template.centre @ _mean(embeddings))
            verdict = _verdict(likeness, len(template.vectors))
            if verdict != "rejected":  # strangers cannot push the speaker's own out of memory
                kept = (*template.heard, *map(replay.pack, prints))[-_REMEMBERED:]
                self.store.save(msgspec.structs.replace(template, heard=kept))
        if phrase is not None and verdict != "rejected" and not same_words(phrase, heard):
            verdict = "wrong_words"
        return VoiceCheck(verdict, calibration.probability(likeness, len(template.vectors)), likeness, seconds)


def _verdict(likeness: float, enrolled: int) -> Verdict:
    limits = calibration.threshold(enrolled)
    if likeness >= limits.accept:
        return "accepted"
    return "rejected" if likeness < limits.reject else "unsure"


def _mean(embeddings: Sequence[Embedding]) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """One vector of several, each counting by how much voice it is made of."""
    weighted = sum((each.vector * np.float32(each.seconds) for each in embeddings), np.zeros(256, np.float32))
    return unit(weighted)


def _problem(template: Template, embedding: Embedding, bits: replay.Bits) -> str:
    if embedding.seconds < LEAST:
        return "too_short"
    if _known(template, bits):
        return "replayed"
    if template.vectors and float(template.centre @ embedding.vector) < _STRANGER:
        return "other_voice"
    return ""


def _known(template: Template, bits: replay.Bits) -> bool:
    known = (*template.enrolled, *template.heard)
    return any(replay.difference(bits, replay.unpack(kept)) < replay.SAME for kept in known)


def _added(template: Template, embedding: Embedding, bits: replay.Bits, now: str) -> Template:
    return msgspec.structs.replace(
        template,
        updated=now,
        vectors=(*template.vectors, embedding.vector.astype("<f4").tobytes()),
        seconds=template.seconds + embedding.seconds,
        enrolled=(*template.enrolled, replay.pack(bits)),
    )
