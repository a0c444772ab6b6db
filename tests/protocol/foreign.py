"""The other side of one session, written by hand: it sends whatever a test wants, right or wrong."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from offhook.protocol import CONNECTOR, ClientSession, Event, Media, Profile, Role, ServerSession, Violation
from offhook.testing.pair import ORGANIZATION_ID, SESSION_ID, encoder, opening

OFFER = {"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}
OPEN: dict[str, Any] = {
    "organizationId": ORGANIZATION_ID,
    "conversationId": "090eaa2f-72fa-480a-83e0-8667ff89c0ec",
    "participant": {"id": "883efee8-3d6c-4537-b500-6d7ca4b92fa0", "ani": "tel:+1555", "aniName": "", "dnis": "tel:+1"},
    "media": [OFFER],
}
OPENED: dict[str, Any] = {"startPaused": False, "media": [OFFER]}


def on_the_wire(media: Media) -> Any:
    """Media as JSON has it."""
    return json.loads(msgspec.json.encode(media))


class Foreign:
    """Speaks to `session` in correct envelopes unless told otherwise, and keeps all that the session does.

    Attributes:
        heard: Messages of the session: text as parsed JSON, audio as bytes.
        events: What the session has reported.
        pongs: Whether pings are answered at once.
    """

    def __init__(self, session: ServerSession | ClientSession) -> None:
        self.session = session
        self.role = session.role.peer
        self.seq = 0
        self.now = 0.0
        self.heard: list[Any] = []
        self.events: list[Event] = []
        self.pongs = False
        self.listen()

    @property
    def texts(self) -> list[dict[str, Any]]:
        return [message for message in self.heard if isinstance(message, dict)]

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.texts]

    @property
    def violations(self) -> list[Violation]:
        return [event for event in self.events if isinstance(event, Violation)]

    def of(self, kind: type[Event]) -> list[Any]:
        """Events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def message(self, type: str, parameters: object = None, **envelope: object) -> dict[str, object]:
        """A correct message, but for what `envelope` replaces; a value of `...` leaves a key out."""
        ack = self.texts[-1]["seq"] if self.texts else 0
        message: dict[str, object] = {"version": "2", "id": SESSION_ID, "type": type, "seq": self.seq + 1}
        if self.role is Role.CLIENT:
            message |= {"serverseq": ack, "position": "PT0S"}
        else:
            message["clientseq"] = ack
        message |= {"parameters": {} if parameters is None else parameters} | envelope
        return {key: value for key, value in message.items() if value is not ...}

    def send(self, type: str, parameters: object = None, **envelope: object) -> list[Event]:
        """Send a message; returns what the session makes of it, and listens to its answer."""
        message = self.message(type, parameters, **envelope)
        self.seq += 1
        return self.raw(json.dumps(message))

    def raw(self, data: str | bytes) -> list[Event]:
        events = list(self.session.receive(data, self.now))
        self.events += events
        self.listen()
        return events

    def listen(self) -> list[Any]:
        """Take what the session sends now; returns it."""
        out = [json.loads(data) if isinstance(data, str) else data for data in self.session.data_to_send(self.now)]
        self.heard += out
        for ping in [message for message in out if self.pongs and not isinstance(message, bytes)]:
            if ping["type"] == "ping":
                self.send("pong", clientseq=ping["seq"])
        return out

    def wait(self, seconds: float) -> list[Event]:
        """Let time pass as a shell does, deadline by deadline; returns the events."""
        end, events = self.now + seconds, []
        for _ in range(10_000):
            self.listen()
            at = self.session.next_deadline()
            if at is None or at > end:
                break
            self.now = max(self.now, at)
            events += self.session.handle_timer(self.now)
        else:
            raise AssertionError("always something due")
        self.now = end
        self.listen()
        self.events += events
        return events

    def settle(self) -> list[Event]:
        """Do what is due now."""
        return self.wait(0.0)


def to_server(profile: Profile = CONNECTOR, **options: Any) -> Foreign:
    """A hand-written client before a fresh server session."""
    return Foreign(ServerSession(SESSION_ID, profile, **options))


def to_open_server(
    profile: Profile = CONNECTOR,
    *,
    media: Media | str | None = "first",
    parameters: dict[str, Any] | None = None,
    accept: dict[str, Any] | None = None,
    **options: Any,
) -> Foreign:
    """A hand-written client in an open session; `accept` are arguments of `accept()`."""
    peer = to_server(profile, **options)
    [requested] = peer.send("open", OPEN | (parameters or {}))
    chosen = (requested.offers[0] if requested.offers else None) if isinstance(media, str) else media
    peer.session.accept(chosen, **(accept or {}))
    peer.listen()
    return peer


def to_client(profile: Profile = CONNECTOR, *, open: dict[str, Any] | None = None, **options: Any) -> Foreign:
    """A hand-written server that has got `open` from a client session."""
    parameters = opening(profile, **(open or {}))
    options.setdefault("encode", encoder(parameters.media))
    session = ClientSession(SESSION_ID, parameters, profile, **options)
    session.open()
    return Foreign(session)


def to_open_client(
    profile: Profile = CONNECTOR,
    *,
    opened: dict[str, Any] | None = None,
    open: dict[str, Any] | None = None,
    **options: Any,
) -> Foreign:
    """A hand-written server that has sent `opened`."""
    peer = to_client(profile, open=open, **options)
    offers = peer.texts[0]["parameters"]["media"]
    peer.send("opened", OPENED | {"media": offers[:1]} | (opened or {}))
    return peer


def server_of(peer: Foreign) -> ServerSession:
    assert isinstance(peer.session, ServerSession)
    return peer.session


def client_of(peer: Foreign) -> ClientSession:
    assert isinstance(peer.session, ClientSession)
    return peer.session


def last(peer: Foreign) -> dict[str, Any]:
    """The last text of the session."""
    return peer.texts[-1]


def error_and_close(peer: Foreign) -> tuple[int, str]:
    """The code that was sent, and the reason of `close` behind it."""
    error, close = peer.texts[-2:]
    assert (error["type"], close["type"]) == ("error", "close")
    assert isinstance(error["parameters"]["message"], str)
    return error["parameters"]["code"], close["parameters"]["reason"]


#: Both kinds of session with a hand-written peer, open.
PEERS = {"server": to_open_server, "client": to_open_client}
both = pytest.mark.parametrize("role", PEERS)


def a_peer(role: str) -> Foreign:
    return PEERS[role]()  # type: ignore[operator]


def inert(peer: Foreign) -> tuple[str, object]:
    """A message that may always be sent and means little."""
    return ("update", {"language": "en"}) if peer.role is Role.CLIENT else ("event", {"entities": []})


def ended(peer: Foreign) -> bool:
    """Whether the session has told its peer that it was wrong."""
    if peer.role is Role.CLIENT:
        return peer.texts[-1]["type"] == "disconnect" and peer.texts[-1]["parameters"]["reason"] == "error"
    return peer.types[-2:] == ["error", "close"] and peer.texts[-1]["parameters"]["reason"] == "error"
