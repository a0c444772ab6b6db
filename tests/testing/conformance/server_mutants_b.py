"""A mutant for each case of chapters 5 to 12 of the suite for servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

from tests.testing.conformance.server_mutants_a import Mutant, heard, raw

from offhook.protocol import CloseRequested, Event, ServerSession, State, Violation
from offhook.session.wire import Receiver, Refusal, UpgradeRequest
from offhook.testing.conformance.server_cases import misplaced
from offhook.testing.misbehaving.flaw import Data, Flaw, FlawedLink
from offhook.testing.misbehaving.kinds import Adds, Condition, Deaf, Drops, Edits, Fatal, Message, Told, envelope


def a(type: str, condition: Callable[[Message, ServerSession], Any] = lambda m, s: True) -> Condition:
    """A message of a type of which something is true; parameters under `p`."""
    return lambda m, _, session: m.get("type") == type and condition(m | {"p": m.get("parameters", {})}, session)


def extra(type: str, **parameters: Any) -> Callable[[ServerSession], Data]:
    return lambda session: envelope(session, type, parameters, session._seq + 1)


class Before(Flaw):
    """Sends something before `opened`."""

    def leaves(self, data: Data, session: ServerSession) -> Iterable[Data]:
        first = isinstance(data, str) and '"opened"' in data
        return (envelope(session, "pong", {}, 1), data) if first else (data,)


PINGS: dict[str, Mutant] = {
    "5.1": Edits("pong", lambda m: m | {"clientseq": m["clientseq"] - 1}),
    "5.2": Deaf(a("ping", lambda m, _: m["seq"] == 5)),
    "5.3": Fatal(a("ping", lambda m, _: "rtt" in m["p"])),
    "5.4": Drops(a("ping", lambda _, s: s.position > 100_000)),
    "5.5": Before(),
    "5.6": Adds(a("open"), extra("pong")),
    "5.7": Fatal(a("ping", lambda _, s: s.state is State.PAUSED)),
    "5.8": Drops(a("ping", lambda m, _: "parameters" not in m)),
}

PAUSES: dict[str, Mutant] = {
    "6.1": Fatal(a("resumed", lambda m, _: m["p"]["discarded"] == "PT1S")),
    "6.2": Fatal(a("resumed", lambda m, _: m["p"]["discarded"] == "PT0.5S")),
    "6.3": Fatal(a("paused", lambda _, s: s.state is State.PAUSED)),
    "6.4": Fatal(a("resumed", lambda _, s: s.state is State.OPEN)),
    "6.5": Fatal(
        a("resumed", lambda m, _: m["p"]["discarded"] == "PT0.1S" and m["p"]["start"] not in ("PT0S", "PT0.0S"))
    ),
    "6.6": Fatal(a("resumed", lambda m, _: m["p"]["discarded"] == "PT36000S")),
    "6.7": Fatal(a("discarded", lambda m, _: m["p"]["discarded"] == "PT2S")),
    "6.8": Fatal(a("discarded", lambda m, _: m["p"]["discarded"] == "PT3S")),
    "6.9": Fatal(a("discarded", lambda m, _: m["p"]["discarded"] == "PT0.01S")),
    "6.10": Fatal(a("discarded", lambda m, _: m["p"]["discarded"] in ("PT0S", "PT0.0S"))),
    "6.11": Fatal(a("discarded", lambda _, s: s.state is State.PAUSED)),
    "6.12": Fatal(a("update", lambda _, s: s.state is State.PAUSED)),
    "6.13": Fatal(a("ping", lambda _, s: s.state is State.PAUSED)),
    "6.14": Fatal(a("ping", lambda m, _: m.get("position") == "PT0.4000000001S")),
    "6.15": Drops(a("audio", lambda _, s: s.state is State.PAUSED)),
}


def digit(key: str) -> Condition:
    return a("dtmf", lambda m, _: m["p"].get("digit") == key and m["seq"] == 2)


UPDATES: dict[str, Mutant] = {
    "7.1": Edits("updated", lambda m: None),
    "7.2": Adds(a("update"), extra("updated")),
    "7.3": Fatal(a("update", lambda m, _: m["p"] == {"language": "en-US"} and m["seq"] == 2)),
    "7.4": Fatal(a("update", lambda m, _: not m["p"])),
    "7.5": Fatal(a("update", lambda m, _: "tempo" in m["p"])),
    "7.6": Fatal(digit("5")),
    "7.7": Fatal(digit("*")),
    "7.8": Fatal(digit("#")),
    "7.9": Fatal(a("dtmf", lambda m, _: m["seq"] > 12)),
    "7.10": Fatal(digit("A")),
    "7.11": Fatal(digit("x")),
    "7.12": Fatal(a("dtmf", lambda m, _: m["p"]["digit"] == "1" and m["seq"] == 3)),
    "7.13": Fatal(a("playback_completed", lambda m, _: m["seq"] == 3)),
    "7.14": Fatal(a("playback_completed", lambda m, _: m["seq"] == 2)),
    "7.15": Fatal(a("playback_started", lambda m, _: m["seq"] == 3)),
    "7.16": Fatal(a("playback_started", lambda m, _: m["seq"] > 10)),
    "7.17": Fatal(a("error", lambda m, _: m["p"]["code"] == 400)),
    "7.18": Fatal(a("error", lambda m, _: m["p"]["code"] == 13991)),
    "7.19": Fatal(a("error", lambda m, _: "retryAfter" in m["p"])),
    "7.20": Fatal(a("error", lambda m, _: m["p"]["code"] == 429 and "retryAfter" not in m["p"])),
    "7.21": Adds(a("ping", lambda m, _: m["seq"] == 3), b"\xff" * 1600),
}


class Trims(Flaw):
    """Throws half samples away without a word."""

    def seen(self, data: Data, session: ServerSession) -> Iterable[Data]:
        return (data[: len(data) - len(data) % 2],) if isinstance(data, bytes) else (data,)


_USUAL = (0, 1, 37, 160, 800, 1600, 24_000, 32_000)
AUDIO: dict[str, Mutant] = {
    "8.1": Fatal(heard(160)),
    "8.2": Fatal(heard(800)),
    "8.3": Fatal(a("audio", lambda m, s: m["size"] == 1600 and s.position == 6400)),
    "8.4": Fatal(heard(32_000)),
    "8.5": Fatal(heard(1)),
    "8.6": Fatal(a("audio", lambda m, _: m["size"] not in _USUAL)),
    "8.7": Fatal(a("audio", lambda _, s: s.position > 200_000)),
    "8.8": Fatal(heard(37)),
    "8.9": Fatal(a("audio", lambda m, _: m["size"] and not any(m["data"]))),
    "8.10": Fatal(a("audio", lambda m, _: len(set(m["data"])) > 100)),
    "8.11": Fatal(a("ping", lambda m, _: m["seq"] > 8)),
    "8.12": Fatal(heard(0)),
    "8.13": Fatal(heard(24_000)),
    "8.14": Trims(),
    "8.15": Drops(a("audio", lambda _, s: s.media is None)),
}

_NO_ALTERNATIVES = {"entities": [{"type": "transcript", "data": {"id": "x", "channelId": 0, "isFinal": True}}]}
SPEAKING: dict[str, Mutant] = {
    "9.1": Adds(a("open"), b"\xff" * 64_001),
    "9.2": Adds(a("open"), *[b"\xff" * 1600] * 60),
    "9.3": Adds(a("open"), *[extra("event", entities=[])] * 60),
    "9.4": Adds(a("open"), bytes(800)),
    "9.5": Adds(a("open"), b"\xff" * 1600),
    "9.6": Adds(a("open"), extra("event", entities={})),
    "9.7": Adds(a("open"), extra("event", **_NO_ALTERNATIVES)),
    "9.8": Adds(a("open"), extra("ping")),
    "9.9": Adds(a("open"), *[extra("pause")] * 10),
}


class Leaves(Flaw):
    """Closes the connection behind something that happens."""

    def __init__(self, kind: type[Event]) -> None:
        self.kind = kind

    def happened(self, event: Event, link: FlawedLink) -> None:
        if isinstance(event, self.kind):
            link.connection.flush()
            link.wire.close()


class Grudge(Flaw):
    """Serves nobody any more once a connection was lost in some state."""

    def __init__(self, condition: Callable[[ServerSession], Any]) -> None:
        self.condition = condition
        self.poisoned = False

    def lost(self, link: FlawedLink, code: int) -> None:
        self.poisoned |= code == 1006 and bool(self.condition(link.session))

    def answer_upgrade(self, request: UpgradeRequest, decided: Receiver | Refusal) -> Receiver | Refusal:
        return Refusal(503) if self.poisoned else decided


class Bears(Told):
    """Serves nobody any more once it has read something."""

    def __init__(self, condition: Condition) -> None:
        super().__init__(condition)
        self.poisoned = False

    def seen(self, data: Data, session: ServerSession) -> Iterable[Data]:
        self.poisoned |= self.holds(data, session)
        return (data,)

    def answer_upgrade(self, request: UpgradeRequest, decided: Receiver | Refusal) -> Receiver | Refusal:
        return Refusal(503) if self.poisoned else decided


class Mixes(Flaw):
    """Answers one session with the id of the one that was answered before."""

    def __init__(self) -> None:
        self.last = ""

    def leaves(self, data: Data, session: ServerSession) -> Iterable[Data]:
        if isinstance(data, str) and '"pong"' in data:
            before, self.last = self.last or session.id, session.id
            return (data.replace(session.id, before),)
        return (data,)


class Once(Flaw):
    """Takes a session id once."""

    def __init__(self) -> None:
        self.known: set[str] = set()

    def answer_upgrade(self, request: UpgradeRequest, decided: Receiver | Refusal) -> Receiver | Refusal:
        session = request.headers.get("audiohook-session-id", "")
        if session in self.known:
            return Refusal(409)
        self.known.add(session)
        return decided


class Muddles(Flaw):
    """Answers `close` a moment later, and drops the connection if a message comes meanwhile."""

    def __init__(self, type: str) -> None:
        self.type = type
        self.links: dict[str, FlawedLink] = {}

    def happened(self, event: Event, link: FlawedLink) -> None:
        if isinstance(event, CloseRequested):
            self.links[link.session.id] = link

    def leaves(self, data: Data, session: ServerSession) -> Iterable[Data]:
        link = self.links.get(session.id)
        if link is None or not (isinstance(data, str) and '"closed"' in data):
            return (data,)
        asyncio.get_running_loop().call_later(0.1, link.wire.send, data)
        return ()

    def drops(self, data: Data, session: ServerSession) -> bool:
        found = json.loads(data).get("type") if isinstance(data, str) else "audio"
        return session.id in self.links and found == self.type


def closes(condition: Callable[[Message, ServerSession], Any]) -> Drops:
    """Drops the connection in place of `closed`."""
    return Drops(a("close", condition))


ENDING: dict[str, Mutant] = {
    "10.1": closes(lambda m, s: s.state is State.OPEN and m["seq"] == 2 and m["p"]["reason"] == "end"),
    "10.2": closes(lambda m, s: m.get("serverseq") == 0 and s.state is State.OPEN),
    "10.3": closes(lambda _, s: s.state is State.IDLE),
    "10.4": closes(lambda _, s: s.state is State.PAUSED),
    "10.5": closes(lambda m, _: m["p"]["reason"] == "error"),
    "10.6": closes(lambda m, _: m["p"]["reason"] == "reconnect"),
    "10.7": closes(lambda m, _: m["p"]["reason"] == "something_new"),
    "10.8": closes(lambda m, s: s.state is State.ENDING and m["p"]["reason"] == "end"),
    "10.9": closes(lambda _, s: s.position > 100_000),
    "10.10": Adds(a("close", lambda _, s: s.state in (State.CLOSING, State.CLOSED)), extra("closed")),
    "10.11": Leaves(CloseRequested),
    "10.12": Leaves(Violation),
    "10.13": Muddles("audio"),
    "10.14": Grudge(lambda s: s.state is State.IDLE),
    "10.15": Grudge(lambda s: s.state is State.OPEN and not s.position),
    "10.16": Grudge(lambda s: s.state is State.OPEN and s._peer_seq == 1 and not s.position),
    "10.17": Grudge(lambda s: s.position > 0),
    "10.18": Grudge(lambda s: s.state is State.PAUSED),
    "10.19": raw("grudge message"),
    "10.20": raw("grudge frame"),
    "10.21": Grudge(lambda s: s.state in (State.CLOSING, State.CLOSED)),
    "10.22": raw("half"),
    "10.23": Mixes(),
    "10.24": Once(),
    "10.25": Fatal(a("ping", lambda m, _: m["seq"] == 50)),
    "10.26": Adds(a("dtmf", lambda m, _: m["p"]["digit"] == "#"),
                  extra("disconnect", reason="completed", outputVariables={"n": 3})),
}  # fmt: skip


def misplacements() -> dict[str, Mutant]:
    """In the order of the cases."""
    over = (State.CLOSING, State.CLOSED)
    made: list[Mutant] = [
        Drops(a(type, lambda _, s: s.state is State.IDLE)) for type in misplaced.forbidden(State.IDLE)
    ]
    made += [
        Drops(a(type, lambda m, s: s.state is State.OPEN and m.get("serverseq") == 0))
        for type in misplaced.forbidden(State.OPENING) if type != "open"
    ]  # fmt: skip
    made += [Muddles(type) for type in misplaced.forbidden(State.CLOSING)]
    made += [Adds(a(type, lambda _, s: s.state in over), extra("event")) for type in misplaced.forbidden(State.CLOSED)]
    made += [Drops(a(type, lambda _, s: s.state is State.OPEN)) for type in misplaced.SERVER_TYPES]
    return {f"11.{place}": mutant for place, mutant in enumerate(made, 1)}


def text(condition: Callable[[str], Any]) -> Deaf:
    """Passes over garbage that ends a session."""
    return Deaf(lambda _, text, session: session.state is State.OPEN and condition(text))


GARBAGE: dict[str, Mutant] = {
    "12.1": Deaf(lambda m, text, s: s.state is State.OPEN and not m and not text),
    "12.2": text(lambda t: t == "hello"),
    "12.3": text(lambda t: t == "{}"),
    "12.4": text(lambda t: t == "[]"),
    "12.5": text(lambda t: t == "null"),
    "12.6": text(lambda t: t == "7"),
    "12.7": text(lambda t: t == '"ping"'),
    "12.8": text(lambda t: len(t) == 40),
    "12.9": text(lambda t: t.endswith('{"version"')),
    "12.10": text(lambda t: t.count('"ping"') == 2),
    "12.11": text(lambda t: t.startswith("[[")),
    "12.12": text(lambda t: t.startswith('{"a":{')),
    "12.13": text(lambda t: "1e999" in t),
    "12.14": text(lambda t: "NaN" in t),
    "12.15": text(lambda t: "0" * 90 in t),
    "12.16": text(lambda t: t.startswith("{'")),
    "12.17": text(lambda t: '{"a":1}' in t),
    "12.18": text(lambda t: "<?xml" in t),
    "12.19": Drops(a("audio", lambda _, s: s.state is State.IDLE)),
    "12.20": Deaf(lambda _, text, s: s.state is State.IDLE and text == "hello"),
    "12.21": Bears(lambda _, text, s: s.state is State.OPEN and not text.startswith("{")),
    "12.22": Bears(lambda m, text, s: s.state is State.OPEN and not m and len(text) > 90),
    "12.23": Bears(lambda m, _, __: m.get("version", "2") != "2" or m.get("seq", 1) in (0.5, -1, None, "")),
}
MUTANTS = PINGS | PAUSES | UPDATES | AUDIO | SPEAKING | ENDING | misplacements() | GARBAGE
PROFILES_OF = {"7.1": "monitor", "7.2": "monitor", "8.14": "monitor", "9.5": "monitor", "10.6": "monitor"}
BROAD = {"5.1", "5.6", "9.1", "9.2", "10.1", "10.11", "10.15", "10.16", "12.21", "12.22", "12.23"}
