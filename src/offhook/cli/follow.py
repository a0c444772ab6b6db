"""Follows sessions message by message: sequence numbers, acknowledgements, what was due, pace and time (P3.2, P8).

A log may begin in the middle of a session, or hold one side of it only: what cannot be known is not judged. The state
machines are those of `protocol.states`, and each side is judged by what it had acknowledged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

import msgspec

from ..protocol import MACHINES, Media, Profile, Role, State
from ..protocol.limits import CLOSE_TIMEOUT, OPEN_TIMEOUT, PING_INTERVAL, SEND_MAX
from ..protocol.rates import Patience, Verdict
from ..protocol.states import after, may_carry_audio, may_send
from .schema import Fault, Faults, seconds

_DUE: Final = {"opened": ("open", OPEN_TIMEOUT), "pong": ("ping", PING_INTERVAL), "closed": ("close", CLOSE_TIMEOUT)}
#: Positions are printed with few decimals by some peers.
_ROUNDING: Final = 0.001


def _number(body: Mapping[str, object], name: str) -> int | None:
    value = body.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _width(chosen: object) -> int:
    """Bytes of one sample of all channels of what `opened` names; 1 if that cannot be told."""
    try:
        return msgspec.convert(chosen, list[Media])[0].width
    except (msgspec.ValidationError, IndexError, KeyError):
        return 1


class _Side:
    """What one side has sent so far.

    Attributes:
        seq: Of its last message; None if there was none.
        whole: Whether it was seen from its first message on, without a gap.
        ack: What it has acknowledged.
        state: Of its machine, as far as it is proven.
        unseen: Messages of the other side that it has not acknowledged.
    """

    def __init__(self) -> None:
        self.seq: int | None = None
        self.whole = False
        self.ack = 0
        self.state = State.IDLE
        self.unseen: deque[tuple[int, str]] = deque()


class Follower:
    """One session.

    Args:
        profile: The product spoken; None if that is not known.
        id: The session's, where something else than its messages tells.
        both: Whether messages of both sides are to come: one side alone cannot be judged by what the other sent.
    """

    def __init__(self, profile: Profile | None = None, id: str | None = None, *, both: bool = True) -> None:
        self._profile = profile
        self._both = both
        self._machines = MACHINES if profile is None else profile.machines
        self._id = id
        self._sides = {role: _Side() for role in Role}
        self._begun = False
        self._followed = False  # from the session's beginning on
        self._judging = False  # and nothing that moves a machine can be missing
        self._offers: object = None
        self._width = 1
        self._odd_audio: set[Fault] = set()
        self._ping: int | None = None
        self._position = 0.0
        self._asked: dict[str, float] = {}
        self._patience = Patience()

    def message(self, sender: Role, body: Mapping[str, object], t: float | None = None) -> Faults:
        """Take the next message, and say what is wrong with it where it stands.

        Args:
            t: Seconds on any clock, if known.
        """
        type = body.get("type")
        if not isinstance(type, str):
            return
        if not self._begun:
            self._begun = True
            self._followed = self._judging = self._both and type in ("open", "disconnect")
        if self._id is not None and str(body.get("id")).lower() != self._id.lower():
            yield Fault("it has the id of another session", "all messages carry the `Audiohook-Session-Id`")
        if self._profile is not None and type not in self._profile.types:
            yield Fault(f"`{type}` is none of the {self._profile.name} profile", "clients answer with error 405")
        yield from self._in_order(sender, type, body)
        yield from self._acknowledges(sender, body)
        yield from self._in_place(sender, type, _number(body, "seq") or 0)
        if sender is Role.CLIENT:
            yield from self._positions(type, body)
        yield from self._pairs(type, body)
        if t is not None:
            yield from self._times(sender, type, t)

    def audio(self, sender: Role, size: int, t: float | None = None) -> Faults:
        """Take an audio message of so many bytes. A fault that every frame has is told once."""
        for fault in self._audio_faults(sender, size):
            if fault not in self._odd_audio:
                self._odd_audio.add(fault)
                yield fault
        if sender is Role.SERVER and t is not None:
            yield from self._pace(t, "audio")

    def _audio_faults(self, sender: Role, size: int) -> Faults:
        side = self._sides[sender]
        proven = latest = side.state
        for _, type in side.unseen:  # audio does not tell what its sender has seen: perhaps all of it
            latest = after(self._machines[sender], latest, sender.peer, type)
        if self._judging and not (may_carry_audio(proven, sender) or may_carry_audio(latest, sender)):
            yield Fault(f"audio of the {sender} in state {latest}", "audio flows in an open session, not in pauses")
        if sender is Role.SERVER and self._profile is not None and not self._profile.speaks:
            yield Fault("audio of the server", f"the {self._profile.name} profile takes none (415)")
        if size > SEND_MAX:
            yield Fault(f"audio of {size:,} bytes", f"messages have at most {SEND_MAX:,} bytes")
        if size % self._width:
            yield Fault("audio of less than whole samples", f"its length is a multiple of {self._width} bytes")

    def _in_order(self, sender: Role, type: str, body: Mapping[str, object]) -> Faults:
        side, seq = self._sides[sender], _number(body, "seq")
        if seq is None:
            return
        rule = f"the {sender} numbers its messages from 1 without gaps"
        if side.seq is None:
            side.whole = seq == 1
            self._judging &= side.whole or type == "opened"
            if not side.whole and (type in ("open", "opened") or self._followed):
                yield Fault(f"`seq` is {seq} in the first message", rule)
        elif seq != side.seq + 1:
            side.whole = False
            self._judging &= seq <= side.seq  # what is missing may have changed everything
            what = "again" if seq == side.seq else f"after {side.seq}"
            yield Fault(f"`seq` is {seq} {what}", rule)
        side.seq = seq

    def _acknowledges(self, sender: Role, body: Mapping[str, object]) -> Faults:
        name = "serverseq" if sender is Role.CLIENT else "clientseq"
        side, other, ack = self._sides[sender], self._sides[sender.peer], _number(body, name)
        if ack is None:
            return
        sent = other.seq if other.seq is not None else 0 if self._followed else None
        if sent is not None and ack > sent and (other.whole or other.seq is None):
            yield Fault(f"`{name}` is {ack}", f"the {sender.peer} has sent {sent} so far")
        elif ack < side.ack:
            yield Fault(f"`{name}` is {ack} after {side.ack}", "what was seen once stays seen", harmless=True)
        side.ack = max(side.ack, ack)
        while side.unseen and side.unseen[0][0] <= side.ack:
            self._see(sender)

    def _see(self, role: Role) -> None:
        """One side has seen the oldest message that we were not sure of."""
        side = self._sides[role]
        _, type = side.unseen.popleft()
        side.state = after(self._machines[role], side.state, role.peer, type)

    def _in_place(self, sender: Role, type: str, seq: int) -> Faults:
        side, machine = self._sides[sender], self._machines[sender]
        allowed = may_send(machine, side.state, sender, type)
        saved = side.state, side.unseen.copy()
        late = not allowed
        while not allowed and side.unseen:
            self._see(sender)
            allowed = may_send(machine, side.state, sender, type)
        if allowed and late and self._judging:
            yield Fault(f"`{type}` acknowledges too little", "it answers what came behind that", harmless=True)
        elif not allowed:
            side.state, side.unseen = saved
            if self._judging and any(by is sender and name == type for row in machine.values() for by, name in row):
                yield Fault(f"`{type}` in state {side.state}", f"the {sender} may send {self._allowed(sender)} there")
        side.state = after(machine, side.state, sender, type)
        self._sides[sender.peer].unseen.append((seq, type))

    def _allowed(self, sender: Role) -> str:
        row = self._machines[sender][self._sides[sender].state]
        return ", ".join(f"`{type}`" for by, type in row if by is sender) or "nothing"

    def _positions(self, type: str, body: Mapping[str, object]) -> Faults:
        at, parameters = seconds(body.get("position")), body.get("parameters")
        if at is None:
            return
        if at < self._position - _ROUNDING:
            yield Fault(f"`position` is {at:.9g} s after {self._position:.9g} s", "a stream never goes back")
        self._position = at
        if type == "resumed" and isinstance(parameters, dict):
            start, gap = seconds(parameters.get("start")), seconds(parameters.get("discarded"))
            if start is not None and gap is not None and abs(start + gap - at) > _ROUNDING:
                yield Fault(f"start + discarded is {start + gap:.9g} s", f"it is the position, here {at:.9g} s")

    def _pairs(self, type: str, body: Mapping[str, object]) -> Faults:
        """Messages that answer others, and must fit them."""
        parameters = body.get("parameters")
        if type == "open" and isinstance(parameters, dict):
            self._offers = parameters.get("media")
        elif type == "opened" and isinstance(parameters, dict):
            chosen, offers = parameters.get("media"), self._offers
            if isinstance(chosen, list) and isinstance(offers, list) and not all(media in offers for media in chosen):
                yield Fault("the media was not offered", "the answer is an exact copy of one offer")
            self._width = _width(chosen)
        elif type == "ping":
            self._ping = _number(body, "seq")
        elif type == "pong":
            if self._ping is None and self._judging:
                yield Fault("`pong` without a ping", "the client answers with error 409")
            elif self._ping not in (None, _number(body, "clientseq")):
                yield Fault(f"`clientseq` is {body.get('clientseq')}", f"a pong acknowledges its ping, {self._ping}")
            self._ping = None

    def _times(self, sender: Role, type: str, t: float) -> Faults:
        self._asked[type] = t
        if type in _DUE:
            before, limit = _DUE[type]
            asked = self._asked.pop(before, None)
            if asked is not None and t - asked > limit:
                yield Fault(f"`{type}` came after {t - asked:.3f} s", f"it is due within {limit:g} s of `{before}`")
        if sender is Role.SERVER and self._sides[sender].state in (State.OPEN, State.PAUSED):
            yield from self._pace(t, "text", *({"pause", "resume"} & {type}))

    def _pace(self, t: float, *kinds: str) -> Faults:
        if self._patience.judge(t, *kinds) in (Verdict.WARN, Verdict.ENOUGH):
            yield Fault("too many messages", "the platform takes 5 a second and bursts of 25 of each kind (429)")
