"""Times of a call of which nothing is kept: while a PIN is keyed, a card number is said."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Final

from ..audio import ulaw
from ..protocol import Role
from ..protocol.trace import redact

#: Seconds for which keys stay private behind the end: of those who press one too many, or late.
_LATE_KEYS: Final = 2.0


class Privacy:
    """Whether what passes now may be kept.

    Args:
        clock: Tells the time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._depth = 0
        self._keys_until = 0.0

    @property
    def on(self) -> bool:
        """Whether nothing may be kept."""
        return self._depth > 0

    @property
    def of_keys(self) -> bool:
        """Whether keys may not be kept."""
        return self._depth > 0 or (self._keys_until > 0.0 and self._clock() < self._keys_until)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """From here on nothing is kept; may be entered again within."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            self._keys_until = self._clock() + _LATE_KEYS

    def key_pressed(self) -> None:
        """A key that comes late makes the next one late, too."""
        if not self._depth and self.of_keys:
            self._keys_until = self._clock() + _LATE_KEYS

    def of_message(self, sender: Role, data: str | bytes) -> str | bytes:
        """What may be kept of a message."""
        if isinstance(data, bytes):
            return ulaw.silence(len(data)) if self.on and sender is Role.CLIENT else data
        if self.on or (self.of_keys and '"dtmf"' in data):
            return redact(data)
        return data
