"""Chapter 2: `open` and `opened` (P4.2, P4.3, P7)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from ..caller import Caller
from ..case import ALL, LISTENING, SPOKEN, Failure, Source
from ..line import Line, Message
from ..suites import SERVER

_KNOWN = {"media", "startPaused", "discardTo", "supportedLanguages"}
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
PCMU = {"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}
L16 = PCMU | {"format": "L16"}


async def answer_to(caller: Caller, parameters: Message, **envelope: Any) -> tuple[Line, Message]:
    """Send `open`; returns the parameters of `opened`.

    Raises:
        Failure: No `opened` comes.
    """
    line = await caller.line()
    await line.send("open", parameters, **envelope)
    opened = await line.expect("opened", within=5.0)
    given = opened.get("parameters")
    if not isinstance(given, dict):
        raise Failure("`opened` has no `parameters`")
    return line, given


async def opens(caller: Caller, parameters: Message, **envelope: Any) -> None:
    """Expect a session that opens and goes on.

    Raises:
        Failure: It does not.
    """
    line, _ = await answer_to(caller, parameters, **envelope)
    await caller.alive(line)
    await caller.finish(line)


def _chosen(answer: Message, offers: list[Message]) -> list[Message]:
    media = answer.get("media")
    if not isinstance(media, list):
        raise Failure(f"`opened.media` is {media!r}, not a list")
    if len(media) > 1:
        raise Failure(f"`opened.media` has {len(media)} elements")
    for medium in media:
        if medium not in offers:
            raise Failure(f"`opened.media` holds {medium}, which is no copy of an offer")
    return media


@SERVER.case(
    "2.1", "`opened` is the first message, and answers `open`",
    does="Sends `open`.", expects="Within 5 s `opened` with seq 1 and clientseq 1.",
    rule="P3.2, P4.1: open transaction of 5 s", source=Source.VENDOR,
    advice="Answer `open` before anything slow, and count your own messages from 1.",
)  # fmt: skip
async def first(caller: Caller) -> None:
    line = await caller.line()
    await line.send("open", caller.opening())
    opened = await line.expect("opened", within=5.0, passing=())
    if (opened.get("seq"), opened.get("clientseq")) != (1, 1):
        raise Failure(f"`opened` has seq {opened.get('seq')} and clientseq {opened.get('clientseq')}")
    await caller.finish(line)


@SERVER.case(
    "2.2", "The chosen media is one of the offers, or none",
    does="Offers what the product offers.", expects="`media` with at most one element, an exact copy of an offer.",
    rule="P4.2: 0 or 1 element, same type, format, rate and channels", source=Source.REFERENCE,
    advice="Copy the chosen offer into `opened.media` as it came.",
)  # fmt: skip
async def chosen(caller: Caller) -> None:
    line, answer = await answer_to(caller, caller.opening())
    _chosen(answer, caller.offers())
    await caller.finish(line)


@SERVER.case(
    "2.3", "`opened` says whether it starts paused",
    does="Opens a session.", expects="`startPaused` true or false.", rule="P15 row 10: always send it",
    source=Source.OBSERVED, advice="Send `startPaused: false`: one platform release needed it.",
)  # fmt: skip
async def start_paused(caller: Caller) -> None:
    line, answer = await answer_to(caller, caller.opening())
    if not isinstance(answer.get("startPaused"), bool):
        raise Failure(f"`startPaused` is {answer.get('startPaused')!r}")
    await caller.finish(line)


@SERVER.case(
    "2.4", "`opened` has documented keys only",
    does="Opens a session.", expects="No key but media, startPaused, discardTo, supportedLanguages.",
    rule="P3.1: the production client is strict in places", source=Source.OBSERVED,
    advice="Leave out what the protocol does not define.",
)  # fmt: skip
async def known_keys(caller: Caller) -> None:
    line, answer = await answer_to(caller, caller.opening(supportedLanguages=True))
    if unknown := set(answer) - _KNOWN:
        raise Failure(f"`opened` has {', '.join(sorted(unknown))}")
    await caller.finish(line)


def _offer(number: str, title: str, does: str, offers: Callable[[Caller], list[Message]], expects: str,
           profiles: frozenset[str] = ALL, source: Source = Source.REFERENCE) -> None:  # fmt: skip
    @SERVER.case(number, title, does=does, expects=expects, rule="P4.2: selection rules", source=source,
                 advice="Choose the first offer that you can use; where there is none choose none.",
                 profiles=profiles)  # fmt: skip
    async def run(caller: Caller) -> None:
        offered = offers(caller)
        line, answer = await answer_to(caller, caller.opening(media=offered))
        usable = [offer for offer in offered if offer["format"] in ("PCMU", "L16") and offer["rate"] == 8000]
        _chosen(answer, usable)
        if not offered:
            return await caller.finish_politely(line)
        await caller.alive(line)
        await caller.finish(line)


_COPY = "`opened` with a copy of an offer, or with none, and a session that goes on."
_offer("2.5", "One mono offer is enough", "Offers the external channel alone.", lambda _: [PCMU], _COPY)
_offer("2.6", "The internal channel alone", "Offers the internal channel alone.",
       lambda _: [PCMU | {"channels": ["internal"]}], _COPY, LISTENING)  # fmt: skip
_offer("2.7", "Both channels alone", "Offers stereo alone.",
       lambda _: [PCMU | {"channels": ["external", "internal"]}], _COPY, LISTENING)  # fmt: skip
_offer("2.8", "The order of offers is free", "Offers the usual in reverse order.",
       lambda caller: caller.offers()[::-1], _COPY)  # fmt: skip
_offer("2.9", "An unknown format is passed over", "Puts an unknown format before the usual offers.",
       lambda caller: [PCMU | {"format": "OPUS", "rate": 48000}, *caller.offers()], _COPY, source=Source.INFERRED)  # fmt: skip
_offer("2.10", "Another rate is passed over", "Puts PCMU at 16,000 Hz before the usual offers.",
       lambda caller: [PCMU | {"rate": 16000}, *caller.offers()], _COPY, source=Source.INFERRED)  # fmt: skip
_offer("2.11", "Many offers", "Offers the usual twenty times over.", lambda caller: caller.offers() * 20, _COPY,
       source=Source.INFERRED)  # fmt: skip
_offer("2.12", "No offer at all", "Offers nothing.", lambda _: [],
       "`opened` with an empty `media`, and `closed` on `close`; who can do nothing without audio may `disconnect`.")  # fmt: skip


@SERVER.case(
    "2.13", "Where no offer fits, none is chosen",
    does="Offers an unknown format alone.", expects="`opened` with an empty `media`, or `disconnect` reason error.",
    rule="P4.2: never choose what was not offered or cannot be decoded", source=Source.INFERRED,
    advice="Answer with an empty `media`, or with `disconnect`.",
)  # fmt: skip
async def nothing_fits(caller: Caller) -> None:
    line = await caller.line()
    await line.send("open", caller.opening(media=[PCMU | {"format": "OPUS", "rate": 48000}]))
    got = await line.expect("opened", "disconnect", within=5.0)
    if got["type"] == "opened" and got.get("parameters", {}).get("media") != []:
        raise Failure(f"chose {got.get('parameters', {}).get('media')}")
    await caller.finish(line, "end" if got["type"] == "opened" else "disconnect")


@SERVER.case(
    "2.14", "L16 alone is taken as L16 or not at all",
    does="Offers L16 alone.", expects="`opened` with it or with nothing, or `disconnect` reason error.",
    rule="P4.2, P6.1", source=Source.REFERENCE, profiles=frozenset({"bot-transcription"}),
    advice="Choose L16 only if you decode it.",
)  # fmt: skip
async def linear(caller: Caller) -> None:
    line = await caller.line()
    await line.send("open", caller.opening(media=[L16]))
    got = await line.expect("opened", "disconnect", within=5.0)
    if got["type"] == "opened":
        _chosen(got["parameters"], [L16])
    await caller.finish(line, "end" if got["type"] == "opened" else "disconnect")


@SERVER.case(
    "2.15", "A connection probe is answered like any session",
    does="Opens with null UUIDs and without input variables, then closes at once.", expects="`opened`, then `closed`.",
    rule="P7: run when an administrator activates the integration", source=Source.REFERENCE,
    advice="Answer null ids without looking for a bot, a customer or a backend.",
)  # fmt: skip
async def probe(caller: Caller) -> None:
    line, answer = await answer_to(caller, caller.probing())
    _chosen(answer, caller.offers())
    await caller.finish(line)


@SERVER.case(
    "2.16", "The conversation's id alone marks a probe too",
    does="Opens with a null conversationId and a participant.", expects="`opened`, then `closed`.",
    rule="P15 row 31", source=Source.OBSERVED, advice="Treat a null conversationId as a probe.",
)  # fmt: skip
async def half_probe(caller: Caller) -> None:
    probing = caller.probing()
    line, _ = await answer_to(caller, probing | {"participant": caller.opening()["participant"]})
    await caller.finish(line)


@SERVER.case(
    "2.17", "Supported languages are listed when they are asked for",
    does="Asks for `supportedLanguages`.", expects="A list of language codes in `opened`; it may be empty.",
    rule="P4.3, P17", source=Source.REFERENCE, profiles=LISTENING,
    advice="Add `supportedLanguages` to `opened` if `open.supportedLanguages` is true.",
)  # fmt: skip
async def languages(caller: Caller) -> None:
    line, answer = await answer_to(caller, caller.opening(supportedLanguages=True))
    listed = answer.get("supportedLanguages")
    if not isinstance(listed, list):
        raise Failure(f"`supportedLanguages` is {listed!r}")
    if odd := [code for code in listed if not (isinstance(code, str) and _LANGUAGE.fullmatch(code))]:
        raise Failure(f"`supportedLanguages` has {odd[0]!r}, which is no language code")
    await caller.finish(line)


@SERVER.case(
    "2.18", "Supported languages are not listed unasked",
    does="Does not ask for them.", expects="`opened` without `supportedLanguages`.",
    rule="P4.3: only if requested", source=Source.INFERRED, advice="List languages only where `open` asks.",
)  # fmt: skip
async def no_languages(caller: Caller) -> None:
    line, answer = await answer_to(caller, caller.opening())
    if "supportedLanguages" in answer:
        raise Failure("`opened` lists languages")
    await caller.finish(line)


def _opens(number: str, title: str, does: str, rule: str, source: Source, changes: Callable[[Caller], Message],
           *, profiles: frozenset[str] = ALL, advice: str = "Read what you know and pass over the rest.") -> None:  # fmt: skip
    @SERVER.case(number, title, does=does, expects="`opened`, and a session that goes on.", rule=rule, source=source,
                 advice=advice, profiles=profiles)  # fmt: skip
    async def run(caller: Caller) -> None:
        await opens(caller, caller.opening(**changes(caller)))


def _participant(**changes: Any) -> Callable[[Caller], Message]:
    return lambda caller: {"participant": caller.opening()["participant"] | changes}


_R, _V, _O, _I = Source.REFERENCE, Source.VENDOR, Source.OBSERVED, Source.INFERRED
_opens("2.19", "No language", "Leaves `language` out.", "P4.2: optional", _R, lambda _: {"language": None})
_opens("2.20", "A language in lower case", "Sends `es-es`, as seen in production.", "P4.2, P15 row 21", _O,
       lambda _: {"language": "es-es"})  # fmt: skip
_opens("2.21", "A language with three parts", "Sends `zh-Hans-CN`.", "P4.2: be lenient", _I,
       lambda _: {"language": "zh-Hans-CN"})  # fmt: skip
_opens("2.22", "Custom configuration as an object", "Sends nested JSON in `customConfig`.", "P4.2", _R,
       lambda _: {"customConfig": {"a": [1, None, {"b": "ü"}]}})  # fmt: skip
_opens("2.23", "Custom configuration as a string", "Sends JSON in a string as `customConfig`.", "P4.2: accept both", _O,
       lambda _: {"customConfig": '{"a":1}'})  # fmt: skip
_opens("2.24", "Custom configuration of 60,000 bytes", "Sends the largest `customConfig`.", "P3.3", _V,
       lambda _: {"customConfig": {"a": "x" * 59_992}})  # fmt: skip
_opens("2.25", "A hundred input variables", "Sends a hundred input variables.", "P4.2", _R,
       lambda _: {"inputVariables": {f"name {n}": f"välue {n}" for n in range(100)}}, profiles=SPOKEN)  # fmt: skip
_opens("2.26", "No input variables", "Leaves `inputVariables` out.", "P4.2: optional", _R,
       lambda _: {"inputVariables": None}, profiles=SPOKEN)  # fmt: skip
_opens("2.27", "Unknown keys in the parameters", "Adds keys that no document knows.", "P3.1: unknown keys are ignored", _R,
       lambda _: {"somethingNew": {"deep": [1]}, "another": True})  # fmt: skip
_opens("2.28", "Unknown keys in the participant", "Adds a key to `participant`.", "P3.1", _R,
       _participant(purpose="customer"))  # fmt: skip
_opens("2.29", "A caller without a number", "Sends empty `ani` and `dnis`.", "P4.2: may be empty", _R,
       _participant(ani="", dnis=""))  # fmt: skip
_opens("2.30", "A caller with a SIP address and a name", "Sends sip: and a name with accents.", "P4.2: any string", _I,
       _participant(ani="sip:zoë@example.com", aniName="Zoë Ø. “Smith”"))  # fmt: skip
_opens("2.31", "UUIDs in upper case", "Sends ids in upper case.", "P3.1: RFC 4122 is case-insensitive", _R,
       lambda _: {"conversationId": str(uuid.uuid4()).upper()})  # fmt: skip
_opens("2.32", "UUIDs of no known variant", "Sends a participant id as seen in a capture.", "P15 row 24", _O,
       _participant(id="1aec8efd-e26f-45f0-fdb1-bcfe549fb148"))  # fmt: skip
_opens("2.33", "Sessions to be continued", "Sends `continuedSessions`.", "P4.2, P8.6", _R,
       lambda _: {"continuedSessions": [{"id": str(uuid.uuid4()), "clientseq": 7, "serverseq": 9}]})  # fmt: skip


def _enveloped(number: str, title: str, does: str, rule: str, source: Source, **envelope: Any) -> None:
    @SERVER.case(number, title, does=does, expects="`opened`, and a session that goes on.", rule=rule, source=source,
                 advice="Read what you know, and take what is missing for its default.")  # fmt: skip
    async def run(caller: Caller) -> None:
        await opens(caller, caller.opening(), **envelope)


_enveloped("2.34", "`open` without serverseq", "Leaves `serverseq` out, as a captured probe did.", "P15 row 22", _O,
           omit=["serverseq"])  # fmt: skip
_enveloped("2.35", "A position with a fraction of zero", "Sends `PT0.0S`.", "P3.1: as production prints it", _O,
           position="PT0.0S")  # fmt: skip
_enveloped(
    "2.36", "A position that is not zero", "Sends `PT12.5S`, as a reconnect does.", "P4.2", _R, position="PT12.5S"
)
_enveloped("2.37", "Unknown keys in the envelope", "Adds a key beside `parameters`.", "P3.1", _I, trace="abc")

_INVALID: list[tuple[str, Callable[[Caller], Message]]] = [
    ("organizationId", lambda _: {"organizationId": None}),
    ("conversationId", lambda _: {"conversationId": None}),
    ("participant", lambda _: {"participant": None}),
    ("media", lambda _: {"media": None}),
]


def _refuses(number: str, title: str, does: str, changes: Callable[[Caller], Message]) -> None:
    @SERVER.case(number, title, does=does, expects="`disconnect` reason error, once, and `closed` on `close`.",
                 rule="P3.4, P4.2: parameters that are not valid", source=Source.REFERENCE,
                 advice="Check the parameters of `open` and answer `disconnect`; do not let the handler fail.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.line()
        await line.send("open", caller.opening(**changes(caller)))
        await caller.refused(line, "error", "unauthorized")


for _place, (_name, _changes) in enumerate(_INVALID, 38):
    _refuses(f"2.{_place}", f"`open` without {_name} is refused", f"Leaves `{_name}` out.", _changes)
_refuses("2.42", "A `media` that is no list is refused", "Sends `media` as a string.", lambda _: {"media": "PCMU"})
_refuses("2.43", "A participant that is no object is refused", "Sends `participant` as a number.",
         lambda _: {"participant": 7})  # fmt: skip


@SERVER.case(
    "2.44", "A second `open` is passed over",
    does="Sends `open` again in an open session.", expects="No second `opened`; the session goes on.",
    rule="P8.3: any state, second open: ignored", source=Source.REFERENCE,
    advice="Open once for each socket, whatever comes.",
)  # fmt: skip
async def second_open(caller: Caller) -> None:
    line = await caller.open()
    await line.send("open", caller.opening())
    await caller.alive(line)
    await caller.finish(line)


@SERVER.case(
    "2.45", "Unknown keys in an offer are passed over",
    does="Adds a key to each offer.", expects="A copy of an offer, with that key or without, or none.", rule="P3.1",
    source=Source.REFERENCE, advice="Read the four keys of an offer and pass over the rest.",
)  # fmt: skip
async def richer_offers(caller: Caller) -> None:
    richer = [offer | {"ptime": 20} for offer in caller.offers()]
    line, answer = await answer_to(caller, caller.opening(media=richer))
    _chosen(answer, caller.offers() + richer)
    await caller.finish(line)


@SERVER.case(
    "2.46", "A session id in upper case",
    does="Sends the session id in upper case, in the header and in messages.", expects="A session of the same id.",
    rule="P3.1: RFC 4122 is case-insensitive", source=Source.INFERRED, advice="Compare ids without regard to case.",
)  # fmt: skip
async def upper_case(caller: Caller) -> None:
    line = await caller.open(line=await caller.line(session_id=str(uuid.uuid4()).upper()))
    if str(line.received[-1].get("id")).upper() != line.id:
        raise Failure(f"`opened` has id {line.received[-1].get('id')!r}")
    await caller.alive(line)
    await caller.finish(line)


_opens("2.47", "A language without a region", "Sends `en`.", "P4.2: be lenient", _I, lambda _: {"language": "en"})
_opens("2.48", "A language with a region of digits", "Sends `es-419`.", "P4.2: be lenient", _I,
       lambda _: {"language": "es-419"})  # fmt: skip


@SERVER.case(
    "2.49", "A null participant alone",
    does="Opens with a conversationId and a null participant id.", expects="`opened`, then `closed`.",
    rule="P7: the reference takes either null for a probe", source=Source.OBSERVED,
    advice="Do not look up a participant without an id.",
)  # fmt: skip
async def nobody(caller: Caller) -> None:
    line, _ = await answer_to(caller, caller.opening(participant=caller.probing()["participant"]))
    await caller.finish(line)


@SERVER.case(
    "2.50", "Supported languages are listed in a probe too",
    does="Asks for `supportedLanguages` in a connection probe.", expects="A list in `opened`; it may be empty.",
    rule="P7: lists languages if asked", source=Source.REFERENCE, profiles=LISTENING,
    advice="Answer a probe as you answer any `open`.",
)  # fmt: skip
async def probed_languages(caller: Caller) -> None:
    line, answer = await answer_to(caller, caller.probing(supportedLanguages=True))
    if not isinstance(answer.get("supportedLanguages"), list):
        raise Failure(f"`supportedLanguages` is {answer.get('supportedLanguages')!r}")
    await caller.finish(line)


_refuses("2.51", "An organizationId that is a number is refused", "Sends it as 7.", lambda _: {"organizationId": 7})
_refuses("2.52", "A conversationId that is a number is refused", "Sends it as 7.", lambda _: {"conversationId": 7})
_refuses("2.53", "A language that is a number is refused", "Sends it as 7.", lambda _: {"language": 7})
_refuses("2.54", "A participant without an id is refused", "Sends a participant without id.",
         lambda _: {"participant": {"ani": "", "aniName": "", "dnis": ""}})  # fmt: skip
_refuses("2.55", "An offer without channels is refused", "Leaves `channels` out of an offer.",
         lambda _: {"media": [{name: value for name, value in PCMU.items() if name != "channels"}]})  # fmt: skip
_refuses("2.56", "An offer that is a string is refused", "Sends an offer as text.", lambda _: {"media": ["PCMU"]})


@SERVER.case(
    "2.57", "The server waits for `open`",
    does="Lets 0.3 s pass before `open`.", expects="Nothing until then, and `opened` after it.",
    rule="P4.1, P3.2: the first message of a server answers `open`", source=Source.REFERENCE,
    advice="Say nothing before `open`, and give it some seconds to come.",
)  # fmt: skip
async def waits(caller: Caller) -> None:
    line = await caller.line()
    await line.quiet(0.3, audio=False)
    await caller.open(line=line)
    await caller.finish(line)
