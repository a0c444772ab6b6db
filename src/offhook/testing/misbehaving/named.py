"""Flaws by name: what servers in the field do wrong, for tests of clients.

Each says what the server does, and which case of `offhook check` finds it (a test holds that it does).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from ...errors import UsageError
from ...protocol import CloseRequested, Event, ServerSession, State
from .flaw import Data, Flaw, FlawedLink
from .kinds import Adds, Condition, Deaf, Drops, Edits, Message, Omits, Says, ShutsOut


@dataclass(frozen=True)
class NamedFlaw:
    """One way to misbehave.

    Attributes:
        does: What the server does, one sentence.
        case: Number of a case for servers that finds it.
        make: Makes a flaw for one server.
        profile: Product in which it shows.
    """

    does: str
    case: str
    make: Callable[[], Flaw]
    profile: str = "connector"


def on(type: str, condition: Callable[[ServerSession], Any] = lambda _: True) -> Condition:
    """Where a message of a type comes, in a session of which something is true."""
    return lambda message, _, session: message.get("type") == type and condition(session)


def more(type: str, **parameters: Any) -> tuple[str, Message]:
    """A message of the server."""
    return type, parameters


def opened(**changes: Any) -> Edits:
    """Changes parameters of `opened`."""
    return Edits("opened", lambda m: m | {"parameters": m["parameters"] | changes})


class Late(Flaw):
    """Lets messages of one type wait, and whatever comes behind them."""

    def __init__(self, type: str, seconds: float) -> None:
        self._type = type
        self._seconds = seconds
        self._held: dict[str, list[Data]] = {}
        self._links: dict[str, FlawedLink] = {}

    def opens(self, link: FlawedLink) -> None:
        self._links[link.session.id] = link

    def lost(self, link: FlawedLink, code: int) -> None:
        self._held.pop(link.session.id, None)
        self._links.pop(link.session.id, None)

    def leaves(self, data: Data, session: ServerSession) -> Iterable[Data]:
        held = self._held.get(session.id)
        if held is not None:
            held.append(data)
            return ()
        if isinstance(data, str) and json.loads(data)["type"] == self._type and session.id in self._links:
            self._held[session.id] = [data]
            asyncio.get_running_loop().call_later(self._seconds, self._release, session.id)
            return ()
        return (data,)

    def _release(self, session_id: str) -> None:
        for data in self._held.pop(session_id, ()):
            self._links[session_id].wire.send(data)


class HangsUp(Flaw):
    """Ends the WebSocket itself so many seconds after the upgrade."""

    def __init__(self, seconds: float, *, rudely: bool) -> None:
        self._seconds = seconds
        self._rudely = rudely

    def opens(self, link: FlawedLink) -> None:
        asyncio.get_running_loop().call_later(self._seconds, link.wire.abort if self._rudely else link.wire.close)


class Leaves(Flaw):
    """Closes the WebSocket as soon as it has answered `close`."""

    def happened(self, event: Event, link: FlawedLink) -> None:
        if isinstance(event, CloseRequested):
            link.connection.flush()
            link.wire.close()


class Skips(Flaw):
    """Leaves a number out behind its first message."""

    def leaves(self, data: Data, session: ServerSession) -> Iterable[Data]:
        if not isinstance(data, str):
            return (data,)
        message = json.loads(data)
        return (json.dumps(message | {"seq": message["seq"] + (message["seq"] > 1)}),)


def _without(name: str) -> Callable[[Message], Message]:
    return lambda m: {key: value for key, value in m.items() if key != name}


_FRAME: Final = b"\xff" * 160
_OPENED: Final = on("open")
_CLOSING: Final = on("close")
_STEREO_16K: Final = {"type": "audio", "format": "PCMU", "channels": ["external", "internal"], "rate": 16000}
_TALK: Final = {"entities": [{"type": "transcript", "data": {"id": "x", "channelId": 0, "isFinal": True}}]}

FLAWS: Final[dict[str, NamedFlaw]] = {
    # The upgrade.
    "unauthorized": NamedFlaw("Answers the upgrade with HTTP 401.", "1.1", lambda: ShutsOut(lambda _: True, 401)),
    "overloaded": NamedFlaw("Answers the upgrade with HTTP 503.", "1.1", lambda: ShutsOut(lambda _: True, 503)),
    "redirects": NamedFlaw("Answers the upgrade with HTTP 302.", "1.1", lambda: ShutsOut(lambda _: True, 302)),
    # Opening.
    "never-opens": NamedFlaw("Does not answer `open`.", "2.1", lambda: Deaf(_OPENED)),
    "opens-late": NamedFlaw("Answers `open` after 6 s: a second too late.", "2.1", lambda: Late("opened", 6.0)),
    "other-media": NamedFlaw("Chooses media that nobody offered.", "2.2", lambda: opened(media=[_STEREO_16K])),
    "many-media": NamedFlaw(
        "Chooses an offer twice.", "2.2", lambda: Edits("opened", lambda m: m | {"parameters": m["parameters"] | {
            "media": m["parameters"]["media"] * 2}}),
    ),
    "opened-without-media": NamedFlaw(
        "Leaves `media` out of `opened`.", "2.2",
        lambda: Edits("opened", lambda m: m | {"parameters": {"startPaused": False}}),
    ),
    "starts-paused": NamedFlaw(
        "Starts paused and never resumes: allowed, and the caller is never heard.", "", lambda: opened(startPaused=True)
    ),
    # The envelope.
    "starts-at-two": NamedFlaw(
        "Counts its messages from 2.", "2.1", lambda: Edits(None, lambda m: m | {"seq": m["seq"] + 1})
    ),
    "skips-seq": NamedFlaw("Leaves the number 2 out.", "3.5", Skips),
    "other-id": NamedFlaw(
        "Uses another id than the session's.", "3.2",
        lambda: Edits(None, lambda m: m | {"id": "11111111-2222-4333-8444-555555555555"}),
    ),
    "number-version": NamedFlaw(
        "Writes its version as a number.", "3.1", lambda: Edits(None, lambda m: m | {"version": 2})
    ),
    "no-parameters": NamedFlaw(
"Leaves `parameters` out of `pong`.", "3.4", lambda: Edits("pong", _without("parameters"))),
    "garbage": NamedFlaw("Sends text that is no JSON behind `opened`.", "5.1", lambda: Adds(_OPENED, "garbage")),
    "unknown-type": NamedFlaw(
"Sends a message of a type that does not exist.", "9.8", lambda: Says(_OPENED, more("hello"))),
    # Pings.
    "no-pong": NamedFlaw("Answers no ping.", "5.1", lambda: Omits("pong")),
    "late-pong": NamedFlaw(
"Answers the first ping after 7 s, and holds back what is behind it.", "5.1", lambda: Late("pong", 7.0)),
    "wrong-pong": NamedFlaw(
        "Acknowledges another message than the ping.", "5.1",
        lambda: Edits("pong", lambda m: m | {"clientseq": m["clientseq"] - 1}),
    ),
    "unasked-pong": NamedFlaw("Sends a pong that answers no ping.", "5.6", lambda: Says(_OPENED, more("pong"))),
    # What it sends.
    "pause-flood": NamedFlaw(
        "Sends ten `pause` at once.", "9.9", lambda: Says(_OPENED, *[more("pause")] * 10)
    ),
    "event-flood": NamedFlaw(
        "Sends a hundred events at once.", "9.3", lambda: Says(_OPENED, *[more("event", entities=[])] * 100)
    ),
    "bad-event": NamedFlaw(
        "Sends an event whose entities are no list.", "9.6", lambda: Says(_OPENED, more("event", entities={}))
    ),
    "bad-transcript": NamedFlaw(
        "Sends a transcript without alternatives.", "9.7", lambda: Says(_OPENED, more("event", **_TALK))
    ),
    "audio-flood": NamedFlaw(
        "Sends two seconds of audio at once in messages of 20 ms.", "9.2", lambda: Says(_OPENED, *[_FRAME] * 100)
    ),
    "huge-audio": NamedFlaw(
        "Sends 100,000 bytes of audio in one message.", "9.1", lambda: Says(_OPENED, b"\xff" * 100_000)
    ),
    "zeros": NamedFlaw("Fills a pause with 0x00, which is loud.", "9.4", lambda: Says(_OPENED, bytes(1600))),
    "unwanted-audio": NamedFlaw(
        "Sends audio in a product that plays none.", "9.5", lambda: Says(_OPENED, _FRAME), "monitor"
    ),
    # The end.
    "cuts": NamedFlaw(
        "Drops the connection half a second after the upgrade.", "9.3", lambda: HangsUp(0.5, rudely=True)
    ),
    "cuts-at-open": NamedFlaw("Drops the connection in place of `opened`.", "2.1", lambda: Drops(_OPENED)),
    "hangs-up": NamedFlaw(
        "Closes the WebSocket after half a second, without `disconnect`.", "9.3", lambda: HangsUp(0.5, rudely=False)
    ),
    "never-closed": NamedFlaw("Does not answer `close`.", "10.1", lambda: Edits("closed", lambda _: None)),
    "closed-late": NamedFlaw("Answers `close` after 11 s: a second too late.", "10.1", lambda: Late("closed", 11.0)),
    "leaves-first": NamedFlaw("Closes the WebSocket itself behind `closed`.", "10.11", Leaves),
    "talks-behind-closed": NamedFlaw(
        "Sends an event behind `closed`.", "10.10", lambda: Says(_CLOSING, more("event", entities=[]))
    ),
    "number-outputs": NamedFlaw(
        "Ends at the first key with an output variable that is a number.", "10.26",
        lambda: Says(on("dtmf", lambda s: s.state is State.OPEN),
                     more("disconnect", reason="completed", outputVariables={"n": 3})),
    ),
}  # fmt: skip


def find(name: str) -> NamedFlaw:
    """A flaw by its name.

    Raises:
        UsageError: There is none; the message lists all.
    """
    try:
        return FLAWS[name]
    except KeyError:
        raise UsageError(f"there is no flaw {name!r}: choose from {', '.join(FLAWS)}") from None
