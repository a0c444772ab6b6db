"""The second WebSocket engine: the sans-IO protocol of `websockets`, for those who cannot have picows, and to keep
the seam honest. Only its protocol objects are used, not its connections. It must not know AudioHook.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from ssl import SSLContext
from typing import cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame
from websockets.http11 import Request, Response
from websockets.protocol import OPEN, Event, Protocol
from websockets.server import ServerProtocol
from websockets.uri import WebSocketURI

from ..errors import ConnectionLost, UpgradeRejected
from .closing import Closing, half_close
from .engines import Address
from .frames import PONG, Assembler, FrameError, fitting
from .wire import Receiver, Wire, WireLimits

# Outside logging's tree: at DEBUG the library would write every message into the log.
_SILENT = logging.Logger("offhook.session.websockets", logging.CRITICAL + 1)
_PONG_HEAD = 0x80 | PONG
_NO_ANSWER = "the server hung up without an answer to the WebSocket upgrade"


def upgrade(
    socket: asyncio.Transport, head: bytes, receiver: Receiver, limits: WireLimits, ended: Callable[[], None]
) -> None:
    """Take over a server's connection; arguments as in `offhook.session.engines.Engine.upgrade`."""
    protocol = ServerProtocol(max_size=limits.max_message, logger=_SILENT)
    end = head.index(b"\r\n\r\n") + 4
    protocol.receive_data(head[:end])
    for request in protocol.events_received():
        assert isinstance(request, Request)
        answer = protocol.accept(request)
        if subprotocol := getattr(receiver, "subprotocol", ""):
            answer.headers["Sec-WebSocket-Protocol"] = subprotocol
        protocol.send_response(answer)
    wire = _WebsocketsWire(protocol, socket, receiver, limits, ended)
    wire.start([])
    if head[end:]:
        wire.data_received(head[end:])


async def dial(
    address: Address,
    receiver: Receiver,
    headers: Mapping[str, str],
    context: SSLContext | None,
    limits: WireLimits,
) -> Wire:
    """Open a WebSocket to a server; see `offhook.session.dial.dial`."""
    loop = asyncio.get_running_loop()
    uri = WebSocketURI(address.secure, address.host, address.port, "/", "")
    protocol = ClientProtocol(uri, max_size=limits.max_message, logger=_SILENT)
    request = protocol.connect()
    request.path = address.target  # the library's own parts do not keep an empty query
    for name, value in headers.items():
        if name.lower() == "host":
            del request.headers["Host"]
        request.headers[name] = value
    protocol.send_request(request)
    knock = _Knock(protocol, receiver, limits)
    hostname = address.host if context else None
    socket, _ = await loop.create_connection(lambda: knock, *address.socket, ssl=context, server_hostname=hostname)
    try:
        return await knock.answer
    except BaseException:
        socket.abort()
        raise


class _Knock(asyncio.Protocol):
    """The client's connection until the server has answered the upgrade."""

    def __init__(self, protocol: ClientProtocol, receiver: Receiver, limits: WireLimits) -> None:
        self._protocol = protocol
        self._receiver = receiver
        self._limits = limits
        self.answer: asyncio.Future[Wire] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast("asyncio.Transport", transport)  # uvloop's does not inherit from it
        self._socket.writelines(self._protocol.data_to_send())

    def data_received(self, data: bytes) -> None:
        if self.answer.done():
            return
        self._protocol.receive_data(data)
        self._judge()

    def eof_received(self) -> None:
        self._protocol.receive_eof()  # some answers end here
        if not self.answer.done():
            self._judge()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answer.done():
            self.answer.set_exception(ConnectionLost(_NO_ANSWER))

    def _judge(self) -> None:
        events = self._protocol.events_received()
        trouble = self._protocol.handshake_exc
        if isinstance(trouble, InvalidStatus):
            response = trouble.response
            self.answer.set_exception(UpgradeRejected(response.status_code, response.reason_phrase))
        elif trouble is not None and isinstance(trouble.__cause__, EOFError):
            self.answer.set_exception(ConnectionLost(_NO_ANSWER))
        elif trouble is not None:
            self.answer.set_exception(ConnectionLost(f"the answer is no WebSocket upgrade: {trouble}"))
        elif events and isinstance(events[0], Response):
            wire = _WebsocketsWire(self._protocol, self._socket, self._receiver, self._limits, lambda: None)
            self.answer.set_result(wire)
            wire.start(events[1:])


class _WebsocketsWire(asyncio.Protocol):
    """`Wire` towards the session and asyncio protocol towards the socket, around one sans-IO protocol."""

    def __init__(
        self,
        protocol: Protocol,
        socket: asyncio.Transport,
        receiver: Receiver,
        limits: WireLimits,
        ended: Callable[[], None],
    ) -> None:
        self._protocol = protocol
        self._socket = socket
        self._receiver = receiver
        self._assembler = Assembler(limits.max_message)
        self._closing = Closing(socket, receiver, limits, ended)
        self._open = True
        self._paused = False
        self._pong = b""
        socket.set_protocol(self)
        socket.set_write_buffer_limits(high=limits.max_backlog)

    def start(self, events: list[Event]) -> None:
        self._flush()
        try:
            self._receiver.connected(self)
        except Exception:
            self._fail(*self._closing.crashed())
        self._take(events)

    def send(self, data: str | bytes) -> None:
        if not self._open or self._protocol.state is not OPEN:
            return
        if isinstance(data, bytes):
            self._protocol.send_binary(data)
        else:
            self._protocol.send_text(data.encode())
        for piece in self._protocol.data_to_send():
            self._socket.write(piece)

    def close(self, code: int = 1000, reason: str = "") -> None:
        if self._open and self._protocol.state is OPEN:
            self._open = False
            self._protocol.send_close(code, fitting(reason))
            self._flush()

    def abort(self) -> None:
        self._open = False
        self._socket.abort()

    @property
    def backlog(self) -> int:
        return self._socket.get_write_buffer_size()

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        self._take(self._protocol.events_received())

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._open = False
        self._closing.lost()

    def pause_writing(self) -> None:
        self._paused = True
        self._closing.writable(False)

    def resume_writing(self) -> None:
        self._paused = False
        pong, self._pong = self._pong, b""
        if pong and self._protocol.state is OPEN:
            self._socket.write(pong)
        self._closing.writable(True)

    def _take(self, frames: list[Event]) -> None:
        self._flush()  # the library's own answers first: `send` takes what is there
        for frame in frames:
            assert isinstance(frame, Frame)
            if self._open:
                self._deliver(frame)
        peer, failed = self._protocol.close_rcvd, self._protocol.parser_exc
        if peer is not None:
            self._closing.because(peer.code, peer.reason)
        elif failed is not None and self._protocol.close_sent is not None:
            self._closing.because(self._protocol.close_sent.code, self._protocol.close_sent.reason)

    def _deliver(self, frame: Frame) -> None:
        try:
            message = self._assembler.feed(frame.opcode, frame.fin, False, bytes(frame.data))
            if message is not None:
                self._receiver.received(message)
        except FrameError as error:
            self._fail(error.code, error.reason)
        except Exception:
            self._fail(*self._closing.crashed())

    def _fail(self, code: int, reason: str) -> None:
        self._open = False
        self._closing.because(code, reason)
        if self._protocol.state is OPEN:
            self._protocol.fail(code, fitting(reason))
        self._flush()

    def _flush(self) -> None:
        for piece in self._protocol.data_to_send():
            if not piece:  # the library's sign for the end of what this side sends
                self._finish()
            elif self._paused and piece[0] == _PONG_HEAD:
                self._pong = piece  # RFC 6455 section 5.5.3: the last of several pings may be answered alone
            else:
                self._socket.write(piece)
        if self._protocol.close_expected():
            self._closing.expect()

    def _finish(self) -> None:
        half_close(self._socket)
