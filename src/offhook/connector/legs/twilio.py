"""The leg of a phone provider's media streams: Twilio's wire, as an inbound WebSocket (`<Connect><Stream>`).

JSON with mu-law in base64: `connected`, `start`, `media`, `dtmf`, `mark` and `stop` come; `media`, `mark` and `clear`
go. Marks come back when what stood before them was played: so the leg knows what the caller has heard. A transfer is a
change of the call by the provider's REST interface.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import http.client
import logging
import os
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote, urlencode, urlsplit
from xml.sax.saxutils import escape

import msgspec

from ...errors import CallEnded, UsageError
from ...session.wire import Refusal, UpgradeRequest, WireLimits
from . import Caller, Switchboard, TransferFailed
from .socket import KEYS, Arrival, SocketLeg, is_here
from .socket_door import SocketDoor
from .tables import Count, SocketTable, SocketUrl, UrlPath, in_url, secret

logger = logging.getLogger("offhook.connector")

API: Final = "https://api.twilio.com"
_LIMITS: Final = WireLimits(max_message=65_536)
#: Samples between two marks.
_MARK_EVERY: Final = 1_600
#: Seconds that the provider has for a REST request.
_REST_TIMEOUT: Final = 10.0


class _Start(msgspec.Struct, rename="camel"):
    stream_sid: str = ""
    account_sid: str = ""
    call_sid: str = ""
    custom_parameters: dict[str, str] = {}
    media_format: dict[str, object] = {}


class _Media(msgspec.Struct):
    payload: str = ""
    track: str = "inbound"


class _Named(msgspec.Struct):
    name: str = ""
    digit: str = ""


class _Message(msgspec.Struct, rename="camel"):
    event: str
    stream_sid: str = ""
    start: _Start | None = None
    media: _Media | None = None
    mark: _Named | None = None
    dtmf: _Named | None = None


_messages: Final = msgspec.json.Decoder(_Message)


class Account(msgspec.Struct, frozen=True):
    """How the provider is known, and told what to do with a call.

    Attributes:
        token: Auth token: requests are signed with it, and so is REST. Empty: nothing is checked, nothing can be told.
        sid: Account that calls must belong to; empty for any.
        url: Public URL of the stream, as in the TwiML, where a proxy stands before us; else what the request says.
        api: Base of the REST interface.
    """

    token: str = ""
    sid: str = ""
    url: str = ""
    api: str = API

    def __repr__(self) -> str:
        return f"Account({self.sid!r})"

    def signature(self, url: str) -> str:
        """What the provider puts into `X-Twilio-Signature` of a WebSocket request: HMAC-SHA1 of its URL, in base64."""
        return base64.b64encode(hmac.new(self.token.encode(), url.encode(), hashlib.sha1).digest()).decode()


class TwilioLeg(SocketLeg):
    """One stream; it is a call from `start` on."""

    def __init__(self, account: Account, arrival: Arrival) -> None:
        super().__init__(Caller(kind="twilio"), arrival)
        self._account = account
        self._stream = ""
        self._call = ""
        self._owner = ""
        self._sent = 0
        self._played = 0
        self._marks: deque[tuple[str, int]] = deque()

    @property
    def ahead(self) -> int:
        """See `PhoneLeg`: what no mark has come back for yet, to the nearest mark."""
        return max(self._sent - self._played - _MARK_EVERY, 0)

    def _on_message(self, data: str | bytes) -> None:
        try:
            message = _messages.decode(data)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return logger.debug("the provider said something that is not known")
        match message.event:
            case "start" if message.start is not None and not self._stream:
                self._started(message)
            case "media" if message.media is not None and message.media.track == "inbound":
                self._hear(message.media.payload)
            case "dtmf" if message.dtmf is not None and message.dtmf.digit in KEYS:
                digit = message.dtmf.digit
                self._tell(lambda listener: listener.key(digit))
            case "mark" if message.mark is not None:
                self._marked(message.mark.name)
            case "stop":
                self._over("hung up")
            case _:
                pass
        return None

    def _started(self, message: _Message) -> None:
        start = message.start
        assert start is not None
        self._stream = start.stream_sid or message.stream_sid
        self._call, self._owner = start.call_sid, start.account_sid
        encoding = start.media_format.get("encoding", "audio/x-mulaw")
        if self._account.sid and self._owner != self._account.sid:
            logger.warning("a stream of another account was refused")
            return self.hang_up("rejected")
        if encoding != "audio/x-mulaw":
            logger.warning("a stream in %.40r was refused: mu-law is wanted", encoding)
            return self.hang_up("error")
        given = {name.lower(): value for name, value in start.custom_parameters.items()}
        ani, dnis = given.get("from", ""), given.get("to", "")
        return self._begin(Caller(ani, dnis, kind="twilio", headers=start.custom_parameters))

    def _hear(self, payload: str) -> None:
        if not self.answered:
            return
        try:
            self.inlet.push(binascii.a2b_base64(payload))
        except (binascii.Error, ValueError):
            logger.debug("audio that is no base64 was left out")

    def _marked(self, name: str) -> None:
        while self._marks:
            mark, position = self._marks.popleft()
            self._played = max(self._played, position)
            if mark == name:
                return

    def _say(self, event: str, **more: object) -> None:
        if self._wire is not None and self._stream:
            self._wire.send(msgspec.json.encode({"event": event, "streamSid": self._stream, **more}).decode())

    def _send_audio(self, heard: bytes) -> None:
        self._say("media", media={"payload": binascii.b2a_base64(heard, newline=False).decode()})
        self._sent += len(heard)
        if self._sent % _MARK_EVERY < len(heard):
            name = f"m{self._sent}"
            self._marks.append((name, self._sent))
            self._say("mark", mark={"name": name})

    def _say_flush(self) -> None:
        # It sends back the marks that it throws away: they are behind what was heard, not in it.
        self._marks.clear()
        self._played = self._sent
        self._say("clear")

    async def transfer(self, target: str) -> None:
        """See `PhoneLeg`."""
        if self.ended:
            raise CallEnded("the caller is gone")
        if not (self._account.token and self._owner and self._call):
            raise TransferFailed("a transfer needs the account's auth token, and the call's ids in `start`")
        kind = "Sip" if target.startswith(("sip:", "sips:")) else "Number"
        number = target.removeprefix("tel:")
        twiml = f"<Response><Dial><{kind}>{escape(number)}</{kind}></Dial></Response>"
        status = await asyncio.to_thread(_post, self._account, self._owner, self._call, twiml)
        if status is None or not 200 <= status < 300:
            raise TransferFailed(f"the provider did not take the transfer ({status or 'no answer'})")
        self.ended = "transferred"  # the provider ends the stream by itself


def _post(account: Account, owner: str, call: str, twiml: str) -> int | None:
    """Tell the provider what to do with a call; the HTTP status, or None without an answer."""
    base = urlsplit(account.api)
    place, timeout = base.netloc, _REST_TIMEOUT
    connection = (
        http.client.HTTPSConnection(place, timeout=timeout, context=ssl.create_default_context())
        if base.scheme == "https"
        else http.client.HTTPConnection(place, timeout=timeout)
    )
    login = base64.b64encode(f"{owner}:{account.token}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/x-www-form-urlencoded"}
    try:
        path = f"/2010-04-01/Accounts/{quote(owner, safe='')}/Calls/{quote(call, safe='')}.json"
        connection.request("POST", path, urlencode({"Twiml": twiml}), headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class TwilioStreams(SocketDoor):
    """Takes streams.

    Args:
        account: Whose calls are taken.
        arrival: Takes each call.
        path: Path of the stream.
        max_calls: Streams at once.
    """

    def __init__(self, account: Account, arrival: Arrival, *, path: str = "/twilio", max_calls: int = 100) -> None:
        super().__init__(path, max_calls, _LIMITS)
        self._account = account
        self._arrival = arrival

    def _check(self, host: str | None) -> None:
        if not self._account.token and not is_here(host):
            raise UsageError(
                "streams from other machines are taken only if they are signed: set the auth token in token-env"
            )

    def _refusal(self, request: UpgradeRequest) -> Refusal | None:
        if self._account.token:
            url = self._account.url or f"wss://{request.headers.get('host', '')}{request.target}"
            given = request.headers.get("x-twilio-signature", "")
            if not hmac.compare_digest(given.encode(), self._account.signature(url).encode()):
                logger.warning("a stream from %s was refused: its signature is not the account's", request.peer)
                return Refusal(403)
        return None

    def _leg(self, request: UpgradeRequest) -> TwilioLeg:
        return TwilioLeg(self._account, self._arrival)


#: Where the auth token is, if the settings do not say: it need not be there.
_TOKEN: Final = "TWILIO_AUTH_TOKEN"


class Table(SocketTable, frozen=True, kw_only=True):
    """`[legs.twilio]`. `token-env` names the environment variable with the account's auth token."""

    path: UrlPath = "/twilio"
    token_env: str = _TOKEN
    public_url: SocketUrl = ""
    account: str = ""
    max_calls: Count = 100


@asynccontextmanager
async def serve(table: Table, board: Switchboard) -> AsyncIterator[str]:
    """See `doors.Kind`."""
    token = os.environ.get(_TOKEN, "") if table.token_env == _TOKEN else secret("token-env", table.token_env)
    context = table.ssl()
    account = Account(token, table.account, table.public_url)
    streams = TwilioStreams(account, board.take, path=table.path, max_calls=table.max_calls)
    port = await streams.start(table.host, table.port, context)
    try:
        scheme = "wss" if context else "ws"
        yield f"Twilio media streams at {scheme}://{in_url(table.host)}:{port}{table.path}"
    finally:
        await streams.close()
