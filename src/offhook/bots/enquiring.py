"""What a bot asks: questions by voice and keys, key entry, and what of it nobody else may know."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from ..errors import CallEnded, UsageError
from ..speech.engines import Recogniser
from ..speech.turns import TurnPolicy
from .answers import Choices, acceptor
from .asking import Answer, Prompt, Question
from .hearing import GoesOn, Hearing, Interruptible, Speech, Turn
from .keys import Keyed, KeyEntry
from .saying import Playback


class Enquiring(Hearing, ABC):
    """The asking half of a call; it speaks by `say`, which is the other half's."""

    _before: tuple[Question, Answer] | None = None  # what was answered last, by voice

    async def ask(
        self,
        prompt: Prompt,
        choices: Choices | None = None,
        *,
        keys: str | int | KeyEntry | None = None,
        speech: bool = True,
        timeout: float = 6.0,  # noqa: ASYNC109
        attempts: int = 3,
        silent: Sequence[Prompt] = (),
        missed: Sequence[Prompt] = (),
        interruptible: Interruptible = True,
        confidence: float = 0.0,
        recogniser: str | Recogniser | None = None,
        turns: TurnPolicy | None = None,
        type_ahead: bool = True,
        secret: bool = False,
    ) -> Answer:
        """Ask the caller something, by voice, by keys, or by both; ask again if there is no answer, up to a limit.

        What came of each attempt is sent to the platform as `bot_turn_response`. A caller who pauses and goes on before
        the next words of the bot were heard gives one answer: see `Answer`. Where whatever is said is an answer, it is
        held for `TurnPolicy.settle` to that end.

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
            type_ahead, secret, free=choices is None,
        )  # fmt: skip
        if speech:
            await self._ears.attach()
        with contextlib.ExitStack() as stack:
            if secret:
                stack.enter_context(self.private())
            if speech:
                stack.enter_context(self.listening(recogniser=recogniser, turns=turns))
            if speech and not question.takes_anything:
                stack.enter_context(self._expecting(question))
            answer = await question.put(self)
        self._before = (question, answer) if answer and answer.turn is not None and not secret else None
        return answer

    @contextlib.contextmanager
    def _expecting(self, question: Question) -> Iterator[None]:
        self._accepts = question.takes
        self._ears.expects = lambda text: question.is_all(text) or question.is_all(self._going_on.so_far(text))
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

    def took(self, turn: Turn, *, anything: bool) -> float:
        """A question has that turn; returns until when it may go on, loop's time."""
        self._going_on.delivered(turn)
        settle = self.turn_policy.settle if anything and turn.text else 0.0
        return max(self._mouth.opens_at, asyncio.get_running_loop().time() + settle)

    def answers_before(self, turn: Turn | None) -> bool:
        """Whether a turn goes on with the answer to the question before, and is none to the one that is open."""
        if turn is None or not turn.continues or self._before is None:
            return False
        before = self._before[1].turn
        return before is not None and before.start == turn.start

    def _goes_on_with_answer(self, turn: Turn) -> GoesOn:
        if not self.answers_before(turn) or self._before is None:
            return ""
        question, answer = self._before
        whole = question.of_turn(turn)
        if not whole or whole.value == answer.value:
            return "same"
        answer.become(whole)
        if self.is_live:
            question.tell(self, answer)
        return "other"

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
                self._waiting.asked()
                return await self.keys.collect(entry)
        finally:
            self._while_keying = before

    @contextlib.contextmanager
    def private(self) -> Iterator[None]:
        """For card numbers, PINs and the like: what is said and keyed meanwhile is not kept, shown or told to anybody.

        Events come without words and keys, messages in the trace without contents, the caller's audio is recorded as
        silence. Keys stay private for two seconds more, for those who press one too many. The handler gets everything.
        No later turn goes on with what was said meanwhile: it would tell it.
        """
        try:
            with self.journal.privacy.entered():
                yield
        finally:
            if self._has("_going_on"):
                self._going_on.forget()

    @abstractmethod
    async def say(self, what: Prompt, *, interruptible: Interruptible = True, voice: str | None = None) -> Playback:
        """See `Call.say`."""
