"""What a server case works with: the platform's place, from the upgrade on, well-behaved until told otherwise."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any

from ...protocol import PROFILES, Media, Profile
from ...protocol.limits import NULL_UUID
from ...session.dial import parse_uri
from ...session.keys import sign_request
from .case import Failure, Notes, TraceLine
from .line import SOON, Line, Message
from .socket import RawSocket, upgrade_fields

ORGANIZATION = "d7934305-0972-4844-938e-9060eef73d05"
#: What a server may send at any time in an open session, such as `pause` where it does not know a language (P4.8).
_OF_ITS_OWN = ("event", "updated", "pause", "resume", "reconnect")


@dataclass(frozen=True)
class Target:
    """The server under test, and what the platform would be configured with; `seed` is for random input."""

    uri: str
    key: str = ""
    secret: bytes = field(default=b"", repr=False)
    profile: Profile = PROFILES["connector"]
    ssl: SSLContext | None = None
    input: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0

    @property
    def signed(self) -> bool:
        """Whether there is a secret: signature cases need one."""
        return bool(self.secret)


class Caller:
    """The platform's side of one case. Every socket it opens is let go at the end of the case.

    Attributes:
        target: What is under test.
        notes: What the case observes besides its verdict.
        trace: Everything that passed on the wire.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.notes = Notes()
        self.trace: list[TraceLine] = []
        self.began = time.monotonic()
        self.address = parse_uri(target.uri)
        self._sockets: list[RawSocket] = []

    # Upgrade.

    def headers(
        self, session_id: str, *, omit: Sequence[str] = (), now: float | None = None, nonce: str | None = None,
        secret: bytes | None = None, key: str | None = None, organization: str = ORGANIZATION,
    ) -> dict[str, str]:  # fmt: skip
        """The platform's own fields, signed if the target has a secret; `omit` by lower-case name."""
        fields = sign_request(
            self.target.uri,
            self.target.key if key is None else key,
            self.target.secret if secret is None else secret,
            organization,
            session_id,
            str(uuid.uuid4()),
            time.time() if now is None else now,
            nonce,
        )
        return {name: value for name, value in fields.items() if name.lower() not in omit}

    async def connect(self) -> RawSocket:
        """Open a connection; no HTTP yet."""
        socket = await RawSocket.connect(self.target.uri, self.trace, self.began, context=self.target.ssl)
        self._sockets.append(socket)
        return socket

    async def upgrade(self, fields: Mapping[str, str], *, target: str | None = None,
                      authority: str | None = None) -> tuple[int, str, RawSocket]:  # fmt: skip
        """Ask for a WebSocket with these fields; returns status, head of the answer, and the socket."""
        socket = await self.connect()
        given = upgrade_fields(self.address.authority if authority is None else authority, fields)
        status, head = await socket.request(target or self.address.target, given)
        return status, head, socket

    async def line(self, *, fields: Mapping[str, str] | None = None, session_id: str | None = None) -> Line:
        """A WebSocket on which `open` is still to be sent.

        Raises:
            Failure: The upgrade was refused.
        """
        session_id = session_id or str(uuid.uuid4())
        status, _, socket = await self.upgrade(self.headers(session_id) if fields is None else fields)
        if status != 101:
            raise Failure(f"answered the upgrade with HTTP {status}" if status else "closed in place of an HTTP answer")
        return Line(socket, "client", session_id)

    # Opening.

    def opening(self, **changes: Any) -> Message:
        """Parameters of `open` as the platform sends them; `changes` replace or, if None, remove keys."""
        parameters: Message = {
            "organizationId": ORGANIZATION,
            "conversationId": str(uuid.uuid4()),
            "participant": {
                "id": str(uuid.uuid4()), "ani": "tel:+13175550142", "aniName": "", "dnis": "tel:+13175550199",
            },
            "media": self.offers(),
            "language": "en-US",
        }  # fmt: skip
        if self.target.profile.name == "connector":
            parameters["inputVariables"] = dict(self.target.input)
        return {name: value for name, value in (parameters | changes).items() if value is not None}

    def probing(self, **changes: Any) -> Message:
        """Parameters of a connection probe (P7)."""
        nobody = {"id": NULL_UUID, "ani": "", "aniName": "", "dnis": ""}
        return self.opening(conversationId=NULL_UUID, participant=nobody, inputVariables=None) | changes

    def offers(self) -> list[Message]:
        """The product's usual media offers, as JSON."""
        return [as_json(media) for media in self.target.profile.offers]

    async def open(self, parameters: Message | None = None, *, line: Line | None = None) -> Line:
        """A session that is open.

        Raises:
            Failure: It does not open.
        """
        line = line or await self.line()
        await line.send("open", self.opening() if parameters is None else parameters)
        await line.expect("opened", within=5.0)
        return line

    # Judging.

    async def alive(self, line: Line) -> None:
        """Expect a prompt `pong` with the right `clientseq`, and so a session that goes on.

        Raises:
            Failure: The session is dead, or the pong is not ours.
        """
        await line.send("ping")
        pong = await line.expect("pong", passing=_OF_ITS_OWN)
        if pong.get("clientseq") != line.seq:
            raise Failure(f"`pong` has clientseq {pong.get('clientseq')}, the ping was {line.seq}")

    async def finish(self, line: Line, reason: str = "end") -> Message:
        """Close as the platform does, and expect `closed`; returns it. What a server sends of its own may cross it.

        Raises:
            Failure: It does not come, or the server closes the socket first.
        """
        await line.send("close", {"reason": reason})
        closed = await line.expect("closed", within=10.0, passing=_OF_ITS_OWN)
        line.socket.close()
        return closed

    async def finish_politely(self, line: Line, reason: str = "end") -> None:
        """The same where answers to what was sent before may still come."""
        await line.send("close", {"reason": reason})
        await line.expect("closed", within=10.0, passing=("event", "pong", "updated", "pause", "resume", "disconnect"))
        line.socket.close()

    async def refused(self, line: Line, *reasons: str, within: float = SOON) -> Message:
        """Expect `disconnect` for one of these reasons, and a proper end behind it; returns the `disconnect`.

        Raises:
            Failure: Something else happens.
        """
        gone = await line.expect("disconnect", within=within)
        reason = gone.get("parameters", {}).get("reason")
        if reasons and reason not in reasons:
            raise Failure(f"`disconnect` has reason {reason!r}, expected {' or '.join(reasons)}")
        await self.finish(line, "disconnect")
        return gone

    def audio(self, seconds: float = 0.2, *, byte: int = 0xFF) -> bytes:
        """Caller audio for the product's first offer: mu-law silence unless told otherwise."""
        media = self.target.profile.offers[0]
        return bytes([byte]) * int(seconds * 8000) * media.width

    @property
    def width(self) -> int:
        return self.target.profile.offers[0].width

    async def leave(self) -> None:
        for socket in self._sockets:
            await socket.leave()


MakeCaller = Callable[[], Caller]


def as_json(media: Media) -> Message:
    """A media object as on the wire."""
    return {"type": media.type, "format": media.format, "channels": list(media.channels), "rate": media.rate}
