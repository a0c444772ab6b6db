"""What bots that are a model of somebody else's have in common: its client, its tools, and what is done if it fails."""

from __future__ import annotations

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Final

from ..errors import EngineError, EngineMissing
from .bot import Bot
from .call import Call
from .llm_tools import toolbox

logger = logging.getLogger("offhook.bots")

KEY_ENV: Final = "OPENAI_API_KEY"
SORRY: Final = "I am sorry, something went wrong. Could you say that again?"
#: Seconds without a word of the model.
TIMEOUT: Final = 10.0
#: Failures in a row, after which the call is given back.
FAILURES: Final = 2
#: Uses of tools in a row, after which the model has to speak.
ROUNDS: Final = 6


class ModelBot(Bot, ABC):
    """A bot whose words are made by a model on a server that speaks one of OpenAI's interfaces.

    Args:
        kind: What it is, in errors and in the reason for giving a call back, such as `language model`.
        name: See `Bot`.
        url: Of a server of one's own, such as `http://127.0.0.1:11434/v1`; None is OpenAI's.
        key_env: Environment variable with the key; a server of one's own may need none.
        tools: Plain functions with types and docstrings, see `offhook.bots.llm_tools`. A parameter `call` is the call:
            `await call.end(...)` in a tool ends it.
        sorry: Said by the bot's own synthesiser, if it has one, where the model fails; empty for nothing. If it fails
            again, the call is given back with `offhook_reason`.
        timeout: Seconds to wait for the model's next words, and for a connection.
        options: As of `Bot`.

    Raises:
        EngineMissing: The extra `openai` is not installed.
        EngineError: There is no key.
        UsageError: A function cannot be a tool.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        *,
        url: str | None = None,
        key_env: str = KEY_ENV,
        tools: Sequence[Callable[..., Any]] = (),
        sorry: str = SORRY,
        timeout: float = TIMEOUT,
        **options: Any,
    ) -> None:
        super().__init__(name, **options)
        try:
            from openai import AsyncOpenAI
        except ImportError as error:
            raise EngineMissing(f"the client of {kind}s", "openai") from error
        key = os.environ.get(key_env, "")
        if not key and url is None:
            raise EngineError(f"a {kind} needs a key: set {key_env}, or url= of a server that needs none")
        # Of any kind to us: requests are built from what users and tools give, and are checked by the server.
        self._client: Any = AsyncOpenAI(api_key=key or "none", base_url=url, timeout=timeout, max_retries=0)
        self._kind = kind
        self._timeout = timeout
        self._tools = toolbox(tools)
        self._sorry = sorry
        self.handler(self._converse)

    async def aclose(self) -> None:
        """Close the connections to the server; for programs that go on after the bot."""
        await self._client.close()

    @abstractmethod
    async def _converse(self, call: Call) -> None:
        """One call."""

    def _report(self, call: Call, error: EngineError) -> None:
        """The model has failed: the operator, and the call's record, are told."""
        logger.warning("session %s: %s", call.session_id, error)
        call.journal.note(str(error), call.position)

    async def _goes_on(self, call: Call, failures: int) -> bool:
        """Says sorry; or gives the call back, after too many failures in a row. Raises `CallEnded`."""
        if failures >= FAILURES:
            call.give_back(f"{self._kind} failed")
            return False
        try:
            if self._sorry:
                await call.say(self._sorry)
        except EngineError as error:
            call.journal.note_once(f"nothing is said: {error}", call.position)
        return True
