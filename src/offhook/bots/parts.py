"""Parts of a call that few calls need: each is a cached property, made when it is first asked for.

Thousands of calls may begin in a second, and most of what one costs then is what is made for it. A part that is not
there has nothing to be told and nothing to end.
"""

from __future__ import annotations


class Parted:
    """What has such parts."""

    def _has(self, part: str) -> bool:
        """Whether a part, or any attribute, is there by now."""
        return part in self.__dict__

    def _drop(self, *parts: str) -> None:
        """Let go of parts; who asks for one again gets a new one."""
        for part in parts:
            self.__dict__.pop(part, None)
