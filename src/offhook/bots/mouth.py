"""The speaking of a bot: one saying at a time, paced by a playout, accounted for by a ledger, cut by a barge-in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final

from ..audio.playout import Playout
from ..audio.ulaw import RATE
from ..errors import CallEnded, LocalProtocolError
from ..protocol import PlaybackCompleted, PlaybackStarted
from ..records import events as happenings
from ..speech.rendering import Piece
from .ledger import Ledger
from .marks import Marks
from .saying import By, Playback, Saying

if TYPE_CHECKING:
    from .line import Line

#: Seconds that a platform has to confirm a barge-in before the clock decides what was heard.
CONFIRM: Final = 0.5
#: Seconds beyond the length of what waits before a platform is taken to tell nothing of playback.
PATIENCE: Final = 2.0


class Mouth:
    """Says things on a line, in the order asked for. It is the `Source` of the line's connection.

    Attributes:
        turn_at: When the turn that the next saying answers was decided, loop's time; None if there is none.
        opens_at: When that may be heard, loop's time.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        record = line.journal.record
        self.ledger = Ledger(record.internal.write if record is not None and record.wants_sound else None)
        self.turn_at: float | None = None
        self.opens_at = 0.0
        self._room = asyncio.Event()
        self._settled = asyncio.Event()
        self._playout = Playout(on_room=self._has_room)
        self._turn = asyncio.Lock()
        self._sayings: list[Saying] = []  # the first one has its turn
        self.marks = Marks(line, self.ledger, self._sayings)
        self._postponed: list[bytes] = []  # raw audio that waits until a barge-in is settled
        self._confirming: asyncio.TimerHandle | None = None
        self._held: Saying | None = None  # the first one, while it is not known whether the caller cuts in
        self._cut_off: Saying | None = None  # the one that was held, until it goes on
        self._residue = 0  # samples that were thrown away when it was held
        self.gain = 0.0  # of what is said while it is held; 0: nothing is
        line.connection.source = self
        line.stream.put_first(self.marks.passed)
        line.connection.on_audio_left = self._left

    @property
    def waiting(self) -> int:
        """Samples said that the caller has not heard."""
        return self._unsent + self.ledger.waiting

    @property
    def _unsent(self) -> int:
        raw = self._line.session.queued_audio + sum(map(len, self._postponed))
        return self._playout.queued + raw // self._line.stream.width

    # connection.Source

    def due(self, now: float) -> list[bytes]:
        return [self._line.stream.frame(audio) for audio in self._playout.due(now)]

    def next_due(self) -> float | None:
        return self._playout.next_due()

    # What a handler asks for.

    async def say(
        self, text: str | None, pieces: AsyncGenerator[Piece, None], allowed: frozenset[By], label: str = ""
    ) -> Playback:
        """Say something to its end, or until the caller cuts in, behind what is being said. Cancelled, it is cut off.

        Args:
            text: What is said; empty for sound, None if the pieces bring it.
            pieces: Makes the audio.
            allowed: What may interrupt it.
            label: What records call it, in place of the text.

        Raises:
            CallEnded: The call is over.
            LocalProtocolError: The session carries no audio.
        """
        self._sayings.append(saying := Saying(text, label, allowed))
        try:
            async with self._turn, contextlib.aclosing(pieces):
                await self._until_confirmed()
                self._check()
                self._begin(saying)
                return await self._speak(saying, pieces)
        finally:
            self._sayings.remove(saying)

    def send(self, audio: bytes) -> None:
        """Send audio at once, past pacing and sayings; behind a barge-in, once the platform has confirmed it.

        Raises:
            CallEnded: The call is over.
        """
        line = self._line
        if not line.is_live:
            raise CallEnded("the call is over")
        if self.ledger.flushing:
            self._postponed.append(audio)
        else:
            line.connection.send_audio(audio)

    async def until_quiet(self) -> None:
        """Wait until the caller has heard all that was said and sent, or the session is over."""
        async with self._turn:
            while self.waiting and self._line.session.is_live:
                await self.until_settled(self.ledger.settled + 1, PATIENCE + self.waiting / RATE)

    async def until_settled(self, index: int, patience: float) -> None:
        """Wait until the fate of all before this index is known; past so many seconds without news, the clock tells."""
        while self.ledger.settled < index and self._line.session.is_live:
            settled = self.ledger.settled
            self._settled.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._settled.wait()
            except TimeoutError:
                if self.ledger.settled == settled and not self._unsent:
                    return self.ledger.give_up(self._line.connection.now)

    def put_off(self, index: int) -> None:
        """Something was sent past the first saying, if none of that was made: it begins behind that."""
        if self._sayings and self._sayings[0].begun and not self._sayings[0].track.made:
            self._sayings[0].begin(index)

    # What the line reports.

    def interrupt(self, by: By) -> None:
        """The caller cuts in: what is being said ends here if it allows that, and what waits behind it as well."""
        speaking = self._may_be_cut(by)
        if speaking is None:
            return
        if self._held is None:
            self._residue = self._cut()
        elif self._cut_off is not speaking:  # it was being said softly
            self._cut()
        self._held = self._cut_off = None
        for saying in self._sayings:
            if by in saying.allowed:
                saying.stop()
        line = self._line
        line.emit(happenings.BargeIn(t=line.t, position=line.position, by=by, residue=self._residue))
        self._settle()

    def hold(self) -> bool:
        """Perhaps the caller cuts in by speech: what is being said is held. False if there is no such thing."""
        saying = self._may_be_cut("speech") if self._held is None else None
        if saying is None:
            return False
        self._held = self._cut_off = saying
        self._residue = self._cut()
        self._line.emit(happenings.SayHeld(t=self._line.t, position=self._line.position, id=saying.id))
        self._settle()
        return True

    def go_on(self) -> None:
        """The caller did not cut in: what was held goes on, from the beginning of the word at which it was held."""
        saying, self._held = self._held, None
        if saying is None or saying.over or saying.stopped:
            return
        self._line.emit(happenings.SayResumed(t=self._line.t, position=self._line.position, id=saying.id))
        if self.ledger.flushing:
            return  # `_settle` sees to it once the platform has told how far it came
        if self._cut_off is not saying:  # it is being said softly: what has not left is said aloud
            self._playout.clear()
            saying.track.rewind(saying.track.sent(self.ledger.sent), self.ledger.sent)
        self._carry_on(saying)

    @property
    def holds(self) -> bool:
        """Whether a saying is held."""
        return self._held is not None

    def stop_held(self) -> None:
        """The caller did cut in."""
        self.interrupt("speech")

    def _may_be_cut(self, by: By) -> Saying | None:
        """What is being said, if it may be cut by that."""
        speaking = self._sayings[0] if self._sayings and self._line.session.is_live else None
        over = speaking is None or speaking.stopped or speaking.over
        return None if over or speaking is None or by not in speaking.allowed else speaking

    def on_playback(self, event: PlaybackStarted | PlaybackCompleted) -> None:
        """The platform tells what it plays."""
        line, now = self._line, self._line.connection.now
        if isinstance(event, PlaybackStarted):
            self.ledger.started(event.position, now)
            line.emit(happenings.PlaybackStarted(t=line.t, position=event.position))
        else:
            self.ledger.completed(event.position, now)
            line.emit(happenings.PlaybackCompleted(t=line.t, position=event.position))
        self._settle()

    def hush(self, position: int | None) -> None:
        """The session is over, at that position of the caller's stream; None if it was paused."""
        self._playout.clear()
        self._playout.on_room = None  # it knows us: without the circle a call that is over is freed at once
        self._postponed.clear()
        self.ledger.stop(position, self._line.connection.now)
        for saying in self._sayings:
            if not saying.over:
                saying.stop()
                if saying.begun:
                    self._finish(saying)
        self._settle()

    # One saying.

    def _check(self) -> None:
        if not self._line.is_live:
            raise CallEnded("the call is over")
        if not self._line.channels:
            raise LocalProtocolError("nothing can be said: the platform opened this session without audio")

    def _begin(self, saying: Saying) -> None:
        saying.begin(self.ledger.settled + self.waiting)
        saying.answers, saying.opens_at = self.turn_at, self.opens_at
        self.turn_at, self.opens_at = None, 0.0
        line = self._line
        line.emit(happenings.SayStarted(t=line.t, position=line.position, id=saying.id, text=saying.label))

    async def _speak(self, saying: Saying, pieces: AsyncGenerator[Piece, None]) -> Playback:
        if saying.stopped:  # the caller cut in while it waited for its turn
            self._finish(saying)
        else:
            saying.feeding = asyncio.create_task(self._feed(saying, pieces))
            try:
                await self._until_over(saying)
            except asyncio.CancelledError:
                self._abandon(saying)
                raise
            finally:
                saying.feeding.cancel()
                await asyncio.wait((saying.feeding,))
        if saying.error is not None:
            raise saying.error
        assert saying.playback is not None
        return saying.playback

    async def _feed(self, saying: Saying, pieces: AsyncGenerator[Piece, None]) -> None:
        try:
            async for piece in pieces:
                while self._playout.full or saying.track.waiting:
                    self._room.clear()
                    await self._room.wait()
                if saying.stopped:
                    return
                saying.track.forget(saying.track.heard(self.ledger))
                saying.add(piece)
                self._hand_on(saying)
        except Exception as error:
            if not saying.stopped:
                saying.error = error
                self._abandon(saying)
            return
        saying.complete = True
        self._hand_on(saying)
        saying.changed.set()
        self._settle()

    def _hand_on(self, saying: Saying) -> None:
        """Let the playout have what it can take."""
        if saying.stopped or saying.over or self._cut_off is saying or not saying.opens(self._hand_on):
            return
        if saying.track.waiting and not self._playout.full:
            self._playout.push(saying.track.take(self.gain if self._held is saying else 1.0), more=True)
            self._room.set()
        if saying.complete and not saying.track.waiting:
            self._playout.push(b"")
        self._line.connection.flush()

    def _has_room(self) -> None:
        self._room.set()
        if self._sayings and self._sayings[0].begun and self._sayings[0].track.waiting:
            # The playout is in the midst of giving out: what comes in now waits for the next time.
            asyncio.get_running_loop().call_soon(self._hand_on, self._sayings[0])

    def _carry_on(self, saying: Saying) -> None:
        """A saying that was cut off goes on where it was heard last."""
        if self._cut_off is saying:
            self._cut_off = None
            track = saying.track
            track.rewind(track.word_before(track.heard(self.ledger)), self.ledger.settled + self.waiting)
        self._hand_on(saying)
        self._room.set()

    async def _until_over(self, saying: Saying) -> None:
        while not saying.over:
            settled = self.ledger.settled
            saying.changed.clear()
            waits = saying.complete and not saying.stopped and self._held is not saying  # else as long as it takes
            try:
                async with asyncio.timeout(PATIENCE + self.waiting / RATE if waits else None):
                    await saying.changed.wait()
            except TimeoutError:
                if self.ledger.settled == settled and not self._unsent and not saying.over:
                    self.ledger.give_up(self._line.connection.now)
                    self._finish(saying)

    async def _until_confirmed(self) -> None:
        """Wait until a barge-in is settled: what the platform tells of what was said before must not be mixed up."""
        while self.ledger.flushing:
            self._settled.clear()
            await self._settled.wait()

    def _unconfirmed(self) -> None:
        """The platform does not say that it has thrown our audio away."""
        self.ledger.give_up(self._line.connection.now)
        self._settle()

    def _abandon(self, saying: Saying) -> None:
        """Our own side wants no more of it; what was heard is told by the clock."""
        if saying.over:
            return
        played = saying.track.heard(self.ledger, self._line.connection.now)
        saying.stop()
        if self._line.session.is_live:
            self._cut()
        self._finish(saying, played)

    def _cut(self) -> int:
        """Stop talking, here and at the platform; returns the samples that it throws away unheard."""
        line, ledger = self._line, self.ledger
        now = line.connection.now
        residue = ledger.sent - ledger.reached(now)
        self._playout.clear()
        if ledger.waiting:
            line.session.barge_in()
            ledger.flush(now)
            if self._confirming is not None:
                self._confirming.cancel()
            self._confirming = asyncio.get_running_loop().call_later(CONFIRM, self._unconfirmed)
        else:
            line.session.clear_audio()
        line.connection.flush()
        return residue

    def _settle(self) -> None:
        """More is known of what the caller has heard."""
        self._settled.set()
        if not self.ledger.flushing:
            if self._confirming is not None:
                self._confirming.cancel()
                self._confirming = None
            postponed, self._postponed = self._postponed, []
            for audio in postponed:
                self._line.session.send_audio(audio)
            self._line.connection.flush()
        saying = self._sayings[0] if self._sayings else None
        if saying is None or saying.over or not saying.begun:
            return
        self.marks.tell(saying)
        if saying.stopped:
            known = not self.ledger.flushing
        else:
            if self._cut_off is saying and not self.ledger.flushing and (self._held is not saying or self.gain):
                self._carry_on(saying)
            whole = saying.complete and not saying.track.waiting and self._cut_off is not saying
            known = whole and self._held is not saying and self.ledger.settled >= saying.track.end
            saying.track.forget(saying.track.heard(self.ledger))
        if known:
            self._finish(saying)

    def _finish(self, saying: Saying, played: int | None = None) -> None:
        """It is known what was heard of a saying: `played` samples, or what the ledger says."""
        played = saying.track.heard(self.ledger) if played is None else played
        self.marks.tell(saying, played)
        if self._held is saying or self._cut_off is saying:
            self._held = self._cut_off = None
        heard = saying.heard(played)
        line = self._line
        line.emit(saying.ended(self.ledger, played, t=line.t, position=line.position))
        saying.playback = Playback(heard, saying.stopped, played / RATE, saying.text, tuple(saying.told))
        saying.over = True
        saying.changed.set()

    def _left(self, data: bytes, now: float) -> None:
        """Audio leaves for the platform."""
        if self._sayings:
            saying = self._sayings[0]
            if saying.begun and saying.latency is None and saying.answers is not None:
                saying.latency = now - saying.answers
        line = self._line
        self.ledger.left(line.stream.first_lane(data), line.session.lane.position, now)
