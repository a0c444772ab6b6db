"""A mutant for each case of the suite for clients."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from tests.testing.conformance.mutant_clients import ClientFlaw

from offhook.protocol import ClientSession, State
from offhook.testing.misbehaving.flaw import Data, edit

Message = dict[str, Any]
Condition = Callable[[Message, str, ClientSession], Any]
Change = Callable[[Message], Message | None]


class Asks(ClientFlaw):
    """Sends other fields with its request."""

    def __init__(self, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        self.change = change

    def headers(self, fields: dict[str, str]) -> dict[str, str]:
        return self.change(fields)


class Says(ClientFlaw):
    """Changes what it sends: messages of a type, or of all."""

    def __init__(self, type: str | None, change: Change) -> None:
        self.type, self.change = type, change

    def leaves(self, data: Data, session: ClientSession) -> Iterable[Data]:
        return edit(data, self.type, self.change)


class Also(ClientFlaw):
    """Sends something behind messages of a type."""

    def __init__(self, type: str, *more: Data) -> None:
        self.type, self.more = type, more

    def leaves(self, data: Data, session: ClientSession) -> Iterable[Data]:
        holds = isinstance(data, str) and json.loads(data)["type"] == self.type
        return (data, *self.more) if holds else (data,)


class Sounds(ClientFlaw):
    """Does something else with its audio."""

    def __init__(self, change: Callable[[bytes], Iterable[bytes]]) -> None:
        self.change = change

    def leaves(self, data: Data, session: ClientSession) -> Iterable[Data]:
        return self.change(data) if isinstance(data, bytes) else (data,)


class Sees(ClientFlaw):
    """Sees another message than the one that came, where a condition holds; None: none."""

    def __init__(self, condition: Condition, change: Callable[[Message, ClientSession], Message | str | None]) -> None:
        self.condition, self.change = condition, change

    def seen(self, data: Data, session: ClientSession) -> Iterable[Data]:
        if not isinstance(data, str):
            return (data,)
        try:
            message = json.loads(data)
        except (ValueError, RecursionError):
            message = {}
        message = message if isinstance(message, dict) else {}
        if not self.condition(message, data, session):
            return (data,)
        made = self.change(message, session)
        return () if made is None else (made if isinstance(made, str) else json.dumps(made),)


class Gone(Sees):
    """Drops the connection, where a condition holds."""

    def __init__(self, condition: Condition) -> None:
        super().__init__(condition, lambda m, _: m)

    def drops(self, data: Data, session: ClientSession) -> bool:
        try:
            message = json.loads(data) if isinstance(data, str) else {"type": "audio", "size": len(data)}
        except (ValueError, RecursionError):
            message = {}
        message = message if isinstance(message, dict) else {}
        return bool(self.condition(message, data if isinstance(data, str) else "", session))


class Raw(ClientFlaw):
    """Reads WebSocket frames by itself, and wrongly."""

    def __init__(self, how: str) -> None:
        self.how = how


class Eager(ClientFlaw):
    """Sends something as soon as the connection is up and `open` has left."""

    def leaves(self, data: Data, session: ClientSession) -> Iterable[Data]:
        return (data, b"\xff" * 1600) if isinstance(data, str) and '"open"' in data else (data,)


def fields(**changes: str | None) -> Asks:
    """Changes fields of the request; names with underscores."""

    def change(given: dict[str, str]) -> dict[str, str]:
        merged: dict[str, str | None] = given | {}
        for name, value in changes.items():
            merged["-".join(part.capitalize() for part in name.split("_"))] = value
        return {name: value for name, value in merged.items() if value is not None}

    return Asks(change)


def signature(change: Callable[[str], str]) -> Asks:
    return Asks(lambda given: given | {"Signature-Input": change(given["Signature-Input"])})


def opens(**changes: Any) -> Says:
    """Changes parameters of `open`; `...` leaves one out."""

    def change(m: Message) -> Message:
        merged = m["parameters"] | changes
        return m | {"parameters": {name: value for name, value in merged.items() if value is not ...}}

    return Says("open", change)


def answers(condition: Callable[[Message], Any]) -> Gone:
    """Drops the connection at an `opened` of which something is true."""
    return Gone(lambda m, _, __: m.get("type") == "opened" and condition(m["parameters"]))


def takes(condition: Callable[[Message], Any], **right: Any) -> Sees:
    """Takes a bad `opened` for a good one."""
    return Sees(lambda m, _, __: m.get("type") == "opened" and condition(m.get("parameters", {})),
                lambda m, s: m | {"parameters": {"startPaused": False, "media": _offer(s)} | right})  # fmt: skip


def _offer(session: ClientSession) -> list[Message]:
    media = session.parameters.media[0]
    return [{"type": media.type, "format": media.format, "channels": list(media.channels), "rate": media.rate}]


def mends(condition: Callable[[Message, ClientSession], Any], **right: Any) -> Sees:
    """Takes a bad event for a good one; a value is put in its place, or made from the session."""

    def change(m: Message, session: ClientSession) -> Message:
        made = {name: value(session) if callable(value) else value for name, value in right.items()}
        return m | made

    return Sees(lambda m, _, session: session.state is State.OPEN and condition(m, session), change)


def due(session: ClientSession) -> int:
    return session._peer_seq + 1


def without(m: Message, name: str) -> Message:
    return {key: value for key, value in m.items() if key != name}


class Doubled(ClientFlaw):
    """Sends two audio messages for each."""

    def leaves(self, data: Data, session: ClientSession) -> Iterable[Data]:
        return (data, data) if isinstance(data, bytes) else (data,)


_AUDIO = b"\xff" * 1600
UPGRADE: dict[str, ClientFlaw] = {
    "1.1": fields(upgrade="h2c"),
    "1.2": fields(audiohook_organization_id="x"),
    "1.3": fields(audiohook_session_id="x"),
    "1.4": fields(audiohook_correlation_id=None),
    "1.5": fields(sec_websocket_protocol="audiohook"),
    "1.6": Says("open", lambda m: m | {"id": "11111111-2222-4333-8444-555555555555"}),
    "1.7": opens(organizationId="11111111-2222-4333-8444-555555555555"),
    "1.8": signature(lambda text: text.replace(' "@authority"', "")),
    "1.9": signature(lambda text: text.replace("nonce=", "nonse=")),
    "1.10": signature(lambda text: text.replace("created=1", "created=2")),
    "1.11": Raw("stubborn"),
    "1.12": Raw("stubborn"),
    "1.13": Raw("stubborn"),
    "1.14": Raw("stubborn"),
}
OPENING: dict[str, ClientFlaw] = {
    "2.1": Says("open", lambda m: m | {"serverseq": 7}),
    "2.2": opens(participant={"id": "me", "ani": "", "aniName": "", "dnis": ""}),
    "2.3": opens(media=[{"type": "audio", "codec": "PCMU", "channels": ["external"], "rate": 8000}]),
    "2.4": Says("open", lambda m: m | {"position": "PT3S"}),
    "2.5": opens(language="English"),
    "2.6": opens(inputVariables={"n": 3}),
    "2.7": Eager(),
    "2.8": Sounds(lambda data: (data + b"\xff",)),
    "2.9": Also("dtmf", _AUDIO),
    "2.10": Sees(lambda m, _, __: m.get("type") == "opened" and m["parameters"]["startPaused"],
                 lambda m, _: m | {"parameters": m["parameters"] | {"startPaused": False}}),
    "2.11": Says("resumed", lambda m: None),
    "2.12": answers(lambda p: "startPaused" not in p),
    "2.13": answers(lambda p: "supportedLanguages" in p),
    "2.14": answers(lambda p: "greeting" in p),
    "2.15": answers(lambda p: "discardTo" in p),
    "2.16": takes(lambda p: p.get("media") and p["media"][0]["rate"] == 16000),
    "2.17": takes(lambda p: len(p.get("media") or ()) == 2),
    "2.18": takes(lambda p: p.get("media") == "PCMU"),
    "2.19": takes(lambda p: "media" not in p),
    "2.20": Says("error", lambda m: None),
    "2.21": Gone(lambda m, _, __: m.get("type") == "disconnect" and m["parameters"]["reason"] == "error"),
    "2.22": Gone(lambda m, _, __: m.get("type") == "disconnect" and m["parameters"]["reason"] == "unauthorized"),
    "2.23": Gone(lambda m, _, s: m.get("type") == "disconnect" and s.state is State.OPENING and m["parameters"]["reason"] == "completed"),
    "2.24": Sees(lambda m, _, __: m.get("type") == "opened" and m["seq"] == 2, lambda m, _: m | {"seq": 1}),
}  # fmt: skip
ENVELOPE: dict[str, ClientFlaw] = {
    "3.1": Says(None, lambda m: m | {"version": 2}),
    "3.2": Says(None, lambda m: m | {"id": "x"}),
    "3.3": Says(None, lambda m: m | {"clientseq": 0}),
    "3.4": Says("ping", lambda m: m | {"position": "PT1e-1S"}),
    "3.5": Says("ping", lambda m: without(m, "parameters")),
    "3.6": Says("close", lambda m: m | {"seq": m["seq"] + 1}),
    "3.7": Says("close", lambda m: m | {"serverseq": m["serverseq"] + 9}),
    "3.8": Says("close", lambda m: m | {"position": "PT0S"}),
    "3.9": mends(lambda m, s: m.get("seq") == s._peer_seq, seq=due),
    "3.10": mends(lambda m, s: m.get("seq") == due(s) + 1, seq=due),
    "3.11": mends(lambda m, _: m.get("seq") == 0, seq=due),
    "3.12": mends(lambda m, _: isinstance(m.get("seq"), str), seq=due),
    "3.13": mends(lambda m, _: "type" in m and "seq" not in m, seq=due),
    "3.14": mends(lambda m, _: "type" not in m, type="event"),
    "3.15": mends(lambda m, _: "type" in m and "version" not in m, version="2"),
    "3.16": mends(lambda m, _: m.get("version") == "1", version="2"),
    "3.17": mends(lambda m, _: "type" in m and "id" not in m, id=lambda s: s.id),
    "3.18": mends(lambda m, _: str(m.get("id")).startswith("11111111-2222"), id=lambda s: s.id),
    "3.19": mends(lambda m, _: m.get("parameters") == "x", parameters={"entities": []}),
    "3.20": Gone(lambda _, text, __: text.startswith('{"parameters"')),
    "3.21": Gone(lambda _, text, __: "\n" in text),
    "3.22": Gone(lambda _, text, __: "\\u0065" in text),
    "3.23": Gone(lambda m, _, __: m.get("position") == "PT0S"),
}


def shortened(m: Message, _: ClientSession) -> Message:
    return m | {"parameters": {"entities": []}}


def event_of(size: int) -> Condition:
    return lambda _, text, __: len(text) == size


SIZES: dict[str, ClientFlaw] = {
    "4.1": Gone(event_of(63_999)),
    "4.2": Gone(event_of(64_000)),
    "4.3": Sees(event_of(65_536), shortened),
    "4.4": Raw("large"),
    "4.5": Gone(lambda m, _, __: m.get("type") == "audio" and m["size"] == 64_000),
    "4.6": Raw("text fragments"),
    "4.7": Raw("crumbs"),
    "4.8": Raw("between"),
    "4.9": Raw("pong payload"),
    "4.10": Raw("pong"),
    "4.11": Raw("close"),
    "4.12": Raw("trickle"),
}
PINGS: dict[str, ClientFlaw] = {
    "5.1": Says("ping", lambda m: None),
    "5.2": Says("ping", lambda m: m | {"parameters": {}}),
    "5.3": Says("ping", lambda m: None if m["seq"] > 4 else m),
    "5.4": Says("error", lambda m: None),
    "5.5": Gone(lambda m, _, s: m.get("type") == "pong" and s._ping_seq is None),
    "5.6": Gone(lambda m, _, __: m.get("type") == "pong" and m["clientseq"] == 1),
    "5.7": Gone(lambda m, _, s: m.get("type") == "pong" and s.state is State.PAUSED),
    "5.8": Also(
        "close", '{"version":"2","type":"ping","id":"x","seq":99,"serverseq":1,"position":"PT0S","parameters":{}}'
    ),
}


class Deafened(ClientFlaw):
    """Stops its audio for good once it was paused."""

    def __init__(self) -> None:
        self.paused: set[str] = set()

    def leaves(self, data: Data, session: ClientSession) -> Iterable[Data]:
        if isinstance(data, str) and '"paused"' in data:
            self.paused.add(session.id)
        return () if isinstance(data, bytes) and session.id in self.paused else (data,)


def resumed(change: Callable[[Message], Message]) -> Says:
    return Says("resumed", lambda m: m | {"parameters": m["parameters"] | change(m["parameters"])})


def second_pause(m: Message, _: str, s: ClientSession) -> bool:
    return m.get("type") == "pause" and s.state is State.PAUSED


PAUSES: dict[str, ClientFlaw] = {
    "6.1": Also("paused", _AUDIO),
    "6.2": Sees(second_pause, lambda m, _: m | {"type": "updated"}),
    "6.3": resumed(lambda p: {"discarded": "PT9S"}),
    "6.4": Says("resumed", lambda m: m | {"parameters": {"start": m["position"], "discarded": "PT0S"}}),
    "6.5": Sees(
        lambda m, _, s: m.get("type") == "resume" and s.state is State.OPEN, lambda m, _: m | {"type": "updated"}
    ),
    "6.6": Says("paused", lambda m: m | {"position": "PT9S"}),
    "6.7": Doubled(),
    "6.8": Says("ping", lambda m: m | {"position": "PT9S"}),
    "6.9": Deafened(),
}
MUTANTS = UPGRADE | OPENING | ENVELOPE | SIZES | PINGS | PAUSES
PROFILES_OF: dict[str, str] = {"2.8": "monitor"}
BROAD = {"5.1", "1.11", "1.12", "1.13", "1.14", "3.2", "3.6", "3.7"}
