"""Bots that are a language model: any server of OpenAI's chat completions, streamed, spoken sentence by sentence.

What the caller does not hear, the model is not told that it said. When the caller cuts in, or goes on talking before
anything was said, generation is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from ..errors import EngineError
from ..speech.remote import failure
from .call import Call, Turn
from .llm_history import History
from .model_bot import ROUNDS, ModelBot


@dataclass(slots=True)
class _Use:
    id: str = ""
    name: str = ""
    arguments: str = ""


class LLMBot(ModelBot):
    """A bot that answers by a language model.

    Args:
        instructions: What it is and does. That it speaks on the telephone is told it besides.
        model: As the server names it.
        greeting: Said first; empty to let the caller begin.
        request: Further fields of each request, such as `{"temperature": 0.3}`.
        options: As of `ModelBot`, whose errors it raises: `url`, `key_env`, `tools`, `sorry`, `timeout`; and of `Bot`.
    """

    def __init__(
        self,
        instructions: str,
        *,
        model: str = "gpt-4o-mini",
        greeting: str = "",
        request: dict[str, Any] | None = None,
        name: str = "llm",
        **options: Any,
    ) -> None:
        super().__init__("language model", name, **options)
        self._instructions = (
            f"{instructions}\n\nYou are on the telephone: answer in one to three short spoken sentences, "
            "without lists, markup or emoji."
        )
        self._greeting = greeting
        self._request: dict[str, Any] = {"model": model, "stream": True, **(request or {})}
        if self._tools:
            self._request["tools"] = [tool.schema for tool in self._tools.values()]

    async def _converse(self, call: Call) -> None:
        history = History(self._instructions)
        if self._greeting:
            playback = await call.say(self._greeting)
            history.heard(playback.heard, interrupted=playback.interrupted)
        turn = await call.listen()
        failures = 0
        while turn is not None:
            history.caller(turn.text)
            reply = _Reply(self, call, history)
            try:
                turn = await self._until_next_turn(call, reply)
                failures = 0
            except EngineError as error:
                self._report(call, error)
                failures += 1
                if not await self._goes_on(call, failures):
                    return
                turn = await call.listen()

    async def _until_next_turn(self, call: Call, reply: _Reply) -> Turn | None:
        """Answers and listens at once: who goes on talking before a word of the answer was said is answered anew."""
        answering = asyncio.create_task(reply.run())
        listening = asyncio.create_task(call.listen())
        try:
            await asyncio.wait((answering, listening), return_when=asyncio.FIRST_COMPLETED)
            if answering.done() or reply.begun:
                await answering
            return await listening
        finally:
            for task in (answering, listening):
                task.cancel()
            await asyncio.gather(answering, listening, return_exceptions=True)

    def stream(self, history: History, *, speak: bool) -> AsyncGenerator[Any, None]:
        """The model's answer as it comes: chunks of the library."""
        request = dict(self._request)
        if speak and "tools" in request:
            request["tool_choice"] = "none"
        return self._chunks(request, history)

    async def _chunks(self, request: dict[str, Any], history: History) -> AsyncGenerator[Any, None]:
        try:
            stream = await self._client.chat.completions.create(messages=history.messages(), **request)
            async with stream:
                async for chunk in stream:
                    yield chunk
        except Exception as error:
            raise failure("the language model", error) from None  # its words may hold the caller's

    async def use(self, call: Call, use: _Use) -> str:
        """Use a tool, as the model asks."""
        tool = self._tools.get(use.name)
        return f"error: there is no tool {use.name}" if tool is None else await tool.use(call, use.arguments)


class _Reply:
    """One answer: generated, spoken, and told to the history as far as it was heard."""

    def __init__(self, bot: LLMBot, call: Call, history: History) -> None:
        self._bot = bot
        self._call = call
        self._history = history
        self.begun = False  # something of it is being said, or a tool was used

    async def run(self) -> None:
        for round in range(ROUNDS + 1):
            uses: dict[int, _Use] = {}
            if not await self._speak(self._words(uses, last=round == ROUNDS)) or not uses:
                return
            self.begun = True
            wanted = [uses[index] for index in sorted(uses)]
            results = [await self._bot.use(self._call, use) for use in wanted]
            self._history.used([(use.id, use.name, use.arguments) for use in wanted], results)

    async def _words(self, uses: dict[int, _Use], *, last: bool) -> AsyncGenerator[str, None]:
        """The text of the answer as it comes; uses of tools are gathered."""
        async with contextlib.aclosing(self._bot.stream(self._history, speak=last)) as chunks:
            async for chunk in chunks:
                if not chunk.choices:
                    continue
                delta = chunk.choices[0].delta
                for part in delta.tool_calls or ():
                    use = uses.setdefault(part.index, _Use())
                    use.id = part.id or use.id
                    if part.function is not None:
                        use.name += part.function.name or ""
                        use.arguments += part.function.arguments or ""
                if delta.content:
                    yield delta.content

    async def _speak(self, words: AsyncGenerator[str, None]) -> bool:
        """Says the answer as it comes; returns whether the caller let it finish.

        What was written before the model failed is said, and remembered as far as it was heard.
        """
        failed: list[EngineError] = []

        async def written(text: str) -> AsyncGenerator[str, None]:
            yield text
            try:
                async for more in words:
                    yield more
            except EngineError as error:
                failed.append(error)

        async with contextlib.aclosing(words):
            text = await anext(words, None)
            if text is None:  # it only uses tools
                return True
            self.begun = True
            playback = await self._call.say(written(text))
        self._history.heard(playback.heard, interrupted=playback.interrupted)
        if failed:
            raise failed[0]
        return not playback.interrupted
