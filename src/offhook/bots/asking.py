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
from .answers import Accept, digits_of
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


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question; true if it was answered.

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
        answer = Answer("", "no_input")
        for attempt in range(1, self.attempts + 1):
            with call.asked() as turns:
                for number, prompt in enumerate(prompts, 1):
                    await call.say(prompt, interruptible=self.interruptible)
                    if number < len(prompts) and call.answering:
                        break  # the caller speaks already: the question need not be said once more
                answer = dataclasses.replace(await self._wait(call, turns), attempts=attempt)
            self._tell(call, answer)
            if answer:
                break
            kind = answer.disposition
            prompts = self._again(call.language, kind, failures[kind])
            failures[kind] += 1
        return answer

    def _again(self, language: str | None, kind: str, times: int) -> list[Prompt]:
        """What is said before the next attempt: words of the user's in place of the question, or ours before it."""
        own = self.silent if kind == "no_input" else self.missed
        if own:
            return [own[min(times, len(own) - 1)]]
        known = _SILENT if kind == "no_input" else _MISSED
        tag = (language or "en").partition("-")[0].lower()
        words = known.get(tag)
        return [self.prompt] if words is None else [words[min(times, len(words) - 1)], self.prompt]

    def _tell(self, call: Enquiring, answer: Answer) -> None:
        said = answer.disposition != "no_input" and not self.secret
        text, confidence = (answer.text, round(answer.confidence, 3)) if said else (None, None)
        call.send_event(bot_turn_response(answer.disposition, text, confidence))

    async def _wait(self, call: Enquiring, turns: asyncio.Queue[Turn]) -> Answer:
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
                    if not (keying is not None and call.keys.gathered):
                        return self._of_turn(speaking.result())
                    waits.remove(speaking)  # who presses keys while speaking is answered by the keys
                    speaking = None
                elif not done and not (keying is not None and call.keys.gathered):
                    if not call.answering:
                        return Answer("", "no_input")
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

    def _of_turn(self, turn: Turn) -> Answer:
        value = None
        if turn.text and turn.confidence >= self.confidence:
            value = self.accept(turn.text)
            if value is not None and not self.choices and self.keys is not None and self.keys.length != 1:
                value = self._spoken_keys(turn.text)
        disposition: Disposition = "match" if value else "no_match"
        return Answer(value or "", disposition, "speech", turn.text, turn.confidence, turn=turn)

    def _spoken_keys(self, text: str) -> str | None:
        """Keys that were read out in place of being pressed."""
        assert self.keys is not None
        digits = digits_of(text)
        fits = digits and (self.keys.length is None or len(digits) == self.keys.length)
        return digits if fits and all(digit in self.keys.allowed for digit in digits) else None
