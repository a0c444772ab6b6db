"""When the caller begins, pauses and ends a turn, decided from voice scores and from how finished the words sound.

Pure state: scores with their positions go in, decisions come out. It knows no audio, no engine, no clock and no words,
only what somebody who does has made of them (`offhook.speech.finality`).
All positions count samples at 8 kHz on the stream's timeline, which may jump (pauses, discarded audio; P6.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..audio.ulaw import RATE
from ..errors import UsageError
from .finality import Finality


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """Settings of turn taking. Times are seconds of the stream.

    Attributes:
        enter: Score from which a frame counts as voice while nobody speaks.
        leave: Score below which it counts as silence while somebody speaks.
        onset: Voice needed, gathered over a little more time, before speech has started; what a barge-in waits for.
            Twice as much is needed of a sound that is fading by then: a cough.
        least: Voice that a turn must hold; with less (a cough, a click) it is not passed on.
        pause: Silence after which speech has paused; what early recognition waits for.
        silence: Silence after which the turn is over, where the words say nothing about it or are not known.
        finished: The same after words that sound finished, if that is less.
        digits: The same in a number that is being read out, if that is more.
        open: The same after words at which nobody stops ("my number is"), if that is more.
        settle: More silence before an answer to a turn is heard whose words do not sound finished: it is prepared
            meanwhile, and taken back if the caller goes on.
        longest: A turn is cut here; what follows is the next turn.
    """

    enter: float = 0.5
    leave: float = 0.45
    onset: float = 0.12
    least: float = 0.16
    pause: float = 0.12
    silence: float = 0.3
    finished: float = 0.2
    digits: float = 0.55
    open: float = 0.9
    settle: float = 0.35
    longest: float = 30.0

    def __post_init__(self) -> None:
        if not 0 < self.leave <= self.enter <= 1:
            raise UsageError("a turn policy needs 0 < leave <= enter <= 1")
        if not 0 < self.pause <= self.silence < self.longest:
            raise UsageError("a turn policy needs 0 < pause <= silence < longest, in seconds")
        waits = self.finished, self.digits, self.open
        if min(waits) <= 0 or max(waits) >= self.longest:
            raise UsageError("a turn policy needs finished, digits and open above 0 and below longest, in seconds")
        if not 0 <= self.settle < self.longest:
            raise UsageError("a turn policy needs 0 <= settle < longest, in seconds")
        if not 0 < self.onset <= self.least < self.longest:
            raise UsageError("a turn policy needs 0 < onset <= least < longest, in seconds")

    @classmethod
    def eager(cls) -> TurnPolicy:
        """Answers fast and cuts in on those who think while they speak: menus, yes and no."""
        return cls(silence=0.3, finished=0.2, digits=0.5, open=0.8, settle=0.0)

    @classmethod
    def patient(cls) -> TurnPolicy:
        """Lets people think and read out long numbers."""
        return cls(silence=1.0, finished=0.6, digits=1.2, open=2.0, settle=0.0)

    def wait(self, finality: Finality) -> float:
        """Seconds of silence that end a turn whose words sound like that."""
        if finality == "finished":
            return max(self.pause, min(self.finished, self.silence))
        if finality == "digits":
            return max(self.digits, self.silence)
        return max(self.open, self.silence) if finality == "open" else self.silence

    def hush(self, finality: Finality) -> float:
        """Seconds of silence before an answer to a turn whose words sound like that is heard."""
        return self.wait(finality) + (0.0 if finality == "finished" else self.settle)


Cause: TypeAlias = Literal["silence", "length", "cut"]


@dataclass(frozen=True, slots=True)
class Started:
    """Speech began at `position`, which lies before `decided_at`."""

    position: int
    decided_at: int


@dataclass(frozen=True, slots=True)
class Paused:
    """The voice stopped at `position`; the turn is not over yet."""

    position: int
    decided_at: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """The voice that had paused is back; the turn goes on."""

    decided_at: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The turn is over.

    Attributes:
        start: Where it began.
        position: Where the voice stopped.
        decided_at: Where that was certain.
        enough: Whether it held as much voice as the policy asks for.
        cause: `silence`; `length` if it was cut for being too long; `cut` if the stream jumped or was flushed.
        settled_at: Where an answer may be heard. It lies behind `decided_at` if by its words more may well come.
    """

    start: int
    position: int
    decided_at: int
    enough: bool
    cause: Cause
    settled_at: int


Decision: TypeAlias = Started | Paused | Resumed | Ended

DROPOUT = RATE // 10  # gathered voice with more silence than this in it is void: it did not begin speech
_FADE = 0.1  # of the score, below its highest: speech begins as well as it goes on, a cough on a still line does not
_RETURN = 0.06  # seconds of voice needed to resume: one stray frame must not put off the end of a turn


class TurnDetector:
    """Takes scores in the order of the stream and says what they mean.

    Args:
        policy: Settings; may be replaced at any time by assigning to `policy`.
    """

    def __init__(self, policy: TurnPolicy | None = None) -> None:
        self.policy = policy or TurnPolicy()
        self._position: int | None = None  # where the next score should begin
        self._start: int | None = None  # of the turn under way
        self._voiced = 0  # samples of voice in it
        self._last_voice = 0  # where the latest voice ended
        self._paused = False
        self._finality: Finality = "unsure"  # of the words up to the pause
        # Voice that may turn out to begin or resume speech.
        self._candidate: int | None = None
        self._gathered = 0
        self._latest = self._highest = 0.0  # of its scores
        self._fading = False

    @property
    def speaking(self) -> bool:
        """Whether a turn is under way, pauses included."""
        return self._start is not None

    @property
    def paused(self) -> bool:
        """Whether the voice has paused within the turn under way."""
        return self._paused

    @property
    def voice_end(self) -> int:
        """Where the latest voice of the turn under way ended."""
        return self._last_voice

    def score(self, score: float, start: int, end: int) -> tuple[Decision, ...]:
        """Takes the score of the samples from `start` to `end`. A jump of `start` first ends what was under way."""
        decisions: tuple[Decision, ...] = ()
        if start != self._position:
            decisions = self.flush()
        self._position = end
        if self._start is not None and end - self._start > self.policy.longest * RATE:
            decisions += self._cut_to_length(self._start, start)
        if self._start is None:
            return decisions + self._while_idle(score, start, end)
        if self._paused:
            return decisions + self._while_paused(self._start, score, start, end)
        return decisions + self._while_speaking(self._start, score, start, end)

    def await_words(self) -> None:
        """The words up to the pause are being looked at: they are worth waiting for as long as for a number."""
        self._finality = "digits"

    def hint(self, finality: Finality) -> tuple[Decision, ...]:
        """Takes how finished the words up to the pause sound: that decides how long to wait for the voice."""
        if self._start is None or not self._paused or self._position is None:
            return ()
        self._finality = finality
        return self._end_if_silent(self._start, self._position)

    def flush(self) -> tuple[Decision, ...]:
        """Ends what is under way where the stream stands; the next score may be anywhere."""
        position, self._position = self._position, None
        if self._start is None or position is None:
            self._forget_candidate()
            return ()
        return (self._end(self._start, self._last_voice if self._paused else position, position, "cut"),)

    def _while_idle(self, score: float, start: int, end: int) -> tuple[Decision, ...]:
        if not self._gather(score, start, end, self.policy.onset):
            return ()
        if self._fading and self._gathered < 2 * self.policy.onset * RATE:
            return ()
        self._start = onset = start if self._candidate is None else self._candidate
        self._speak_on(self._gathered, end)
        return (Started(onset, end),)

    def _while_speaking(self, turn: int, score: float, start: int, end: int) -> tuple[Decision, ...]:
        if score >= self.policy.leave:
            self._speak_on(end - start, end)
            return ()
        if end - self._last_voice < self.policy.pause * RATE:
            return ()
        self._paused = True
        return (Paused(self._last_voice, end), *self._while_paused(turn, score, start, end))

    def _while_paused(self, turn: int, score: float, start: int, end: int) -> tuple[Decision, ...]:
        if self._gather(score, start, end, _RETURN):
            self._speak_on(self._gathered, end)
            return (Resumed(end),)
        return self._end_if_silent(turn, end)

    def _end_if_silent(self, turn: int, end: int) -> tuple[Decision, ...]:
        # Voice that may resume the turn holds its end back; it either does so or is forgotten soon.
        if self._candidate is None and end - self._last_voice >= self.policy.wait(self._finality) * RATE:
            return (self._end(turn, self._last_voice, end, "silence"),)
        return ()

    def _cut_to_length(self, turn: int, position: int) -> tuple[Decision, ...]:
        if self._paused:
            return (self._end(turn, self._last_voice, position, "length"),)
        ended = self._end(turn, position, position, "length")
        self._start = self._last_voice = position
        return (ended, Started(position, position))

    def _end(self, turn: int, position: int, decided_at: int, cause: Cause) -> Ended:
        enough, settled_at = self._voiced >= self.policy.least * RATE, decided_at
        if cause == "silence":
            settled_at = max(decided_at, position + round(self.policy.hush(self._finality) * RATE))
        self._start, self._voiced, self._paused, self._finality = None, 0, False, "unsure"
        self._forget_candidate()
        return Ended(turn, position, decided_at, enough, cause, settled_at)

    def _speak_on(self, voiced: int, end: int) -> None:
        self._voiced += voiced
        self._last_voice = end
        self._paused, self._finality = False, "unsure"
        self._forget_candidate()

    def _gather(self, score: float, start: int, end: int, seconds: float) -> bool:
        """Whether enough voice has come together, with little silence in it."""
        if score >= self.policy.enter:
            if self._candidate is None:
                self._candidate = start
            self._gathered += end - start
            self._highest = max(self._highest, score)
            self._fading = score < self._latest and self._highest - score >= _FADE
            self._latest = score
        elif self._candidate is not None and end - self._candidate - self._gathered > DROPOUT:
            self._forget_candidate()
        return self._gathered >= seconds * RATE

    def _forget_candidate(self) -> None:
        self._candidate = None
        self._gathered = 0
        self._latest = self._highest = 0.0
        self._fading = False
