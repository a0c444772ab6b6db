"""One ear: listens to one channel of a call, finds turns in it and has them recognised.

Audio is fed by a plain call on the event loop, which scores it at once and never waits; recognition runs in the pool.
It knows streams of mu-law with positions, and nothing of sessions or messages.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from uuid import uuid4

from ..audio import ulaw
from ..errors import EngineError
from . import pool as pools
from .engines import Recogniser, Transcription, VoiceActivity, streams
from .finality import Finality, finality
from .heard import LeftOut, ListenerEvent, RecogniserFailed, SpeechEnded, SpeechStarted, TurnEnded
from .scoring import Scorer
from .turns import DROPOUT, Decision, Ended, Paused, Resumed, Started, TurnDetector, TurnPolicy
from .utterance import Utterance, finish, transcribe

_LEAD = ulaw.RATE * 3 // 10  # audio before the onset that the recogniser gets: first consonants are quiet
_TAIL = ulaw.RATE // 4  # and after the end, at most
_INTERIM = ulaw.RATE // 2  # between interim results


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
        pool: Where the recogniser runs; by default the one that it belongs to, see `offhook.speech.pool.of`.
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
        self._on_event = on_event
        self._recogniser = recogniser
        self._interim = interim
        self._early = early
        self._backlog = backlog
        self._own_pool = pool
        self._new_id = new_id
        self._turns = TurnDetector(policy)
        self._scorer = Scorer(vad, played)
        self._next = -1  # position that follows what was fed
        self._audio = bytearray()  # mu-law up to `_next`
        self._utterance: Utterance | None = None
        self._waiting: deque[Utterance] = deque()  # over, result not yet reported
        self._running_interim: asyncio.Future[Transcription] | None = None
        self._last_end = 0  # where the last turn ended
        self._closed = False

    @property
    def _pool(self) -> pools.Pool:
        """Where the recogniser of this moment runs."""
        return self._own_pool or pools.of(self._recogniser)

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
        utterance.close_stream()
        self._begin_stream(utterance)
        if utterance.final is not None:
            utterance.take_back()
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
        for score, start, end in self._scorer.push(data):
            for decision in self._turns.score(score, start, end):
                self._decide(decision)
        if self._utterance is not None and self._utterance.stream is not None:
            self._feed_stream(self._utterance, self._next)
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
        utterances = [*self._waiting, *([self._utterance] if self._utterance is not None else [])]
        futures = [self._running_interim, *(utterance.final for utterance in utterances)]
        self._waiting.clear()
        self._utterance = None
        for future in futures:
            if future is not None:
                future.cancel()
        for utterance in utterances:
            utterance.close_stream()

    def _emit(self, event: ListenerEvent) -> None:
        if not self._closed:
            self._on_event(event)

    def _jump(self, position: int) -> None:
        self.flush()
        self._scorer.jump(position)
        self._audio.clear()
        self._last_end = position

    def _decide(self, decision: Decision) -> None:
        match decision:
            case Started(position, decided_at):
                audio_from = max(position - _LEAD, self._last_end, self._next - len(self._audio))
                self._utterance = Utterance(self._new_id(), position, audio_from, self.language, reached=position)
                self._begin_stream(self._utterance)
                self._emit(SpeechStarted(position, decided_at))
            case Paused(position) if self._early and self._utterance is not None:
                self._begin_early(self._utterance, position)
            case Resumed() if self._utterance is not None:
                self._utterance.take_back()
            case Ended() if self._utterance is not None:
                utterance, self._utterance = self._utterance, None
                self._finish(utterance, decision)

    def _begin_early(self, utterance: Utterance, position: int) -> None:
        """The voice has paused there: what was said may be all."""
        utterance.final = self._recognise(utterance, position)
        if utterance.final is not None:
            self._turns.await_words()
            if self._interim:
                self._report_when_done(utterance, utterance.final, position)
            utterance.final.add_done_callback(partial(self._weigh, utterance))

    def _weigh(self, utterance: Utterance, early: asyncio.Future[Transcription]) -> None:
        """The words up to a pause are known: they tell how long it may last before the turn is over."""
        if utterance is not self._utterance or utterance.final is not early or early.cancelled():
            return
        found: Finality = "unsure"
        if early.exception() is None and (result := early.result()).text:
            full = self.expects is not None and self.expects(result.text)
            found = "finished" if full else finality(result.text, result.language, result.confidence)
        for decision in self._turns.hint(found):
            self._decide(decision)

    def _finish(self, utterance: Utterance, ended: Ended) -> None:
        self._last_end = ended.position
        self._emit(SpeechEnded(ended.position, ended.decided_at, ended.enough))
        if not ended.enough or self._closed:
            utterance.take_back()
            utterance.close_stream()
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
        while len(self._waiting) > 2 and sum(utterance.length for utterance in self._waiting) > limit:
            utterance = self._waiting[1]
            del self._waiting[1]
            utterance.take_back()
            utterance.close_stream()
            self._emit(LeftOut(utterance.start, utterance.start + utterance.length))

    def _recognise(self, utterance: Utterance, end: int) -> asyncio.Future[Transcription] | None:
        if self._recogniser is None:
            return None
        first = self._next - len(self._audio)
        tail = min(_TAIL, int(self._turns.policy.pause * ulaw.RATE))
        audio = bytes(self._audio[utterance.audio_from - first : end + tail - first])
        if utterance.stream is not None:
            self._feed_stream(utterance, min(end + tail, self._next))
            return self._pool.submit(finish, utterance.stream, self._recogniser, audio, utterance.language)
        return self._pool.submit(transcribe, self._recogniser, audio, utterance.language)

    def _recognise_so_far(self) -> None:
        utterance = self._utterance
        if (
            not self._interim
            or utterance is None
            or utterance.stream is not None
            or self._turns.paused
            or self._next - utterance.reached < _INTERIM
        ):
            return
        if self._pool.busy or (self._running_interim is not None and not self._running_interim.done()):
            return
        utterance.reached = self._next
        self._running_interim = self._recognise(utterance, self._next)
        if self._running_interim is not None:
            self._report_when_done(utterance, self._running_interim, self._next)

    def _begin_stream(self, utterance: Utterance) -> None:
        recogniser = self._recogniser
        if not streams(recogniser):
            return
        loop = asyncio.get_running_loop()

        def on_interim(result: Transcription) -> None:
            if self._interim and not loop.is_closed():
                loop.call_soon_threadsafe(self._report_interim, utterance, result)

        utterance.open_stream(recogniser, on_interim)

    def _feed_stream(self, utterance: Utterance, upto: int) -> None:
        """Gives it what has come since, up to there."""
        first = self._next - len(self._audio)
        if upto > utterance.streamed:
            utterance.feed(bytes(self._audio[utterance.streamed - first : upto - first]))

    def _report_interim(self, utterance: Utterance, result: Transcription) -> None:
        if utterance is self._utterance and not self._waiting and result.text:
            end = max(utterance.streamed, utterance.start + len(result.words) + 1)
            self._emit(utterance.heard(result, end, final=False))

    def _report_when_done(self, utterance: Utterance, future: asyncio.Future[Transcription], end: int) -> None:
        """Reports a result as interim if its turn is then still under way and those before it have been reported."""

        def report(done: asyncio.Future[Transcription]) -> None:
            # A failure is not told here: if it lasts, the final recognition fails as well and tells.
            failed = done.cancelled() or done.exception() is not None
            if not failed and utterance is self._utterance and not self._waiting and done.result().text:
                self._emit(utterance.heard(done.result(), end, final=False))

        future.add_done_callback(report)

    def _report(self, _: object = None) -> None:
        """Reports the turns that are over and recognised, in the order in which they were spoken."""
        while self._waiting:
            utterance = self._waiting[0]
            if utterance.final is None or utterance.ended is None or not utterance.final.done():
                return
            self._waiting.popleft()
            ended, error = utterance.ended, utterance.final.exception()
            utterance.close_stream()
            text, confidence = "", 0.0
            if error is not None:
                # Only engines' own errors promise to hold nothing of what was said.
                told = str(error) if isinstance(error, EngineError) else type(error).__name__
                self._emit(RecogniserFailed(utterance.start, told))
            elif utterance.final.result().text:
                text, confidence = utterance.final.result().text, utterance.final.result().confidence
                self._emit(utterance.heard(utterance.final.result(), ended.position, final=True))
            settled_at = ended.settled_at if text else ended.decided_at
            self._emit(
                TurnEnded(utterance.start, ended.position, text, confidence, ended.decided_at, bool(text), settled_at)
            )

    def _forget_old_audio(self) -> None:
        if self._utterance is not None:
            needed = self._utterance.audio_from
        else:  # speech may have begun already and not be certain yet
            needed = self._next - _LEAD - int(self._turns.policy.onset * ulaw.RATE) - DROPOUT - ulaw.RATE // 10
        surplus = needed - (self._next - len(self._audio))
        if surplus > 0:
            del self._audio[:surplus]
