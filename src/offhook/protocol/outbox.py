"""What waits to leave, and when it may (P6.6).

A client sends in the order in which it was asked to. A server is limited in messages a second, so its outbox has lanes:
pongs first, then what is urgent, control, events, audio; `disconnect` and `closed` last. Sequence numbers are stamped
on departure, so lanes never disturb their order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from . import limits
from .rates import Bucket


class Queued(msgspec.Struct, frozen=True, gc=False):
    """A message that waits.

    Attributes:
        parameters: As they will leave: what the application changes afterwards does not reach the wire.
        position: A client's, in samples, fixed when the message is queued: its outbox keeps order.
        urgent: Leaves before all that is not.
        ack: What it acknowledges, where that is not whatever was received last.
    """

    type: str
    parameters: msgspec.Raw
    position: int = 0
    urgent: bool = False
    ack: int | None = None


class OrderedOutbox:
    """A client's: everything leaves at once, in order."""

    def __init__(self) -> None:
        self._queue: deque[Queued | bytes] = deque()

    def __bool__(self) -> bool:
        return bool(self._queue)

    def add(self, message: Queued) -> Sequence[str]:
        """Queue a message; nothing ever gives way to it."""
        self._queue.append(message)
        return ()

    def add_audio(self, data: bytes) -> None:
        self._queue.append(data)

    def clear(self) -> None:
        self._queue.clear()

    def next(self, now: float) -> Queued | bytes | None:
        return self._queue.popleft() if self._queue else None

    def wake(self, now: float) -> float | None:
        """When something that waits may leave; None if nothing waits."""
        return now if self._queue else None


_CONTROL: Final = frozenset({"pause", "resume", "updated", "reconnect"})
_LAST: Final = frozenset({"disconnect", "closed"})
_SLOWEST: Final = 1.0
_ROUNDING: Final = 1e-5


class PacedOutbox:
    """A server's: lanes under token buckets. Pongs and what ends a session leave at once, and are charged.

    Args:
        frame: Bytes of the longest audio message.
    """

    __slots__ = (
        "_audio", "_audio_bucket", "_control", "_events", "_held_until", "_last", "_own_buckets", "_pongs",
        "_text_bucket", "_urgent", "audio_bytes", "frame",
    )  # fmt: skip

    def __init__(self, frame: int = 4000) -> None:
        self.frame = frame
        # Lists: hardly ever does more than one wait, and a deque costs each session half a kilobyte.
        self._pongs: list[Queued] = []
        self._urgent: list[Queued] = []
        self._control: list[Queued] = []
        self._events: deque[Queued] = deque()
        self._audio: deque[bytes] = deque()
        self._last: Queued | None = None
        self._text_bucket = Bucket(*limits.TEXT_BUDGET)
        self._audio_bucket = Bucket(*limits.AUDIO_BUDGET)
        self._own_buckets = {"pause": Bucket(*limits.PAUSE_BUDGET), "resume": Bucket(*limits.PAUSE_BUDGET)}
        self._held_until = 0.0
        self.audio_bytes = 0

    def __bool__(self) -> bool:
        return bool(
            self._audio or self._pongs or self._urgent or self._control or self._events or self._last is not None
        )

    @property
    def urgent_waits(self) -> bool:
        """Whether something urgent has not left yet."""
        return bool(self._urgent)

    def add(self, message: Queued) -> Sequence[str]:
        """Queue a message; returns the types of those that give way to it."""
        dropped: Sequence[str] = ()
        if message.type == "pong":
            self._pongs.append(message)
        elif message.type in _LAST:
            dropped = self.give_way() if message.urgent else ()
            self._last = message
        elif message.urgent:
            self._urgent.append(message)
        elif message.type in _CONTROL:
            self._control.append(message)
        else:
            self._events.append(message)
        return dropped

    def add_audio(self, data: bytes) -> None:
        self.audio_bytes += len(data)
        for at in range(0, len(data), self.frame):
            self._audio.append(data[at : at + self.frame])

    def charge_pong(self, now: float) -> None:
        """Count a pong that leaves past the queue. Ask only while nothing waits."""
        self._text_bucket.take(now)

    def take_audio(self, now: float) -> bool:
        """Whether one audio message may leave now; if so, it is charged. Ask only while nothing waits."""
        return self._held_until <= now and self._audio_bucket.try_take(now)

    def clear_audio(self) -> int:
        """Throw away what audio waits; returns its bytes."""
        dropped, self.audio_bytes = self.audio_bytes, 0
        self._audio.clear()
        return dropped

    def give_way(self, *, to_events: bool = False) -> Sequence[str]:
        """Throw away all but pongs, and all but events too where they may still leave; returns the types."""
        dropped = [message.type for message in (*self._urgent, *self._control)]
        self._urgent.clear()
        self._control.clear()
        if not to_events:
            dropped += [message.type for message in self._events]
            self._events.clear()
        if self.clear_audio():
            dropped.append("audio")
        if self._last is not None:
            dropped.append(self._last.type)
            self._last = None
        return dropped

    def clear(self) -> None:
        """Throw away everything."""
        self._pongs.clear()
        self.give_way()

    def throttle(self, now: float, retry_after: float) -> None:
        """Send nothing that can wait for `retry_after` seconds, and then at half the rate (P6.6: 429).

        Audio goes on in fewer but longer messages, or the caller would hear gaps.
        """
        self._held_until = max(self._held_until, now + retry_after)
        if self._audio_bucket.rate > _SLOWEST and 2 * self.frame <= limits.SEND_MAX:
            self.frame *= 2
        for bucket in (self._text_bucket, self._audio_bucket, *self._own_buckets.values()):
            bucket.drain(now, 0.5, _SLOWEST)

    def _held(self, now: float) -> float:
        held = self._held_until - now
        return held if held > _ROUNDING else 0.0

    def _urgent_wait(self, now: float) -> float:
        return self._text_bucket.wait(now, limits.TEXT_OVERDRAFT)

    def _control_wait(self, now: float) -> float:
        own = self._own_buckets.get(self._control[0].type)
        wait = self._text_wait(now)
        return max(wait, own.wait(now)) if own else wait

    def _text_wait(self, now: float) -> float:
        return max(self._text_bucket.wait(now), self._held(now))

    def _audio_wait(self, now: float) -> float:
        return max(self._audio_bucket.wait(now), self._held(now))

    def next(self, now: float) -> Queued | bytes | None:
        """What leaves now, or None."""
        if self._pongs:
            return self._text(self._pongs.pop(0), now)
        if self._last is not None and self._last.urgent:
            return self._take_last(now)
        if self._urgent:
            # Nothing overtakes it: audio that left before a `barge_in` would be thrown away by it.
            return self._text(self._urgent.pop(0), now) if self._urgent_wait(now) <= 0.0 else None
        if self._control and self._control_wait(now) <= 0.0:
            return self._text(self._control.pop(0), now)
        if self._events and self._text_wait(now) <= 0.0:
            return self._text(self._events.popleft(), now)
        if self._audio and self._audio_wait(now) <= 0.0:
            self._audio_bucket.take(now)
            return self._cut()
        if self._last is not None and not (self._control or self._events or self._audio):
            return self._take_last(now)
        return None

    def _take_last(self, now: float) -> Queued | None:
        last, self._last = self._last, None
        return self._text(last, now) if last else None

    def _text(self, message: Queued, now: float) -> Queued:
        self._text_bucket.take(now)
        own = self._own_buckets.get(message.type)
        if own:
            own.take(now)
        return message

    def _cut(self) -> bytes:
        """One message of at most `frame` bytes; a single chunk that fits leaves without a copy."""
        data = self._audio.popleft()
        if len(data) < self.frame and self._audio:
            parts, size = [data], len(data)
            while self._audio and size < self.frame:
                parts.append(self._audio.popleft())
                size += len(parts[-1])
            data = b"".join(parts)
        if len(data) > self.frame:
            self._audio.appendleft(data[self.frame :])
            data = data[: self.frame]
        self.audio_bytes -= len(data)
        return data

    def wake(self, now: float) -> float | None:
        """When something that waits may leave; None if nothing waits."""
        if self._pongs or (self._last is not None and self._last.urgent):
            return now
        if self._urgent:
            return now + self._urgent_wait(now)
        waits = []
        if self._control:
            waits.append(self._control_wait(now))
        if self._events:
            waits.append(self._text_wait(now))
        if self._audio:
            waits.append(self._audio_wait(now))
        if not waits:
            return now if self._last is not None else None
        return now + min(waits)
