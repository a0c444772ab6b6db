"""Whether a server's peer is still there: its pings, answered the short way, and the time without a sign of life."""

from __future__ import annotations

from typing import ClassVar, Final

from . import codec, limits, position
from .messages import Role, ServerMessage
from .outbox import PacedOutbox
from .profiles import Profile
from .session import Session
from .states import State

#: Characters; the vendor's are of some 200. A longer one goes the long way, where sizes are judged.
_LONGEST_PING: Final = 1000
_OPEN: Final = State.OPEN  # members of an enum are not cheap to find


class LivenessSession(Session):
    """What `ServerSession` is built on. It knows pings and time; of other messages, only that they came."""

    __slots__ = ("_doubted", "_heard", "_looked_at", "_paced", "_width")
    role: ClassVar[Role] = Role.SERVER

    def __init__(self, id: str, profile: Profile, paced: PacedOutbox, *, strict: bool, exact_acks: bool) -> None:
        super().__init__(id, profile, paced, strict=strict, exact_acks=exact_acks)
        self._paced = paced
        self._width = 0  # bytes of a sample of all channels; 0: no audio
        self._looked_at = 0
        self._heard = 0.0
        self._doubted: tuple[int, int] | None = None  # a gap that its own position denies

    def answer_ping(self, text: str, now: float) -> str | None:
        if not (self.state is self._peer_state is _OPEN and self._width and self._doubted is None) or self._failed:
            return None
        if self._paced or self._unacknowledged or self._events or len(text) > _LONGEST_PING:
            return None
        ping = codec.decode_ping(text)
        if ping is None or ping.id != self.id or ping.seq != self._peer_seq + 1:
            return None
        if not self._peer_ack <= ping.serverseq <= self._seq:
            return None
        try:
            at = position.parse(ping.position)
            if ping.parameters.rtt is not None:
                position.parse_nanoseconds(ping.parameters.rtt)
        except ValueError:
            return None
        if at != self.lane.position:
            return None
        self._tick(now)
        self._heard = self._now
        self._looked_at = at
        self._peer_seq, self._peer_ack = ping.seq, ping.serverseq
        self._paced.charge_pong(self._now)
        self._seq += 1
        return codec.encode(ServerMessage("2", "pong", self.id, self._seq, ping.seq, codec.NO_PARAMETERS))

    def _look_for_life(self) -> None:
        """Audio on the lane leaves no time behind: one that has moved since the last look is given as long again."""
        due, moved = self._heard + limits.IDLE_TIMEOUT, self.lane.position != self._looked_at
        if due > self._now:
            self._deadlines["idle"] = due
        elif moved:
            self._looked_at = self.lane.position
            self._deadlines["idle"] = self._now + limits.IDLE_TIMEOUT
        else:
            self._violate(408, "neither ping nor audio")
