"""Call legs: where a caller's voice comes from and where the bot's voice goes. A leg knows no session and no clock."""

from __future__ import annotations

from typing import Protocol


class Leg(Protocol):
    """One caller on the line, exchanged with in ticks."""

    def exchange(self, heard: bytes) -> tuple[bytes, bytes]:
        """Play bot audio to the caller, and take what happened on the line in the same time.

        Args:
            heard: Mu-law from the playback queue, silence included.

        Returns:
            Two lanes as long as `heard`: external, what the caller said; internal, all that the caller heard.
        """
