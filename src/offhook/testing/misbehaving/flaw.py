"""A well-behaved server, and how it is broken in one place.

A flaw changes what passes between the socket and a correct session: what it gets to see, what really leaves, or what
the upgrade answers. So each flaw is a few lines, and everything else stays right.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from ...protocol import (
    CloseRequested,
    Event,
    LanguageRequested,
    Open,
    Profile,
    ServerSession,
    choose,
)
from ...protocol.media import MONO, STEREO
from ...session.keys import KeyStore
from ...session.listen import listen
from ...session.reception import Answer, Decline, Reception, ServerLink
from ...session.wire import Receiver, Refusal, UpgradeRequest, Wire

Data = str | bytes
Watch = Callable[["FlawedLink", Data], None]


class Flaw:
    """No flaw at all; subclasses override what they break. One object serves all sessions of a server.

    Attributes:
        reception: Of the server.
        closes_gaps: Whether messages that do not leave are not counted either.
    """

    reception: FlawedReception
    closes_gaps = False

    def answer_upgrade(self, request: UpgradeRequest, decided: Receiver | Refusal) -> Receiver | Refusal:
        """What the upgrade is answered with, given what a correct server decided."""
        return decided

    def opens(self, link: FlawedLink) -> None:
        """A WebSocket is open."""

    def seen(self, data: Data, session: ServerSession) -> Iterable[Data]:
        """What the session gets to see of a message of the client."""
        return (data,)

    def leaves(self, data: Data, session: ServerSession) -> Iterable[Data]:
        """What really leaves of a message of the session."""
        return (data,)

    def drops(self, data: Data, session: ServerSession) -> bool:
        """Whether the connection is dropped in place of reading this."""
        return False

    def adds(self, data: Data, session: ServerSession) -> Iterable[Data]:
        """What is sent besides, once a message of the client has been dealt with."""
        return ()

    def dealt_with(self, link: FlawedLink) -> None:
        """A message of the client has been dealt with; `link.say` sends more."""

    def lost(self, link: FlawedLink, code: int) -> None:
        """The connection is gone."""

    def happened(self, event: Event, link: FlawedLink) -> None:
        """Something happened; the correct server has acted on it already."""


class FlawedLink(ServerLink):
    """A session whose wire goes through a flaw."""

    flaw: Flaw
    wire: Wire
    watch: Watch | None = None

    def __init__(self, reception: Reception, request: UpgradeRequest, key: str | None) -> None:
        super().__init__(reception, request, key)
        self.received = self._through_flaw
        self.audio = lambda _: False  # no short way past the flaw
        self._sent = 0
        # Numbers on the wire and in the session, where a flaw has made them differ.
        self._numbers: list[tuple[int, int]] = [(0, 0)]
        self._shift = 0

    def say(self, type: str, parameters: Mapping[str, Any]) -> None:
        """Send a message that the session knows nothing of, with the number that is due; later ones count on."""
        message = {"version": "2", "id": self.session.id, "type": type, "seq": self._sent + 1,
                   "clientseq": self.session._peer_seq, "parameters": parameters}  # fmt: skip
        self._shift += 1
        self._put(json.dumps(message), self._numbers[-1][1])

    def connected(self, wire: Wire) -> None:
        self.wire = wire
        self.flaw.opens(self)
        super().connected(_FlawedWire(wire, self))

    def leave(self, data: Data) -> None:
        """Send what the session sends."""
        items = list(self.flaw.leaves(data, self.session))
        if not items and isinstance(data, str) and self.flaw.closes_gaps:
            self._shift -= 1
            self._numbers.append((self._sent, json.loads(data)["seq"]))
        for item in items:
            if isinstance(item, bytes):
                self.wire.send(item)
            elif self._shift:
                message = json.loads(item)
                self._put(json.dumps(message | {"seq": message["seq"] + self._shift}), message["seq"])
            else:
                self._put(item, self._sent + 1)

    def _put(self, text: str, number: int) -> None:
        self._sent += 1
        self._numbers.append((self._sent, number))
        self.wire.send(text)

    def _acknowledged(self, data: Data) -> Data:
        """The client's message as the session must see it, which numbers its own otherwise."""
        if isinstance(data, bytes) or all(wire == own for wire, own in self._numbers):
            return data
        try:
            message = json.loads(data)
            known = max(own for wire, own in self._numbers if wire <= message["serverseq"])
            beyond = max(0, message["serverseq"] - self._sent)
            return json.dumps(message | {"serverseq": known + beyond})
        except (ValueError, KeyError, TypeError):
            return data

    def _through_flaw(self, data: Data) -> None:
        if self.watch is not None:
            self.watch(self, data)
        data = self._acknowledged(data)
        if self.flaw.drops(data, self.session):
            self.wire.abort()
            return
        for item in self.flaw.seen(data, self.session):
            self.connection.received(item)
        for item in self.flaw.adds(data, self.session):
            self.wire.send(item)
        self.flaw.dealt_with(self)

    def lost(self, code: int, reason: str) -> None:
        self.flaw.lost(self, code)
        super().lost(code, reason)


class _FlawedWire:
    def __init__(self, wire: Wire, link: FlawedLink) -> None:
        self._wire = wire
        self._link = link

    def send(self, data: Data) -> None:
        self._link.leave(data)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self._wire.close(code, reason)

    def abort(self) -> None:
        self._wire.abort()

    @property
    def backlog(self) -> int:
        return self._wire.backlog


class Partner:
    """The application of the correct server: takes any session, says a second of sound, takes languages."""

    def __init__(self, profile: Profile, flaw: Flaw) -> None:
        self.profile = profile
        self.flaw = flaw

    def answer(self, request: UpgradeRequest, open: Open) -> Answer | Decline:
        return Answer(choose(open.media, [MONO if self.profile.speaks else STEREO]), languages=("en-US",))

    def begin(self, link: ServerLink) -> Callable[[Event], None]:
        assert isinstance(link, FlawedLink)
        if self.profile.speaks and link.session.media:
            link.session.send_audio(b"\x55\xd5" * 4000)
            link.connection.flush()

        def on_event(event: Event) -> None:
            match event:
                case LanguageRequested():
                    if link.session.is_live:
                        link.session.updated()
                case CloseRequested():
                    link.session.close()
            self.flaw.happened(event, link)

        return on_event


class FlawedReception(Reception):
    """Lets in as a correct server does, and gives each session the flaw."""

    def __init__(self, profile: Profile, flaw: Flaw, keys: KeyStore | None, watch: Watch | None = None) -> None:
        super().__init__(Partner(profile, flaw), keys=keys)
        self.flaw = flaw
        self.watch = watch
        flaw.reception = self

    def accept(self, request: UpgradeRequest) -> Receiver | Refusal:
        decided = super().accept(request)
        if isinstance(decided, ServerLink):
            decided = self.link(request, decided.key)
        return self.flaw.answer_upgrade(request, decided)

    def link(self, request: UpgradeRequest, key: str | None) -> FlawedLink:
        made = FlawedLink(self, request, key)
        made.flaw, made.watch = self.flaw, self.watch
        return made


@asynccontextmanager
async def serve(
    profile: Profile, flaw: Flaw | None = None, keys: KeyStore | None = None, *, watch: Watch | None = None
) -> AsyncIterator[str]:
    """Serve on loopback; gives the URI. Sessions still up at the end are dropped.

    Args:
        profile: The product.
        flaw: None for a server that is right.
        keys: None lets everybody in.
        watch: Sees what clients send, before the flaw does.
    """
    reception = FlawedReception(profile, flaw or Flaw(), keys, watch)
    listening = await listen(reception.accept, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{listening.port}/api/v1/audiohook/ws"
    finally:
        for _ in range(5):  # asyncio loses a socket that it has accepted and not yet handed on when the server closes
            await asyncio.sleep(0)
        listening.close()
        reception.abort_all()
        await listening.wait_closed()


def edit(data: Data, type: str | None, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> list[Data]:
    """Change messages of one type (None: of all types) on their way; `change` returning None drops the message."""
    if not isinstance(data, str):
        return [data]
    message = json.loads(data)
    if type is not None and message["type"] != type:
        return [data]
    changed = change(message)
    return [] if changed is None else [json.dumps(changed)]
