"""A mutant for each case of chapters 7 to 9 of the suite for clients."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from tests.testing.conformance.client_mutants import Also, Gone, Message, Says, Sees
from tests.testing.conformance.mutant_clients import ClientFlaw

from offhook.protocol import ClientSession, State
from offhook.testing.misbehaving.flaw import Data


def gone(type: str, condition: Callable[[Message, ClientSession], Any] = lambda p, s: True) -> Gone:
    """Drops the connection at a message of a type of whose parameters something is true."""
    return Gone(lambda m, _, s: m.get("type") == type and condition(m.get("parameters", {}), s))


def entity(type: str, count: int = 1) -> Gone:
    return gone("event", lambda p, _: [each["type"] for each in p.get("entities", ())] == [type] * count)


def message(type: str) -> str:
    return json.dumps(
        {"version": "2", "type": type, "id": "x", "seq": 99, "serverseq": 1, "position": "PT0S", "parameters": {}}
    )


class Once(ClientFlaw):
    """Tells of its first playback alone."""

    def __init__(self) -> None:
        self.told = 0

    def leaves(self, data: Data, session: ClientSession) -> Iterable[Data]:
        if isinstance(data, str) and '"playback_started"' in data:
            self.told += 1
            return () if self.told > 1 else (data,)
        return (data,)


class Sulks(ClientFlaw):
    """Plays nothing any more once it was interrupted."""

    def __init__(self) -> None:
        self.interrupted = False

    def seen(self, data: Data, session: ClientSession) -> Iterable[Data]:
        self.interrupted |= isinstance(data, str) and '"barge_in"' in data
        return () if self.interrupted and isinstance(data, bytes) else (data,)


class HalfDuplex(ClientFlaw):
    """Sends no audio while it plays."""

    def __init__(self) -> None:
        self.playing = False

    def leaves(self, data: Data, session: ClientSession) -> Iterable[Data]:
        if isinstance(data, bytes):
            return () if self.playing else (data,)
        self.playing = '"playback_started"' in data or (self.playing and '"playback_completed"' not in data)
        return (data,)


class Clings(ClientFlaw):
    """Waits for `closed` for ever."""

    keeps = True


def entities(wrong: Any) -> Sees:
    """Takes an event with wrong parameters for one without entities."""
    return Sees(lambda m, _, __: m.get("type") == "event" and m["parameters"] == wrong,
                lambda m, _: m | {"parameters": {"entities": []}})  # fmt: skip


def misread(type: str) -> Sees:
    """Takes a message that is out of place in an open session for an event."""
    return Sees(lambda m, _, s: m.get("type") == type and s.state is State.OPEN,
                lambda m, _: m | {"type": "event", "parameters": {"entities": []}})  # fmt: skip


EVENTS: dict[str, ClientFlaw] = {
    "7.1": entity("transcript"),
    "7.2": entity("agentassist"),
    "7.3": entity("barge_in"),
    "7.4": entity("bot_turn_response"),
    "7.5": entity("something_new"),
    "7.6": entity("something_new", 5),
    "7.7": gone("event", lambda p, _: p.get("entities") == []),
    "7.8": gone("updated"),
    "7.9": Gone(lambda m, _, __: m.get("type") == "event" and m["seq"] == 20),
    "7.10": Says("close", lambda m: None),
    "7.11": entities({}),
    "7.12": entities({"entities": "x"}),
}
PLAYBACK: dict[str, ClientFlaw] = {
    "8.1": Says("playback_completed", lambda m: m | {"position": "PT9S"}),
    "8.2": Also("playback_completed", message("playback_started")),
    "8.3": Once(),
    "8.4": Sees(lambda m, text, _: '"barge_in"' in text, lambda m, _: m | {"parameters": {"entities": []}}),
    "8.5": Sulks(),
    "8.6": Gone(lambda m, _, __: m.get("type") == "audio" and m["size"] == 1),
    "8.7": HalfDuplex(),
    "8.8": Says("dtmf", lambda m: m | {"parameters": {"digit": "55"}}),
    "8.9": Gone(lambda m, _, __: m.get("type") == "audio"),
}
ENDING: dict[str, ClientFlaw] = {
    "9.1": gone("disconnect", lambda p, _: p == {"reason": "completed"}),
    "9.2": gone("disconnect", lambda p, _: p.get("info") == "a test"),
    "9.3": gone("disconnect", lambda p, _: p["reason"] == "unauthorized"),
    "9.4": gone("disconnect", lambda p, _: "outputVariables" in p),
    "9.5": gone("disconnect", lambda p, _: len(p.get("info", "")) > 1000),
    "9.6": gone("disconnect", lambda p, _: "score" in p),
    "9.7": Also("close", b"\xff" * 1600),
    "9.8": Also("close", message("close")),
    "9.9": gone("pause", lambda _, s: s.state is State.CLOSING),
    "9.10": gone("resume", lambda _, s: s.state is State.CLOSING),
    "9.11": gone("event", lambda _, s: s.state is State.CLOSING),
    "9.12": Clings(),
    "9.13": misread("closed"),
    "9.14": misread("opened"),
}  # fmt: skip
MUTANTS = EVENTS | PLAYBACK | ENDING
