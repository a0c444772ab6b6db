"""The platform's session with the short way of audio in both directions, for a process that drives thousands of them.

It judges as `ClientSession` does: whatever is not plain audio of an open session goes the long way.
"""

from __future__ import annotations

from typing import Final

from ...protocol import ClientSession, ServerAudio, State
from ...protocol.limits import RECEIVE_MAX, SEND_MAX

_OPEN: Final = State.OPEN


class LoadSession(ClientSession):
    """A client session whose audio costs little."""

    def take_audio(self, data: bytes, now: float) -> int:
        """Take plain audio of an open session, at its pace (`protocol.lane.Lane` judges none).

        Returns:
            The position of its first sample. -1 if it is anything else: nothing has changed then, and `receive` has
            to judge it.
        """
        media, size = self.media, len(data)
        if (
            not (self._planned is self.state is _OPEN and media and 0 < size <= RECEIVE_MAX)
            or self._failed
            or self._events
        ):
            return -1
        samples, rest = divmod(size, media.width)
        if rest or self.profile.server_audio is not ServerAudio.PLAY:
            return -1
        if self._patience is not None and not self._patience.passes(now, "audio"):
            return -1
        if now > self._now:
            self._now = now
        at = self._received
        self._received = at + samples
        return at

    def pass_audio(self, data: bytes, now: float) -> bool:
        media, size = self.media, len(data)
        live = self._planned is self.state is _OPEN and self._lost is None and not self._outbox
        if not (live and media and 0 < size <= SEND_MAX):
            return False
        samples, rest = divmod(size, media.width)
        if rest:
            return False
        self._tick(now)
        self._position += samples
        return True
