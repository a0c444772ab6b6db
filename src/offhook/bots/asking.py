"""One question to the caller: asked, waited for by voice and keys, asked again in other words, given up in the end."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from ..errors import UsageError
from ..protocol import bot_turn_response
from ..protocol.entities import Disposition
from ..speech.ssml import SSML
from .answers import Accept, digits_of, is_all_of
from .keys import Keyed, KeyEntry

if TYPE_CHECKING:
    from .enquiring import Enquiring
    from .hearing import Interruptible, Turn

Prompt = str | SSML | Path

_SILENT: Final = {
    "en": ("I did not hear anything.", "I still cannot hear you."),
    "es": ("No le he oído.", "Sigo sin oírle."),
    "fr": ("Je n'ai rien entendu.", "Je ne vous entends toujours pas."),
    "it": ("Non ho sentito nulla.", "Ancora non la sento."),
    "de": ("Ich habe nichts gehört.", "Ich höre Sie immer noch nicht."),
}
_MISSED: Final = {
    "en": ("Sorry, I did not understand that.", "Sorry, I still did not understand."),
    "es": ("Perdone, no le he entendido.", "Lo siento, sigo sin entenderle."),
    "fr": ("Pardon, je n'ai pas compris.", "Désolé, je n'ai toujours pas compris."),
    "it": ("Scusi, non ho capito.", "Mi dispiace, ancora non ho capito."),
    "de": ("Entschuldigung, das habe ich nicht verstanden.", "Leider habe ich das wieder nicht verstanden."),
}
_LOOK: Final = 0.2  # seconds between looks at a caller who is speaking when the time is over


@dataclass(slots=True)
class Answer:
    """What came of a question; true if it was answered.

    A caller may go on before anything of what the bot says next was heard ("small", a pause, "no, large"). If that
    makes another answer, this object is changed to it, and the next question is asked once more.

    Attributes:
        value: The answer: a choice, the keys, or what was said; empty if there is none.
        disposition: As told to the platform: "match", "no_match" or "no_input" of the last attempt.
        by: How it was given; None if nothing came.
        text: What was said or keyed, understood or not.
        confidence: 0 to 1.
        attempts: How often it was asked.
        turn: The caller's turn, if it was spoken.
    """

    value: str
    disposition: Disposition
    by: Literal["speech", "keys"] | None = None
    text: str = ""
    confidence: float = 0.0
    attempts: int = 1
    turn: Turn | None = None

    def __bool__(self) -> bool:
        return self.disposition == "match"

    def become(self, other: Answer) -> None:
        """Be another one, to the same attempt."""
        self.value, self.disposition, self.by = other.value, other.disposition, other.by
        self.text, self.confidence, self.turn = other.text, other.confidence, other.turn


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its settings; see `Call.ask`."""

    prompt: Prompt
    accept: Accept
    choices: tuple[str, ...] = ()
    keys: KeyEntry | None = None
    speech: bool = True
    timeout: float = 6.0
    attempts: int = 3
    silent: Sequence[Prompt] = ()
    missed: Sequence[Prompt] = ()
    interruptible: Interruptible = True
    confidence: float = 0.0
    type_ahead: bool = True
    secret: bool = False
    free: bool = False  # `accept` takes whatever is said

    def __post_init__(self) -> None:
        if self.keys is None and not self.speech:
            raise UsageError("a question needs keys or speech to be answered by")
        if self.attempts < 1 or self.timeout <= 0:
            raise UsageError("a question needs one attempt at least, and a timeout above 0")

    async def put(self, call: Enquiring) -> Answer:
        """Ask until there is an answer, or the attempts are used up. Raises `CallEnded`."""
        prompts: list[Prompt] = [self.prompt]
        failures = {"no_input": 0, "no_match": 0}
        if not self.type_ahead:
            call.keys.clear()
        attempt, failed = 1, -1  # and where the turn began that was no answer
        while True:
            with call.asked() as turns:
                for number, prompt in enumerate(prompts, 1):
                    await call.say(prompt, interruptible=self.interruptible)
                    if number < len(prompts) and (call.answering or not turns.empty()):
                        break  # the caller speaks already: the question need not be said once more
                answer = dataclasses.replace(await self._wait(call, turns), attempts=attempt)
            if call.answers_before(answer.turn):
                prompts = [self.prompt]  # it was not heard, or in vain
                continue
            self.tell(call, answer)
            if answer or attempt >= self.attempts:
                return answer
            kind = answer.disposition
            prompts = self._again(call.language, kind, failures[kind])
            failures[kind] += 1
            start = -1 if answer.turn is None else answer.turn.start
            if start < 0 or start != failed:  # else it was no more than the rest of that
                attempt += 1
            failed = start

    def _again(self, language: str | None, kind: str, times: int) -> list[Prompt]:
        """What is said before the next attempt: words of the user's in place of the question, or ours before it."""
        own = self.silent if kind == "no_input" else self.missed
        if own:
            return [own[min(times, len(own) - 1)]]
        known = _SILENT if kind == "no_input" else _MISSED
        tag = (language or "en").partition("-")[0].lower()
        words = known.get(tag)
        return [self.prompt] if words is None else [words[min(times, len(words) - 1)], self.prompt]

    def tell(self, call: Enquiring, answer: Answer) -> None:
        said = answer.disposition != "no_input" and not self.secret
        text, confidence = (answer.text, round(answer.confidence, 3)) if said else (None, None)
        call.send_event(bot_turn_response(answer.disposition, text, confidence))

    async def _wait(self, call: Enquiring, turns: asyncio.Queue[Turn]) -> Answer:
        """One answer. A turn that may go on is held until it has settled; what goes on with it takes its place."""
        held: Turn | None = None
        loop = asyncio.get_running_loop()
        waits: set[asyncio.Task[Any]] = set()
        keying: asyncio.Task[Keyed] | None = None
        speaking: asyncio.Task[Turn] | None = None
        if self.keys is not None:
            keying = asyncio.create_task(call.keys.collect(dataclasses.replace(self.keys, first=None)))
            waits.add(keying)
        if self.speech:
            speaking = asyncio.create_task(turns.get())
            waits.add(speaking)
        waits.add(over := asyncio.create_task(call.gone()))
        deadline = loop.time() + self.timeout
        try:
            while True:
                wait = None if keying is not None and call.keys.gathered else max(0.0, deadline - loop.time())
                done, _ = await asyncio.wait(waits, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                if keying in done and keying is not None:
                    return self._of_keys(keying.result())
                if over in done:
                    over.result()
                if speaking in done and speaking is not None:
                    waits.remove(speaking)
                    if keying is not None and call.keys.gathered:
                        speaking = None  # who presses keys while speaking is answered by the keys
                        continue
                    held = speaking.result()
                    deadline = call.took(held, anything=self.takes_anything)
                    if deadline <= loop.time():
                        return self.of_turn(held)
                    waits.add(speaking := asyncio.create_task(turns.get()))
                elif not done and not (keying is not None and call.keys.gathered):
                    if not call.answering:
                        return Answer("", "no_input") if held is None else self.of_turn(held)
                    deadline = loop.time() + _LOOK  # speaks already, or was not understood yet
        finally:
            for task in (keying, speaking, over):
                if task is not None and not task.done():
                    task.cancel()
            await asyncio.gather(*(task for task in (keying, speaking, over) if task), return_exceptions=True)

    def _of_keys(self, keyed: Keyed) -> Answer:
        assert self.keys is not None
        if keyed.ended == "refused":
            return Answer("", "no_match", "keys", str(keyed), 1.0)
        value: str | None = str(keyed)
        if self.choices and self.keys.length == 1 and keyed in self.keys.allowed:
            place = self.keys.allowed.index(keyed)
            value = self.choices[place] if place < len(self.choices) else None
        complete = keyed.ended in ("length", "terminator") or self.keys.length is None
        matched = bool(value) and complete
        return Answer(value if matched and value else "", "match" if matched else "no_match", "keys", str(keyed), 1.0)

    @property
    def takes_anything(self) -> bool:
        """Whether whatever is said is an answer, so that nothing tells a half from a whole."""
        return self.free and self.keys is None

    def takes(self, text: str) -> str | None:
        """The answer that a text is; None if it is none."""
        value = self.accept(text) if text else None
        if value is not None and not self.choices and self.keys is not None and self.keys.length != 1:
            return self._spoken_keys(text)
        return value

    def is_all(self, text: str) -> bool:
        """Whether a text is an answer and nothing more need be waited for."""
        if self.takes_anything or self.takes(text) is None:
            return False
        counted = not self.choices and self.keys is not None and self.keys.length not in (None, 1)
        return counted or (not self.free and is_all_of(self.accept, text))

    def of_turn(self, turn: Turn) -> Answer:
        """What a turn is for an answer. Of those that went on, what came last counts first: "small" ... "no, large"."""
        value = None
        if turn.confidence >= self.confidence:
            value = (self.takes(turn.added) if turn.continues and self.choices else None) or self.takes(turn.text)
        disposition: Disposition = "match" if value else "no_match"
        return Answer(value or "", disposition, "speech", turn.text, turn.confidence, turn=turn)

    def _spoken_keys(self, text: str) -> str | None:
        """Keys that were read out in place of being pressed."""
        assert self.keys is not None
        digits = digits_of(text)
        fits = digits and (self.keys.length is None or len(digits) == self.keys.length)
        return digits if fits and all(digit in self.keys.allowed for digit in digits) else None
