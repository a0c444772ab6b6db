"""How long a caller is left without an answer: past a first time a filler is said, past a second one the call is given
back to the platform. Knows a call's clock and mouth; nothing of why it takes so long.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..errors import CallEnded, OffhookError, UsageError
from ..speech.speaking import speak

if TYPE_CHECKING:
    from .bot import Bot
    from .hearing import Hearing

logger = logging.getLogger("offhook.bots")

#: Output variable that tells the flow why a bot gave the call back.
REASON: Final = "offhook_reason"
NO_ANSWER: Final = "no answer in time"


@dataclass(frozen=True, slots=True)
class Patience:
    """The budget of a turn, counted in seconds from when the caller stops talking to the first audio of an answer.

    A handler that asks for the next turn has nothing to say to this one: that ends the count too.

    Attributes:
        after: When the filler is said.
        give_up: When the call is given back: `disconnect` with reason `completed` and the output variable
            `offhook_reason`.
        filler: What is said; empty for nothing.
    """

    after: float = 4.0
    give_up: float = 15.0
    filler: str = "One moment, please."

    def __post_init__(self) -> None:
        if not 0 < self.after <= self.give_up:
            raise UsageError("patience needs 0 < after <= give_up, in seconds")


class Filler:
    """The sound of the filler, made ahead: when it is needed, the synthesiser may be what everybody waits for."""

    def __init__(self) -> None:
        self.audio = b""

    async def make(self, bot: Bot, text: str) -> None:
        """Synthesises it; a bot without a synthesiser has none."""
        if self.audio or not text:
            return
        with contextlib.suppress(OffhookError):
            synthesiser = await bot.engines.synthesiser()
            stream = speak(synthesiser, text, voice=bot.voice, cache=bot.prompts)
            async with contextlib.aclosing(stream):
                self.audio = b"".join([chunk async for chunk in stream])


class Waiting:
    """Counts the time of one call's turns."""

    def __init__(self, call: Hearing, patience: Patience | None) -> None:
        self._call = call
        self._patience = patience
        self._timers: list[asyncio.TimerHandle] = []
        self._since: float | None = None  # when the caller stopped talking; None if nothing is waited for
        self._sent = 0
        self._filled = False
        self._delivered = False

    def begin(self) -> None:
        """The caller has stopped talking."""
        self.stop()
        if self._patience is not None:
            self._since = asyncio.get_running_loop().time()
            self._sent = self._call.samples_sent
            self._start()

    def delivered(self) -> None:
        """The handler has got the turn."""
        self._delivered = True

    def asked(self) -> None:
        """The handler asks for a turn, or for keys."""
        if self._delivered:
            self.stop()

    def hold(self) -> None:
        """The caller makes a sound: nothing is said into it."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def go_on(self) -> None:
        """It was a noise: what was waited for is waited for still."""
        if self._since is not None and not self._timers:
            self._start()

    def stop(self) -> None:
        """Nothing is to be said."""
        self.hold()
        self._since, self._filled, self._delivered = None, False, False

    def _start(self) -> None:
        assert self._patience is not None
        assert self._since is not None
        loop = asyncio.get_running_loop()
        if not self._filled:
            self._timers.append(loop.call_at(self._since + self._patience.after, self._fill))
        self._timers.append(loop.call_at(self._since + self._patience.give_up, self._give_up))

    @property
    def _answered(self) -> bool:
        return self._call.samples_sent > self._sent

    def _fill(self) -> None:
        assert self._patience is not None
        if self._answered or not self._call.is_live or not self._call.host.filler.audio:
            return
        self._filled = True
        with contextlib.suppress(CallEnded):
            self._call.send_filler(self._patience.filler, self._call.host.filler.audio)
            self._sent = self._call.samples_sent

    def _give_up(self) -> None:
        if self._answered or not self._call.is_live:
            return
        logger.warning("session %s: no answer within %g s: the call is given back", self._call.session_id,
                       self._patience.give_up if self._patience else 0.0)  # fmt: skip
        self._call.give_back(NO_ANSWER)
