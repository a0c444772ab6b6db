"""What the sections are about that rules of cases refer to: P and a number, as in Offhook's own papers.

A reader of a scorecard has these papers not at hand; what a rule says stands behind its number, and where it comes
from in the case's source.
"""

from __future__ import annotations

import re
from typing import Final

SECTIONS: Final = {
    "P1": "products, and what sets them apart",
    "P2.1": "request line and URI of the upgrade",
    "P2.2": "header fields of the upgrade",
    "P2.5": "how a client signs its request (RFC 9421)",
    "P2.6": "how a server verifies a signature",
    "P2.7": "requests without a signature",
    "P2.9": "HTTP answers to the upgrade",
    "P3": "the envelope of messages",
    "P3.1": "fields of the envelope",
    "P3.2": "sequence numbers and ids",
    "P3.3": "sizes of messages",
    "P3.4": "what follows a violation, and who says so",
    "P4.1": "messages, and who may send them when",
    "P4.2": "`open`",
    "P4.3": "`opened`",
    "P4.4": "`close` and `closed`",
    "P4.5": "`ping` and `pong`",
    "P4.6": "`pause`, `paused`, `resume`, `resumed`",
    "P4.7": "`discarded`",
    "P4.8": "`update` and `updated`",
    "P4.9": "`disconnect`",
    "P4.10": "`reconnect`",
    "P4.12": "`dtmf`",
    "P4.13": "`playback_started` and `playback_completed`",
    "P5": "entities of events",
    "P6.1": "formats of audio",
    "P6.2": "audio of the client",
    "P6.3": "audio of the server",
    "P6.4": "barge-in",
    "P6.5": "how a position is counted",
    "P6.6": "limits on what a server sends in a time",
    "P7": "the connection probe",
    "P8.1": "timers",
    "P8.2": "states of a client",
    "P8.3": "states of a server",
    "P8.4": "the course of a session",
    "P8.6": "sessions that go on in another one",
    "P12": "advice on security",
    "P13": "recommended practice",
    "P15": "where sources disagree, and what was decided",
    "P16": "mistakes seen in the field",
    "P17": "what the vendor's own tests check",
    "R2": "the vendor's reference code for Audio Connector servers",
}
_REFERENCE: Final = re.compile(r"\b(P\d+(?:\.\d+)?|R\d)\b")


def split(rule: str) -> list[str]:
    """A rule in pieces: every second one, from the second on, is a key of `SECTIONS`."""
    return _REFERENCE.split(rule)
