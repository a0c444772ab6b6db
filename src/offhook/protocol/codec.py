"""Text of messages: read in two steps (header, then typed parameters) and written in one.

Reading never raises anything but `Malformed`, whatever bytes come in; its text never repeats what the peer sent.
"""

from __future__ import annotations

from typing import Final

import msgspec

from .messages import KINDS, ClientMessage, Header, Parameters, PingMessage, ServerMessage, Typed

_header: Final = msgspec.json.Decoder(Header)
_type: Final = msgspec.json.Decoder(Typed)
_ping: Final = msgspec.json.Decoder(PingMessage)
_parameters: Final = {name: msgspec.json.Decoder(kind.parameters) for name, kind in KINDS.items()}
_encode: Final = msgspec.json.Encoder().encode
NO_PARAMETERS: Final = msgspec.Raw(b"{}")


class Malformed(Exception):
    """Text that is not the message it should be; `rule` names what is wrong with it."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def decode_header(text: str) -> Header:
    """Read the envelope.

    Raises:
        Malformed: The text is not JSON, or not the envelope of an AudioHook message.
    """
    try:
        return _header.decode(text)
    except msgspec.ValidationError:
        raise Malformed("not an AudioHook message") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError, OverflowError):
        raise Malformed("not well-formed JSON") from None


def decode_type(text: str) -> str:
    """Read no more of a message than its type; empty if there is none."""
    try:
        return _type.decode(text).type
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError, OverflowError):
        return ""


def decode_ping(text: str) -> PingMessage | None:
    """Read a whole ping in one step; None if it is anything else, or not as it should be."""
    if '"ping"' not in text:
        return None
    try:
        return _ping.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError, OverflowError):
        return None


def decode_parameters(header: Header) -> Parameters:
    """Read the parameters of a message whose type is known.

    Raises:
        Malformed: They are not what the type needs.
        KeyError: The type is unknown.
    """
    decoder = _parameters[header.type]
    try:
        # Absent ones are taken as empty where the message needs none (P3.1, P15 row 23).
        return decoder.decode(header.parameters or NO_PARAMETERS)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError, OverflowError):
        raise Malformed(f"wrong parameters in {header.type!r}") from None


def encode_parameters(parameters: Parameters) -> msgspec.Raw:
    """Write parameters as they will stand in a message. What has no value is left out; no undocumented key is written.

    Raises:
        ValueError: They hold what JSON cannot: an object of Python's, half a surrogate pair, a circle.
    """
    try:
        return msgspec.Raw(_encode(parameters))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"cannot be written as JSON: {error}") from None


def encode(message: ClientMessage | ServerMessage) -> str:
    """Write a message."""
    return _encode(message).decode()
