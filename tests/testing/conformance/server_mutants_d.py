"""A mutant for each of the later cases for servers: formats, barge-in, slow and broken lines, reconnect."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

from tests.testing.conformance.server_mutants_a import Message, Mutant, Picks, fills, opened, opening, raw, refuses
from tests.testing.conformance.server_mutants_b import Grudge, Mixes, Trims, a, extra

from offhook.protocol import ServerSession, State
from offhook.testing.conformance.server_cases.formats import tone
from offhook.testing.conformance.server_cases.reconnect import predecessor
from offhook.testing.misbehaving.flaw import Data, Flaw, FlawedLink
from offhook.testing.misbehaving.kinds import Adds, Deaf, Drops, Edits, Fatal, Says


def sounds(start: bytes) -> Fatal:
    """Ends the session at audio that begins so."""
    return Fatal(a("audio", lambda m, _: m["data"].startswith(start)))


def offer(*channels: str) -> Message:
    return {"type": "audio", "format": "PCMU", "channels": list(channels), "rate": 8000}


_OVER = (State.CLOSING, State.CLOSED)
_BARGE_IN = {"entities": [{"type": "barge_in", "data": {}}]}
FORMATS: dict[str, Mutant] = {
    "8.16": sounds(tone("<")[:200]),
    "8.17": sounds(tone(">")[:200]),
    "8.18": Trims(),
    "8.19": Fatal(a("audio", lambda m, _: m["size"] == 2)),
    "8.20": sounds(b"\x30\xff" * 100),
    "8.21": sounds(b"\xff\x30" * 100),
    "8.22": Fatal(a("ping", lambda m, _: m.get("position") == "PT12S")),
    "8.23": Fatal(a("audio", lambda m, s: m["size"] >= 63_999 and s.position >= 64_000)),
    "9.10": Adds(a("dtmf"), extra("event", **_BARGE_IN), *[b"\x55" * 1600] * 3),
}


class Tireless(Flaw):
    """Takes a silent session for one that has just been heard."""

    def opens(self, link: FlawedLink) -> None:
        self._task = asyncio.get_running_loop().call_later(4.0, self._hears, link)

    def _hears(self, link: FlawedLink) -> None:
        if not link.session.finished:
            link.session._heard = link.connection.now
            asyncio.get_running_loop().call_later(4.0, self._hears, link)


LINES: dict[str, Mutant] = {
    "10.27": raw("grudge connect"),
    "10.28": raw("grudge head"),
    "10.29": Grudge(lambda s: s.state is State.ENDING),
    "10.30": Grudge(lambda s: s.state is State.CLOSED),
    "10.31": raw("few"),
    "10.32": Tireless(),
    "10.33": raw("one read"),
    "10.34": raw("trickle"),
    "10.35": raw("jam"),
    "10.36": Edits("pong", lambda m: None if m["clientseq"] == 6 else m),
    "10.37": Adds(a("ping", lambda _, s: s.state is State.ENDING), extra("disconnect", reason="error")),
    "10.38": Adds(a("audio", lambda _, s: s.state is State.ENDING), extra("disconnect", reason="error")),
    "10.39": Adds(a("paused", lambda _, s: s.state is State.ENDING), extra("disconnect", reason="error")),
}


class Forgets(Flaw):
    """Refuses to go on with a session whose connection was lost."""

    def __init__(self) -> None:
        self.gone: set[str] = set()

    def lost(self, link: FlawedLink, code: int) -> None:
        if code == 1006:
            self.gone.add(link.session.id)

    def seen(self, data: Data, session: ServerSession) -> Iterable[Data]:
        try:
            message = json.loads(data) if isinstance(data, str) else {}
        except (ValueError, RecursionError):
            message = {}
        message = message if isinstance(message, dict) else {}
        named = {each["id"] for each in opening(message).get("continuedSessions", ())}
        return ("garbage",) if named & self.gone else (data,)


def named(count: int, position: str) -> Fatal:
    """Refuses an `open` with so many predecessors, at a position."""
    return refuses(
        lambda m, _: (
            len(opening(m).get("continuedSessions", ())) == count
            and m["position"] == position
            and opening(m)["continuedSessions"][0]["id"].startswith("11111111")
        )
    )


NUMBERS_OF_TEXT = [predecessor(clientseq="1", serverseq="1")]
RECONNECT: dict[str, Mutant] = {
    "13.1": Drops(a("close", lambda m, s: m["p"]["reason"] == "reconnect" and s.position == 8000)),
    "13.2": Forgets(),
    "13.3": named(1, "PT0S"),
    "13.4": named(3, "PT0S"),
    "13.5": Drops(a("audio", lambda _, s: 440_000 < s.position < 480_000)),
    "13.6": Fatal(a("update", lambda m, _: m["p"]["language"] == "es-US")),
    "13.7": opened(discardTo="soon"),
    "13.8": Mixes(),
    "13.9": fills("continuedSessions", "yes", []),
    "13.10": fills("continuedSessions", [predecessor()["id"]], []),
    "13.11": fills("continuedSessions", [{"clientseq": 1, "serverseq": 1}], []),
    "13.12": fills("continuedSessions", NUMBERS_OF_TEXT, []),
}


class Interrupted(Says):
    """Sends `barge_in` at a key, and cannot bear that the playback is over then."""

    def __init__(self) -> None:
        super().__init__(a("dtmf"), ("event", _BARGE_IN))
        self.interrupted: set[str] = set()

    def seen(self, data: Data, session: ServerSession) -> Iterable[Data]:
        if isinstance(data, str) and '"dtmf"' in data:
            self.interrupted.add(session.id)
        over = isinstance(data, str) and '"playback_completed"' in data and session.id in self.interrupted
        return ("garbage",) if over else super().seen(data, session)


OTHERS: dict[str, Mutant] = {
    "2.58": Picks(lambda media: media[0].get("type") == "video"),
    "2.59": Picks(lambda media: media[0]["channels"] == ["supervisor"]),
    "2.60": Picks(lambda media: media[0]["channels"] == ["internal", "external"], offer("external", "internal")),
    "4.43": raw("between audio"),
    "8.24": sounds(b"\x7f" * 200),
    "9.11": Interrupted(),
    "10.40": Grudge(lambda s: s.state is State.OPEN and s._peer_seq == 1 and not s.position),
    "10.41": Deaf(a("ping", lambda m, s: m["version"] == "1" and s.state is State.PAUSED)),
    "10.42": Adds(
        a("ping", lambda m, s: m["version"] == "1" and s.state in _OVER), extra("disconnect", reason="error")
    ),
    "12.24": raw("grudge frames"),
}
MUTANTS = FORMATS | LINES | RECONNECT | OTHERS
PROFILES_OF = dict.fromkeys(("8.16", "8.17", "8.18", "8.19"), "bot-transcription")
BROAD = {"10.29", "10.31"}
