"""Both machines joined in memory under a virtual clock, with a wire between them that messages may cross on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from ..audio import l16, ulaw
from ..protocol import ClientSession, Event, Media, Open, Participant, Profile, Role, ServerSession
from ..protocol.limits import NULL_UUID
from ..protocol.media import Encode, Lanes, encode_pcmu
from ..protocol.profiles import CONNECTOR
from ..protocol.session import Session

SESSION_ID: Final = "30b0e395-84d3-4570-ac13-9a62d8f514c0"
ORGANIZATION_ID: Final = "d7934305-0972-4844-938e-9060eef73d05"
CONVERSATION_ID: Final = "090eaa2f-72fa-480a-83e0-8667ff89c0ec"
PARTICIPANT_ID: Final = "883efee8-3d6c-4537-b500-6d7ca4b92fa0"
CALLER: Final = Participant(PARTICIPANT_ID, "tel:+15550001111", "", "tel:+15550002222")

#: Rounds at one instant after which the two ends are taken to keep each other awake for nothing.
_TOO_BUSY: Final = 1000


class Busy(RuntimeError):
    """A deadline is due again as soon as it was dealt with: a shell would spin."""


def opening(profile: Profile = CONNECTOR, *, probe: bool = False, **changes: object) -> Open:
    """Make the parameters of a plausible `open`; `changes` replace any of its fields."""
    fields: dict[str, object] = {
        "organization_id": ORGANIZATION_ID,
        "conversation_id": NULL_UUID if probe else CONVERSATION_ID,
        "participant": Participant(NULL_UUID) if probe else CALLER,
        "media": profile.offers,
        "language": "en-US",
    }
    return Open(**(fields | changes))  # type: ignore[arg-type]


def encoder(offers: Iterable[Media]) -> Encode:
    """Make an encoder of captured mu-law for whatever is offered; L16 in the order of the vendor's code (P6.1)."""
    interleave = encode_pcmu(tuple(dict.fromkeys(channel for media in offers for channel in media.channels)))

    def encode(lanes: Lanes, media: Media) -> bytes:
        data = interleave(lanes, media)
        return data if media.format == "PCMU" else l16.encode(ulaw.decode(data))

    return encode


class Pair:
    """A client and a server session and the two directions of a wire between them.

    `deliver` moves what has left one side to the other, message by message, so that a test decides what crosses what;
    `pump` moves everything until the wire is still; `advance` lets time pass, firing every deadline on its way.

    Args:
        delay: Seconds that a message takes on the wire when time passes under `advance`.
    """

    def __init__(self, client: ClientSession, server: ServerSession, *, delay: float = 0.0) -> None:
        self.client = client
        self.server = server
        self.now = 0.0
        self.delay = delay
        self.sides: dict[Role, Session] = {Role.CLIENT: client, Role.SERVER: server}
        self.wire: dict[Role, deque[tuple[float, str | bytes]]] = {role: deque() for role in Role}
        self.sent: dict[Role, list[str | bytes]] = {role: [] for role in Role}
        self.events: dict[Role, list[Event]] = {role: [] for role in Role}
        self.flush()

    def flush(self) -> None:
        """Let both sides put on the wire what may leave now."""
        for role, session in self.sides.items():
            for data in session.data_to_send(self.now):
                self.sent[role].append(data)
                self.wire[role].append((self.now + self.delay, data))

    def deliver(self, sender: Role) -> Sequence[Event]:
        """Hand the oldest message of a sender to its peer; returns what the peer makes of it."""
        _, data = self.wire[sender].popleft()
        return self.collect(sender.peer, self.sides[sender.peer].receive(data, self.now))

    def collect(self, role: Role, events: Iterable[Event]) -> Sequence[Event]:
        events = list(events)
        self.events[role] += events
        self.flush()
        return events

    def pump(self) -> None:
        """Deliver until nothing is on the wire that has arrived."""
        self.flush()
        while arrived := [role for role in Role if self.wire[role] and self.wire[role][0][0] <= self.now]:
            for role in arrived:
                self.deliver(role)

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            Busy: It cannot: a side has something due again and again at one instant.
        """
        end = self.now + seconds
        self.pump()
        rounds = 0
        while (at := self._next()) is not None and at <= end:
            rounds = rounds + 1 if at <= self.now else 0
            if rounds > _TOO_BUSY:
                raise Busy(f"always something due at {self.now}")
            self.now = max(self.now, at)
            for role, session in self.sides.items():
                deadline = session.next_deadline()
                if deadline is not None and deadline <= self.now:
                    self.collect(role, session.handle_timer(self.now))
            self.pump()
        self.now = end

    def _next(self) -> float | None:
        deadlines = [session.next_deadline() for session in self.sides.values()]
        arrivals = [queue[0][0] for queue in self.wire.values() if queue]
        return min([at for at in deadlines if at is not None] + arrivals, default=None)

    def cut(self) -> None:
        """Lose the socket on both sides."""
        for role, session in self.sides.items():
            self.wire[role].clear()
            self.collect(role, session.connection_lost(self.now))


def pair(profile: Profile = CONNECTOR, *, strict: bool = True, delay: float = 0.0, **changes: object) -> Pair:
    """Make a pair that has not begun; both sides judge strictly, as in conformance checks, unless told otherwise."""
    open = opening(profile, **changes)  # type: ignore[arg-type]
    client = ClientSession(SESSION_ID, open, profile, encode=encoder(open.media), strict=strict, exact_acks=strict)
    server = ServerSession(SESSION_ID, profile, organization_id=ORGANIZATION_ID, strict=strict)
    return Pair(client, server, delay=delay)


def opened(profile: Profile = CONNECTOR, *, strict: bool = True, delay: float = 0.0, **changes: object) -> Pair:
    """Make a pair whose session is open on both sides."""
    joined = pair(profile, strict=strict, delay=delay, **changes)
    joined.client.open()
    joined.advance(2 * delay)
    joined.server.accept(joined.client.parameters.media[0] if joined.client.parameters.media else None)
    joined.advance(2 * delay)
    return joined
