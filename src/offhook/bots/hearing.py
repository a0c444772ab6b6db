"""What a bot hears: the caller's turns and keys, answers to questions, and who cuts in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..audio.ulaw import RATE
from ..errors import CallEnded, UsageError
from ..protocol import DtmfReceived, Event, PlaybackCompleted, PlaybackStarted
from ..records import events as happenings
from ..session.reception import ServerLink
from ..speech import heard
from ..speech.engines import Recogniser, speaks
from ..speech.turns import TurnPolicy
from .answers import Accept, Choices, acceptor, is_all_of
from .asking import Answer, Prompt, Question
from .barge_in import BargeIn
from .ears import Ears
from .feed import Feed
from .keys import Keyed, KeyEntry
from .line import Handler, Line
from .mouth import Mouth
from .saying import Playback
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
    """

    text: str
    start: int
    end: int
    confidence: float


class Hearing(Line):
    """The listening half of a call."""

    host: Bot

    def __init__(self, host: Bot, link: ServerLink, handler: Handler) -> None:
        super().__init__(host, link, handler)
        self._turns: Feed[Turn] = Feed()
        self._mouth = Mouth(self)
        self._mouth.gain = host.barge_in.gain
        echo = host.barge_in.echo
        self._mouth.ledger.keeps |= echo
        played = self._mouth.ledger.audible if echo else None
        self._ears = Ears(self, self._on_heard, policy=host.turns, interim=host.interim, played=played)
        self._barge_in = BargeIn(host.barge_in, self._mouth, lambda: self._ears.voiced)
        self._accepts: Accept | None = None  # what an open question waits for
        self._answers: asyncio.Queue[Turn] | None = None
        self._while_keying: Speech | None = None
        self._inband = InbandKeys(self.stream, self._key_heard) if host.inband_keys else None

    # How it listens.

    @property
    def language(self) -> str | None:
        """Language of the conversation; assign another one: an utterance under way is heard in it as a whole."""
        return self._language

    @language.setter
    def language(self, language: str | None) -> None:
        before = getattr(self, "_language", None)
        self._language = language
        if language is not None and language != before and hasattr(self, "_ears"):
            self._ears.set_language(language)
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

        Raises:
            EngineMissing: The recogniser or the voice detector is not installed.
            EngineError: One of them cannot be loaded.
        """
        try:
            await self._ears.attach()
        except CallEnded:
            return
        async for turn in self._turns.read():
            yield turn

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
        with self.listening(recogniser=recogniser, turns=turns):
            try:
                async with asyncio.timeout(timeout):
                    return await self._turns.next()
            except TimeoutError:
                return None

    async def ask(
        self,
        prompt: Prompt,
        choices: Choices | None = None,
        *,
        keys: str | int | KeyEntry | None = None,
        speech: bool = True,
        timeout: float = 6.0,  # noqa: ASYNC109
        attempts: int = 3,
        silent: Sequence[str | Path] = (),
        missed: Sequence[str | Path] = (),
        interruptible: Interruptible = True,
        confidence: float = 0.0,
        recogniser: str | Recogniser | None = None,
        turns: TurnPolicy | None = None,
        type_ahead: bool = True,
        secret: bool = False,
    ) -> Answer:
        """Ask the caller something, by voice, by keys, or by both; ask again if there is no answer, up to a limit.

        What came of each attempt is sent to the platform as `bot_turn_response`.

        Args:
            prompt: The question, as for `say`.
            choices: What counts as an answer: `["sales", "support"]`, `{"sales": ["buy", "order"], ...}`, or a function
                that returns the answer in what was said, or None. Without it, whatever is said.
            keys: Which keys are answers: `"1-3"` is one of three, `4` is four digits; or a `KeyEntry`. One key stands
                for the choice at its place. Digits that are read out count as well, if they fit.
            speech: Whether it may be answered by voice.
            timeout: Seconds of silence, after the prompt, that are no answer. Who speaks then is heard out.
            attempts: How often to ask.
            silent: What to say in place of the question after silence, one after another; by default a sentence in the
                call's language, and the question.
            missed: The same after what was not understood.
            interruptible: As for `say`.
            confidence: Below it, nothing counts as understood.
            recogniser: For this question; see `recogniser`.
            turns: For this question.
            type_ahead: Whether keys count that were pressed before the question.
            secret: Nothing of the answer is kept or shown: see `private`.

        Raises:
            CallEnded: The call is over.
            UsageError: The settings make no sense.
            EngineMissing: An engine that is needed is not installed.
        """
        accept = acceptor(choices)
        names = () if choices is None or callable(choices) else tuple(choices)
        entry = None if keys is None else KeyEntry.of(keys)
        question = Question(
            prompt, accept, names, entry, speech, timeout, attempts, silent, missed, interruptible, confidence,
            type_ahead, secret,
        )  # fmt: skip
        if speech:
            await self._ears.attach()
        with contextlib.ExitStack() as stack:
            if secret:
                stack.enter_context(self.private())
            if speech:
                stack.enter_context(self.listening(recogniser=recogniser, turns=turns))
            if speech and choices is not None:
                stack.enter_context(self._expecting(accept))
            return await question.put(self)

    @contextlib.contextmanager
    def _expecting(self, accept: Accept) -> Iterator[None]:
        self._accepts, self._ears.expects = accept, lambda text: is_all_of(accept, text)
        try:
            yield
        finally:
            self._accepts = self._ears.expects = None

    @contextlib.contextmanager
    def asked(self) -> Iterator[asyncio.Queue[Turn]]:
        """While a question is open: the caller's turns, those that were not understood included, go there instead."""
        answers: asyncio.Queue[Turn] = asyncio.Queue()
        self._answers = answers
        try:
            yield answers
        finally:
            self._answers = None

    @property
    def answering(self) -> bool:
        """Whether the caller speaks, or was not understood yet."""
        return self._ears.busy

    async def gone(self) -> None:
        """Wait for the end of the call. Raises `CallEnded` then."""
        await asyncio.shield(self.done)
        raise CallEnded("the call is over")

    async def dtmf(
        self,
        length: int | None = None,
        terminator: str = "#",
        *,
        first: float | None = 10.0,
        between: float = 3.0,
        total: float | None = None,
        prompt: Prompt | None = None,
        speech: Speech = "keep",
        type_ahead: bool = True,
        secret: bool = False,
    ) -> Keyed:
        """Gather keys, those pressed since the last time included.

        Args:
            length: Stop after so many.
            terminator: Keys that end the input, and do not belong to it.
            first: Seconds to wait for the first key.
            between: Seconds to wait for each further one.
            total: Seconds for all of them.
            prompt: Said first; the first key cuts it off. Times count from its end.
            speech: What becomes of the caller's words meanwhile: "keep" them for `listen` and `turns`, "drop" them, or
                "end" the entry with the first sound and keep them.
            type_ahead: Whether keys count that were pressed before.
            secret: Nothing of it is kept or shown: see `private`.

        Returns:
            What was keyed, without the terminator, a text; empty if nothing was. Its `ended` tells why no more came.

        Raises:
            CallEnded: The call is over.
        """
        if speech not in ("keep", "drop", "end"):
            raise UsageError(f"speech is 'keep', 'drop' or 'end', not {speech!r}")
        entry = KeyEntry(length, terminator, first=first, between=between, total=total)
        if not type_ahead:
            self.keys.clear()
        before, self._while_keying = self._while_keying, speech
        if speech == "end":
            self._ears.attach_soon()
        try:
            with self.private() if secret else contextlib.nullcontext():
                if prompt is not None:
                    await self.say(prompt, interruptible="key" if speech != "end" else True)
                return await self.keys.collect(entry)
        finally:
            self._while_keying = before

    def private(self) -> contextlib.AbstractContextManager[None]:
        """For card numbers, PINs and the like: what is said and keyed meanwhile is not kept, shown or told to anybody.

        Events come without words and keys, messages in the trace without contents, the caller's audio is recorded as
        silence. Keys stay private for two seconds more, for those who press one too many. The handler gets everything.
        """
        return self.journal.privacy.entered()

    async def say(self, what: Prompt, *, interruptible: Interruptible = True, voice: str | None = None) -> Playback:
        """See `Call.say`."""
        raise NotImplementedError

    # What a line leaves open.

    def _on_heard(self, index: int, event: heard.ListenerEvent) -> None:
        if self.channels[index] != "external":
            return  # a platform that sends back what the caller hears: our own voice
        match event:
            case heard.SpeechStarted(position, decided_at):
                # Ears that were made late hear what was said before: that interrupts nothing any more.
                if self.position - decided_at < RATE:
                    self._on_voice((self.position - position) / RATE)
            case heard.SpeechEnded(enough=False):
                self._barge_in.was_noise()
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
        wanted = self._accepts is not None and self._accepts(event.text) is not None
        if self._barge_in.said(event.text, self.language, wanted):
            return  # a sign of listening, or a noise: the bot speaks on
        turn = Turn(event.text, event.start, event.end, event.confidence)
        if event.recognised:
            self._mouth.turn_at = self.connection.now
        if self._answers is not None:
            self._answers.put_nowait(turn)
        elif event.recognised and self._while_keying != "drop":
            self._turns.put(turn)

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
        self._mouth.interrupt("key")
        if not self._mouth.holds:
            self._barge_in.over()

    def _on_other(self, event: Event) -> None:
        if isinstance(event, PlaybackStarted | PlaybackCompleted):
            self._mouth.on_playback(event)

    def _stream_breaks(self) -> None:
        self._ears.flush()

    def _language_changed(self) -> None:
        self._ears.set_language(self.language)

    async def _before_end(self) -> None:
        await self._mouth.until_quiet()

    def _stream_over(self, position: int | None) -> None:
        self._barge_in.over()
        self._mouth.hush(position)
        self._ears.close()
        self._turns.end()
