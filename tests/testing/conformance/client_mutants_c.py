"""A mutant for each case of the chapters on frames, kept audio, places, garbage, connections and reconnects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

from tests.testing.conformance.client_mutants import (
    Gone,
    Message,
    Raw,
    Says,
    Sees,
    Sounds,
    answers,
    event_of,
    takes,
)
from tests.testing.conformance.client_mutants_b import gone, misread
from tests.testing.conformance.mutant_clients import ClientFlaw, ClientLink

from offhook.protocol import ClientSession, State
from offhook.testing.conformance.client_cases import misplaced
from offhook.testing.conformance.server_cases.misplaced import CLIENT_TYPES, SERVER_TYPES
from offhook.testing.misbehaving.flaw import Data, edit

_OVER = (State.CLOSING, State.CLOSED)


def heard(size: int) -> Gone:
    """Drops the connection at an audio message of a size."""
    return Gone(lambda m, _, __: m.get("type") == "audio" and m["size"] == size)


class Unread(Raw):
    """Reads bytes that are no UTF-8, and passes over what comes of it."""

    def seen(self, data: Data, session: ClientSession) -> Iterable[Data]:
        return () if isinstance(data, str) and '"type"' not in data else (data,)


FRAMING: dict[str, ClientFlaw] = {
    "4.13": Gone(event_of(64_001)),
    "4.14": Gone(event_of(65_535)),
    "4.15": heard(64_001),
    "4.16": heard(65_536),
    "4.17": Raw("large audio"),
    "4.18": Raw("audio fragments"),
    "4.19": Raw("empty first"),
    "4.20": Raw("empty last"),
    "4.21": Raw("split character"),
    "4.22": Raw("text fragments"),
    "4.23": Raw("early ping"),
    "4.24": Raw("bare close"),
    "4.25": Raw("crowd"),
    "4.26": Raw("lax mask"),
    "4.27": Raw("lax reserved"),
    "4.28": Raw("lax opcode"),
    "4.29": Raw("lax opcode"),
    "4.30": Raw("lax control fragments"),
    "4.31": Raw("lax control size"),
    "4.32": Raw("lax start"),
    "4.33": Raw("lax message"),
    "4.34": Raw("lax length"),
    "4.35": Raw("plain"),
    "4.36": Unread("lax utf-8"),
}
HISTORY: dict[str, ClientFlaw] = {
    "6.10": Sounds(lambda data: () if len(data) > 6000 else (data,)),
    "6.11": Sees(lambda m, _, __: m.get("type") == "opened" and m["parameters"].get("discardTo") == "PT1S",
                 lambda m, _: m | {"parameters": m["parameters"] | {"discardTo": "PT0S"}}),
    "6.12": Says("ping", lambda m: m | {"position": "PT9S"}),
    "6.13": answers(lambda p: p.get("discardTo") == "PT3600S"),
    "6.14": answers(lambda p: "discardTo" in p and p["startPaused"]),
    "6.15": takes(lambda p: p.get("discardTo") == "a second"),
    "6.16": takes(lambda p: p.get("discardTo") == 1),
}  # fmt: skip


class Clings(ClientFlaw):
    """Never lets the connection go, once something has come; it looks a moment longer than others."""

    linger = 0.1

    def __init__(self, condition: Callable[[Message, str, ClientSession], Any]) -> None:
        self.condition = condition

    def drops(self, data: Data, session: ClientSession) -> bool:
        try:
            message = json.loads(data) if isinstance(data, str) else {"type": "audio"}
        except (ValueError, RecursionError):
            message = {}
        if self.condition(message, data if isinstance(data, str) else "", session):
            self.keeps = True
        return False


def clings(type: str, *states: State) -> Clings:
    return Clings(lambda m, _, s: m.get("type") == type and s._planned in states)


def misplacements() -> dict[str, ClientFlaw]:
    """In the order of the cases."""
    forbidden = misplaced.forbidden

    def dropped(type: str, ack: int) -> Gone:
        return Gone(lambda m, _, s: m.get("type") == type and s.state is State.OPENING and m["clientseq"] == ack)

    made: list[ClientFlaw] = [dropped(type, 0) for type in forbidden(State.IDLE)]
    made += [dropped(type, 1) for type in forbidden(State.OPENING)]
    made += [
        Sees(lambda m, _, s, type=type: m.get("type") == type and s.state is State.PAUSED,
             lambda m, _: m | {"type": "event", "parameters": {"entities": []}})
        for type in forbidden(State.PAUSED)
    ]  # fmt: skip
    made += [clings(type, *_OVER) for type in forbidden(State.ENDING)]
    made += [clings(type, *_OVER) for type in forbidden(State.CLOSING) if type not in ("pause", "resume")]
    made += [
        Clings(lambda m, _, s, type=type: m.get("type") == type and s.finished and s.state is State.CLOSED)
        for type in SERVER_TYPES
    ]  # fmt: skip
    made += [misread(type) for type in CLIENT_TYPES]
    return {f"10.{place}": flaw for place, flaw in enumerate(made, 1)}


def over(condition: Callable[[str], Any]) -> Sees:
    """Passes over garbage that ends a session."""
    return Sees(lambda _, text, s: s.state is State.OPEN and condition(text), lambda m, _: None)


def broken(text: str) -> bool:
    try:
        return not isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return True


GARBAGE: dict[str, ClientFlaw] = {
    "11.1": over(lambda t: t == ""),
    "11.2": over(lambda t: t == "hello"),
    "11.3": over(lambda t: t == "{}"),
    "11.4": over(lambda t: t == "[]"),
    "11.5": over(lambda t: t == "null"),
    "11.6": over(lambda t: t == "7"),
    "11.7": over(lambda t: t == '"event"'),
    "11.8": over(lambda t: len(t) == 40),
    "11.9": over(lambda t: t.endswith('{"version"')),
    "11.10": over(lambda t: t.count('"event"') == 2),
    "11.11": over(lambda t: t.startswith("[[")),
    "11.12": over(lambda t: t.startswith('{"a":{')),
    "11.13": over(lambda t: "1e999" in t),
    "11.14": over(lambda t: "NaN" in t),
    "11.15": over(lambda t: "0" * 90 in t),
    "11.16": over(lambda t: t.startswith("{'")),
    "11.17": over(lambda t: '{"a":1}' in t),
    "11.18": over(lambda t: "<?xml" in t),
    "11.19": Sees(lambda _, text, s: s.state is State.OPENING and text == "hello", lambda m, _: None),
    "11.20": Gone(lambda m, _, s: m.get("type") == "audio" and s.state is State.OPENING),
    "11.21": Clings(lambda _, text, s: s._planned in _OVER and text == "hello"),
    "11.22": Gone(lambda m, text, s: s.state is State.OPEN and not m and text[:1] not in "{["),
    "11.23": Gone(lambda m, text, s: s.state is State.OPEN and text.startswith("{") and broken(text) and '"entities' in text),
    "11.24": Gone(lambda m, _, s: s.state is State.OPEN and type(m.get("seq", 1)) is not int and m.get("version") == "2"),
    "11.25": gone("event", lambda p, _: isinstance(p.get("entities"), list) and 7 in p["entities"]),
}  # fmt: skip


class Clutches(ClientFlaw):
    """Counts on where a session was that has lost its connection in some state."""

    def __init__(self, *states: State) -> None:
        self.states = states
        self.lost_one = False

    def lost(self, link: ClientLink, code: int) -> None:
        self.lost_one |= code == 1006 and link.session.state in self.states

    def leaves(self, data: Data, session: ClientSession) -> Iterable[Data]:
        return edit(data, "open", lambda m: m | {"seq": 7}) if self.lost_one else (data,)


class Impatient(ClientFlaw):
    """Drops the connection at an `opened` that comes within some span after the upgrade."""

    def __init__(self, earliest: float, latest: float) -> None:
        self.span = earliest, latest
        self.since: dict[str, float] = {}

    def connected(self, link: ClientLink) -> None:
        self.since[link.session.id] = asyncio.get_running_loop().time()

    def drops(self, data: Data, session: ClientSession) -> bool:
        waited = asyncio.get_running_loop().time() - self.since[session.id]
        return isinstance(data, str) and '"opened"' in data and self.span[0] < waited < self.span[1]


class Keeps(ClientFlaw):
    """Never lets a connection go."""

    keeps = True


def first(type: str) -> Gone:
    """Drops the connection at a message that follows `opened` with nothing between."""
    return Gone(
        lambda m, _, s: (
            m.get("type") == type and m.get("seq") == 2 and m.get("clientseq") == 1 and s.state is State.OPEN
        )
    )


CONNECTIONS: dict[str, ClientFlaw] = {
    "12.1": Clutches(State.OPENING),
    "12.2": Clutches(State.OPENING),
    "12.3": Clutches(State.OPEN, State.OPENING),
    "12.4": Clutches(State.OPEN),
    "12.5": Clutches(State.PAUSED),
    "12.6": Clutches(State.OPEN),
    "12.7": Clutches(State.OPEN),
    "12.8": Clutches(State.OPEN, State.CLOSING, State.CLOSED),
    "12.9": Clutches(State.CLOSING, State.CLOSED),
    "12.10": Raw("half"),
    "12.11": Keeps(),
    "12.12": Says("ping", lambda m: m if "rtt" in m["parameters"] else None),
    "12.13": Impatient(3.5, 5.0),
    "12.14": Impatient(1.7, 3.5),
    "12.15": Raw("trickle"),
    "12.16": first("disconnect"),
    "12.17": first("pause"),
    "12.18": Gone(lambda m, _, s: m.get("type") == "audio" and s.state is State.OPEN and s._peer_seq == 1),
    "12.19": Clings(lambda m, _, s: m.get("type") == "audio" and s._planned in _OVER),
    "12.20": Clings(lambda m, _, s: m.get("type") == "audio" and s._planned in _OVER),
    "12.21": Gone(lambda m, _, s: m.get("type") == "pong" and s._ping_seq is None),
    "12.22": Sees(lambda m, _, s: m.get("type") == "resume" and s.state is State.OPEN, lambda m, _: m | {"type": "updated"}),
    "12.23": Gone(lambda m, text, _: m.get("seq") == 3 and '"twice"' in text),
}  # fmt: skip


class Reconnects(ClientFlaw):
    """Opens a new session when it is asked to, with something changed in its `open`; and closes the old one."""

    def __init__(self, change: Callable[[Message], Message] = lambda m: m, reason: Any = "reconnect") -> None:
        self.change = change
        self.reconnects = reason

    def leaves(self, data: Data, session: ClientSession) -> Iterable[Data]:
        continued = session.parameters.continued_sessions
        return edit(data, "open", self.change) if continued else (data,)


def entry(**changes: Any) -> Reconnects:
    """Changes what is said of the predecessor."""

    def change(m: Message) -> Message:
        named = [each | changes for each in m["parameters"]["continuedSessions"]]
        return m | {"parameters": m["parameters"] | {"continuedSessions": named}}

    return Reconnects(change)


RECONNECT: dict[str, ClientFlaw] = {
    "13.1": gone("reconnect", lambda p, _: "info" in p),
    "13.2": gone("reconnect", lambda p, _: "info" not in p),
    "13.3": entry(id="11111111-2222-4333-8444-555555555555"),
    "13.4": entry(serverseq=99),
    "13.5": Reconnects(lambda m: m | {"position": "PT999999S"}),
    "13.6": Reconnects(reason="end"),
}
MUTANTS = FRAMING | HISTORY | misplacements() | GARBAGE | CONNECTIONS | RECONNECT
PROFILES_OF = dict.fromkeys(RECONNECT, "monitor")
BROAD = {"4.22", "12.11", "12.12"}
