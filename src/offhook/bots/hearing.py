"""What a bot hears: the caller's turns, in whatever language and manner, and who cuts in."""

from __future__ import annotations

import asyncio
import contextlib
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from ..audio.ulaw import RATE
from ..errors import CallEnded
from ..protocol import DtmfReceived, Event, PlaybackCompleted, PlaybackStarted
from ..records import events as happenings
from ..session.reception import ServerLink
from ..speech import heard
from ..speech.engines import Recogniser, speaks
from ..speech.turns import TurnPolicy
from .answers import Accept
from .barge_in import BargeIn
from .ears import Ears
from .feed import Feed
from .filling import Filling
from .going_on import GoingOn
from .handling import Handler
from .line import Line
from .mouth import Mouth
from .patience import REASON, Waiting
from .saying import Mark
from .tones import InbandKeys

if TYPE_CHECKING:
    from .bot import Bot

Interruptible = bool | Literal["speech", "key"]
Speech = Literal["keep", "drop", "end"]


@dataclass(frozen=True, slots=True)
class Turn:
    """What the caller said in one go.

    Attributes:
        text: What was understood.
        start: Where it began, samples on the caller's stream.
        end: Where it ended.
        confidence: 0 to 1.
        continues: Whether it begins with the turn before: the caller went on before the answer to that was heard.
        added: What of the text has come since then.
    """

    text: str
    start: int
    end: int
    confidence: float
    continues: bool = False
    added: str = ""


GoesOn = Literal["", "same", "other"]
"""Whether a turn goes on with an answer that was taken: not at all, without changing that, or it is another one now."""


class Hearing(Line):
    """The listening half of a call."""

    host: Bot

    def __init__(self, host: Bot, link: ServerLink, handler: Handler) -> None:
        super().__init__(host, link, handler)
        self._accepts: Accept | None = None  # what an open question waits for
        self._answers: asyncio.Queue[Turn] | None = None
        self._while_keying: Speech | None = None
        self._inband = InbandKeys(self.stream, self._key_heard) if host.inband_keys else None

    # Its parts. Few calls need all of them, and thousands may begin in a second: each is made when it is asked for.

    @cached_property
    def _turns(self) -> Feed[Turn]:
        return Feed(over=self.is_over)

    @cached_property
    def _mouth(self) -> Mouth:
        mouth = Mouth(self)
        mouth.gain = self.host.barge_in.gain
        mouth.ledger.keeps |= self.host.barge_in.echo
        mouth.marks.on_mark = self._on_mark
        return mouth

    @cached_property
    def _ears(self) -> Ears:
        host = self.host
        played = self._mouth.ledger.audible if host.barge_in.echo else None
        return Ears(self, self._on_heard, policy=host.turns, interim=host.interim, played=played, closed=self.is_over)

    @cached_property
    def _filling(self) -> Filling:
        return Filling(self, self._mouth)

    @cached_property
    def _waiting(self) -> Waiting:
        return Waiting(self, self.host.patience)

    @cached_property
    def _going_on(self) -> GoingOn:
        return GoingOn(self._mouth.ledger, lambda: self.connection.now)

    @cached_property
    def _barge_in(self) -> BargeIn:
        return BargeIn(self.host.barge_in, self._mouth, lambda: self._ears.voiced)

    # How it listens.

    @property
    def language(self) -> str | None:
        """Language of the conversation; assign another one: an utterance under way is heard in it as a whole."""
        return self._language

    @language.setter
    def language(self, language: str | None) -> None:
        before = getattr(self, "_language", None)
        self._language = language
        if language is not None and language != before and self._has("journal"):
            self._language_changed()
            self.journal.note(f"language: {language}", self.position)

    @property
    def turn_policy(self) -> TurnPolicy:
        """When a turn is over; assign another one at any time."""
        return self._ears.policy

    @turn_policy.setter
    def turn_policy(self, policy: TurnPolicy) -> None:
        self._ears.policy = policy

    @property
    def recogniser(self) -> Recogniser | None:
        """What understands the caller, in place of the one for the call's language; None if that one does.

        Assign a name out of `Engines(recognisers=...)`, the URI of an engine, an engine, or None. An utterance under
        way is understood by the new one from its first word on.
        """
        return self._ears.recogniser

    @recogniser.setter
    def recogniser(self, recogniser: str | Recogniser | None) -> None:
        self._ears.recogniser = None if recogniser is None else self.host.engines.recogniser_named(recogniser)

    @contextlib.contextmanager
    def listening(
        self, *, recogniser: str | Recogniser | None = None, turns: TurnPolicy | None = None
    ) -> Iterator[None]:
        """Listen by another recogniser or in another manner for a while; None leaves it as it is."""
        before = self._ears.recogniser, self._ears.policy
        if recogniser is not None:
            self.recogniser = recogniser
        if turns is not None:
            self._ears.policy = turns
        try:
            yield
        finally:
            self._ears.recogniser, self._ears.policy = before

    # Listening.

    async def turns(self) -> AsyncIterator[Turn]:
        """The caller's turns, from the first word of the call on, until the caller hangs up or the call ends.

        A caller who goes on before anything of the answer was heard has not had his turn: it comes again, as a whole
        (`Turn.continues`). Only whoever answers before asking for the next turn sees that.

        Raises:
            EngineMissing: The recogniser or the voice detector is not installed.
            EngineError: One of them cannot be loaded.
        """
        try:
            await self._ears.attach()
        except CallEnded:
            return
        async for turn in self._turns.read():
            self._waiting.delivered()
            self._going_on.delivered(turn)
            yield turn
            self._waiting.asked()
            self._going_on.asked()

    async def listen(
        self,
        timeout: float | None = None,  # noqa: ASYNC109
        *,
        recogniser: str | Recogniser | None = None,
        turns: TurnPolicy | None = None,
    ) -> Turn | None:
        """The caller's next turn; None if none is over in time.

        Args:
            timeout: Seconds, counted from when the engines are there.
            recogniser: For this turn; see `recogniser`.
            turns: For this turn.

        Raises:
            CallEnded: The call is over.
            EngineMissing: The recogniser or the voice detector is not installed.
            EngineError: One of them cannot be loaded.
        """
        await self._ears.attach()
        self._waiting.asked()
        self._going_on.asked()
        with self.listening(recogniser=recogniser, turns=turns):
            try:
                async with asyncio.timeout(timeout):
                    turn = await self._turns.next()
                    self._waiting.delivered()
                    self._going_on.delivered(turn)
                    return turn
            except TimeoutError:
                return None

    # For bots whose ears are elsewhere, see `offhook.bots.realtime` and `BargeInPolicy.listen`.

    def voice_began(self, position: int) -> None:
        """The caller speaks since then, samples on its stream: what may be cut off by speech is."""
        self.emit(happenings.SpeechStarted(t=self.t, position=position))
        self._waiting.hold()
        self._mouth.interrupt("speech")

    def voice_ended(self, start: int, end: int) -> None:
        """The caller has spoken from `start` to `end`, and it is the bot's turn. The words come later, if at all."""
        latency = max(0.0, (self.position - end) / RATE)
        self.emit(happenings.SpeechEnded(t=self.t, position=end))
        self.emit(
            happenings.TurnEnded(t=self.t, position=self.position, start=start, end=end, text="", latency=latency)
        )
        self._mouth.turn_at = self.connection.now
        self._waiting.begin()

    # For the budget of a turn, see `offhook.bots.patience`.

    @property
    def samples_sent(self) -> int:
        """Samples of sound that have left for the caller, or wait to leave."""
        ledger = self._mouth.ledger
        return ledger.sent + self._mouth.waiting - ledger.waiting

    def send_filler(self, text: str, audio: bytes) -> None:
        """Send mu-law at once, past what waits to be said. Raises `CallEnded`."""
        self._filling.send(text, audio)

    def give_back(self, reason: str) -> None:
        """End the session now, with what is in `output` and the reason, and stop the handler."""
        self.output |= {REASON: reason}
        self.journal.note(f"given back: {reason}", self.position)
        self._ending = True
        self._disconnect("completed")
        self.handling.stop()

    # What a line leaves open.

    def _on_heard(self, index: int, event: heard.ListenerEvent) -> None:
        if self.channels[index] != "external":
            return  # a platform that sends back what the caller hears: our own voice
        match event:
            case heard.SpeechStarted(position, decided_at):
                self._waiting.hold()
                self._going_on.voice(self.position - position)
                # Ears that were made late hear what was said before: that interrupts nothing any more.
                if self.position - decided_at < RATE:
                    self._on_voice((self.position - position) / RATE)
            case heard.SpeechEnded(enough=False):
                self._waiting.go_on()
                self._going_on.nothing()
                self._barge_in.was_noise()
            case heard.SpeechEnded():
                self._waiting.begin()
            case heard.Heard(final=True):
                self._follow(event.language)
            case heard.TurnEnded():
                self._on_turn(event)

    def _follow(self, found: str) -> None:
        """A recogniser found out the language: if the bot speaks it, the call goes on in it."""
        if len(self.host.languages) > 1 and self.language is not None and not speaks((found,), self.language):
            self.language = next((tag for tag in self.host.languages if speaks((tag,), found)), self.language)

    def _on_voice(self, ago: float) -> None:
        if self._while_keying == "end":
            self.keys.cut()
        if self._barge_in.policy.hold and self._ears.understands:
            self._barge_in.began(ago)
        else:
            self._mouth.interrupt("speech")

    def _on_turn(self, event: heard.TurnEnded) -> None:
        said = Turn(event.text, event.start, event.end, event.confidence)
        turn = self._going_on.whole(said)
        goes_on = self._goes_on_with_answer(turn)
        wanted = goes_on != "other" and self._accepts is not None and self._accepts(event.text) is not None
        if goes_on == "same" and wanted:
            turn, goes_on = said, ""  # who knows what comes answers the next question before it is asked
        if self._barge_in.said("" if goes_on == "same" else event.text, self.language, wanted):
            self._waiting.stop()
            return  # a sign of listening, a noise, or nothing new: the bot speaks on
        if event.recognised:
            self._mouth.turn_at = now = self.connection.now
            self._mouth.opens_at = now + (event.settled_at - self.position) / RATE
        if self._answers is not None:
            self._waiting.delivered()
            self._answers.put_nowait(turn)
        elif goes_on:
            self._waiting.delivered()
        elif event.recognised and self._while_keying != "drop":
            self._turns.put(turn)
        else:
            self._waiting.stop()

    @abstractmethod
    def _goes_on_with_answer(self, turn: Turn) -> GoesOn:
        """A turn is over: whether it goes on with the answer to a question; that is mended here, if need be."""

    def _take(self, event: Event) -> None:
        tones = self._inband if isinstance(event, DtmfReceived) else None
        if isinstance(event, DtmfReceived) and tones is not None and tones.is_known(event.digit, event.position):
            return  # it was heard in the sound already
        super()._take(event)

    def _key_heard(self, digit: str, position: int) -> None:
        self.emit(happenings.Key(t=self.t, position=position, digit=digit))
        self._press(digit)

    def _on_key(self, digit: str) -> None:
        self.journal.privacy.key_pressed()
        if self._has("_mouth"):
            self._mouth.interrupt("key")
            if not self._mouth.holds and self._has("_barge_in"):
                self._barge_in.over()

    def _on_other(self, event: Event) -> None:
        if isinstance(event, PlaybackStarted | PlaybackCompleted):
            self._mouth.on_playback(event)

    def _on_mark(self, mark: Mark) -> None:
        """The caller has heard a `<mark>`."""

    def _stream_breaks(self) -> None:
        if self._has("_ears"):
            self._ears.flush()

    def _language_changed(self) -> None:
        if self._has("_ears"):
            self._ears.set_language(self.language)

    async def _before_end(self) -> None:
        if self._has("_mouth"):
            await self._mouth.until_quiet()

    def _stream_over(self, position: int | None) -> None:
        if self._has("_waiting"):
            self._waiting.stop()
        if self._has("_barge_in"):
            self._barge_in.over()
        if self._has("_mouth"):
            self._mouth.hush(position)
        if self._has("_filling"):
            self._filling.over()
        if self._has("_ears"):
            self._ears.close()
        if self._has("_turns"):
            self._turns.end()

    def _let_go_of_parts(self) -> None:
        super()._let_go_of_parts()
        self._drop("_mouth", "_ears", "_filling", "_waiting", "_going_on", "_barge_in")
        self._inband = None
