"""What `call.json` says: one call from its first event to its last, with transcript, latencies and counts.

Made of events alone, so that any stream of them can be summed up, live or read from a file. Knows no files.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from offhook.audio.ulaw import RATE

from .events import AnyEvent, CallEnded, CallStarted, Note, Outcome, Party, SayEnded, SayStarted, TurnEnded, Violation
from .transcript import Line, lines

SCHEMA: Final = 1


class Latency(msgspec.Struct, frozen=True, omit_defaults=True):
    """How fast one turn was answered.

    Attributes:
        turn_end: Where the caller stopped speaking, seconds on the caller's stream.
        decided: Seconds from there until the turn was taken for over.
        sent: Seconds from that decision until the first audio of the answer left.
        heard: Seconds from the end of speech until the caller heard the answer, the whole of it.
    """

    turn_end: float
    decided: float | None = None
    sent: float | None = None
    heard: float | None = None


class AudioCount(msgspec.Struct):
    """Audio messages of one side."""

    messages: int = 0
    bytes: int = 0


class CallSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A whole call, as kept in `call.json`.

    Attributes:
        offhook_call: Version of this layout.
        session: The session's id; `conversation` the platform's id of the call.
        started: ISO 8601 time.
        seconds: How long the session was open.
        finished: False if the records stop before the call did.
        outcome: How the call ended, or None if that is not known.
        latencies: One for each turn that a bot answered.
        answered_in: Median of the seconds after which the caller heard an answer; None without answers.
        messages: Control messages by sender and type.
        audio: Audio messages by sender.
        files: What is kept beside this file, by kind.
        failure: Why records are missing, or empty.
        events: All events but interim results and single messages.
    """

    offhook_call: int = SCHEMA
    session: str
    conversation: str = ""
    profile: str = ""
    bot: str = ""
    language: str | None = None
    media: str = ""
    participant: Party = Party()
    input: dict[str, str] = {}
    started: str = ""
    seconds: float = 0.0
    finished: bool = True
    outcome: Outcome | None = None
    reason: str = ""
    info: str = ""
    error: str = ""
    output: dict[str, str] = {}
    transcript: tuple[Line, ...] = ()
    latencies: tuple[Latency, ...] = ()
    answered_in: float | None = None
    messages: dict[str, dict[str, int]] = {}
    audio: dict[str, AudioCount] = {}
    violations: tuple[Violation, ...] = ()
    notes: tuple[str, ...] = ()
    files: dict[str, str] = {}
    failure: str = ""
    events: tuple[AnyEvent, ...] = ()


def summarise(
    session: str,
    started: datetime,
    events: Iterable[AnyEvent],
    *,
    profile: str = "",
    messages: Mapping[str, Mapping[str, int]] = {},
    audio: Mapping[str, AudioCount] = {},
    files: Mapping[str, str] = {},
    failure: str = "",
) -> CallSummary:
    """Sum up a call. Without a `CallEnded` among its events it is not finished."""
    events = tuple(events)
    first = next((event for event in events if isinstance(event, CallStarted)), CallStarted(session, t=0.0))
    last = next((event for event in reversed(events) if isinstance(event, CallEnded)), None)
    delays = latencies(events)
    heard = [delay.heard for delay in delays if delay.heard is not None]
    return CallSummary(
        session=session,
        conversation=first.conversation,
        profile=first.profile or profile,
        bot=first.bot,
        language=first.language,
        media=first.media,
        participant=first.participant,
        input=first.input,
        started=started.isoformat(timespec="milliseconds"),
        seconds=last.seconds if last else max((event.t for event in events), default=0.0),
        finished=last is not None,
        outcome=last.outcome if last else None,
        reason=last.reason if last else "",
        info=last.info if last else "",
        error=last.error if last else "",
        output=last.output if last else {},
        transcript=lines(events),
        latencies=delays,
        answered_in=round(statistics.median(heard), 4) if heard else None,
        messages={side: dict(counts) for side, counts in messages.items()},
        audio=dict(audio),
        violations=tuple(event for event in events if isinstance(event, Violation)),
        notes=tuple(event.text for event in events if isinstance(event, Note)),
        files=dict(files),
        failure=failure,
        events=events,
    )


def latencies(events: Sequence[AnyEvent]) -> tuple[Latency, ...]:
    """How fast each turn was answered: by the first saying that began between it and the next turn."""
    ended = {event.id: event for event in events if isinstance(event, SayEnded)}
    made: list[Latency] = []
    turn: TurnEnded | None = None
    for event in events:
        if isinstance(event, TurnEnded) and event.channel == "external":
            turn = event
        elif isinstance(event, SayStarted) and turn is not None and (say := ended.get(event.id)) is not None:
            if say.start is not None and say.start >= turn.end:
                heard = (say.start - turn.end) / RATE
                made.append(Latency(turn.end / RATE, turn.latency, say.latency, heard))
            turn = None
    return tuple(made)
