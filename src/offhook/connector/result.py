"""How a call went, as one frozen value that can be compared, printed and written as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

from ..audio.ulaw import RATE
from ..errors import PeerError, UpgradeRejected
from ..protocol import ClientSession, Entity, Role
from .link import Link, Playback
from .tally import Tally

Outcome = Literal["running", "completed", "hangup", "error", "unauthorized", "lost", "refused"]

#: Seconds: two runs of bot audio with a shorter silence between them are one that was starved (P4.13).
_STARVED = 0.25


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """Round trips of pings in milliseconds."""

    count: int
    min: float
    p50: float
    max: float

    @staticmethod
    def of(seconds: Sequence[float]) -> RoundTrips | None:
        """None if there was none."""
        ms = [round(rtt * 1000, 3) for rtt in seconds]
        return RoundTrips(len(ms), min(ms), round(median(ms), 3), max(ms)) if ms else None


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule of the protocol that the server broke: the error code that fits, the rule, whether it ended the call."""

    code: int
    rule: str
    fatal: bool


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """How well the caller's own side kept time, and what it lost: figures of this machine and line, not of the bot.

    Attributes:
        late_ticks: Ticks of 20 ms that came more than 20 ms late.
        worst_lag_ms: By how much the latest one did.
        dropped_seconds: Caller's audio not sent because the server read too slowly.
    """

    late_ticks: int
    worst_lag_ms: float
    dropped_seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a call.

    Attributes:
        outcome: `completed` by the bot; `hangup` by us; `error`: a fault of the server, or its `disconnect` for one;
            `unauthorized`; `lost`: no server, or a socket that closed too early; `refused`: another answer than a
            session; `running`: not over yet.
        reason: Of the server's `disconnect`, or what went wrong, or `end` where we hung up.
        info: Of the server's `disconnect`.
        output: Output variables of the bot.
        session_id: UUID of the session.
        opened_ms: Milliseconds from `open` to `opened`.
        rtt_ms: Round trips of the pings.
        duration: Seconds from `open` to the end.
        sent_seconds: Audio that was sent to the server.
        received_seconds: Audio that the server sent.
        heard_seconds: How much of that the caller heard; barge-in throws some away.
        unheard_seconds: How much of it the end of the session threw away.
        messages: `sent` and `received`: how many of each type; `audio` counts binary messages.
        playbacks: Runs of bot audio, in samples of the stream's position.
        gaps: Pauses of less than 250 ms between two of these: the bot let its audio run dry.
        violations: Rules that the server broke.
        tolerated: Rules that it broke without harm.
        entities: All that the server sent as events: transcripts, for instance.
        caller: How well our own side did.
    """

    outcome: Outcome
    reason: str
    info: str
    output: dict[str, str]
    session_id: str
    opened_ms: float | None
    rtt_ms: RoundTrips | None
    duration: float
    sent_seconds: float
    received_seconds: float
    heard_seconds: float
    unheard_seconds: float
    messages: dict[str, dict[str, int]]
    playbacks: tuple[Playback, ...]
    gaps: int
    violations: tuple[Fault, ...]
    tolerated: tuple[str, ...]
    entities: tuple[Entity, ...]
    caller: Heartbeat

    @property
    def ok(self) -> bool:
        """Whether the call ended well, by either side, and the server broke no rule."""
        return self.outcome in ("completed", "hangup") and not self.violations


def summarise(session: ClientSession, link: Link | None, tally: Tally, failure: PeerError | None, now: float) -> Result:
    """Draw up the result as it stands now.

    Args:
        session: The call's.
        link: None if the call has not begun.
        tally: What was counted.
        failure: Why the session never opened.
        now: The loop's time.
    """
    ended = tally.ended or now
    gone = tally.disconnected
    width = session.media.width if session.media else 1
    seconds = {role: round(size / width / RATE, 6) for role, size in tally.audio_bytes.items()}
    playbacks = tuple(link.playbacks) if link else ()
    return Result(
        outcome=_outcome(tally, failure),
        reason=_reason(tally, failure),
        info=(gone.info if gone else None) or "",
        output=dict(gone.output) if gone else {},
        session_id=session.id,
        opened_ms=_ms(tally.started, tally.answered),
        rtt_ms=RoundTrips.of(tally.round_trips),
        duration=round(ended - tally.started, 6) if tally.started is not None else 0.0,
        sent_seconds=seconds[Role.CLIENT],
        received_seconds=seconds[Role.SERVER],
        heard_seconds=round(link.player.heard / RATE, 6) if link else 0.0,
        unheard_seconds=round(link.unheard / RATE, 6) if link else 0.0,
        messages={"sent": dict(tally.messages[Role.CLIENT]), "received": dict(tally.messages[Role.SERVER])},
        playbacks=playbacks,
        gaps=sum(not run.discarded and later.start - run.end < _STARVED * RATE for run, later in pairwise(playbacks)),
        violations=tuple(Fault(fault.code, fault.rule, fault.fatal) for fault in tally.violations),
        tolerated=tuple(tally.tolerated),
        entities=tuple(tally.entities),
        caller=Heartbeat(
            late_ticks=link.late if link else 0,
            worst_lag_ms=round(link.worst_lag * 1000, 3) if link else 0.0,
            dropped_seconds=link.dropped / RATE if link else 0.0,
        ),
    )


def _outcome(tally: Tally, failure: PeerError | None) -> Outcome:
    gone = tally.disconnected
    if isinstance(failure, UpgradeRejected):
        return "unauthorized" if failure.status in (401, 403) else "refused"
    if gone and gone.reason == "unauthorized":
        return "unauthorized"
    if gone and gone.reason != "completed":
        return "error" if tally.opened else "refused"
    if any(fault.fatal for fault in tally.violations):
        return "error"
    if tally.ended is None and (failure or not tally.hung_up):
        return "lost" if failure else "running"
    if tally.ended is not None and not tally.clean:
        return "lost"
    if gone:
        return "completed"
    return "hangup" if tally.hung_up else "error"


def _reason(tally: Tally, failure: PeerError | None) -> str:
    fatal = next((fault for fault in tally.violations if fault.fatal), None)
    if tally.disconnected:
        return tally.disconnected.reason
    if fatal:
        return fatal.rule
    if failure:
        return str(failure)
    if tally.ended is not None and not tally.clean:
        return "the socket closed before the session did"
    return "end" if tally.hung_up else ""


def _ms(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round((end - start) * 1000, 3)
