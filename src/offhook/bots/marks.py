"""Marks of what a bot says: told when the caller has heard everything before them, with their place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..records import events as happenings
from .ledger import Ledger
from .saying import Mark, Saying

if TYPE_CHECKING:
    from .line import Line


class Marks:
    """Tells those of one call.

    Args:
        line: The call.
        ledger: Knows what was heard.
        sayings: What is to be said; the first one has its turn.

    Attributes:
        on_mark: Takes each mark as it is heard.
    """

    def __init__(self, line: Line, ledger: Ledger, sayings: Sequence[Saying]) -> None:
        self._line = line
        self._ledger = ledger
        self._sayings = sayings
        self._width = line.stream.width
        self.on_mark: Callable[[Mark], object] | None = None

    def passed(self, data: bytes, position: int) -> None:
        """The position of a frame of the caller's stream tells how far we have been heard."""
        samples = len(data) // self._width
        saying = self._sayings[0] if self._sayings else None
        if saying is None or not saying.marks or saying.over or not saying.begun:
            self._ledger.passed(position, samples)
        else:
            self._ledger.passed(position, samples, saying.track.place(saying.marks[0][1], self._ledger))
            self.tell(saying)

    def tell(self, saying: Saying, played: int | None = None) -> None:
        """Report what was heard; at the end of a saying, `played` samples of it."""
        while saying.marks and saying.begun:
            name, offset = saying.marks[0]
            index = saying.track.place(offset, self._ledger)
            if not self._reached(saying, offset, index, played):
                return
            saying.marks.popleft()
            saying.told.append(name)
            line, at = self._line, self._ledger.position_of(index)
            line.emit(happenings.MarkHeard(t=line.t, position=line.position, id=saying.id, name=name, start=at))
            if self.on_mark is not None:
                self.on_mark(Mark(name, at))

    def _reached(self, saying: Saying, offset: int, index: int, played: int | None) -> bool:
        if played is not None:
            return offset <= played and (played > 0 or saying.complete)
        if offset == 0:  # the caller hears the first sample, or has
            return self._ledger.settled > index or (self._ledger.playing and self._ledger.settled == index)
        return saying.track.heard(self._ledger) >= offset
