"""The envelope of a message: who sent it, and what is wrong with it by itself (P3)."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final

from ..protocol import Role
from ..protocol.limits import RECEIVE_MAX, SEND_MAX
from ..protocol.messages import KINDS
from .schema import DURATION, TEXT, UUID, WHOLE, Fault, Faults, Kind, printable, said

_COMMON: Final[dict[str, Kind]] = {"id": UUID, "type": TEXT, "seq": WHOLE}
_OWN: Final[dict[Role, dict[str, Kind]]] = {
    Role.CLIENT: {"serverseq": WHOLE, "position": DURATION},
    Role.SERVER: {"clientseq": WHOLE},
}
_KNOWN: Final = {"version", "parameters", *_COMMON}

#: What the side that sent a message of the other one probably wanted.
_INSTEAD: Final = {
    "pause": "a client that pauses sends `paused`",
    "resume": "a client that goes on sends `resumed`",
    "disconnect": "a client ends with `close`",
    "event": "entities come from servers",
    "paused": "a server asks with `pause`, and the client answers `paused`",
    "resumed": "a server asks with `resume`, and the client answers `resumed`",
    "close": "a server asks with `disconnect`, and the client closes",
    "error": 'a server reports trouble with `disconnect`, reason "error"',
    "ping": "only the client pings",
    "pong": "only the server answers pings",
}


def looks_like_message(value: Mapping[str, object]) -> bool:
    """Whether an object in a log is meant to be a message of AudioHook."""
    if "event" in value:
        return False
    counted = not {"seq", "serverseq", "clientseq"}.isdisjoint(value)
    if "type" not in value:
        return counted and "version" in value
    if isinstance(value["type"], str) and value["type"] in KINDS:
        return counted or not {"version", "parameters"}.isdisjoint(value)
    return counted or ("parameters" in value and not {"version", "id"}.isdisjoint(value))


def sender_of(body: Mapping[str, object]) -> Role | None:
    """Who sent a message, by its keys first and its type then; None if neither tells."""
    type = body.get("type")
    kind = KINDS.get(type) if isinstance(type, str) else None
    if "clientseq" in body and "serverseq" not in body:
        return Role.SERVER
    # The vendor's documentation writes `serverseq` in server messages too; only clients have a position.
    if "serverseq" in body and "position" in body and "clientseq" not in body:
        return Role.CLIENT
    if kind is not None:
        return kind.sender
    return Role.CLIENT if "serverseq" in body or "position" in body else None


def envelope_faults(body: Mapping[str, object], sender: Role | None, size: int) -> Faults:
    """What is wrong with a message before its parameters are read.

    Args:
        size: Bytes of its text on the wire.
    """
    if size > RECEIVE_MAX:
        yield Fault(f"it has {size:,} bytes", f"messages above {RECEIVE_MAX:,} bytes are refused (413)")
    elif size > SEND_MAX:
        yield Fault(f"it has {size:,} bytes", f"messages have at most {SEND_MAX:,} bytes")
    if "version" not in body:
        yield Fault("`version` is missing", 'every message has "version":"2"')
    elif body["version"] != "2":
        yield Fault(f"`version` is {said(body['version'])}", 'it is the string "2"')
    fields = _COMMON | (_OWN[sender] if sender is not None else {})
    for name, kind in fields.items():
        if name in body:
            yield from kind.faults(name, body[name])
        elif name == "serverseq" and body.get("type") == "open":
            yield Fault("`serverseq` is missing", "it is 0 in `open`; many servers take that for granted", True)
        else:
            yield Fault(f"`{name}` is missing", f"every message of a {sender or 'peer'} has it")
    yield from _foreign_keys(body, sender)
    yield from _type_faults(body.get("type"), sender)
    parameters = body.get("parameters")
    if "parameters" in body and not isinstance(parameters, dict):
        yield Fault(f"`parameters` is {said(parameters)}", "it is an object, {} if there are none")
    elif "parameters" not in body:
        yield Fault("`parameters` is missing", "it is {} where there are none; some peers refuse its absence", True)


def _foreign_keys(body: Mapping[str, object], sender: Role | None) -> Faults:
    for key in body:
        if key in _KNOWN or sender is None or key in _OWN[sender]:
            continue
        if key == "position":
            yield Fault("a server message has a `position`", "only the client's stream has one")
        elif key == "serverseq":
            yield Fault("a server message has `serverseq`", "servers acknowledge with `clientseq`")
        elif key == "clientseq":
            yield Fault("a client message has `clientseq`", "clients acknowledge with `serverseq`")
        else:
            yield Fault(f"`{printable(key)}` does not exist", "no such key is documented", harmless=True)


def _type_faults(type: object, sender: Role | None) -> Faults:
    if not isinstance(type, str):
        return
    kind = KINDS.get(type)
    if kind is None:
        near = difflib.get_close_matches(type, KINDS, 1)
        hint = f"; meant is `{near[0]}`" if near else ""
        yield Fault(f"{said(type)} is no message type", f"clients break off, servers pass over it{hint}")
    elif sender is not None and kind.sender is not sender:
        instead = _INSTEAD.get(type, f"it is a message of the {kind.sender}")
        yield Fault(f"`{type}` comes from the {sender}", instead)
