"""The first WebSocket engine: picows, which parses frames in C and calls back without a task or a queue.

It hands frames to the shared `Assembler` and adds what picows leaves to its user: text that is UTF-8, close codes,
an answer to pings that a slow reader cannot pile up, and a TCP end that does not cut off the close frame. It must not
know AudioHook.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from ssl import SSLContext

import aiofastnet
from picows import (
    WSAutoPingStrategy,
    WSFrame,
    WSHandshakeError,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeResponseWithListener,
)
from picows.picows import WSProtocol  # type: ignore[attr-defined]

from ..errors import ConnectionLost
from .closing import Closing
from .engines import Address, rejection
from .frames import BINARY, CLOSE, NO_STATUS, PING, PROTOCOL_ERROR, Assembler, FrameError, fitting, parse_close
from .tls import quiet
from .wire import Receiver, Wire, WireLimits

# Holds two channels of 200 ms (3,200 bytes) without growing; picows' own 16 KiB costs twice the memory per call.
_READ_BUFFER = 4_096

# What a server may answer only if the client has asked for it (RFC 6455 section 4.1).
_UNASKED = frozenset({"sec-websocket-extensions", "sec-websocket-protocol"})


def upgrade(
    socket: asyncio.Transport, head: bytes, receiver: Receiver, limits: WireLimits, ended: Callable[[], None]
) -> None:
    """Take over a server's connection; arguments as in `offhook.session.engines.Engine.upgrade`."""
    protocol = _start(socket, _PicowsWire(socket, receiver, limits, ended, client=False), limits)
    data = memoryview(head)
    while data:
        room = protocol.get_buffer(-1)
        count = min(len(room), len(data))
        room[:count] = data[:count]
        protocol.buffer_updated(count)
        data = data[count:]


async def dial(
    address: Address,
    receiver: Receiver,
    headers: Mapping[str, str],
    context: SSLContext | None,
    limits: WireLimits,
) -> Wire:
    """Open a WebSocket to a server; see `offhook.session.dial.dial`."""
    loop = asyncio.get_running_loop()
    if context is None:
        socket, _ = await loop.create_connection(asyncio.Protocol, *address.socket)
    else:
        socket, _ = await aiofastnet.create_connection(
            quiet(loop), asyncio.Protocol, *address.socket, ssl=context, server_hostname=address.host
        )
    asked = frozenset(name.lower() for name in headers)
    wire = _PicowsWire(socket, receiver, limits, lambda: None, client=True, asked=asked)
    try:
        if socket.is_closing():
            raise ConnectionLost("the server hung up before the WebSocket upgrade")
        protocol = _start(socket, wire, limits, address, headers)
        await protocol.wait_until_handshake_complete()
        if protocol.listener is None:
            raise ConnectionLost("the server hung up without an answer to the WebSocket upgrade")
        if wire.unasked:
            raise ConnectionLost(
                f"the answer is no WebSocket upgrade: it brings {wire.unasked}, which nobody asked for"
            )
    except WSHandshakeError as error:
        socket.abort()
        raise rejection(error.raw_header or b"", str(error)) from None
    except BaseException:
        socket.abort()
        raise
    return wire


def _start(
    socket: asyncio.Transport,
    wire: _PicowsWire,
    limits: WireLimits,
    address: Address | None = None,
    headers: Mapping[str, str] | None = None,
) -> WSProtocol:
    protocol = WSProtocol(
        address and address.authority,
        address and address.target,
        address is not None,  # is_client_side
        lambda *_: wire.granting(),
        _Notices(wire),
        True,  # disconnect_on_exception
        None,  # websocket_handshake_timeout: the gate and the dialler have their own
        False,  # enable_auto_ping: AudioHook has its own pings
        0,
        0,
        WSAutoPingStrategy.PING_WHEN_IDLE,
        False,  # enable_auto_pong: the wire answers
        limits.max_message,
        headers,
        _READ_BUFFER,
    )
    socket.set_protocol(protocol)
    protocol.connection_made(_Outlet(socket, wire))
    socket.set_write_buffer_limits(high=limits.max_backlog)
    return protocol


class _PicowsWire(WSListener):
    """`Wire` towards the session and listener towards picows, in one object."""

    __slots__ = (
        "_asked",
        "_assembler",
        "_audio",
        "_client",
        "_closing",
        "_lane",
        "_open",
        "_paused",
        "_ping",
        "_receive",
        "_receiver",
        "_socket",
        "_transport",
        "unasked",
        "upgraded",
    )
    _transport: WSTransport

    def __init__(
        self,
        socket: asyncio.Transport,
        receiver: Receiver,
        limits: WireLimits,
        ended: Callable[[], None],
        *,
        client: bool,
        asked: frozenset[str] = frozenset(),
    ) -> None:
        self._socket = socket
        self._receiver = receiver
        self._receive = receiver.received
        self._lane: Callable[[bytes], bool] | None = getattr(receiver, "audio", None)
        self._audio = self._lane  # while whole messages may take the short way
        self._client = client
        self._asked = asked
        self._assembler = Assembler(limits.max_message)
        self._closing = Closing(socket, receiver, limits, ended)
        self._open = False
        self._paused = False
        self._ping: bytes | None = None
        self.unasked = ""
        self.upgraded = False

    def granting(self) -> WSListener | WSUpgradeResponseWithListener:
        """The listener, with the answer to the upgrade where that has more to say than yes."""
        if self._client:
            return self
        return WSUpgradeResponseWithListener(_Granted(getattr(self._receiver, "subprotocol", "")), self)  # type: ignore[arg-type]

    def send(self, data: str | bytes) -> None:
        if self._open:
            self._transport.send(WSMsgType.BINARY if isinstance(data, bytes) else WSMsgType.TEXT, data)

    def close(self, code: int = 1000, reason: str = "") -> None:
        if self._open:
            self._shut()
            self._send_close(code, reason)
            self._closing.expect()

    def abort(self) -> None:
        self._shut()
        self._socket.abort()

    def _shut(self) -> None:
        self._open = False
        self._audio = None

    @property
    def backlog(self) -> int:
        return self._socket.get_write_buffer_size()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self.upgraded = True
        if self._client and (unasked := _UNASKED & {name.lower() for name in transport.response.headers} - self._asked):
            self.unasked = ", ".join(sorted(unasked))  # picows does not look; the dialler lets go
            return
        self._open = True
        try:
            self._receiver.connected(self)
        except Exception:
            self._fail(*self._closing.crashed())

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        opcode: int = frame.msg_type  # type: ignore[assignment]
        # Audio, a whole message of it: nothing to assemble, and picows has looked at its size.
        plain = opcode == BINARY and frame.fin and not (frame.rsv1 or frame.rsv2 or frame.rsv3)
        try:
            if not (plain and self._audio is not None and self._audio(frame.get_payload_as_bytes())):
                self._on_other(opcode, frame)
        except Exception:
            self._fail(*self._closing.crashed())

    def _on_other(self, opcode: int, frame: WSFrame) -> None:
        if not self._open and (opcode != CLOSE or self._closing.lingering):
            return
        payload = frame.get_payload_as_bytes()
        try:
            message = self._assembler.feed(opcode, frame.fin, frame.rsv1 or frame.rsv2 or frame.rsv3, payload)
            self._audio = self._lane if self._open and not self._assembler.busy else None
            if message is not None:
                self._receive(message)
            elif opcode == CLOSE:
                self._peer_closes(payload)
            elif opcode == PING:
                self._answer_ping(payload)
        except FrameError as error:
            self._fail(error.code, error.reason)
        except Exception:
            self._fail(*self._closing.crashed())

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._shut()
        del self._transport  # which knows us
        if not self.unasked:  # or the receiver would lose what it never had
            self._closing.lost()

    def pause_writing(self) -> None:
        self._paused = True
        self._closing.writable(False)

    def resume_writing(self) -> None:
        self._paused = False
        ping, self._ping = self._ping, None
        if ping is not None:
            self._answer_ping(ping)
        self._closing.writable(True)

    def broken(self, code: int, reason: str) -> None:
        """picows met a frame that it will not read and has sent its close frame."""
        self._closing.because(code, reason)
        # picows reads one frame ahead: the whole one before the broken one is still on its way to on_ws_frame.
        asyncio.get_running_loop().call_soon(self._linger)

    def _answer_ping(self, payload: bytes) -> None:
        if not self._open:
            return
        if self._paused:
            self._ping = payload  # RFC 6455 section 5.5.3: the last of several pings may be answered alone
        else:
            self._transport.send_pong(payload)

    def _peer_closes(self, payload: bytes) -> None:
        code, reason = parse_close(payload)
        self._closing.because(code, reason)
        if self._open:
            self._shut()
            self._send_close(code, reason)
        self._closing.expect()
        if not self._client:  # RFC 6455 section 7.1.1: the server closes first
            self._socket.close()

    def _fail(self, code: int, reason: str) -> None:
        self._closing.because(code, reason)
        if self._open:
            self._send_close(code, reason)
        self._linger()

    def _send_close(self, code: int, reason: str) -> None:
        if code == NO_STATUS:
            self._transport.send(WSMsgType.CLOSE, b"")
        else:
            self._transport.send_close(code, fitting(reason))  # type: ignore[arg-type]

    def _linger(self) -> None:
        self._shut()
        self._closing.linger()


class _Notices:
    """The logger that picows gets: silent, but picows tells of a broken frame nowhere else."""

    __slots__ = ("_wire",)

    def __init__(self, wire: _PicowsWire) -> None:
        self._wire = wire

    def isEnabledFor(self, level: int) -> bool:
        return False

    def info(self, text: str, *args: object) -> None:
        pass

    debug = warning = info

    def error(self, text: str, *args: object) -> None:
        match args:
            case ((int(code), str(reason)),):
                self._wire.broken(code, reason)

    def exception(self, text: str, *args: object) -> None:
        self._wire.broken(PROTOCOL_ERROR, "unreadable frame")


class _Granted:
    """What picows writes to a client whose upgrade is granted: its own can be any answer, and costs ten times this."""

    __slots__ = ("_subprotocol", "headers")
    status = HTTPStatus.SWITCHING_PROTOCOLS

    def __init__(self, subprotocol: str) -> None:
        self._subprotocol = subprotocol
        self.headers: dict[str, str] = {}

    def to_bytes(self) -> bytearray:
        if self._subprotocol:
            self.headers["Sec-WebSocket-Protocol"] = self._subprotocol
        fields = "".join([f"{name}: {value}\r\n" for name, value in self.headers.items()])
        head = f"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n{fields}\r\n"
        return bytearray(head.encode("latin-1"))


class _Socket:
    """A socket without TLS as picows sees it.

    picows sets what the loop has set already (TCP_NODELAY) or the kernel begins with (TCP_QUICKACK), and asks for names
    and sizes to log, which nobody reads: a dozen system calls for each connection.
    """

    __slots__ = ("fileno",)

    def __init__(self, socket: asyncio.Transport) -> None:
        self.fileno = socket.get_extra_info("socket").fileno

    def setsockopt(self, *option: object) -> None:
        pass

    def getsockopt(self, *option: object) -> int:
        return 0


class _Outlet:
    """The socket as picows sees it.

    picows closes a broken connection by itself, ten milliseconds after its close frame; the wire lets it linger
    instead. An answer that is no upgrade has to end it at once, since picows would fall over the next bytes. And
    picows hands `writelines` a view of a header that it overwrites with the next message, which the transport may
    still have to send then: the copy is for messages above 8 KiB only.
    """

    __slots__ = ("_extra", "_socket", "_wire", "get_write_buffer_size", "write")

    def __init__(self, socket: asyncio.Transport, wire: _PicowsWire) -> None:
        self._socket = socket
        self._wire = wire
        self._extra = None if socket.get_extra_info("ssl_object") is not None else {"socket": _Socket(socket)}
        self.get_write_buffer_size = socket.get_write_buffer_size
        self.write = socket.write

    def get_extra_info(self, name: str) -> object:
        return self._socket.get_extra_info(name) if self._extra is None else self._extra.get(name)

    def writelines(self, parts: list[bytes | memoryview]) -> None:
        self.write(b"".join(parts))

    def close(self) -> None:
        if not self._wire.upgraded:
            self._socket.abort()

    abort = close
