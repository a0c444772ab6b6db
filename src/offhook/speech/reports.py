"""What an engine cannot do and nothing makes up for: told once, not in each call, without what was to be said."""

from __future__ import annotations

import logging

logger = logging.getLogger("offhook.speech")
_told: set[tuple[str, str]] = set()


def report(who: str, what: str) -> bool:
    """Warns in the log, the first time that this is told of this engine or place; returns whether it was."""
    if (who, what) in _told:
        return False
    _told.add((who, what))
    logger.warning("%s %s", who, what)
    return True


def forget() -> None:
    """Tell everything anew."""
    _told.clear()
