"""One ear: listens to one channel of a call, finds turns in it and has them recognised.

Audio is fed by a plain call on the event loop, which scores it at once and never waits; recognition runs in the pool.
It knows streams of mu-law with positions, and nothing of sessions or messages.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import numpy as np

from ..audio import ulaw
from ..audio.echo import AHEAD, BLOCK, EchoGuard
from ..audio.resample import Resampler, resample
from ..errors import EngineError
from . import pool as pools
from .engines import Float32, Recogniser, Transcription, VoiceActivity
from .finality import Finality, finality
from .heard import (
    Heard,
    HeardWord,
    LeftOut,
    ListenerEvent,
    RecogniserFailed,
    SpeechEnded,
    SpeechStarted,
    TurnEnded,
)
from .turns import DROPOUT, Decision, Ended, Paused, Resumed, Started, TurnDetector, TurnPolicy

_LEAD = ulaw.RATE * 3 // 10  # audio before the onset that the recogniser gets: first consonants are quiet
_TAIL = ulaw.RATE // 4  # and after the end, at most
_SILENCE = ulaw.RATE // 5  # made, behind the tail: recognisers end a sentence by the silence after it
_INTERIM = ulaw.RATE // 2  # between interim results


@dataclass(slots=True, eq=False)
class _Utterance:
    """A turn on its way from its first sound to its result."""

    id: str
    start: int
    audio_from: int
    language: str | None
    reached: int  # where the latest interim recognition ended
    final: asyncio.Future[Transcription] | None = None  # may have begun before the turn is over
    ended: Ended | None = None


class Listener:
    """Turns the audio of one channel into speech and turn events.

    Speech events come while audio is fed. Results come when they are ready, those of different turns in the order in
    which the turns were spoken. Nothing comes after `close`.

    Args:
        on_event: Called on the event loop with each event; it must not block.
        vad: The detector of this channel alone.
        recogniser: Shared; None if only speech events are wanted.
        policy: Settings of turn taking.
        language: BCP 47 tag for the recogniser; assign to `language` to change it from the next turn on.
        interim: Whether to recognise what has been said so far each half second, unless that would have to wait.
        early: Whether to begin the final recognition when the voice pauses and not when the turn is over. The result is
            thrown away if the voice comes back, and is at hand at once if it does not.
        backlog: Seconds of speech that may wait for the recogniser; beyond, the oldest is left out. None keeps all.
        pool: Where the recogniser runs; by default the pool of the process.
        new_id: Makes ids of utterances.
        played: Gives the audio that the other end was playing at a position, so that its echo is not taken for speech.

    Attributes:
        expects: Says whether a text is all that is waited for, so that the turn need not go on; None if nothing is.
    """

    def __init__(
        self,
        on_event: Callable[[ListenerEvent], None],
        *,
        vad: VoiceActivity,
        recogniser: Recogniser | None = None,
        policy: TurnPolicy | None = None,
        language: str | None = None,
        interim: bool = False,
        early: bool = True,
        backlog: float | None = None,
        pool: pools.Pool | None = None,
        new_id: Callable[[], str] = lambda: str(uuid4()),
        played: Callable[[int, int], bytes] | None = None,
    ) -> None:
        self.language = language
        self.expects: Callable[[str], bool] | None = None
        self._played = played
        self._guard = EchoGuard() if played is not None else None
        self._doubtful = bytearray()  # for each of the last samples up to `_next`, whether it may be echo
        self._on_event = on_event
        self._vad = vad
        self._recogniser = recogniser
        self._interim = interim
        self._early = early
        self._backlog = backlog
        self._pool = pool or pools.shared()
        self._new_id = new_id
        self._turns = TurnDetector(policy)
        self._resampler = Resampler(ulaw.RATE, vad.rate)
        self._origin = 0  # position of the first sample since the last jump
        self._scored = 0  # samples scored since then, at the detector's rate
        self._unscored = np.zeros(0, np.float32)
        self._next = -1  # position that follows what was fed
        self._audio = bytearray()  # mu-law up to `_next`
        self._utterance: _Utterance | None = None
        self._waiting: deque[_Utterance] = deque()  # over, result not yet reported
        self._running_interim: asyncio.Future[Transcription] | None = None
        self._last_end = 0  # where the last turn ended
        self._closed = False

    @property
    def speaking(self) -> bool:
        """Whether a turn is under way, pauses included."""
        return self._turns.speaking

    @property
    def voiced(self) -> bool:
        """Whether somebody speaks, pauses not included."""
        return self._turns.speaking and not self._turns.paused

    @property
    def understands(self) -> bool:
        """Whether there is a recogniser."""
        return self._recogniser is not None

    @property
    def busy(self) -> bool:
        """Whether a turn is under way, or over and not reported."""
        return self._turns.speaking or bool(self._waiting)

    def change(
        self,
        *,
        recogniser: Recogniser | None = None,
        language: str | None = None,
        policy: TurnPolicy | None = None,
    ) -> None:
        """Go on with another recogniser, language or policy; None leaves it as it is.

        An utterance under way belongs to the new ones from its first sample on: nothing is lost and nothing is cut.
        """
        changed = recogniser not in (None, self._recogniser) or language not in (None, self.language)
        self._recogniser = recogniser or self._recogniser
        self.language = language or self.language
        self._turns.policy = policy or self._turns.policy
        utterance = self._utterance
        if utterance is None or not changed:
            return
        utterance.language = self.language
        if utterance.final is not None:
            utterance.final.cancel()
            utterance.final = None
            if self._turns.paused:
                self._begin_early(utterance, self._turns.voice_end)

    def feed(self, data: bytes, position: int) -> None:
        """Takes the next audio: mu-law of this channel, any length, beginning at `position`.

        A position that does not follow the last audio ends a turn under way where the audio stopped.
        """
        if self._closed:
            return
        if position != self._next:
            self._jump(position)
        self._next = position + len(data)
        self._audio += data
        for score, start, end in self._scores(data):
            for decision in self._turns.score(score, start, end):
                self._decide(decision)
        self._recognise_so_far()
        self._forget_old_audio()

    def flush(self) -> None:
        """Ends a turn under way: the stream pauses, its language changes, or it is over."""
        for decision in self._turns.flush():
            self._decide(decision)

    async def drain(self) -> None:
        """Waits until all turns that are over have been reported."""
        while self._waiting:
            await asyncio.wait([utterance.final for utterance in self._waiting if utterance.final is not None])

    def close(self) -> None:
        """Ends listening: no more events come, and recognitions that have not begun are taken back."""
        self._closed = True
        futures = [self._running_interim, *(utterance.final for utterance in self._waiting)]
        if self._utterance is not None:
            futures.append(self._utterance.final)
        self._waiting.clear()
        self._utterance = None
        for future in futures:
            if future is not None:
                future.cancel()

    def _emit(self, event: ListenerEvent) -> None:
        if not self._closed:
            self._on_event(event)

    def _jump(self, position: int) -> None:
        self.flush()
        self._vad.reset()
        self._resampler.clear()
        self._doubtful.clear()
        if self._guard is not None:
            self._guard.reset()
        self._unscored = self._unscored[:0]
        self._audio.clear()
        self._origin = self._last_end = position
        self._scored = 0

    def _scores(self, data: bytes) -> Iterator[tuple[float, int, int]]:
        """Scores all whole frames: the score, and where the frame begins and ends."""
        frame, rate = self._vad.frame, self._vad.rate
        fresh = self._resampler.push(self._without_echo(data))
        pcm = np.concatenate((self._unscored, np.clip(fresh, -1.0, 1.0)))
        whole = len(pcm) - len(pcm) % frame
        self._unscored = pcm[whole:]
        for at in range(0, whole, frame):
            start = self._origin + self._scored * ulaw.RATE // rate
            self._scored += frame
            end = self._origin + self._scored * ulaw.RATE // rate
            score = self._vad.score(pcm[at : at + frame])
            yield 0.0 if self._is_echo(start, end) else score, start, end

    def _without_echo(self, data: bytes) -> Float32:
        pcm = ulaw.to_float(data)
        if self._guard is None or self._played is None:
            return pcm
        played = self._played(self._next - len(data), len(data) + AHEAD)
        cleaned = self._guard.clean(pcm, ulaw.to_float(played))
        blocks = np.zeros(len(cleaned.doubt) * BLOCK, np.float32)
        blocks[: len(data)] = np.square(cleaned.audio)
        doubtful = blocks.reshape(-1, BLOCK).mean(axis=1) < cleaned.doubt
        self._doubtful += np.repeat(doubtful, BLOCK)[: len(data)].tobytes()
        del self._doubtful[: -len(data) - ulaw.RATE]
        return cleaned.audio

    def _is_echo(self, start: int, end: int) -> bool:
        """Whether most of that is no louder than what may be left of an echo."""
        first = self._next - len(self._doubtful)
        return 2 * self._doubtful[max(0, start - first) : max(0, end - first)].count(1) > end - start

    def _decide(self, decision: Decision) -> None:
        match decision:
            case Started(position, decided_at):
                audio_from = max(position - _LEAD, self._last_end, self._next - len(self._audio))
                self._utterance = _Utterance(self._new_id(), position, audio_from, self.language, reached=position)
                self._emit(SpeechStarted(position, decided_at))
            case Paused(position) if self._early and self._utterance is not None:
                self._begin_early(self._utterance, position)
            case Resumed() if self._utterance is not None and self._utterance.final is not None:
                self._utterance.final.cancel()
                self._utterance.final = None
            case Ended() if self._utterance is not None:
                utterance, self._utterance = self._utterance, None
                self._finish(utterance, decision)

    def _begin_early(self, utterance: _Utterance, position: int) -> None:
        """The voice has paused there: what was said may be all."""
        utterance.final = self._recognise(utterance, position)
        if utterance.final is not None:
            self._turns.await_words()
            if self._interim:
                self._report_when_done(utterance, utterance.final, position)
            utterance.final.add_done_callback(partial(self._weigh, utterance))

    def _weigh(self, utterance: _Utterance, early: asyncio.Future[Transcription]) -> None:
        """The words up to a pause are known: they tell how long it may last before the turn is over."""
        if utterance is not self._utterance or utterance.final is not early or early.cancelled():
            return
        found: Finality = "unsure"
        if early.exception() is None and (result := early.result()).text:
            full = self.expects is not None and self.expects(result.text)
            found = "finished" if full else finality(result.text, result.language, result.confidence)
        for decision in self._turns.hint(found):
            self._decide(decision)

    def _finish(self, utterance: _Utterance, ended: Ended) -> None:
        self._last_end = ended.position
        self._emit(SpeechEnded(ended.position, ended.decided_at, ended.enough))
        if not ended.enough or self._closed:
            if utterance.final is not None:
                utterance.final.cancel()
            return
        utterance.ended = ended
        utterance.final = utterance.final or self._recognise(utterance, ended.position)
        if utterance.final is not None:
            self._waiting.append(utterance)
            utterance.final.add_done_callback(self._report)
            self._report()
            self._catch_up()

    def _catch_up(self) -> None:
        """Leave out what cannot be recognised in time. The first may be at work, and the last is the freshest."""
        if self._backlog is None:
            return
        limit = self._backlog * ulaw.RATE
        while len(self._waiting) > 2 and sum(map(_length, self._waiting)) > limit:
            utterance = self._waiting[1]
            del self._waiting[1]
            if utterance.final is not None:
                utterance.final.cancel()
            self._emit(LeftOut(utterance.start, utterance.start + _length(utterance)))

    def _recognise(self, utterance: _Utterance, end: int) -> asyncio.Future[Transcription] | None:
        if self._recogniser is None:
            return None
        first = self._next - len(self._audio)
        tail = min(_TAIL, int(self._turns.policy.pause * ulaw.RATE))
        audio = bytes(self._audio[utterance.audio_from - first : end + tail - first])
        return self._pool.submit(_transcribe, self._recogniser, audio, utterance.language)

    def _recognise_so_far(self) -> None:
        utterance = self._utterance
        if not self._interim or utterance is None or self._turns.paused or self._next - utterance.reached < _INTERIM:
            return
        if self._pool.busy or (self._running_interim is not None and not self._running_interim.done()):
            return
        utterance.reached = self._next
        self._running_interim = self._recognise(utterance, self._next)
        if self._running_interim is not None:
            self._report_when_done(utterance, self._running_interim, self._next)

    def _report_when_done(self, utterance: _Utterance, future: asyncio.Future[Transcription], end: int) -> None:
        """Reports a result as interim if its turn is then still under way and those before it have been reported."""

        def report(done: asyncio.Future[Transcription]) -> None:
            # A failure is not told here: if it lasts, the final recognition fails as well and tells.
            failed = done.cancelled() or done.exception() is not None
            if not failed and utterance is self._utterance and not self._waiting and done.result().text:
                self._emit(_heard(utterance, done.result(), end, final=False))

        future.add_done_callback(report)

    def _report(self, _: object = None) -> None:
        """Reports the turns that are over and recognised, in the order in which they were spoken."""
        while self._waiting:
            utterance = self._waiting[0]
            if utterance.final is None or utterance.ended is None or not utterance.final.done():
                return
            self._waiting.popleft()
            ended, error = utterance.ended, utterance.final.exception()
            text, confidence = "", 0.0
            if error is not None:
                # Only engines' own errors promise to hold nothing of what was said.
                told = str(error) if isinstance(error, EngineError) else type(error).__name__
                self._emit(RecogniserFailed(utterance.start, told))
            elif utterance.final.result().text:
                text, confidence = utterance.final.result().text, utterance.final.result().confidence
                self._emit(_heard(utterance, utterance.final.result(), ended.position, final=True))
            turn = TurnEnded(utterance.start, ended.position, text, confidence, ended.decided_at, bool(text))
            self._emit(turn)

    def _forget_old_audio(self) -> None:
        if self._utterance is not None:
            needed = self._utterance.audio_from
        else:  # speech may have begun already and not be certain yet
            needed = self._next - _LEAD - int(self._turns.policy.onset * ulaw.RATE) - DROPOUT - ulaw.RATE // 10
        surplus = needed - (self._next - len(self._audio))
        if surplus > 0:
            del self._audio[:surplus]


def _length(utterance: _Utterance) -> int:
    return 0 if utterance.ended is None else utterance.ended.position - utterance.start


def _transcribe(recogniser: Recogniser, audio: bytes, language: str | None) -> Transcription:
    pcm = resample(np.pad(ulaw.to_float(audio), (0, _SILENCE)), ulaw.RATE, recogniser.rate)
    return recogniser.transcribe(pcm, language)


def _heard(utterance: _Utterance, result: Transcription, end: int, *, final: bool) -> Heard:
    """Puts a result on the stream's timeline. An engine's times are taken as they are where they make sense."""
    words: list[HeardWord] = []
    at = utterance.start
    for left, word in zip(range(len(result.words) - 1, -1, -1), result.words, strict=True):
        start = min(max(at, utterance.audio_from + round(word.start * ulaw.RATE)), end - left - 1)
        at = min(max(start + 1, utterance.audio_from + round(word.end * ulaw.RATE)), end - left)
        words.append(HeardWord(word.text, start, at, word.confidence))
    return Heard(
        id=utterance.id,
        text=result.text,
        final=final,
        start=utterance.start,
        end=end,
        confidence=result.confidence,
        words=tuple(words),
        language=result.language,
    )
