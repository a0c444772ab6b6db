"""The leg of a PBX: Asterisk's `chan_websocket`, which dials us for each call (`Dial(WebSocket/offhook/c(ulaw))`).

Binary messages are mu-law, 20 ms each; text is control, in JSON (`control_message_format = json`): `MEDIA_START`,
`DTMF_END`, `STATUS` and others come, `ANSWER`, `FLUSH_MEDIA`, `GET_STATUS` and `HANGUP` go. Asterisk plays what it has
by its own clock and queues the rest, so its queue is asked for once a second: where our clock is the faster one, what
has gathered is taken back in silence, where nobody hears it.
"""

from __future__ import annotations

import base64
import hmac
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from ...audio import ulaw
from ...errors import UsageError
from ...session.wire import Refusal, UpgradeRequest, WireLimits
from . import Caller, Switchboard
from .inlet import is_quiet
from .socket import KEYS, Arrival, SocketLeg, is_here
from .socket_door import SocketDoor
from .tables import Count, Login, SocketTable, UrlPath, in_url, secret

logger = logging.getLogger("offhook.connector")

#: What Asterisk's client asks for and expects to be granted.
SUBPROTOCOL: Final = "media"
#: Channel variables that name who calls whom; the dialplan sets them, with two underscores before.
FROM, TO = "OFFHOOK_FROM", "OFFHOOK_TO"

_LIMITS: Final = WireLimits(max_message=65_536)
_FRAME: Final = ulaw.RATE // 50
#: Frames between two questions for the length of the queue.
_ASK_EVERY: Final = 50
#: Samples that may wait in Asterisk before silence is left out, and before anything is.
_SLACK, _MOST = 3 * _FRAME, ulaw.RATE // 5


class _Message(msgspec.Struct):
    event: str = ""
    format: str = ""
    digit: str = ""
    queue_length: int = 0
    channel_variables: dict[str, str] = {}


_messages: Final = msgspec.json.Decoder(_Message)


class AsteriskLeg(SocketLeg):
    """One channel; it is a call from `MEDIA_START` on.

    Attributes:
        subprotocol: Granted in the answer to the upgrade, see `session.wire.Receiver`.
        drained: Samples that were left out to keep the queue in Asterisk short.
    """

    subprotocol = SUBPROTOCOL

    def __init__(self, arrival: Arrival) -> None:
        super().__init__(Caller(kind="asterisk"), arrival)
        self.drained = 0
        self._queued = 0  # samples in Asterisk's queue, as far as is known
        self._frames = 0

    @property
    def ahead(self) -> int:
        """See `PhoneLeg`: what Asterisk had not played when it was asked, and what was sent since."""
        return self._queued

    def _on_message(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            if self.answered:
                self.inlet.push(data)
            return None
        try:
            message = _messages.decode(data)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return self._unread(data)
        match message.event:
            case "MEDIA_START" if not self._begun:
                self._media_start(message)
            case "DTMF_END" if message.digit in KEYS:
                self._tell(lambda listener: listener.key(message.digit))
            case "STATUS":
                self._queued = max(0, message.queue_length) * _FRAME
            case _:
                pass
        return None

    def _unread(self, text: str) -> None:
        if self._begun or not text.startswith("MEDIA_START"):
            return logger.debug("Asterisk said something that is not known")
        logger.warning(
            "a channel was refused: its control is plain text; set control_message_format = json in the section "
            "[global] of chan_websocket.conf"
        )
        return self.hang_up("error")

    def _media_start(self, message: _Message) -> None:
        if message.format not in ("", "ulaw"):
            logger.warning("a channel in %.40r was refused: dial with c(ulaw)", message.format)
            return self.hang_up("error")
        # Variables that are inherited may come with their underscores.
        given = {name.lstrip("_"): value for name, value in message.channel_variables.items()}
        return self._begin(Caller(given.get(FROM, ""), given.get(TO, ""), kind="asterisk", headers=given))

    def _command(self, name: str) -> None:
        if self._wire is not None:
            self._wire.send(f'{{"command":"{name}"}}')

    def _say_answered(self) -> None:
        self._command("ANSWER")

    def _say_ended(self, cause: str) -> None:
        self._command("HANGUP")

    def _say_flush(self) -> None:
        self._command("FLUSH_MEDIA")
        self._queued = 0

    def _send_audio(self, heard: bytes) -> None:
        assert self._wire is not None
        self._frames += 1
        if self._frames % _ASK_EVERY == 0:
            self._command("GET_STATUS")
        # Between two answers the queue is taken to stay as long as it is: both ends count 20 ms in 20 ms.
        if self._queued > _MOST or (self._queued > _SLACK and is_quiet(heard)):
            self._queued -= len(heard)
            self.drained += len(heard)
            return
        self._wire.send(heard)


class AsteriskChannels(SocketDoor):
    """Takes channels.

    Args:
        arrival: Takes each call.
        login: User and password that Asterisk must give (`username` and `password` of its `websocket_client.conf`);
            None: nobody is asked.
        path: Path of the WebSocket.
        max_calls: Channels at once.
    """

    def __init__(
        self,
        arrival: Arrival,
        *,
        login: tuple[str, str] | None = None,
        path: str = "/asterisk",
        max_calls: int = 100,
    ) -> None:
        super().__init__(path, max_calls, _LIMITS)
        self._arrival = arrival
        self._login = None if login is None else base64.b64encode(":".join(login).encode())

    def _check(self, host: str | None) -> None:
        if self._login is None and not is_here(host):
            raise UsageError("channels from other machines are taken only with a password: set user and password-env")

    def _refusal(self, request: UpgradeRequest) -> Refusal | None:
        if self._login is not None:
            kind, _, given = request.headers.get("authorization", "").partition(" ")
            if kind.lower() != "basic" or not hmac.compare_digest(given.strip().encode(), self._login):
                logger.warning("a channel from %s was refused: wrong user or password", request.peer)
                return Refusal(401, headers=(("WWW-Authenticate", 'Basic realm="offhook"'),))
        asked = {name.strip() for name in request.headers.get("sec-websocket-protocol", "").split(",")}
        if SUBPROTOCOL not in asked:
            return Refusal(400, body=b"protocols = media is missing in websocket_client.conf\n")
        return None

    def _leg(self, request: UpgradeRequest) -> AsteriskLeg:
        return AsteriskLeg(self._arrival)


#: Where the password is, if the settings do not say: it need not be there.
_PASSWORD: Final = "ASTERISK_PASSWORD"


class Table(SocketTable, frozen=True, kw_only=True):
    """`[legs.asterisk]`. `password-env` names the environment variable with the password of `user`."""

    path: UrlPath = "/asterisk"
    user: Login = "offhook"
    password_env: str = _PASSWORD
    max_calls: Count = 100


@asynccontextmanager
async def serve(table: Table, board: Switchboard) -> AsyncIterator[str]:
    """See `doors.Kind`."""
    named = table.password_env
    password = os.environ.get(_PASSWORD, "") if named == _PASSWORD else secret("password-env", named)
    ssl = table.ssl()
    login = (table.user, password) if password else None
    channels = AsteriskChannels(board.take, login=login, path=table.path, max_calls=table.max_calls)
    port = await channels.start(table.host, table.port, ssl)
    try:
        yield f"channels of Asterisk at {'wss' if ssl else 'ws'}://{in_url(table.host)}:{port}{table.path}"
    finally:
        await channels.close()
