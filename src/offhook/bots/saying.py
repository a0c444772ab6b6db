"""One thing that a bot says, on its way from text to what the caller has heard of it."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from ..records import events as happenings
from ..speech.rendering import Piece
from ..speech.sentences import word_ends
from .ledger import Ledger
from .track import Track

By = Literal["speech", "key"]


@dataclass(frozen=True, slots=True)
class Playback:
    """What became of something said.

    Attributes:
        heard: The part of the text that the caller heard, whole words; empty for sound without text. Of SSML it is the
            text as it is written: without tags, and not as `<sub>` or `<say-as>` have it read.
        interrupted: Whether it was cut short: by the caller, or by the end of the call.
        seconds: How much of it the caller heard.
        text: All that was to be said.
        marks: Names of the marks that the caller heard, in order.
    """

    heard: str
    interrupted: bool
    seconds: float
    text: str = ""
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A `<mark>` that the caller has heard.

    Attributes:
        name: As it was given.
        position: Where the caller heard it, samples on the caller's stream; None if that is not known.
    """

    name: str
    position: int | None


@dataclass(slots=True)
class _Part:
    """Text, where its audio begins, and as of `Piece.times` when its words are over."""

    text: str
    start: int
    times: tuple[tuple[int, int], ...] = ()

    def heard(self, samples: int, made: int) -> str:
        """The words that are over within so many of the `made` samples."""
        if samples <= 0:
            return ""
        if self.times:
            return self.text[: max((count for count, at in self.times if at <= samples), default=0)]
        if samples >= made:
            return self.text
        letters = len(self.text.rstrip()) * samples / made  # as if each took the same time
        return self.text[: max((end for end in word_ends(self.text) if end <= letters), default=0)]


class Saying:
    """Its state; `Mouth` moves it on. Indices count samples of the ledger.

    Args:
        text: What is to be said; empty for sound, None if it comes with the audio.
        label: What records call it, in place of the text.
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
        opens_at: When it may be heard, loop's time; see `TurnPolicy.settle`.
        feeding: What makes its audio.
        marks: Marks that were not heard yet, each with the samples of this saying before it.
        told: Names of those that were.
    """

    def __init__(self, text: str | None, label: str, allowed: frozenset[By]) -> None:
        self.id = str(uuid.uuid4())
        self.text = text or ""
        self._label = label
        self.allowed = allowed
        self.start = self.end = 0
        self.begun = self.complete = self.stopped = self.over = False
        self.answers: float | None = None
        self.latency: float | None = None
        self.opens_at = 0.0
        self._opening: asyncio.TimerHandle | None = None
        self.feeding: asyncio.Task[None] | None = None
        self.playback: Playback | None = None
        self.error: Exception | None = None
        self.changed = asyncio.Event()
        self.track = Track()
        self.marks: deque[tuple[str, int]] = deque()
        self.told: list[str] = []
        self._grows = text is None
        self._parts: list[_Part] = []

    @property
    def label(self) -> str:
        """What records call it."""
        return self._label or self.text.strip()

    @property
    def length(self) -> int:
        """Samples made so far."""
        return self.end - self.start

    def begin(self, index: int) -> None:
        """Its first sample will be that of this index."""
        self.start = self.end = index
        self.track = Track()
        self.track.begin(index)
        self.begun = True

    def opens(self, hand_on: Callable[[Saying], None]) -> bool:
        """Whether it may be heard by now; if not, `hand_on` is called once it may."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self.opens_at:
            return True
        if self._opening is None:
            self._opening = loop.call_at(self.opens_at, self._open, hand_on)
        return False

    def _open(self, hand_on: Callable[[Saying], None]) -> None:
        self.opens_at = 0.0  # a timer may fire a little before its time
        hand_on(self)

    def add(self, piece: Piece) -> None:
        if piece.mark:
            self.marks.append((piece.mark, self.length))
        if piece.script:
            self.text = piece.script
        if piece.joins and self._parts:
            self._parts[-1].text += piece.text
        elif piece.text or not self._parts:
            self._parts.append(_Part(piece.text, self.end))
        if self._grows:
            self.text += piece.text
        if piece.times:
            self._parts[-1].times = piece.times
        self.end += len(piece.audio)
        self.track.add(piece.audio)

    def stop(self) -> None:
        """Make no more of it; what was heard of it is still to be told."""
        self.stopped = True
        if self._opening is not None:
            self._opening.cancel()
        if self.feeding is not None:
            self.feeding.cancel()
        self.changed.set()

    def heard(self, samples: int) -> str:
        """What of the text lies within its first so many samples."""
        if self.complete and samples >= self.length > 0:
            return self.text.strip() if self._grows else self.text
        upto = self.start + samples
        out = ""
        for part, following in zip_longest(self._parts, self._parts[1:]):
            if following is not None and following.start <= upto:
                out += part.text
            else:
                end = self.end if following is None else following.start
                return (out + part.heard(upto - part.start, end - part.start)).rstrip()
        return ""

    def ended(self, ledger: Ledger, played: int, *, t: float, position: int) -> happenings.SayEnded:
        """What records are told of it, now that it is known that so many samples were heard."""
        return happenings.SayEnded(
            t=t,
            position=position,
            id=self.id,
            text=self.label,
            heard=self.heard(played) or (self.label if self.complete and played >= self.length else ""),
            interrupted=self.stopped,
            sent=max(0, min(ledger.sent, self.track.end if self.begun else 0) - self.start),
            played=played,
            start=ledger.position_of(self.start) if played else None,
            latency=self.latency,
        )
