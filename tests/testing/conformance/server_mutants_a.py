"""A mutant for each case of chapters 1 and 2 of the suite for servers."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from typing import Any

from offhook.protocol import ServerSession, State
from offhook.protocol.signature import Verifier
from offhook.session.wire import Receiver, Refusal, UpgradeRequest
from offhook.testing.conformance.caller import ORGANIZATION
from offhook.testing.conformance.signing import COVERED
from offhook.testing.misbehaving.flaw import Data, Flaw, FlawedLink
from offhook.testing.misbehaving.kinds import (
    About,
    Edits,
    Fatal,
    LetsIn,
    Mends,
    Message,
    ShutsOut,
)

KEY, SECRET = "a2V5", b"s" * 32
Mutant = Flaw | tuple[str, Flaw]
"""A flaw, or what a raw server does wrong and a flaw behind it."""


def raw(how: str, flaw: Flaw | None = None) -> Mutant:
    return how, flaw or Flaw()


def heard(size: int) -> Any:
    return lambda m, _, __: m.get("type") == "audio" and m["size"] == size


# Chapter 1.


def shown(request: UpgradeRequest) -> str:
    return request.headers.get("signature-input", "")


def created(request: UpgradeRequest) -> float:
    """Seconds since the signature was made."""
    found = re.search(r"created=(\d+)", shown(request))
    return time.time() - int(found[1]) if found else 0.0


def expired(request: UpgradeRequest) -> bool:
    found = re.search(r"expires=(\d+)", shown(request))
    return bool(found) and int(found[1]) < time.time()


def verifies(secret: bytes) -> About:
    """Whether it is a good signature by this secret, replayed or not."""
    verifier = Verifier({KEY: secret}, decoy=b"d" * 32, replay="off")

    def about(request: UpgradeRequest) -> bool:
        authority = request.headers.get("host", "")
        verdict = verifier.verify(target=request.target, authority=authority, headers=request.headers, now=time.time(),
                                  secure=False)  # fmt: skip
        return verdict.ok

    return about


def header(name: str, start: str) -> About:
    return lambda request: request.headers.get(name, "").startswith(start)


UPGRADE: dict[str, Mutant] = {
    "1.1": ShutsOut(lambda _: True, 302),
    "1.2": raw("digest"),
    "1.3": raw("extension"),
    "1.4": raw("case"),
    "1.5": ShutsOut(lambda r: "audiohook-retry-attempt" not in r.headers, 400),
    "1.6": ShutsOut(lambda r: "lang=en-US" in r.target, 404),
    "1.7": LetsIn(lambda r: "audiohook-session-id" not in r.headers),
    "1.8": LetsIn(header("audiohook-session-id", "nonsense")),
    "1.9": raw("any upgrade"),
    "1.10": ShutsOut(lambda r: '("x-api-key"' in shown(r)),
    "1.11": ShutsOut(lambda r: "platform=" in shown(r)),
    "1.12": ShutsOut(lambda r: "x-trace" in shown(r)),
    "1.13": ShutsOut(lambda r: created(r) < -0.5),
    "1.14": LetsIn(expired),
    "1.15": LetsIn(lambda r: created(r) < -30),
    "1.16": LetsIn(lambda r: created(r) > 30 and not expired(r)),
    "1.17": LetsIn(lambda r: 'nonce="c2hvcnRv"' in shown(r)),
    "1.18": LetsIn(lambda r: "keyid" in shown(r) and "nonce" not in shown(r)),
    "1.19": LetsIn(lambda r: 'keyid="c29tZWJvZHk="' in shown(r)),
    "1.20": LetsIn(lambda r: "rsa-pss" in shown(r)),
    "1.21": LetsIn(lambda r: "tag=" in shown(r)),
    **{
        f"1.{place}": LetsIn(lambda r, name=name: "keyid" in shown(r) and f'"{name}"' not in shown(r))
        for place, name in enumerate(COVERED, 22)
    },
    "1.28": LetsIn(header("audiohook-organization-id", "11111111")),
    "1.29": LetsIn(header("audiohook-session-id", "11111111")),
    "1.30": LetsIn(header("audiohook-correlation-id", "11111111")),
    "1.31": LetsIn(lambda r: "more=1" in r.target),
    "1.32": LetsIn(lambda r: not shown(r) and "signature" not in r.headers),
    "1.33": LetsIn(lambda r: bool(shown(r)) and "signature" not in r.headers),
    "1.34": LetsIn(lambda r: not shown(r) and "signature" in r.headers),
    "1.35": LetsIn(lambda r: shown(r) == "((("),
    "1.36": LetsIn(header("signature", "sig1=abc")),
    "1.37": LetsIn(header("signature", "sig1=:AAAA:")),
    "1.38": LetsIn(lambda r: "x-api-key" not in r.headers),
    "1.39": LetsIn(verifies(b"not the secret that was agreed on")),
    "1.40": LetsIn(verifies(bytes(31) + b"\0" + b"\0")),
    "1.41": LetsIn(header("x-api-key", "bWFk")),
    "1.42": LetsIn(verifies(SECRET)),
    "1.43": Mends(lambda m, _, __: m.get("type") == "open" and m["parameters"]["organizationId"] != ORGANIZATION,
                  lambda m, _: m | {"parameters": m["parameters"] | {"organizationId": ORGANIZATION}}),
    "1.44": ShutsOut(lambda r: ");expires" in shown(r)),
    "1.45": LetsIn(lambda r: bool(shown(r)) and "keyid" not in shown(r)),
    "1.46": LetsIn(lambda r: bool(shown(r)) and "created" not in shown(r)),
    "1.47": LetsIn(lambda r: 'created="' in shown(r)),
    "1.48": LetsIn(lambda r: shown(r).count('"@authority"') == 2),
    "1.49": LetsIn(lambda r: '"@signature-params"' in shown(r)),
    "1.50": LetsIn(header("signature", "sig2=")),
    "1.51": LetsIn(lambda r: "audiohook-organization-id" not in r.headers),
    "1.52": LetsIn(lambda r: "audiohook-correlation-id" not in r.headers),
    "1.53": raw("any key"),
    "1.54": raw("any version"),
    "1.55": ShutsOut(lambda r: "x-forwarded-host" in r.headers, 500),
    "1.56": ShutsOut(lambda r: '"host"' in shown(r), 500),
    "1.57": ShutsOut(lambda r: created(r) > 1.9),
    "1.58": ShutsOut(lambda r: "via" in r.headers, 400),
    "1.59": ShutsOut(lambda r: "keep-alive" in r.headers["connection"], 400),
    "1.60": raw("grudge garbage"),
}  # fmt: skip


# Chapter 2.


def opening(m: Message) -> Message:
    """Parameters of an `open`; {} for anything else."""
    parameters = m.get("parameters")
    return parameters if m.get("type") == "open" and isinstance(parameters, dict) else {}


def offers(m: Message) -> Any:
    return opening(m).get("media")


def who(m: Message) -> Message:
    participant = opening(m).get("participant")
    return participant if isinstance(participant, dict) else {}


def refuses(condition: Any) -> Fatal:
    """Refuses an `open` of which this is true."""
    return Fatal(lambda m, text, _: bool(opening(m)) and condition(m, text))


class Picks(Flaw):
    """Chooses the first offer without looking at it, where a condition on the offers holds; or something else."""

    def __init__(self, condition: Any, other: Message | None = None) -> None:
        self.condition = condition
        self.other = other
        self.chosen: dict[str, Message] = {}

    def seen(self, data: Data, session: ServerSession) -> list[Data]:
        try:
            message = json.loads(data) if isinstance(data, str) else {}
        except (ValueError, RecursionError):
            message = {}
        media = offers(message) if isinstance(message, dict) else None
        shaped = isinstance(media, list) and all(isinstance(each, dict) and "format" in each for each in media)
        if media and shaped and self.condition(media):
            self.chosen[session.id] = self.other or media[0]
        return [data]

    def leaves(self, data: Data, session: ServerSession) -> list[Data]:
        from offhook.testing.misbehaving.flaw import edit

        picked = self.chosen.get(session.id)
        if picked is None:
            return [data]
        return edit(data, "opened", lambda m: m | {"parameters": m["parameters"] | {"media": [picked]}})


def opened(**changes: Any) -> Edits:
    """Changes parameters of `opened`; `...` leaves one out."""

    def change(m: Message) -> Message:
        merged = m["parameters"] | changes
        return m | {"parameters": {name: value for name, value in merged.items() if value is not ...}}

    return Edits("opened", change)


def fills(name: str, wrong: Any, right: Any, also: Callable[[Message], bool] = bool) -> Mends:
    """Takes a parameter of `open` that is missing (`...`) or wrong for a good one."""
    return Mends(lambda m, _, __: bool(opening(m)) and opening(m).get(name, ...) == wrong and also(m),
                 lambda m, _: m | {"parameters": m["parameters"] | {name: right}})  # fmt: skip


def without_offers(m: Message, _: ServerSession) -> Message:
    return m | {"parameters": m["parameters"] | {"media": []}}


class Hasty(Flaw):
    """Gives `open` 0.15 s to come."""

    def answer_upgrade(self, request: UpgradeRequest, decided: Receiver | Refusal) -> Receiver | Refusal:
        if isinstance(decided, FlawedLink):
            asyncio.get_running_loop().call_later(0.15, self.looks, decided)
        return decided

    def looks(self, link: FlawedLink) -> None:
        if link.session.state is State.IDLE:
            link.wire.abort()


NULL = "00000000-0000-0000-0000-000000000000"
ID = "11111111-2222-4333-8444-555555555555"
_EXT, _INT = ["external"], ["internal"]
OPENING: dict[str, Mutant] = {
    "2.1": Edits("opened", lambda m: m | {"clientseq": 0}),
    "2.2": opened(media=[{"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000, "codec": "x"}]),
    "2.3": opened(startPaused=...),
    "2.4": opened(selectedLanguage="en-US"),
    "2.5": refuses(lambda m, _: len(offers(m)) == 1 and offers(m)[0]["channels"] == _EXT),
    "2.6": refuses(lambda m, _: len(offers(m)) == 1 and offers(m)[0]["channels"] == _INT),
    "2.7": refuses(lambda m, _: len(offers(m)) == 1 and len(offers(m)[0]["channels"]) == 2),
    "2.8": refuses(lambda m, _: len(offers(m)) == 3 and offers(m)[0]["channels"] == _INT),
    "2.9": Picks(lambda media: media[0]["format"] == "OPUS" and len(media) > 1),
    "2.10": Picks(lambda media: media[0]["rate"] == 16000),
    "2.11": refuses(lambda m, _: len(offers(m)) >= 20),
    "2.12": refuses(lambda m, _: offers(m) == []),
    "2.13": Picks(lambda media: media[0]["format"] == "OPUS" and len(media) == 1),
    "2.14": Picks(lambda media: [each["format"] for each in media] == ["L16"],
                  {"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}),
    "2.15": refuses(lambda m, _: opening(m).get("conversationId") == NULL and who(m).get("id") == NULL),
    "2.16": refuses(lambda m, _: opening(m).get("conversationId") == NULL and who(m).get("id") != NULL),
    "2.17": opened(supportedLanguages=...),
    "2.18": opened(supportedLanguages=["en-US"]),
    "2.19": refuses(lambda m, _: "language" not in opening(m)),
    "2.20": refuses(lambda m, _: opening(m).get("language") == "es-es"),
    "2.21": refuses(lambda m, _: opening(m).get("language") == "zh-Hans-CN"),
    "2.22": refuses(lambda m, text: isinstance(opening(m).get("customConfig"), dict) and len(text) < 9000),
    "2.23": refuses(lambda m, _: isinstance(opening(m).get("customConfig"), str)),
    "2.24": refuses(lambda _, text: len(text) > 59_000),
    "2.25": refuses(lambda m, _: len(opening(m).get("inputVariables", ())) > 50),
    "2.26": refuses(lambda m, _: "inputVariables" not in opening(m) and opening(m).get("conversationId") != NULL),
    "2.27": refuses(lambda m, _: "somethingNew" in opening(m)),
    "2.28": refuses(lambda m, _: "purpose" in who(m)),
    "2.29": refuses(lambda m, _: who(m).get("ani") == "" and who(m).get("id") != NULL),
    "2.30": refuses(lambda m, _: "sip:" in who(m).get("ani", "")),
    "2.31": refuses(lambda m, _: opening(m).get("conversationId") != opening(m).get("conversationId", "").lower()),
    "2.32": refuses(lambda m, _: who(m).get("id", "").startswith("1aec8efd")),
    "2.33": refuses(lambda m, _: "continuedSessions" in opening(m)),
    "2.34": refuses(lambda m, _: "serverseq" not in m),
    "2.35": refuses(lambda m, _: m.get("position") == "PT0.0S"),
    "2.36": refuses(lambda m, _: m.get("position") == "PT12.5S"),
    "2.37": refuses(lambda m, _: "trace" in m),
    "2.38": fills("organizationId", ..., ORGANIZATION),
    "2.39": fills("conversationId", ..., ID),
    "2.40": fills("participant", ..., {"id": ID, "ani": "", "aniName": "", "dnis": ""}),
    "2.41": fills("media", ..., []),
    "2.42": fills("media", "PCMU", []),
    "2.43": fills("participant", 7, {"id": ID, "ani": "", "aniName": "", "dnis": ""}),
    "2.44": Fatal(lambda m, _, session: m.get("type") == "open" and session.state is State.OPEN),
    "2.45": Picks(lambda media: "ptime" in media[0], {"type": "audio", "format": "PCMU", "channels": [], "rate": 8000}),
    "2.46": ShutsOut(lambda r: r.headers.get("audiohook-session-id", "").upper() == r.headers["audiohook-session-id"]),
    "2.47": refuses(lambda m, _: opening(m).get("language") == "en"),
    "2.48": refuses(lambda m, _: opening(m).get("language") == "es-419"),
    "2.49": refuses(lambda m, _: opening(m).get("conversationId") != NULL and who(m).get("id") == NULL),
    "2.50": fills("supportedLanguages", True, False, lambda m: opening(m).get("conversationId") == NULL),
    "2.51": fills("organizationId", 7, ORGANIZATION),
    "2.52": fills("conversationId", 7, ID),
    "2.53": fills("language", 7, "en-US"),
    "2.54": fills("participant", {"ani": "", "aniName": "", "dnis": ""}, {"id": ID}),
    "2.55": Mends(lambda m, _, __: bool(offers(m)) and "channels" not in offers(m)[0], without_offers),
    "2.56": fills("media", ["PCMU"], []),
    "2.57": Hasty(),
}  # fmt: skip
MUTANTS = UPGRADE | OPENING
PROFILES_OF = {"2.5": "monitor", "2.8": "monitor", "2.14": "bot-transcription"}
#: Mutants whose flaw is nothing special: most cases of the chapter need what they lack.
BROAD = {"1.1", "2.1", "2.2"}
