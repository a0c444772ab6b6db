"""The two suites: their chapters, and the modules that hold the cases."""

from __future__ import annotations

import importlib
from typing import Final

from .caller import Caller
from .case import Suite
from .partner import Partner

SERVER: Final[Suite[Caller]] = Suite(
    "server",
    {
        1: "Upgrade and signature",
        2: "Open",
        3: "Envelope, sequence and identity",
        4: "Sizes and framing",
        5: "Ping and pong",
        6: "Pauses, gaps and position",
        7: "Language, keys, playback and errors",
        8: "Audio from the caller",
        9: "Audio and events of the server",
        10: "The end of a session",
        11: "Messages out of place",
        12: "Garbage",
        13: "Reconnect",
    },
)

CLIENT: Final[Suite[Partner]] = Suite(
    "client",
    {
        1: "Upgrade and signature",
        2: "Open",
        3: "Envelope, sequence and identity",
        4: "Sizes and framing",
        5: "Ping and pong",
        6: "Pauses, gaps and position",
        7: "Events and rate limits",
        8: "Playback, barge-in and keys",
        9: "The end of a session",
        10: "Messages out of place",
        11: "Garbage",
        12: "Bad connections, doubles and crossings",
        13: "Reconnect",
    },
)

_MODULES: Final = {
    "server": ("upgrade", "signatures", "opening", "offers", "envelope", "sizes", "framing", "pings", "pauses",
               "updates", "audio", "formats", "speaking", "ending", "lines", "misplaced", "garbage", "reconnect"),
    "client": ("upgrade", "opening", "envelope", "sizes", "framing", "pings", "pauses", "history", "events", "playback",
               "ending", "misplaced", "garbage", "connections", "reconnect"),
}  # fmt: skip


def server_suite() -> Suite[Caller]:
    """All cases for servers."""
    _load("server")
    return SERVER


def client_suite() -> Suite[Partner]:
    """All cases for clients."""
    _load("client")
    return CLIENT


def _load(side: str) -> None:
    for module in _MODULES[side]:
        importlib.import_module(f"{__package__}.{side}_cases.{module}")
