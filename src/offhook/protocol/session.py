"""What both ends of a session have in common: order, acknowledgement, judgement, time. No I/O, no clock.

The shell calls `receive(data, now)`, `data_to_send(now)`, `handle_timer(now)` and `connection_lost(now)`, asks
`next_deadline()` after each, and never looks inside. The application's calls (`send_event`, `pause`, ...) take no time:
what they ask for is stamped when it leaves.

How a peer is judged. Both ends speak at once, so messages cross: a `pong` may arrive after our `close` has left, and
its sender did nothing wrong. Every message names the last one of ours that its sender had processed. So our mirror of
the peer's machine moves on the peer's own messages at once, but on ours only when the peer has acknowledged them.
A peer that acknowledges sloppily is given the benefit of the doubt unless `exact_acks`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from typing import ClassVar, Final

import msgspec

from ..errors import LocalProtocolError
from . import codec, limits, position
from .events import Dropped, Event, Finished, Tolerated, UnknownMessage, Violation
from .lane import Lane
from .messages import KINDS, ClientMessage, Close, Header, Parameters, Role, ServerMessage
from .outbox import OrderedOutbox, PacedOutbox, Queued
from .profiles import Profile
from .states import State, after, may_send

_NOTHING: Sequence[Event] = ()
_LIVE: Final = (State.OPEN, State.PAUSED)  # asked for every frame that an application sends
#: What a server takes for a session id where no header has named one (P15 row 24: any hexadecimal digits).
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)


class Session:
    """One end of one session; `ServerSession` and `ClientSession` are the two kinds.

    Attributes:
        id: Session id, in every message; empty at a server until `open` names it, where no header did.
        profile: The product spoken.
        state: Our own machine, as the wire has seen it.
        finished: Whether `Finished` was reported.
        lane: The short way of inbound audio, for shells that carry much of it; `receive` takes audio as well.
    """

    __slots__ = (
        "_deadlines", "_events", "_failed", "_machine", "_now", "_outbox", "_peer_ack", "_peer_machine", "_peer_seq",
        "_peer_state", "_planned", "_seq", "_started", "_unacknowledged", "exact_acks", "finished", "id", "lane",
        "profile", "state", "strict",
    )  # fmt: skip
    role: ClassVar[Role]
    peer: ClassVar[Role]

    def __init_subclass__(cls) -> None:
        cls.peer = cls.role.peer

    def __init__(
        self, id: str, profile: Profile, outbox: OrderedOutbox | PacedOutbox, *, strict: bool, exact_acks: bool
    ) -> None:
        self.id = id
        self.profile = profile
        self.strict = strict
        self.exact_acks = exact_acks
        self.state = State.IDLE
        self.finished = False
        self.lane = Lane()
        self._machine = profile.machines[self.role]
        self._peer_machine = profile.machines[self.peer]
        self._planned = State.IDLE  # where we stand once all that is queued has left
        self._peer_state = State.IDLE  # the peer's machine, as far as it is proven
        self._outbox: OrderedOutbox | PacedOutbox = outbox
        self._seq = 0
        self._peer_seq = 0
        self._peer_ack = 0
        self._unacknowledged: deque[tuple[int, str]] = deque()
        self._deadlines: dict[str, float] = {}
        self._events: list[Event] = []
        self._failed = False
        self._now = 0.0
        self._started = False

    # What the shell calls.

    def receive(self, data: str | bytes, now: float) -> Sequence[Event]:
        """Take one WebSocket message: text or binary. Never raises, whatever the peer sends."""
        if not self._started or now > self._now:
            self._tick(now)
        if self.finished:
            return _NOTHING
        if isinstance(data, str):
            self._receive_text(data)
        else:
            self._receive_audio(data)
        self._moved()
        return self._take_events()

    def pass_audio(self, data: bytes, now: float) -> bool:
        """The short way out: whether this audio may leave now, by itself and before all that is asked for later.

        The shell must send it if so. If not, nothing has changed, and `send_audio` has to take it.
        """
        return False

    def answer_ping(self, text: str, now: float) -> str | None:
        """The short way of a ping: the pong to it, if it is a ping that nothing is to be said against.

        The shell must send the pong if there is one, and nothing is reported. If not, nothing has changed, and
        `receive` has to judge. It saves most of what a call without news costs a shell that carries thousands.
        """
        return None

    def data_to_send(self, now: float) -> Sequence[str | bytes]:
        """Messages that leave now, in order; the shell sends all of them."""
        self._tick(now)
        if not self._outbox or self.finished:
            return ()
        out: list[str | bytes] = []
        while (item := self._outbox.next(self._now)) is not None:
            if isinstance(item, Queued):
                if may_send(self._machine, self.state, self.role, item.type):
                    out.append(self._stamp(item))
                else:
                    self._emit(Dropped(item.type))
            elif self._audio_leaves(item):
                out.append(item)
            else:
                self._emit(Dropped("audio"))
        self._moved()
        return out

    def handle_timer(self, now: float) -> Sequence[Event]:
        """Tell the session that time has passed; call it when `next_deadline()` is reached."""
        self._tick(now)
        for name in [name for name, at in self._deadlines.items() if at <= now]:
            # One that fired before may have ended the session and taken the others away.
            if self._deadlines.pop(name, None) is not None and not self.finished:
                self._deadline(name)
        return self._take_events()

    def next_deadline(self) -> float | None:
        """When `handle_timer` (and then `data_to_send`) must be called next; None if never."""
        if self.finished:
            return None
        if self._events:
            return self._now
        wake = self._outbox.wake(self._now) if self._outbox else None
        first = min(self._deadlines.values(), default=None)
        if wake is None or first is None:
            return wake if first is None else first
        return min(wake, first)

    def connection_lost(self, now: float) -> Sequence[Event]:
        """Tell the session that the socket is gone."""
        self._tick(now)
        if not self.finished:
            self._finish(clean=self.state is State.CLOSED)
        return self._take_events()

    @property
    def has_output(self) -> bool:
        """Whether something waits to leave: saves the shell an empty round on the audio path."""
        return bool(self._outbox)

    @property
    def seqs(self) -> tuple[int, int]:
        """The last `seq` of ours and of the peer: what a session that continues this one says of it (P8.6)."""
        return self._seq, self._peer_seq

    @property
    def is_live(self) -> bool:
        """Whether the session is open and nothing that ends it has been sent, received or asked for."""
        return self._planned in _LIVE and self.state in _LIVE

    # What the two kinds bring.

    def _receive_audio(self, data: bytes) -> None:
        raise AssertionError

    def _moved(self) -> None:
        """States may have changed: the lane opens or shuts."""

    def _audio_leaves(self, data: bytes) -> bool:
        raise AssertionError

    def _fail(self, code: int, rule: str) -> None:
        """Queue what tells the peer that it broke the protocol, and ends the session."""
        raise AssertionError

    def _handle(self, type: str, parameters: Parameters, header: Header) -> None:
        """Act on a message that has passed all checks; both machines have moved already."""
        raise AssertionError

    def _deadline(self, name: str) -> None:
        raise AssertionError

    def _left(self, type: str) -> None:
        """A message of ours leaves now: timers start here."""

    def _begin(self) -> None:
        """The first call of the shell: time starts."""

    def _unknown(self, header: Header) -> None:
        self._emit(UnknownMessage(header.type))

    # Reading.

    def _receive_text(self, text: str) -> None:
        if len(text) > limits.RECEIVE_MAX or (
            not text.isascii() and len(text.encode("utf-8", "surrogatepass")) > limits.RECEIVE_MAX
        ):
            return self._violate(413, "message too large")
        try:
            header = codec.decode_header(text)
        except codec.Malformed as error:
            return self._violate(400, error.rule)
        if not self._in_order(header) or not self._acknowledges(header):
            return None
        kind = KINDS.get(header.type)
        if kind is None or kind.sender is self.role or header.type not in self.profile.types:
            return self._unknown(header)
        if not self._judge(header):
            return None
        parameters: Parameters
        try:
            parameters = codec.decode_parameters(header)
        except codec.Malformed as error:
            self._violate(400, error.rule)
            if header.type != "close":
                return None
            parameters = Close("error")  # it will not come again, and its sender waits for `closed`
        self._peer_state = after(self._peer_machine, self._peer_state, self.peer, header.type)
        self._planned = after(self._machine, self._planned, self.peer, header.type)
        self.state = after(self._machine, self.state, self.peer, header.type)
        self._handle(header.type, parameters, header)
        return None

    def _in_order(self, header: Header) -> bool:
        """P3.2: one counter per sender, starting at 1; one id per session."""
        if not self.id and _UUID.fullmatch(header.id):
            self.id = header.id
        if not self.id or header.id.lower() != self.id.lower():
            self._violate(400, "id of another session")
            return False
        expected, self._peer_seq = self._peer_seq + 1, header.seq
        if header.seq != expected:
            self._violate(500, "sequence number")
        return header.seq == expected or self._is_last_word(header)

    def _is_last_word(self, header: Header) -> bool:
        """Once failed, what is left to come is `close` or `closed`, and no fault of it must keep it out."""
        ended = self._peer_state in (State.CLOSING, State.CLOSED)
        return self._failed and header.type in ("close", "closed") and not (ended and self.role is Role.SERVER)

    def _acknowledges(self, header: Header) -> bool:
        ack = header.serverseq if self.role is Role.SERVER else header.clientseq
        if ack is None:
            # P15 row 22: a probe of production was seen without it.
            if self.strict:
                self._violate(400, "no acknowledged sequence number")
                return self._is_last_word(header)
            self._tolerate("no acknowledged sequence number")
            ack = self._peer_ack
        if ack > self._seq:
            # P3.2: servers check it; of what a server acknowledges, the platform looks at pongs alone.
            if self.role is Role.SERVER:
                self._violate(400, "acknowledges a message that was never sent")
                return self._is_last_word(header)
            self._tolerate("acknowledges a message that was never sent")
            ack = self._seq
        if ack < self._peer_ack:
            self._tolerate("acknowledges less than before")
        self._peer_ack = max(ack, self._peer_ack)
        while self._unacknowledged and self._unacknowledged[0][0] <= self._peer_ack:
            self._mirror_one()
        return True

    def _mirror_one(self) -> None:
        """The peer has processed the oldest message that we were not sure of."""
        _, type = self._unacknowledged.popleft()
        self._peer_state = after(self._peer_machine, self._peer_state, self.role, type)

    def _judge(self, header: Header) -> bool:
        """Whether the peer, from what it has seen, may send this."""
        sender = self.peer
        if may_send(self._peer_machine, self._peer_state, sender, header.type):
            return True
        if not self.exact_acks:
            saved = self._peer_state, self._unacknowledged.copy()
            while self._unacknowledged:
                self._mirror_one()
                if may_send(self._peer_machine, self._peer_state, sender, header.type):
                    self._tolerate("acknowledges late")
                    return True
            self._peer_state, self._unacknowledged = saved
        if self._is_last_word(header):
            return True
        self._out_of_place(header)
        return False

    def _out_of_place(self, header: Header) -> None:
        if self.state in (State.CLOSING, State.CLOSED) and not self.exact_acks:
            self._tolerate(f"{header.type!r} behind close")  # P8.2: there is nothing left to answer with
        else:
            self._violate(409, f"{header.type!r} in state {self._peer_state.value}")

    # Writing.

    def _queue(
        self, type: str, parameters: Parameters | None = None, *, urgent: bool = False, since: State | None = None
    ) -> None:
        """Check with where we shall stand by then (`since`, if it replaces all that waits); let it wait its turn."""
        planned = self._planned if since is None else since
        if type not in self.profile.types:
            raise LocalProtocolError(f"{type!r} does not exist in the {self.profile.name} profile")
        if not may_send(self._machine, planned, self.role, type):
            raise LocalProtocolError(f"{type!r} cannot be sent in state {planned.value}")
        message = Queued(type, self._write(type, parameters), self._stamp_position(), urgent)
        self._planned = after(self._machine, planned, self.role, type)
        for dropped in self._outbox.add(message):
            self._emit(Dropped(dropped))

    def _stamp_position(self) -> int:
        return 0

    def _write(self, type: str, parameters: Parameters | None) -> msgspec.Raw:
        if parameters is None:
            return codec.NO_PARAMETERS
        try:
            raw = codec.encode_parameters(parameters)
        except ValueError as error:
            raise LocalProtocolError(f"{type!r} {error}") from None
        if memoryview(raw).nbytes + len(self.id) < limits.SEND_MAX - limits.ENVELOPE:
            return raw
        size = len(codec.encode(self._message(Queued(type, raw))).encode())
        if size > limits.SEND_MAX:
            raise LocalProtocolError(f"{type!r} of {size} bytes: the platform takes {limits.SEND_MAX}")
        return raw

    def _message(self, item: Queued) -> ClientMessage | ServerMessage:
        if self.role is Role.SERVER:
            ack = self._peer_seq if item.ack is None else item.ack
            return ServerMessage("2", item.type, self.id, self._seq, ack, item.parameters)
        at = position.format(item.position)
        return ClientMessage("2", item.type, self.id, self._seq, self._peer_seq, at, item.parameters)

    def _stamp(self, item: Queued) -> str:
        self._seq += 1
        self.state = after(self._machine, self.state, self.role, item.type)
        if item.type in self.profile.moves[self.peer]:
            self._unacknowledged.append((self._seq, item.type))
        self._left(item.type)
        return codec.encode(self._message(item))

    # Reporting.

    def _tick(self, now: float) -> None:
        if not self._started:
            self._started = True
            self._now = now
            self._begin()
        elif now > self._now:
            self._now = now

    def _arm(self, name: str, seconds: float) -> None:
        self._deadlines[name] = self._now + seconds

    def _disarm(self, *names: str) -> None:
        for name in names:
            self._deadlines.pop(name, None)

    def _emit(self, event: Event) -> None:
        self._events.append(event)

    def _take_events(self) -> Sequence[Event]:
        if not self._events:
            return _NOTHING
        events, self._events = self._events, []
        return events

    def _tolerate(self, rule: str) -> None:
        self._emit(Tolerated(rule))

    def _violate(self, code: int, rule: str) -> None:
        """The peer broke a rule that ends the session. Only the first one is reported and answered."""
        if self._failed:
            return
        self._failed = True
        self._emit(Violation(code, rule))
        self._fail(code, rule)

    def _finish(self, *, clean: bool) -> None:
        self.finished = True
        self.lane.open(False)
        self._planned = State.CLOSED
        self._outbox.clear()
        self._deadlines.clear()
        self._emit(Finished(clean))
