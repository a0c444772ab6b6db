"""A mutant for each case of chapters 3 and 4 of the suite for servers."""

from __future__ import annotations

from typing import Any

from tests.testing.conformance.server_mutants_a import Mutant, heard, raw

from offhook.protocol import ServerSession, State
from offhook.testing.conformance.caller import ORGANIZATION
from offhook.testing.misbehaving.kinds import Adds, Deaf, Drops, Edits, Fatal, Mends, Message, envelope

# Chapter 3.


def mends(wrong: Any, **right: Any) -> Mends:
    """Takes a bad ping for a good one. A value is put in its place, or made from the session."""

    def mend(m: Message, session: ServerSession) -> Message:
        made = {name: value(session) if callable(value) else value for name, value in right.items()}
        return m | made

    return Mends(lambda m, _, session: session.state is State.OPEN and wrong(m, session), mend)


def mends_open(wrong: Any, **right: Any) -> Mends:
    """The same for `open`."""

    def mend(m: Message, session: ServerSession) -> Message:
        return m | {name: value(session) if callable(value) else value for name, value in right.items()}

    return Mends(
        lambda m, _, session: m.get("type") == "open" and session.state is State.IDLE and wrong(m, session), mend
    )


OPEN = {
    "organizationId": ORGANIZATION,
    "conversationId": "11111111-2222-4333-8444-555555555555",
    "participant": {"id": "11111111-2222-4333-8444-555555555555"},
    "media": [],
}


def due(session: ServerSession) -> int:
    """The number that the next message must have."""
    return session._peer_seq + 1


def missing(name: str) -> Any:
    return lambda m, _: "version" in m and name not in m if name != "version" else "id" in m and "version" not in m


ENVELOPE: dict[str, Mutant] = {
    "3.1": Edits(None, lambda m: m | {"version": 2}),
    "3.2": Edits(None, lambda m: m | {"id": "x"}),
    "3.3": Edits(None, lambda m: m | {"position": "PT0S"}),
    "3.4": Edits("pong", lambda m: {name: value for name, value in m.items() if name != "parameters"}),
    "3.5": Edits("closed", lambda m: m | {"seq": m["seq"] + 1}),
    "3.6": Edits("closed", lambda m: m | {"clientseq": m["clientseq"] + 9}),
    "3.7": Edits("closed", lambda m: m | {"clientseq": m["clientseq"] - 1}),
    "3.8": mends(lambda m, s: m.get("seq") == s._peer_seq, seq=due),
    "3.9": mends(lambda m, s: m.get("seq") == due(s) + 1, seq=due),
    "3.10": mends(lambda m, _: m.get("seq") == 0 and m["seq"] is not False, seq=due),
    "3.11": mends(lambda m, _: isinstance(m.get("seq"), str), seq=due),
    "3.12": mends(lambda m, _: isinstance(m.get("seq"), float), seq=due),
    "3.13": mends(lambda m, _: m.get("seq") == -1, seq=due),
    "3.14": mends(lambda m, _: isinstance(m.get("serverseq"), int) and m["serverseq"] > 9, serverseq=1),
    "3.15": mends(lambda m, _: isinstance(m.get("serverseq"), str), serverseq=1),
    "3.16": mends(lambda m, _: str(m.get("id")).startswith("11111111-2222"), id=lambda s: s.id),
    "3.17": mends(missing("id"), id=lambda s: s.id),
    "3.18": mends(missing("seq"), seq=due),
    "3.19": mends(missing("type"), type="ping"),
    "3.20": mends(missing("version"), version="2"),
    "3.21": mends(lambda m, _: m.get("version") == "1", version="2"),
    "3.22": mends(lambda m, _: m.get("version") == 2, version="2"),
    "3.23": mends(lambda m, _: m.get("parameters") == [], parameters={}),
    "3.24": mends(lambda m, _: m.get("parameters") == "x", parameters={}),
    "3.25": Fatal(lambda _, text, __: text.startswith('{"parameters"')),
    "3.26": Fatal(lambda _, text, __: "\n" in text),
    "3.27": Fatal(lambda _, text, __: "\\u0067" in text),
    "3.28": Fatal(lambda _, text, __: "PT36000" in text),
    "3.29": Fatal(lambda m, _, __: m.get("type") == "something_new"),
    "3.30": Adds(lambda m, _, __: m.get("version") == "1",
                 lambda session: envelope(session, "disconnect", {"reason": "error"}, session._seq + 1)),
    "3.31": Edits("disconnect", lambda m: m | {"type": "error"}),
    "3.32": mends_open(lambda m, _: str(m.get("id")).startswith("11111111-2222"), id=lambda s: s.id),
    "3.33": mends_open(lambda m, _: m.get("seq") == 2, seq=1),
    "3.34": mends_open(lambda m, _: m.get("seq") == 0, seq=1),
    "3.35": mends_open(lambda m, _: isinstance(m.get("seq"), str), seq=1),
    "3.36": mends_open(lambda m, _: m.get("serverseq") == 3, serverseq=0),
    "3.37": mends_open(lambda m, _: m.get("version") == "1", version="2"),
    "3.38": mends_open(lambda m, _: "version" not in m, version="2"),
    "3.39": mends_open(lambda m, _: "parameters" not in m, parameters=OPEN),
    "3.40": mends_open(lambda m, _: m.get("parameters") == [], parameters=OPEN),
    "3.41": mends(lambda m, _: m.get("type") == 7, type="ping"),
    "3.42": mends(lambda m, _: m.get("id") == 7, id=lambda s: s.id),
    "3.43": mends(lambda m, _: "id" in m and m["id"] is None, id=lambda s: s.id),
    "3.44": mends(lambda m, _: "seq" in m and m["seq"] is None, seq=due),
    "3.45": mends(lambda m, _: m.get("seq") is True, seq=due),
    "3.46": mends(lambda m, _: m.get("serverseq") == -1, serverseq=1),
    "3.47": mends(lambda m, _: m.get("serverseq") == 0.5, serverseq=1),
    "3.48": mends(lambda m, _: m.get("position") == 0, position="PT0S"),
    "3.49": mends(lambda m, _: "parameters" in m and m["parameters"] is None, parameters={}),
    "3.50": Drops(lambda m, _, __: m.get("type") == "ping" and "parameters" not in m),
    "3.51": Drops(lambda m, _, __: m.get("type") == "ping" and "position" not in m),
    "3.52": Drops(lambda m, _, __: m.get("type") == "ping" and "serverseq" not in m),
    "3.53": Drops(lambda m, _, __: m.get("position") == "PT1M"),
}  # fmt: skip


# Chapter 4.


def sized(size: int) -> Any:
    return lambda _, text, __: len(text) == size


def shortened(m: Message, _: ServerSession) -> Message:
    return m | {"parameters": {}}


SIZES: dict[str, Mutant] = {
    "4.1": Fatal(sized(63_999)),
    "4.2": Fatal(sized(64_000)),
    "4.3": Drops(sized(64_001)),
    "4.4": Drops(sized(65_535)),
    "4.5": Mends(sized(65_536), shortened),
    "4.6": Mends(sized(200_000), shortened),
    "4.7": raw("", Mends(sized(2_000_000), shortened)),
    "4.8": Fatal(heard(1)),
    "4.9": Fatal(heard(64_000)),
    "4.10": Fatal(heard(1601)),
    "4.11": raw("text fragments"),
    "4.12": raw("crumbs"),
    "4.13": raw("audio fragments"),
    "4.14": raw("between"),
    "4.15": raw("pong payload"),
    "4.16": raw("pong"),
    "4.17": raw("close"),
    "4.18": raw("trickle"),
    "4.19": raw("crowd"),
    "4.20": raw("lax mask"),
    "4.21": raw("lax reserved"),
    "4.22": raw("lax opcode"),
    "4.23": raw("lax control fragments"),
    "4.24": raw("lax control size"),
    "4.25": raw("lax start"),
    "4.26": raw("lax message"),
    "4.27": raw("lax length"),
    "4.28": raw("lax utf-8", Deaf(lambda m, text, _: "type" not in m and bool(text))),
    "4.29": Fatal(lambda m, text, _: len(text.encode()) == 64_000 > len(text) + 9),
    "4.30": raw("", Mends(lambda _, text, __: len(text) > 60_000, shortened)),
    "4.31": Fatal(heard(63_999)),
    "4.32": Drops(heard(65_532)),
    "4.33": raw("", Drops(heard(65_536))),
    "4.34": raw("large audio"),
    "4.35": raw("empty first"),
    "4.36": raw("empty last"),
    "4.37": raw("split character"),
    "4.38": raw("text fragments"),
    "4.39": raw("early ping"),
    "4.40": raw("bare close"),
    "4.41": raw("lax opcode"),
    "4.42": raw(""),
}  # fmt: skip
MUTANTS = ENVELOPE | SIZES
#: Mutants whose flaw is nothing special: most cases of the chapter need what they lack.
BROAD = {"3.31"}
