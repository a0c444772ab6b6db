"""Turns that were not over: the caller goes on before the bot was heard to answer, and nobody has been cut off.

People pause within a number, or a sentence. A bot that waits for the longest of such pauses is slow in every turn; one
that does not takes some turns too early. As long as the caller has heard nothing of the answer, that can be mended: the
answer is stopped by the voice as any other, and what was said before comes again, with the rest of it, as one turn.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..audio.ulaw import RATE
from .ledger import Ledger

if TYPE_CHECKING:
    from .hearing import Turn


class GoingOn:
    """What a handler was given last, until it asks for more.

    Args:
        ledger: What the caller has heard of the bot.
        clock: Tells the time, as the ledger has it.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._given: Turn | None = None
        self._given_at = 0  # in samples of ours
        self._first: Turn | None = None  # what the turn under way begins with

    def delivered(self, turn: Turn) -> None:
        """The handler has a turn, and will answer."""
        self._given, self._given_at = turn, self._ledger.sent

    def asked(self) -> None:
        """The handler is done with it: whoever does not answer turns gets each of them once."""
        self._given = None

    def forget(self) -> None:
        """What was said so far is nobody's business any more: whatever comes stands for itself."""
        self._given = self._first = None

    def voice(self, ago: int) -> None:
        """A voice is heard, which began so many samples ago."""
        self._first = None
        if self._given is not None:
            began = self._clock() - ago / RATE
            if not self._ledger.heard(self._given_at, self._ledger.sent, began):
                self._first = self._given

    def nothing(self) -> None:
        """It was no turn: a noise, a sign of listening."""
        self._first = None

    def so_far(self, text: str) -> str:
        """What was said with the turn under way, if it has this text up to now."""
        return text if self._first is None else _joined(self._first, text)

    def whole(self, turn: Turn) -> Turn:
        """The turn, with what was said before it, if it goes on from there."""
        first, self._first = self._first, None
        if first is None:
            return turn
        if not turn.text:
            return dataclasses.replace(first, end=turn.end, continues=True, added="")
        return dataclasses.replace(
            turn,
            text=_joined(first, turn.text),
            start=first.start,
            confidence=min(first.confidence, turn.confidence),
            continues=True,
            added=turn.text,
        )


def _joined(first: Turn, text: str) -> str:
    return f"{first.text.rstrip(' .…')} {text}"
