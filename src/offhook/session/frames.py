"""What RFC 6455 asks of frames once an engine has cut them out of the byte stream: messages, close codes, limits.

Sans-IO and shared by the WebSocket engines, so that all of them judge a peer alike. It must not know sockets,
AudioHook, or which engine feeds it.
"""

from __future__ import annotations

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

PROTOCOL_ERROR = 1002
NO_STATUS = 1005  # never on the wire: the peer's close frame carried no code
ABNORMAL = 1006  # never on the wire: the socket went away without a close frame
INVALID_TEXT = 1007
MESSAGE_TOO_BIG = 1009
INTERNAL_ERROR = 1011

# RFC 6455 section 7.4.1 and the IANA registry: codes that may stand in a close frame; 3000 to 4999 may as well.
_SENDABLE = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))

_MAX_CONTROL = 125  # bytes of payload, RFC 6455 section 5.5
_MAX_REASON = _MAX_CONTROL - 2


class FrameError(Exception):
    """The peer broke RFC 6455 or a limit: the engine ends the WebSocket with `code`. It never leaves the engine."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Assembler:
    """Joins the frames of one direction of one WebSocket into messages.

    Args:
        max_message: Bytes that a message may have, all its fragments together.

    Attributes:
        busy: Whether a fragmented message is under way.
    """

    __slots__ = ("_buffer", "_kind", "_max_message", "busy")

    def __init__(self, max_message: int) -> None:
        self.busy = False
        self._max_message = max_message
        self._kind = CONTINUATION  # of the fragmented message under way; CONTINUATION: none is
        self._buffer = bytearray()

    def feed(self, opcode: int, fin: bool, reserved: bool, payload: bytes) -> str | bytes | None:
        """Take the next frame, unmasked.

        Args:
            opcode: Four bits.
            fin: Final bit.
            reserved: Whether any of the three reserved bits is set; no extension is ever negotiated.
            payload: Unmasked bytes.

        Returns:
            The message that this frame completes: str for text, bytes for binary. None where more fragments have to
            come, and for a control frame, which is only checked here.

        Raises:
            FrameError: The frame must not stand here. The assembler must not be used any more.
        """
        if reserved:
            raise FrameError(PROTOCOL_ERROR, "reserved bits are set")
        if opcode >= CLOSE:
            _check_control(opcode, fin, payload)
            return None
        if len(self._buffer) + len(payload) > self._max_message:
            raise FrameError(MESSAGE_TOO_BIG, f"a message may have {self._max_message} bytes")
        if opcode == CONTINUATION:
            if self._kind == CONTINUATION:
                raise FrameError(PROTOCOL_ERROR, "continuation of nothing")
            self._buffer += payload
            if not fin:
                return None
            opcode, self._kind, self.busy = self._kind, CONTINUATION, False
            payload, self._buffer = bytes(self._buffer), bytearray()
        elif opcode > BINARY:
            raise FrameError(PROTOCOL_ERROR, f"reserved opcode {opcode}")
        elif self._kind != CONTINUATION:
            raise FrameError(PROTOCOL_ERROR, "new message inside a fragmented one")
        elif not fin:
            self._kind, self.busy = opcode, True
            self._buffer += payload
            return None
        return payload if opcode == BINARY else _text(payload)


def parse_close(payload: bytes) -> tuple[int, str]:
    """Code and reason of a close frame; an empty payload means `NO_STATUS`.

    Raises:
        FrameError: Half a code, a code that may not stand on the wire, or a reason that is not UTF-8.
    """
    if not payload:
        return NO_STATUS, ""
    if len(payload) == 1:
        raise FrameError(PROTOCOL_ERROR, "close frame with half a code")
    code = int.from_bytes(payload[:2], "big")
    if code not in _SENDABLE and not 3000 <= code <= 4999:
        raise FrameError(PROTOCOL_ERROR, f"close code {code} may not be sent")
    return code, _text(payload[2:])


def fitting(reason: str) -> str:
    """As much of a close reason, cut at a character, as fits into a control frame beside the code."""
    return reason.encode()[:_MAX_REASON].decode(errors="ignore")


def _check_control(opcode: int, fin: bool, payload: bytes) -> None:
    if opcode > PONG:
        raise FrameError(PROTOCOL_ERROR, f"reserved opcode {opcode}")
    if not fin:
        raise FrameError(PROTOCOL_ERROR, "fragmented control frame")
    if len(payload) > _MAX_CONTROL:
        raise FrameError(PROTOCOL_ERROR, f"control frame of {len(payload)} bytes")


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise FrameError(INVALID_TEXT, "text is not UTF-8") from None
