"""Which endpoint of an integration a session goes to: the nearest one by measured round trip that has not just failed.

It remembers; it measures nothing itself and knows neither calls nor sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .integrations import Endpoint, Integration

#: Seconds for which an endpoint that has failed is left alone.
LEFT_FOR: Final = 30.0
#: How much of a new measurement counts.
_WEIGHT: Final = 0.3


class Endpoints:
    """What is known of endpoints, by URI.

    Args:
        now: A monotonic clock in seconds.
        left_for: Seconds for which one that has failed is left alone.
    """

    def __init__(self, now: Callable[[], float], *, left_for: float = LEFT_FOR) -> None:
        self._now = now
        self._left_for = left_for
        self._round_trips: dict[str, float] = {}
        self._left_until: dict[str, float] = {}

    def order(self, integration: Integration) -> list[Endpoint]:
        """All endpoints, the best first. One that was left alone comes last: better than none."""
        now, places = self._now(), integration.places

        def rank(place: Endpoint) -> tuple[bool, float, int]:
            # What was never measured comes behind what was, in the order in which it was written down.
            measured = self._round_trips.get(place.uri, float("inf"))
            return self._left_until.get(place.uri, 0.0) > now, measured, places.index(place)

        return sorted(places, key=rank)

    def measured(self, uri: str, seconds: float) -> None:
        """A round trip was measured."""
        known = self._round_trips.get(uri)
        self._round_trips[uri] = seconds if known is None else known + _WEIGHT * (seconds - known)

    def round_trip(self, uri: str) -> float | None:
        """What is known of it, in seconds."""
        return self._round_trips.get(uri)

    def failed(self, uri: str) -> None:
        """It failed: others go first for a while."""
        self._left_until[uri] = self._now() + self._left_for

    def worked(self, uri: str) -> None:
        """It works again."""
        self._left_until.pop(uri, None)

    def is_left(self, uri: str) -> bool:
        """Whether it is left alone now."""
        return self._left_until.get(uri, 0.0) > self._now()
