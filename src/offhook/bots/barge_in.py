"""Whether a caller who makes a sound while the bot speaks means to cut in: held first, then stopped or gone on with.

At the first sound the saying is held: the platform throws away what it has of it. If the caller speaks on, or says
something, it stays stopped. If it was a cough, or no more than "mhm", the saying goes on from the word at which it was
held. It knows decisions and words; how a saying is held and goes on is the mouth's affair.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from ..errors import UsageError

_BACKCHANNEL: Final = {
    "en": "mhm mm hmm hm mmhm mmhmm uh huh uhhuh aha ah oh okay ok right yeah yep sure i see got it alright all uh um",
    "es": "ajá mhm mm vale ya ok okay claro sí",
    "fr": "mhm mm hum ok okay d'accord oui ah bon",
    "it": "mhm mm ok okay sì va bene ah certo",
    "de": "mhm mm hm aha ah ok okay ja gut genau so",
}
_MOST: Final = 3
"""Words of an utterance that may still be no more than a sign of listening."""
_WORD: Final = re.compile(r"[\w']+")


@dataclass(frozen=True, slots=True)
class BargeInPolicy:
    """Settings of cutting in. Times are seconds.

    Attributes:
        listen: Whether the call's own ears tell that the caller speaks; without it somebody else has to, by
            `Call.voice_began`.
        hold: Hold at the first sound and decide then; without it, the first sound stops the saying for good.
        sure: Voice that stops the saying for good without waiting for words.
        undecided: A saying that was held so long, and nothing is known of what was said, stays stopped.
        duck: Decibels by which the saying goes on more softly while it is held; None: it is silent meanwhile.
        echo: Look for the bot's own voice in what comes from the caller, and take it away.
        backchannel: Words that mean "go on", besides those known of the call's language.
    """

    listen: bool = True
    hold: bool = True
    sure: float = 1.2
    undecided: float = 3.0
    duck: float | None = None
    echo: bool = True
    backchannel: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.sure <= self.undecided:
            raise UsageError("a barge-in policy needs 0 < sure <= undecided, in seconds")
        if self.duck is not None and not -60 <= self.duck < 0:
            raise UsageError("duck is a number of decibels from -60 to below 0, or None")

    @property
    def gain(self) -> float:
        """Factor of what is said while it is held; 0: nothing is."""
        return 0.0 if self.duck is None else float(10 ** (self.duck / 20))


def is_backchannel(text: str, language: str | None, more: tuple[str, ...] = ()) -> bool:
    """Whether that says no more than "I am listening"."""
    words = [word.lower() for word in _WORD.findall(text.replace("\u2019", "'").replace("-", " "))]
    tag = (language or "en").replace("_", "-").partition("-")[0].lower()
    known = {
        *_BACKCHANNEL.get(tag, _BACKCHANNEL["en"]).split(),
        *(w for phrase in more for w in phrase.lower().split()),
    }
    return 0 < len(words) <= _MOST and all(word in known for word in words)


class Holding(Protocol):
    """What can be held: the mouth."""

    def hold(self) -> bool:
        """Hold what is being said; False if it may not be cut by speech, or nothing is being said."""

    def go_on(self) -> None:
        """It goes on."""

    def stop_held(self) -> None:
        """It stays stopped."""


class BargeIn:
    """The decisions of one call.

    Args:
        policy: Settings.
        mouth: What is held.
        voiced: Whether the caller's voice is there at this moment; pauses do not count.
    """

    def __init__(self, policy: BargeInPolicy, mouth: Holding, voiced: Callable[[], bool]) -> None:
        self.policy = policy
        self.holding = False
        self._mouth = mouth
        self._voiced = voiced
        self._timer: asyncio.TimerHandle | None = None
        self._until = 0.0

    def began(self, ago: float) -> None:
        """The caller's voice is there since so many seconds."""
        if self.holding or not self._mouth.hold():
            return
        self.holding = True
        loop = asyncio.get_running_loop()
        self._until = loop.time() + self.policy.undecided
        self._timer = loop.call_later(max(0.0, self.policy.sure - ago), self._look)

    def said(self, text: str, language: str | None, wanted: bool) -> bool:
        """The caller's turn is over; empty if nothing was understood. `wanted`: an open question waits for just that.

        Returns:
            Whether it was no turn at all: a sign of listening, or a noise.
        """
        if not self.holding:
            return False
        if not text or (not wanted and is_backchannel(text, language, self.policy.backchannel)):
            self._decide(stop=False)
            return True
        self._decide(stop=True)
        return False

    def was_noise(self) -> None:
        """What began was too short to be speech."""
        if self.holding:
            self._decide(stop=False)

    def over(self) -> None:
        """What was held is over, or stopped by other means."""
        self.holding = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        if self._voiced() or loop.time() >= self._until:
            self._decide(stop=True)
        else:  # a pause: what was said decides, or the voice that comes back
            self._timer = loop.call_later(0.1, self._look)

    def _decide(self, *, stop: bool) -> None:
        self.over()
        if stop:
            self._mouth.stop_held()
        else:
            self._mouth.go_on()
