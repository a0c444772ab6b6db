"""One thing that a bot says, on its way from text to what the caller has heard of it."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import Literal

from .track import Track

By = Literal["speech", "key"]


@dataclass(frozen=True, slots=True)
class Playback:
    """What became of something said.

    Attributes:
        heard: The part of the text that the caller heard, whole words; empty for sound without text.
        interrupted: Whether it was cut short: by the caller, or by the end of the call.
        seconds: How much of it the caller heard.
        text: All that was to be said.
    """

    heard: str
    interrupted: bool
    seconds: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Audio of a saying, and the text that begins with it; "" where it goes on with the text of the piece before."""

    audio: bytes
    text: str = ""


class Saying:
    """Its state; `Mouth` moves it on. Indices count samples of the ledger.

    Args:
        text: What is to be said; empty for sound.
        label: What records call it.
        allowed: What may interrupt it.

    Attributes:
        start: Index of its first sample.
        end: Index behind the last sample that was made so far, had nothing been said twice.
        track: Its audio, and where it went.
        begun: Whether its turn has come.
        complete: Whether all of it was made.
        stopped: Whether it goes no further.
        over: Whether it is known what was heard of it: `playback`, or `error`.
        answers: When the caller's turn that it answers was decided; None if it answers none.
        latency: Seconds from there to its first audio.
        feeding: What makes its audio.
    """

    def __init__(self, text: str, label: str, allowed: frozenset[By]) -> None:
        self.id = str(uuid.uuid4())
        self.text = text
        self.label = label
        self.allowed = allowed
        self.start = self.end = 0
        self.begun = self.complete = self.stopped = self.over = False
        self.answers: float | None = None
        self.latency: float | None = None
        self.feeding: asyncio.Task[None] | None = None
        self.playback: Playback | None = None
        self.error: Exception | None = None
        self.changed = asyncio.Event()
        self.track = Track()
        self._parts: list[tuple[str, int]] = []

    @property
    def length(self) -> int:
        """Samples made so far."""
        return self.end - self.start

    def add(self, piece: Piece) -> None:
        if piece.text or not self._parts:
            self._parts.append((piece.text, self.end))
        self.end += len(piece.audio)
        self.track.add(piece.audio)

    def stop(self) -> None:
        """Make no more of it; what was heard of it is still to be told."""
        self.stopped = True
        if self.feeding is not None:
            self.feeding.cancel()
        self.changed.set()

    def heard(self, samples: int) -> str:
        """What of the text lies within its first so many samples."""
        if self.complete and samples >= self.length:
            return self.text
        upto = self.start + samples
        words: list[str] = []
        ends = [*(start for _, start in self._parts[1:]), *([self.end] if self._parts else ())]
        for (text, start), end in zip(self._parts, ends, strict=True):
            if upto >= end > start:
                words.append(text)
            elif upto > start:
                words.append(_words_within(text, (upto - start) / (end - start)))
        return " ".join(word for word in words if word)


def _words_within(text: str, share: float) -> str:
    """The words that end within a share of the text, as if each letter took the same time."""
    limit, count, kept = len(text) * share, 0, []
    for word in text.split():
        count += len(word)
        if count > limit:
            break
        kept.append(word)
        count += 1
    return " ".join(kept)
