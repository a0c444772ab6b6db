"""A caller made of sounds: a WAV file in real time, keys at their moments, a hang-up at the end. For tests and trials.

It keeps what it hears, so that a test or a person can listen to a whole flow from the caller's chair.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...audio import ulaw
from ...errors import CallEnded
from . import Caller, Cause, LegListener, TransferFailed
from .script import ScriptLeg, Utterance


class WavLeg:
    """A `PhoneLeg`.

    Args:
        sound: What the caller says, from the moment on at which the call is answered: mu-law.
        keys: Keys with the second, counted in the same way, at which each is pressed.
        hang_up_after: Seconds after which the caller hangs up; None: never.
        caller: Who it is.
        transfers: Whether it lets itself be transferred.

    Attributes:
        heard: All that the caller heard, mu-law.
        position: Samples since the call was answered.
        answered: Whether it was.
        ended: Why it ended, from either side: empty while it goes on.
        transferred: The target that it was handed to, if it was.
    """

    def __init__(
        self,
        sound: bytes = b"",
        *,
        keys: Sequence[tuple[float, str]] = (),
        hang_up_after: float | None = None,
        caller: Caller | None = None,
        transfers: bool = True,
    ) -> None:
        self.caller = caller or Caller("+13175550142", "+13175550199", kind="wav")
        self.heard = bytearray()
        self.position = 0
        self.answered = False
        self.ended = ""
        self.transferred = ""
        self._script = ScriptLeg()
        self._keys = sorted((round(at * ulaw.RATE), digit) for at, digit in keys)
        self._until = None if hang_up_after is None else round(hang_up_after * ulaw.RATE)
        self._transfers = transfers
        self._listener: LegListener | None = None
        if sound:
            self._script.say(Utterance(sound))

    @property
    def ahead(self) -> int:
        return 0

    def say(self, sound: bytes) -> None:
        """Say it behind all that is being said."""
        self._script.say(Utterance(sound))

    def attach(self, listener: LegListener) -> None:
        """See `PhoneLeg`."""
        self._listener = listener
        if self.ended:
            listener.hung_up(self.ended)

    async def answer(self) -> None:
        """See `PhoneLeg`."""
        if self.ended:
            raise CallEnded("the caller is gone")
        self.answered = True

    def exchange(self, heard: bytes) -> tuple[bytes, bytes]:
        """See `Leg`."""
        self.heard += heard
        lanes = self._script.exchange(heard)
        self.position += len(heard)
        while self._keys and self._keys[0][0] <= self.position and not self.ended:
            self.press(self._keys.pop(0)[1])
        if self._until is not None and self.position >= self._until:
            self.leave()
        return lanes

    def press(self, digit: str) -> None:
        """Press a key now."""
        if self._listener is not None and not self.ended:
            self._listener.key(digit)

    def hold(self, on: bool) -> None:
        """Put the call on hold, or take it back."""
        if self._listener is not None and not self.ended:
            self._listener.held(on)

    def leave(self, reason: str = "hung up") -> None:
        """Hang up as the caller."""
        if not self.ended:
            self.ended = reason
            if self._listener is not None:
                self._listener.hung_up(reason)

    def flush(self) -> int:
        """See `PhoneLeg`: nothing waits here."""
        return 0

    async def transfer(self, target: str) -> None:
        """See `PhoneLeg`."""
        if self.ended:
            raise CallEnded("the caller is gone")
        if not self._transfers:
            raise TransferFailed("this caller cannot be transferred")
        self.transferred = target
        self.ended = "transferred"

    def hang_up(self, cause: Cause = "normal") -> None:
        """See `PhoneLeg`."""
        if not self.ended:
            self.ended = f"ended: {cause}"
