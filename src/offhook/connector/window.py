"""The last half minute of a call, kept for a session that is not open yet, or has to be opened again (P6.2, P8.6).

It holds what a session would have been given, in order: audio, and the gaps and languages between. Sans-IO.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from ..audio import ulaw
from ..errors import LocalProtocolError
from ..protocol import ClientSession
from ..protocol.limits import HISTORY

#: Samples that are kept, and those that a session which continues another offers (P8.6: at most 20 s of the 30).
KEPT: Final = round(HISTORY * ulaw.RATE)
OFFERED: Final = 20 * ulaw.RATE


class _Piece(NamedTuple):
    kind: str  # audio, paused, discarded, update
    samples: int
    lanes: tuple[bytes, bytes] = (b"", b"")
    language: str = ""


class Window:
    """What was given lately.

    Args:
        limit: Samples to keep.

    Attributes:
        start, end: Positions of the stream.
        keeping: Whether anything is kept at all; without, only time passes.
    """

    def __init__(self, limit: int = KEPT) -> None:
        self._limit = limit
        self._pieces: deque[_Piece] = deque()
        self.start = 0
        self.end = 0
        self.keeping = True

    @property
    def samples(self) -> int:
        return self.end - self.start

    def audio(self, external: bytes, internal: bytes) -> None:
        """Keep what was said and heard."""
        self._add(_Piece("audio", len(external), (external, internal)))

    def gap(self, kind: str, samples: int) -> None:
        """Time without audio: `paused` or `discarded`. What touches is one gap."""
        if self._pieces and self._pieces[-1].kind == kind:
            before = self._pieces.pop().samples
            self.end -= before
            samples += before
        self._add(_Piece(kind, samples))

    def update(self, language: str) -> None:
        """The language changed here."""
        self._add(_Piece("update", 0, language=language))

    def forget(self) -> None:
        """Keep nothing of what was, and nothing from now on."""
        self.keeping = False
        self._pieces.clear()
        self.start = self.end

    def trim(self, samples: int) -> None:
        """Keep the latest so many samples at most."""
        self._drop_before(self.end - samples)

    def _add(self, piece: _Piece) -> None:
        self.end += piece.samples
        if not self.keeping:
            self.start = self.end
            return
        self._pieces.append(piece)
        if self.samples > self._limit:
            self._drop_before(self.end - self._limit)

    def _drop_before(self, position: int) -> None:
        while self._pieces and self.start < position:
            piece = self._pieces.popleft()
            surplus = min(position - self.start, piece.samples)
            self.start += surplus
            if surplus < piece.samples:
                cut = piece.lanes[0][surplus:], piece.lanes[1][surplus:]
                self._pieces.appendleft(piece._replace(samples=piece.samples - surplus, lanes=cut))

    def replay(self, session: ClientSession, at: int, discard_to: int | None) -> None:
        """Give a session that has just opened what it has missed, faster than real time.

        Args:
            at: Position at which the session stands.
            discard_to: What lies before it is not wanted (P4.3); rounded down to what is kept in one piece.
        """
        if discard_to is not None:
            self._drop_before(min(discard_to, self.end))
        session.skip(self.start - at)
        pending: list[tuple[bytes, bytes]] = []
        for piece in self._pieces:
            if piece.kind == "audio":
                pending.append(piece.lanes)
                continue
            _send(session, pending)
            if piece.kind == "discarded":
                session.skip(piece.samples)
            elif piece.kind == "update":
                session.update(piece.language)
            else:
                _pause(session, piece.samples)
        _send(session, pending)


def _send(session: ClientSession, pending: list[tuple[bytes, bytes]]) -> None:
    if pending:
        external, internal = (b"".join(lane) for lane in zip(*pending, strict=True))
        session.send_audio(external, internal)
        pending.clear()


def _pause(session: ClientSession, samples: int) -> None:
    try:
        session.pause()
        session.skip(samples)
        session.resume()
    except LocalProtocolError:  # it is ending already
        session.skip(samples)
