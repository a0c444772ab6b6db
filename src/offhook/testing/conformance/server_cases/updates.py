"""Chapter 7: language, keys, reports of playback, and errors of the client (P4.8, P4.11 to P4.13)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ..caller import Caller
from ..case import ALL, LISTENING, SPOKEN, Failure, Source
from ..line import Line
from ..suites import SERVER

KEYS = "0123456789*#"


@SERVER.case(
    "7.1", "A change of language is answered",
    does="Sends `update` with another language.", expects="`updated`, or `pause`, or `disconnect`.",
    rule="P4.8: old servers pass it over", source=Source.INFERRED, profiles=LISTENING,
    advice="Answer `update` with `updated` once the next words are understood in that language.",
)  # fmt: skip
async def language(caller: Caller) -> None:
    line = await caller.open()
    await line.send("update", {"language": "de-DE"})
    got = await line.expect("updated", "pause", "disconnect")
    await caller.finish(line, "disconnect" if got["type"] == "disconnect" else "end")


@SERVER.case(
    "7.2", "`updated` answers each `update` once",
    does="Sends three updates.", expects="At most three `updated`.", rule="P4.8", source=Source.INFERRED,
    profiles=LISTENING, advice="Answer each `update` once.",
)  # fmt: skip
async def languages(caller: Caller) -> None:
    line = await caller.open()
    for code in ("de-DE", "fr-FR", "en-US"):
        await line.send("update", {"language": code})
    await caller.alive(line)
    await caller.finish(line)
    count = sum(message.get("type") == "updated" for message in line.received)
    if count > 3:
        raise Failure(f"sent {count} `updated`")


Steps = Callable[[Caller, Line], Awaitable[None]]


def _survives(number: str, title: str, does: str, rule: str, steps: Steps, *, source: Source = Source.REFERENCE,
              profiles: frozenset[str] = ALL, advice: str = "Pass over what you do not use.") -> None:  # fmt: skip
    @SERVER.case(number, title, does=does, expects="A session that goes on.", rule=rule, source=source, advice=advice,
                 profiles=profiles)  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        await steps(caller, line)
        await line.send("ping")
        got = await line.expect("pong", "disconnect", passing=("event", "updated", "pause", "resume"))
        if got["type"] == "disconnect":
            reason = got.get("parameters", {}).get("reason")
            if reason != "completed":
                raise Failure(f"ended the session: {reason}")
            caller.notes.info.append("the bot ended the session")
        await caller.finish_politely(line, "disconnect" if got["type"] == "disconnect" else "end")


def sending(*messages: tuple[str, Any]) -> Steps:
    """Send these one after another."""

    async def steps(_: Caller, line: Line) -> None:
        for type, parameters in messages:
            await line.send(type, parameters)

    return steps


_START: tuple[str, Any] = ("playback_started", {})
_END: tuple[str, Any] = ("playback_completed", {})
_survives("7.3", "An update to the same language", "Sends `update` with the language that it has.", "P4.8",
          sending(("update", {"language": "en-US"})))  # fmt: skip
_survives("7.4", "An update without a language", "Sends `update` with no parameters.", "P4.8: optional in one reference",
          sending(("update", {})), source=Source.INFERRED)  # fmt: skip
_survives("7.5", "An update with an unknown key", "Sends `update` with a key that does not exist.", "P3.1",
          sending(("update", {"language": "en-US", "tempo": 2})), source=Source.INFERRED)  # fmt: skip
for _place, _key in enumerate("5*#", 6):
    _survives(f"7.{_place}", f"The key {_key} is taken", f"Sends `dtmf` {_key}.", "P4.12",
              sending(("dtmf", {"digit": _key})), profiles=SPOKEN)  # fmt: skip
_survives("7.9", "All twelve keys in a burst", "Sends twelve `dtmf` at once.", "P4.12: one key per message",
          sending(*(("dtmf", {"digit": key}) for key in KEYS)), profiles=SPOKEN)  # fmt: skip
_survives("7.10", "A key that few phones have", "Sends `dtmf` A.", "P15 row 19", sending(("dtmf", {"digit": "A"})),
          profiles=SPOKEN, source=Source.INFERRED)  # fmt: skip
_survives("7.11", "A key that no phone has", "Sends `dtmf` x.", "P15 row 19", sending(("dtmf", {"digit": "x"})),
          profiles=SPOKEN, source=Source.INFERRED)  # fmt: skip
_survives("7.12", "Keys while the bot is heard", "Sends `dtmf` between the reports of a playback.", "P4.12",
          sending(_START, ("dtmf", {"digit": "1"}), _END), profiles=SPOKEN)  # fmt: skip
_survives("7.13", "Playback starts and completes", "Sends `playback_started` and `playback_completed`.", "P4.13",
          sending(_START, _END), profiles=SPOKEN)  # fmt: skip
_survives("7.14", "Playback completes that never started", "Sends `playback_completed` alone.", "P4.13: exact trigger unknown",
          sending(_END), profiles=SPOKEN, source=Source.INFERRED)  # fmt: skip
_survives("7.15", "Playback starts twice", "Sends `playback_started` twice.", "P4.13: exact trigger unknown",
          sending(_START, _START, _END), profiles=SPOKEN, source=Source.INFERRED)  # fmt: skip
_survives("7.16", "Playback in many short runs", "Sends ten runs of playback.", "P4.13: a starved queue completes",
          sending(*[_START, _END] * 10), profiles=SPOKEN)  # fmt: skip
_survives("7.17", "An `error` of the client does not end a session", "Sends `error` 400.", "P3.4, P17",
          sending(("error", {"code": 400, "message": "a test"})),
          advice="Log the error and go on: the client closes by itself if it is fatal.")  # fmt: skip
_survives("7.18", "An unknown error code is taken", "Sends `error` 13991.", "P3.4: tolerate unknown codes",
          sending(("error", {"code": 13991, "message": "a test"})), source=Source.OBSERVED)  # fmt: skip
_survives("7.19", "A 429 is taken", "Sends `error` 429 with `retryAfter`.", "P6.6",
          sending(("error", {"code": 429, "message": "Rate limit", "retryAfter": "PT3S"})),
          advice="Stop sending for `retryAfter`, and answer pings all the same.")  # fmt: skip
_survives("7.20", "A 429 without retryAfter is taken", "Sends `error` 429 alone.", "P6.6",
          sending(("error", {"code": 429, "message": "Rate limit"})), source=Source.INFERRED)  # fmt: skip


@SERVER.case(
    "7.21", "After a 429 the server is quiet",
    does="Sends `error` 429 with a `retryAfter` of 3 s.", expects="No event and no audio for a second, after a moment.",
    rule="P6.6: stop sending for retryAfter", source=Source.OBSERVED, profiles=SPOKEN,
    advice="On 429 stop events and audio for `retryAfter`; only `pong`, `disconnect` and `closed` may go.",
)  # fmt: skip
async def quiet_after_429(caller: Caller) -> None:
    line = await caller.open()
    await line.send("error", {"code": 429, "message": "Rate limit", "retryAfter": "PT3S"})
    await caller.alive(line)
    await line.quiet(1.0, allow=("disconnect", "pong"), audio=False)
    await caller.finish(line)
