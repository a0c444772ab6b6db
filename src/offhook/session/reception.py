"""Takes upgrade requests in: who may come, how many, and the first answers of a session, before any user code runs.

`opened` is the reception's promise: it leaves in the same turn of the event loop in which `open` came, whatever the
application is doing (P8.1 gives five seconds, and slow bots lose them). Probes are answered here alone (P7).
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from ..protocol import (
    AudioDiscarded,
    CloseRequested,
    Dropped,
    Event,
    Finished,
    Media,
    Open,
    OpenRequested,
    Profile,
    Role,
    ServerSession,
    Violation,
)
from ..protocol.position import RATE
from ..protocol.signature import Outcome, Verifier
from . import figures, status
from .board import Board, key_mark
from .connection import Connection
from .keys import KeyStore
from .replays import SharedNonces
from .traffic import Toll, Traffic
from .wire import Receiver, Refusal, UpgradeRequest, Wire

logger = logging.getLogger("offhook.session")

#: P2.6 step 18: every failure is answered this long after the request came, so that its cause cannot be timed.
FAILURE_DELAY: Final = 0.5
#: What a session id looks like in a header. P2.2: the vendor's endpoint refuses all but UUIDs; P15 row 24: of any kind.
_SESSION_ID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

#: Sessions that one process takes on, if nothing else is said.
MOST_SESSIONS: Final = 20_000
#: The HTTP answers to the causes of `figures.REFUSALS`.
_REFUSALS: Final = {
    "draining": Refusal(503, body=b"draining"),
    "signature": Refusal(401, delay=FAILURE_DELAY),
    "request": Refusal(400, body=b"Audiohook-Session-Id is not a UUID\n"),
    "sessions": Refusal(503, body=b"too many sessions"),
    "sessions_per_key": Refusal(429, body=b"too many sessions"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """How an application takes a session; see `ServerSession.accept`."""

    media: Media | None
    start_paused: bool = False
    discard_to: int | None = None
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decline:
    """How an application refuses one. `info` reaches the platform's log: nothing personal."""

    reason: Literal["error", "unauthorized"] = "error"
    info: str = ""


class Application(Protocol):
    """What a server serves. `answer` must not block: it stands before `opened`."""

    profile: Profile

    def answer(self, request: UpgradeRequest, open: Open) -> Answer | Decline:
        """Take or refuse a session. Also asked for probes, which never reach `begin`."""

    def begin(self, link: ServerLink) -> Callable[[Event], None]:
        """A session is open, and `opened` has left. Returns what all further events go to."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """How much a server takes on. None: no limit."""

    sessions: int | None = MOST_SESSIONS
    sessions_per_key: int | None = None


@dataclass(frozen=True, slots=True)
class SignatureRules:
    """See `protocol.signature.Verifier`."""

    max_age: float | None = 10.0
    skew: float = 3.0
    tighten: bool = False
    replay: Literal["enforce", "log", "off"] = "enforce"


class ServerLink:
    """One session of a server on its way from upgrade to end.

    Attributes:
        request: The upgrade request.
        key: The API key that it was let in with.
        open: Parameters of `open`, once it came.
        connection: To flush after asking `session` for something.
        early: Messages that passed before the application took over, `open` and `opened` among them, with their times.
        audio, received: Take the messages of the WebSocket: the connection's own, for there are several in each second
            of a call.
        shut_down: Whether the session was ended because the server goes down.
        outcome: How it ended, one of `figures.OUTCOMES`.
    """

    def __init__(self, reception: Reception, request: UpgradeRequest, key: str | None) -> None:
        headers = request.headers
        self.request = request
        self.key = key
        self.open: Open | None = None
        self.early: list[tuple[Role, str | bytes, float]] = []
        self.shut_down = False
        self.outcome = "unopened"
        self.session = ServerSession(
            headers.get("audiohook-session-id", ""),
            reception.application.profile,
            organization_id=headers.get("audiohook-organization-id"),
        )
        self.connection = Connection(self.session, self._on_event, tap=self._keep, traffic=reception.traffic)
        self.audio: Callable[[bytes], bool] = self.connection.audio
        self.received: Callable[[str | bytes], None] = self.connection.received
        self._reception = reception
        self._forward: Callable[[Event], None] | None = None
        self._counted = False
        self.toll = Toll(self.session.lane)

    # wire.Receiver

    def connected(self, wire: Wire) -> None:
        self._counted = True
        self._reception.enter(self)
        self.connection.connected(wire)

    def lost(self, code: int, reason: str) -> None:
        try:
            self.connection.lost(code, reason)
        finally:
            self._forward = None  # it knows us
            if self._counted:
                self._reception.leave(self)

    def count(self, figure: figures.Figure, value: str = "", amount: float = 1.0) -> None:
        """Add to a figure of the server."""
        self._reception.board.own.add(figure, value, amount)

    def audio_lost(self) -> None:
        """The application threw a message of audio away, for it reads too slowly."""
        self.count(figures.DROPPED, "slow_handler")

    def _on_event(self, event: Event) -> None:
        self._count(event)
        if self._forward is not None:
            return self._forward(event)
        match event:
            case OpenRequested():
                self._answer(event)
            case CloseRequested():
                self.session.close()
            case Violation():
                logger.info("session %s: %s before it was open", self.session.id, event.rule)
            case Finished() if not event.clean:
                logger.info("session %s: gone before it was open", self.session.id)
        return None

    def _count(self, event: Event) -> None:
        match event:
            case Violation(code):
                self.count(figures.VIOLATIONS, str(code) if str(code) in figures.CODES else "other")
            case AudioDiscarded(_, length):
                self.count(figures.DISCARDED, amount=length / RATE)
            case Dropped("audio"):
                self.count(figures.DROPPED, "unsent")

    def _answer(self, event: OpenRequested) -> None:
        began = time.perf_counter()
        self.open = event.parameters
        answer = self._reception.application.answer(self.request, event.parameters)
        if isinstance(answer, Decline):
            logger.info("session %s: refused: %s", self.session.id, answer.info or answer.reason)
            self.outcome = "refused"
            return self.session.disconnect(answer.reason, answer.info or None)
        self.session.accept(
            answer.media, start_paused=answer.start_paused, discard_to=answer.discard_to, languages=answer.languages
        )
        self.connection.flush()
        self._reception.board.own.observe(figures.OPENED, time.perf_counter() - began)
        if event.is_probe:
            self.outcome = "probe"
            logger.info("session %s: connection probe answered", self.session.id)
        else:
            self._forward = self._reception.application.begin(self)
        self.early = []
        return None

    def _keep(self, sender: Role, data: str | bytes, now: float) -> None:
        # Of a peer that has not opened yet, no more than one message: strangers must not fill our memory.
        if self._forward is None and (sender is Role.SERVER or not self.early):
            self.early.append((sender, data, now))

    def end(self, info: str) -> None:
        """End the session from our side: the server goes down."""
        self.shut_down = True
        if self.session.is_live:
            self.session.disconnect("error", info)
            self.connection.flush()
        elif self.open is None:
            self.connection.abort()


class Reception:
    """Decides on upgrade requests and knows the sessions that are up.

    Args:
        application: What is served.
        keys: API keys and secrets; None lets everybody in.
        path: The only path that is served; None: any, the application routes.
        limits: How much to take on.
        trust_proxy: Believe `X-Forwarded-Host` for `@authority` (P2.5): only behind a proxy that sets it.
        rules: For signatures.
        clock: UNIX time.
        board: Where this server's figures are, and those of others that serve the same port; one of its own if None.
        metrics: Whether `/metrics` is answered.

    Attributes:
        traffic: Of all sessions.
    """

    def __init__(
        self,
        application: Application,
        *,
        keys: KeyStore | None = None,
        path: str | None = None,
        limits: ServerLimits | None = None,
        trust_proxy: bool = False,
        rules: SignatureRules | None = None,
        clock: Callable[[], float] = time.time,
        board: Board | None = None,
        metrics: bool = True,
    ) -> None:
        self.application = application
        self.board = board or Board.alone(len(keys or ()))
        self.traffic = Traffic()
        self._metrics = metrics
        self.links: set[ServerLink] = set()
        self.on_empty: Callable[[], None] | None = None
        self._path = path
        self._limits = limits or ServerLimits()
        self._trust_proxy = trust_proxy
        self._clock = clock
        self._per_key: Counter[str] = Counter()
        rules = rules or SignatureRules()
        self._shared = SharedNonces(self.board, clock=clock) if len(self.board.rows) > 1 else None
        self.board.own.state = "ready"
        self._verifier: Verifier | None = None
        if keys is not None:
            self._verifier = Verifier(
                keys,
                decoy=secrets.token_bytes(32),
                max_age=rules.max_age,
                skew=rules.skew,
                tighten=rules.tighten,
                replay=rules.replay,
                nonces=self._shared,
            )

    @property
    def draining(self) -> bool:
        """Whether no new session is taken."""
        return self.board.own.state == "draining"

    @draining.setter
    def draining(self, draining: bool) -> None:
        self.board.own.state = "draining" if draining else "ready"

    def accept(self, request: UpgradeRequest) -> Receiver | Refusal:
        """Decide on one request: a session, or an HTTP answer."""
        if not request.websocket:
            return self._plain(request.path)
        answer = self._judge(request)
        if isinstance(answer, str):
            self.board.own.add(figures.REFUSED, answer)
            return _REFUSALS[answer]
        return answer

    def _plain(self, path: str) -> Refusal:
        if path in status.HEALTH_PATHS:
            return status.health(self.board)
        if path == status.METRICS_PATH and self._metrics:
            self.publish()
            return status.metrics(self.board)
        if self._path is not None and path != self._path:
            return Refusal(404)
        return Refusal(426, headers=(("Upgrade", "websocket"),))

    def _judge(self, request: UpgradeRequest) -> ServerLink | Refusal | str:
        """A session, or why not, in the words of `figures.REFUSALS`."""
        if self._path is not None and request.path != self._path:
            return Refusal(404)
        if self.draining:
            return "draining"
        key: str | None = None
        if self._verifier is not None:
            verdict = self._verifier.verify(
                target=request.target,
                authority=self._authority(request.headers),
                headers=request.headers,
                now=self._clock(),
                secure=request.secure,
            )
            if not verdict.ok:
                logger.warning("upgrade from %s refused: %s", request.peer, verdict.reason)
                return "signature"
            if verdict.outcome is Outcome.VERIFIED and verdict.reason:
                logger.warning("upgrade from %s: %s", request.peer, verdict.reason)
            key = verdict.key_id
        if _SESSION_ID.fullmatch(request.headers.get("audiohook-session-id", "")) is None:
            return "request"
        return self._room(request, key)

    def _room(self, request: UpgradeRequest, key: str | None) -> ServerLink | str:
        """Whether there is room in all workers: the place is taken on the board before the others' are counted."""
        limits, board = self._limits, self.board
        board.own.set(figures.SESSIONS, len(self.links) + 1)
        if limits.sessions is not None and board.sessions > limits.sessions:
            self._write_sessions()
            logger.warning("upgrade from %s refused: %d sessions are up", request.peer, board.sessions)
            return "sessions"
        if key and limits.sessions_per_key is not None:
            board.own.set_of_key(key_mark(key), self._per_key[key] + 1)
            if board.of_key(key) > limits.sessions_per_key:
                self._write_sessions(key)
                logger.warning(
                    "upgrade from %s refused: %d sessions of its key are up", request.peer, board.of_key(key)
                )
                return "sessions_per_key"
        return ServerLink(self, request, key)

    def _write_sessions(self, key: str | None = None) -> None:
        self.board.own.set(figures.SESSIONS, len(self.links))
        if key and self._limits.sessions_per_key is not None:
            self.board.own.set_of_key(key_mark(key), self._per_key[key])

    def publish(self) -> None:
        """Write to the board what is not written as it happens, and read what others have; about once a second."""
        self._write_sessions()
        self.traffic.collect(lambda: [link.toll for link in self.links])
        self.traffic.publish(self.board.own)
        if self._shared is not None:
            self._shared.catch_up()

    def _authority(self, headers: Mapping[str, str]) -> str:
        forwarded = headers.get("x-forwarded-host") if self._trust_proxy else None
        return (forwarded or headers.get("host", "")).partition(",")[0].strip()

    def enter(self, link: ServerLink) -> None:
        self.links.add(link)
        if link.key:
            self._per_key[link.key] += 1
        self._write_sessions(link.key)

    def leave(self, link: ServerLink) -> None:
        self.links.discard(link)
        if link.key:
            self._per_key[link.key] -= 1
            if not self._per_key[link.key]:
                del self._per_key[link.key]
        link.toll.take_over(self.traffic)
        self.board.own.add(figures.ENDED, link.outcome)
        self._write_sessions(link.key)
        if not self.links and self.on_empty is not None:
            self.on_empty()

    def end_all(self, info: str) -> None:
        """End every session that is up."""
        for link in list(self.links):
            link.end(info)

    def abort_all(self) -> None:
        """Drop every socket at once."""
        for link in list(self.links):
            link.connection.abort()
