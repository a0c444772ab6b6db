"""A mutant for each of the later cases for clients: answers to the upgrade, odd choices, and what few clients do."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tests.testing.conformance.client_mutants import Also, Gone, Raw, Sounds, opens, signature
from tests.testing.conformance.client_mutants_b import Sulks, gone, message
from tests.testing.conformance.client_mutants_c import Clutches, heard
from tests.testing.conformance.mutant_clients import ClientFlaw, ClientLink

from offhook.protocol import ClientSession, State
from offhook.protocol.limits import NULL_UUID
from offhook.testing.misbehaving.flaw import Data, edit


class Stumbles(ClientFlaw):
    """Counts on where it never was, once an upgrade has come to nothing."""

    def __init__(self) -> None:
        self.asked = self.failed = False

    def headers(self, fields: dict[str, str]) -> dict[str, str]:
        self.failed |= self.asked
        self.asked = True
        return fields

    def connected(self, link: ClientLink) -> None:
        self.asked = False

    def leaves(self, data: Data, session: ClientSession) -> Iterable[Data]:
        return edit(data, "open", lambda m: m | {"seq": 7}) if self.failed else (data,)


class Overwhelmed(ClientFlaw):
    """Drops the connection at the tenth audio message."""

    def __init__(self) -> None:
        self.count = 0

    def drops(self, data: Data, session: ClientSession) -> bool:
        self.count += isinstance(data, bytes)
        return self.count >= 10


NOBODY = {"id": NULL_UUID, "ani": "", "aniName": "", "dnis": ""}
MUTANTS: dict[str, ClientFlaw] = {
    "1.15": Raw("follows"),
    "1.16": Raw("plain"),
    "1.17": Raw("plain"),
    "1.18": signature(lambda text: re.sub('nonce="[^"]*"', 'nonce="MDEyMzQ1Njc4OWFiY2RlZjAx"', text)),
    "1.19": Raw("known fields"),
    "1.20": Raw("stubborn"),
    "2.25": Sounds(lambda data: (data, data)),
    "2.26": opens(conversationId=NULL_UUID, participant=NOBODY, inputVariables=...),
    "2.27": opens(customConfig=["eu"]),
    "4.37": heard(63_999),
    "4.38": Raw("between audio"),
    "6.17": Also("dtmf", message("paused"), b"\xff" * 1600),
    "7.13": Also("ping", message("update")),
    "8.10": Overwhelmed(),
    "8.11": Sulks(),
    "9.15": gone("disconnect", lambda _, s: s.state is State.PAUSED),
    "9.16": gone("disconnect", lambda p, _: p.get("info") == "in mid-playback"),
    "9.17": Gone(lambda m, _, __: m.get("type") == "disconnect" and m["clientseq"] == 0),
    "12.24": Stumbles(),
    "12.25": Stumbles(),
    "12.26": Clutches(State.OPEN),
    "12.27": Raw("one read"),
}
