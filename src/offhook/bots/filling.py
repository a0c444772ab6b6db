"""A filler on its way to the caller: it goes past what waits to be said, and is told as any other saying is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..audio.ulaw import RATE
from ..records import events as happenings
from ..speech.rendering import Piece
from .mouth import PATIENCE, Mouth
from .saying import Saying

if TYPE_CHECKING:
    from .line import Line


class Filling:
    """Tells of the fillers of one call, one at a time."""

    def __init__(self, line: Line, mouth: Mouth) -> None:
        self._line = line
        self._mouth = mouth
        self._saying: Saying | None = None
        self._watching: asyncio.Task[None] | None = None

    def send(self, text: str, audio: bytes) -> None:
        """Send mu-law at once. Raises `CallEnded`."""
        self.over()
        saying = Saying(text, text, frozenset())
        saying.begin(self._mouth.ledger.settled + self._mouth.waiting)
        saying.add(Piece(audio, text))
        saying.complete = True
        self._mouth.send(self._line.stream.frame(audio))
        self._mouth.put_off(saying.end)
        self._saying = saying
        line = self._line
        line.emit(happenings.SayStarted(t=line.t, position=line.position, id=saying.id, text=saying.label))
        self._watching = asyncio.create_task(self._watch(saying))

    def over(self) -> None:
        """Tell what was heard of it, which is all that ever will be."""
        saying, self._saying = self._saying, None
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        if saying is None:
            return
        ledger, line = self._mouth.ledger, self._line
        played = ledger.heard(saying.start, saying.end)
        saying.stopped = played < saying.length
        line.emit(saying.ended(ledger, played, t=line.t, position=line.position))

    async def _watch(self, saying: Saying) -> None:
        await self._mouth.until_settled(saying.end, PATIENCE + saying.length / RATE)
        self._watching = None
        self.over()
