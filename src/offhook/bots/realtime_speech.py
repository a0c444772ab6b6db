"""One thing that a realtime model says: its audio and its words as they come, to be played as they come.

The words come beside the audio and are not timed. While more comes they count as spread evenly over what there is of
it; once all is there, over its voiced parts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

from ..audio import ulaw
from ..audio.ulaw import RATE
from ..speech.rendering import Piece, Times
from ..speech.sentences import word_ends
from ..speech.wordtimes import spread
from .feed import Feed


class Speech:
    """An item of the model.

    Args:
        id: Of the item.
        response: Id of the response that it belongs to.
        content: Index of its audio among the item's contents.

    Attributes:
        received: Samples that have come.
    """

    def __init__(self, id: str, response: str, content: int) -> None:
        self.id = id
        self.response = response
        self.content = content
        self.received = 0
        self._audio: list[bytes] = []
        self._text = ""
        self._feed: Feed[Piece] = Feed()
        self._ended = False

    def sound(self, audio: bytes) -> None:
        """Audio has come, mu-law at 8 kHz."""
        if not self._ended:
            self.received += len(audio)
            self._audio.append(audio)
            self._feed.put(Piece(audio))

    def words(self, text: str) -> None:
        """Words have come."""
        if not self._ended:
            self._text += text
            self._feed.put(Piece(b"", text, joins=True))

    def end(self) -> None:
        """Nothing more comes."""
        if not self._ended:
            self._ended = True
            self._feed.put(Piece(b"", times=_times(self._text, b"".join(self._audio))))
            self._feed.end()
            self._audio.clear()

    def pieces(self) -> AsyncIterator[Piece]:
        """What there is to play."""
        return self._feed.read()


def _times(text: str, audio: bytes) -> Times:
    """As of `Piece.times`."""
    ends = word_ends(text)
    if not ends or not audio:
        return ()
    words = [text[start:end] for start, end in pairwise((0, *ends))]
    spans = spread(words, ulaw.to_float(audio), RATE)
    return tuple((end, round(over * RATE)) for end, (_, over) in zip(ends, spans, strict=True))
