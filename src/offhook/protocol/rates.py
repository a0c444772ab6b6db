"""Message rates: the token bucket that both ends count with, and how the platform judges a server's pace (P6.6)."""

from __future__ import annotations

import enum
from typing import Final

from . import limits

#: Tokens short of a whole one that are rounding. Without it, a timer fires at its time and finds nothing due.
_ROUNDING: Final = 1e-5


class Bucket:
    """A token bucket: `burst` messages at once, `rate` a second in the long run."""

    __slots__ = ("_level", "_stamp", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._level = burst
        self._stamp: float | None = None

    def _fill(self, now: float) -> None:
        if self._stamp is None:
            self._stamp = now
        elif now > self._stamp:
            self._level = min(self.burst, self._level + (now - self._stamp) * self.rate)
            self._stamp = now

    def take(self, now: float) -> None:
        """Take one token; urgent messages may overdraw, later ones pay for it."""
        self._fill(now)
        self._level -= 1.0

    def try_take(self, now: float) -> bool:
        """Take one token if one is there."""
        stamp, level = self._stamp, self._level
        if stamp is not None and now > stamp:
            level = min(self.burst, level + (now - stamp) * self.rate)
        if 1.0 - level > _ROUNDING:
            return False
        self._level = level - 1.0
        if stamp is None or now > stamp:
            self._stamp = now
        return True

    def wait(self, now: float, overdraft: float = 0.0) -> float:
        """Seconds until a token is there, or may be taken on credit; 0.0 if one is."""
        self._fill(now)
        missing = 1.0 - overdraft - self._level
        return missing / self.rate if missing > _ROUNDING else 0.0

    def drain(self, now: float, factor: float, floor: float) -> None:
        """Empty the bucket and slow it down: the peer has complained."""
        self._fill(now)
        self._level = min(self._level, 0.0)
        self.rate = max(floor, self.rate * factor)


class Verdict(enum.Enum):
    """What the platform does with a message, by the pace of those before it."""

    FINE = "fine"
    WARN = "warn"
    EXCUSED = "excused"
    ENOUGH = "enough"


class Patience:
    """The platform's: it says so once, gives time to obey, and then ends the session (P15 row 20)."""

    def __init__(self) -> None:
        pace = {"text": limits.TEXT_RATE, "audio": limits.AUDIO_RATE}
        pace |= {"pause": limits.PAUSE_RATE, "resume": limits.PAUSE_RATE}
        self._buckets = {kind: Bucket(*rate) for kind, rate in pace.items()}
        self._excused_until: float | None = None
        self.retry_after = 0.0

    def passes(self, now: float, kind: str) -> bool:
        """Count one message if it keeps the pace; if not, nothing has changed, and `judge` has to be asked."""
        return self._buckets[kind].try_take(now)

    def judge(self, now: float, *kinds: str) -> Verdict:
        """Count one message under each of its kinds: `text`, `audio`, `pause`, `resume`.

        After `WARN`, `retry_after` says how many seconds the server is to stay silent.
        """
        buckets = [self._buckets[kind] for kind in kinds]
        wait = max(bucket.wait(now) for bucket in buckets)
        if wait <= 0.0:
            for bucket in buckets:
                bucket.take(now)
            return Verdict.FINE
        if self._excused_until is None:
            self.retry_after = max(limits.RETRY_AFTER, wait)
            self._excused_until = now + self.retry_after
            return Verdict.WARN
        return Verdict.EXCUSED if now <= self._excused_until else Verdict.ENOUGH
